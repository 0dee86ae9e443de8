"""Text as it stands, wrapped to a width by Rich; nothing in it is markup."""

from __future__ import annotations

import io

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from rich.theme import Theme

from superqode.session.exporters.visible import visible

__all__ = ["quiet_console", "wrap"]


def wrap(told: str, width: int, style: Style | None = None) -> list[list[Segment]]:
    """Wrap text as it stands, tabs as blanks; nothing in it is markup."""
    text = Text(visible(told), style or "", tab_size=4, no_wrap=False, overflow="fold")
    console = quiet_console(width)
    return console.render_lines(text, console.options, pad=False)


def quiet_console(width: int, theme: Theme | None = None) -> Console:
    """Give a console that writes nowhere, reads no environment, and interprets nothing in what it draws."""
    return Console(
        width=max(1, width), height=1, file=io.StringIO(), theme=theme, force_terminal=True, color_system="truecolor",
        legacy_windows=False, highlight=False, markup=False, emoji=False, _environ={},
    )  # fmt: skip
