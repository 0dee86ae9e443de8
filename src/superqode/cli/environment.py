"""The variables that the command line reads, and what for; help and the reference page list them."""

from __future__ import annotations

from typing import Final

__all__ = ["VARIABLES", "help_lines"]

VARIABLES: Final = {
    "SUPERQODE_STORE": "the store to use",
    "SUPERQODE_CONFIG": "the config file to read",
    "SUPERQODE_PAGER": "the pager for long output; before PAGER",
    "PAGER": "the pager for long output; cat for none",
    "NO_COLOR": "with any value: no colours (https://no-color.org)",
    "TERM": "dumb: no colours",
    "COLUMNS": "how wide help is, where the terminal does not say",
    "SUPERQODE_SHARE_PASSWORD": "the password of a share, instead of asking",
    "SUPERQODE_DEBUG": "with any value: a traceback with every error",
    "XDG_DATA_HOME": "where bash-completion looks for a user's files, and agents keep their sessions",
    "XDG_CONFIG_HOME": "where fish looks for a user's files, and agents for their settings",
    "ZDOTDIR": "where zsh looks for a user's files",
}


def help_lines() -> str:
    """Give the table of variables for the end of help."""
    return "Environment:\n" + "".join(f"  {name:<25} {what}\n" for name, what in VARIABLES.items())
