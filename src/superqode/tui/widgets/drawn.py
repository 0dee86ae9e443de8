"""What lists and conversations share: roles become colours of the theme, lines are drawn as they come into view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from superqode.tui.lines import ROLES, Line, fit, segments

__all__ = ["Drawn"]

_PREFIX: Final = "line--"
_CURSOR: Final = "line--cursor"


class Drawn(ScrollView, can_focus=True):
    """A scrolled view whose lines are made of roles; scrolling by keys and wheel never glides, as it would lag."""

    COMPONENT_CLASSES = {_PREFIX + role for role in ROLES} | {_CURSOR}
    DEFAULT_CSS = """
    Drawn {
        background: $background; color: $foreground; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        scrollbar-color: $panel-lighten-2; scrollbar-color-hover: $primary; scrollbar-background: $background;
        & > .line--title { color: $foreground; text-style: bold; }
        & > .line--text { color: $foreground; }
        & > .line--dim { color: $foreground 55%; }
        & > .line--accent { color: $text-accent; }
        & > .line--user { color: $text-success; text-style: bold; }
        & > .line--assistant { color: $text-primary; text-style: bold; }
        & > .line--system { color: $text-secondary; text-style: bold; }
        & > .line--tool { color: $text-warning; text-style: bold; }
        & > .line--ok { color: $text-success; }
        & > .line--bad { color: $text-error; }
        & > .line--warn { color: $text-warning; }
        & > .line--tag { color: $text-secondary; }
        & > .line--add { color: $text-success; }
        & > .line--del { color: $text-error; }
        & > .line--hunk { color: $text-accent; }
        & > .line--code { color: $text-accent; }
        & > .line--mark { color: $text-warning; text-style: bold underline; }
        & > .line--cursor { background: $surface; }
        &:focus > .line--cursor { background: $primary-muted; }
    }
    """

    _styles_of_roles: dict[str, Style] | None = None

    def role_styles(self) -> dict[str, Style]:
        """The style of each role in the present theme, without background."""
        if self._styles_of_roles is None:
            self._styles_of_roles = {role: self._role_style(role) for role in ROLES}
        return self._styles_of_roles

    def _role_style(self, role: str) -> Style:
        # Whole, so that half-transparent colours are mixed with the background, and then without that background.
        whole = self.get_component_rich_style(_PREFIX + role)
        return Style(color=whole.color, bold=whole.bold, italic=whole.italic, underline=whole.underline)

    def cursor_style(self) -> Style:
        """The background of what is highlighted; another one while the keys go here."""
        return self.get_component_rich_style(_CURSOR, partial=True)

    def notify_style_update(self) -> None:
        """Forget colours: the theme changed."""
        super().notify_style_update()
        self._styles_of_roles = None
        self.restyled()
        self.refresh()

    def restyled(self) -> None:
        """Drop what was drawn in the old colours."""

    def strips(self, lines: Iterable[Line], width: int) -> list[Strip]:
        """Draw lines at a width, in columns."""
        styles = self.role_styles()
        return [Strip(segments(fit(line, width), styles), width) for line in lines]

    # -- scrolling without gliding --------------------------------------------------------------------------------

    def action_scroll_up(self) -> None:
        """A line up."""
        self.scroll_relative(y=-1, animate=False)

    def action_scroll_down(self) -> None:
        """A line down."""
        self.scroll_relative(y=1, animate=False)

    def action_page_up(self) -> None:
        """A screenful up, less one line."""
        self.scroll_relative(y=1 - self.size.height, animate=False)

    def action_page_down(self) -> None:
        """A screenful down, less one line."""
        self.scroll_relative(y=self.size.height - 1, animate=False)
