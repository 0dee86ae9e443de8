"""What these commands share: links, own shares with completion, the remote, and the manager they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from superqode.cli.asking import can_ask
from superqode.cli.completing import complete_remotes, completions
from superqode.cli.options import open_store
from superqode.cli.share.asking import read_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from superqode.session import SessionStore
    from superqode.session.sharing.manager import SessionSharingManager

__all__ = ["complete_shares", "link_argument", "open_sharing", "own_argument", "own_arguments", "remote_option"]

F = TypeVar("F", bound="Callable[..., Any]")

_STDIN: Final = "-"


@contextmanager
def open_sharing(remote: str | None = None, *, create: bool = False) -> Iterator[SessionSharingManager]:
    """Open the store that was named, or the default one, for sharing.

    Args:
        remote: the remote's name, URL or path; the store's default one without.
        create: make the store where it is missing, for those who only get sessions.
    """
    from superqode.session.sharing.manager import SessionSharingManager

    with open_store(create=create) as store:
        yield SessionSharingManager(store, remote, interactive=can_ask())


def complete_shares(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Give the ids of own shares that begin with what was typed, with their sessions' titles."""
    from superqode.session.sharing.manager import SessionSharingManager

    def listed(store: SessionStore) -> list[tuple[str, str]]:
        shares = SessionSharingManager(store).list_shares()
        return [(share.id, share.title) for share in shares if share.revoked_at is None]

    return completions(ctx, incomplete, listed, titles=True)


def _read_link(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    return read_line("the link").strip() if value == _STDIN else value


def link_argument(function: F) -> F:
    """Add the argument LINK: a share's link or token, or `-` to read it from standard input."""
    return click.argument(
        "link",
        metavar="LINK",
        callback=_read_link,
        shell_complete=complete_shares,
        help="A share: its link or token (in quotes, for the #), or - for standard input.",
    )(function)


def own_argument(function: F) -> F:
    """Add the argument SHARE: one of one's own, by its link, token, id, or the beginning of its id."""
    return click.argument(
        "named",
        metavar="SHARE",
        callback=_read_link,
        shell_complete=complete_shares,
        help="One of your shares: its link, its id, the beginning of its id, or - for standard input.",
    )(function)


def own_arguments(function: F) -> F:
    """Add the argument [SHARE]…: some of one's own."""
    return click.argument(
        "named",
        metavar="[SHARE]...",
        nargs=-1,
        shell_complete=complete_shares,
        help="Some of your shares: links, ids, or beginnings of ids.",
    )(function)


def remote_option(function: F) -> F:
    """Add `--remote NAME|URL`."""
    return click.option(
        "--remote",
        "remote",
        metavar="NAME|URL",
        shell_complete=complete_remotes,
        help="A remote's name, URL or path, where neither link nor share tells it (default: `remote default`).",
    )(function)
