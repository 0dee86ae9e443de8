"""What commands share: `--store`, `--json`, ids with completion, and the store they open."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from superqode.cli.completing import complete_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from superqode.session import SessionStore

__all__ = [
    "JSON_FLAG",
    "complete_ids",
    "json_option",
    "named_store",
    "open_store",
    "resolve",
    "session_argument",
    "sessions_argument",
    "store_option",
    "store_path",
    "wants_json",
]

F = TypeVar("F", bound="Callable[..., Any]")

JSON_FLAG: Final = "--json"
# Both live in click's `meta`, which every context of one run shares.
_STORE: Final = "superqode.store"
_JSON: Final = "superqode.json"
_ID: Final = "A session: its id, the beginning of its id, its whole title, or @latest."


def _remember_store(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[_STORE] = value


def _remember_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_JSON] = True


def store_option(function: F) -> F:
    """Add `--store PATH`; it may stand at every level, and the innermost wins, also over the environment."""
    return click.option(
        "--store",
        "store",
        metavar="PATH",
        type=click.Path(),
        expose_value=False,
        callback=_remember_store,
        help="The store to use (default: as configured, else ~/.superqode/sessions).",
    )(function)


class _JsonOption(click.Option):
    """`--json`, which knows the type of the document; see `schemas`."""

    def __init__(self, *args: Any, document: str, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.document = document


def json_option(shape: str, document: str = "") -> Callable[[F], F]:
    """Add `--json`.

    Args:
        shape: what the document is, for people.
        document: its type, as `schemas` reads it: `superqode.session.store.results:SessionSummary[]`, say, or `Node[]`.
    """
    return click.option(
        JSON_FLAG,
        "as_json",
        cls=_JsonOption,
        document=document,
        is_flag=True,
        expose_value=False,
        callback=_remember_json,
        help=f"Print one JSON document: {shape}.",
    )


def wants_json() -> bool:
    """Whether `--json` was given."""
    return bool(click.get_current_context().meta.get(_JSON))


def named_store(ctx: click.Context | None = None) -> Path | None:
    """The store named on the command line, if one was."""
    return _path((ctx or click.get_current_context()).meta.get(_STORE))


def store_path(ctx: click.Context | None = None) -> Path | None:
    """The store named on the command line, in the environment or in the config file, or `None` for the default one."""
    from superqode.cli.config import load_config

    return named_store(ctx) or load_config().store


def _path(text: str | None) -> Path | None:
    from superqode.cli.params import expanded

    return expanded(text) if text else None


@contextmanager
def open_store(*, create: bool = False, notice: bool = True) -> Iterator[SessionStore]:
    """Open the store that was named, or the default one.

    Args:
        create: make the store where it is missing.
        notice: say in one line where sessions of the old store wait to be imported.
    """
    from superqode.session import SessionStore

    with SessionStore(store_path(), create=create) as store:
        told = store.old_store_notice() if notice and not wants_json() else ""
        if told:
            from superqode.cli.output import note

            note(told)
        yield store


def resolve(store: SessionStore, text: str) -> str:
    """The id of the session that was named; with a bar where many sessions have to be read for that.

    Raises:
        SessionNotFound, AmbiguousId: it names none, or several.
    """
    from superqode.cli.progress import progress

    with progress("Reading") as drawn:
        return store.resolve(text, progress=drawn)


def session_argument(function: F) -> F:
    """Add the argument ID: a session's id, the beginning of one, or `@latest`."""
    return click.argument("session_id", metavar="ID", shell_complete=complete_ids, help=_ID)(function)


def sessions_argument(*, required: bool) -> Callable[[F], F]:
    """Add the argument ID…: several sessions."""
    return click.argument(
        "session_ids",
        metavar="ID..." if required else "[ID]...",
        nargs=-1,
        required=required,
        shell_complete=complete_ids,
        help=f"{_ID} Several may be named.",
    )
