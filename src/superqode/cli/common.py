"""The options that every command and group has, before or after the subcommand: `--quiet`, `--yes`, `--colour`."""

from __future__ import annotations

from typing import Any, Final

import click

__all__ = ["chosen_by_option", "chosen_colour", "common_options", "is_quiet", "says_yes"]

# They live in click's `meta`, which every context of one run shares; the innermost wins.
_PREFIX: Final = "superqode."
_QUIET: Final = _PREFIX + "quiet"
_YES: Final = _PREFIX + "yes"


def _remember(ctx: click.Context, parameter: click.Parameter, value: bool | None) -> None:
    if value is not None:
        ctx.meta[_PREFIX + str(parameter.name)] = value


def common_options() -> list[click.Option]:
    """Make the options; each command needs its own, as click keeps state in them."""
    return [
        _flag(["-q", "--quiet/--no-quiet"], "No notes and no progress; data and errors are still printed."),
        _flag(["-y", "--yes"], "Say yes wherever it would ask; never a password."),
        _flag(["--colour/--no-colour"], "Colours, or none (default: on a terminal)."),
        _flag(["--color/--no-color", "colour"], "As --colour.", hidden=True),
    ]


def _flag(names: list[str], told: str, *, hidden: bool = False) -> click.Option:
    return click.Option(
        names, is_flag=True, default=None, expose_value=False, callback=_remember, help=told, hidden=hidden
    )


def _given(key: str) -> Any:
    ctx = click.get_current_context(silent=True)
    return None if ctx is None else ctx.meta.get(key)


def is_quiet() -> bool:
    """Whether notes and progress are left out: by the option, else as the config file says."""
    given = _given(_QUIET)
    if given is not None:
        return bool(given)
    from superqode.cli.config import load_config

    return load_config().quiet


def says_yes() -> bool:
    """Whether every question is answered with yes."""
    return bool(_given(_YES))


def chosen_colour() -> str:
    """`auto`, `always` or `never`: by the option, else as the environment or the config file says."""
    given = chosen_by_option("colour")
    if given is not None:
        return str(given)
    from superqode.cli.config import load_config

    return load_config().colour


def chosen_by_option(key: str) -> Any:
    """What an option of these says of a key of the config file; `None` where none was given."""
    given = _given(_PREFIX + key) if key in ("quiet", "colour") else None
    if key == "colour" and given is not None:
        return "always" if given else "never"
    return given
