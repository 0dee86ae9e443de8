"""What lists and conversations share: roles become colours of the theme, lines are drawn as they come into view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.style import Style
from textual.color import Color
from textual.scroll_view import ScrollView
from textual.strip import Strip

from superqode.tui.lines import ROLES, Line, fit, segments

__all__ = ["Drawn"]

# For each role the theme's variable, how much of it is mixed into the background, and how it looks besides. Component
# classes could say that too, but Textual styles each of them for each widget before the first picture.
_LOOKS: Final[Mapping[str, tuple[str, float, str]]] = {
    "title": ("foreground", 1, "bold"),
    "text": ("foreground", 1, ""),
    "dim": ("foreground", 0.55, ""),
    "accent": ("text-accent", 1, ""),
    "user": ("text-success", 1, "bold"),
    "assistant": ("text-primary", 1, "bold"),
    "system": ("text-secondary", 1, "bold"),
    "tool": ("text-warning", 1, "bold"),
    "ok": ("text-success", 1, ""),
    "bad": ("text-error", 1, ""),
    "warn": ("text-warning", 1, ""),
    "tag": ("text-secondary", 1, ""),
    "add": ("text-success", 1, ""),
    "del": ("text-error", 1, ""),
    "hunk": ("text-accent", 1, ""),
    "code": ("text-accent", 1, ""),
    "mark": ("text-warning", 1, "bold underline"),
}
_CURSOR: Final = "line--cursor"


class Drawn(ScrollView, can_focus=True):
    """A scrolled view whose lines are made of roles; scrolling by keys and wheel never glides, as it would lag."""

    COMPONENT_CLASSES = {_CURSOR}  # noqa: RUF012 - Textual's own way
    DEFAULT_CSS = """
    Drawn {
        background: $background; color: $foreground; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        scrollbar-color: $panel-lighten-2; scrollbar-color-hover: $primary; scrollbar-background: $background;
        & > .line--cursor { background: $surface; }
        &:focus > .line--cursor { background: $primary-muted; }
    }
    """

    _styles_of_roles: dict[str, Style] | None = None

    def role_styles(self) -> dict[str, Style]:
        """The style of each role in the present theme, without background."""
        if self._styles_of_roles is None:
            self._styles_of_roles = {role: self._role_style(*_LOOKS[role]) for role in ROLES}
        return self._styles_of_roles

    def _role_style(self, name: str, part: float, look: str) -> Style:
        _, ground = self.background_colors
        colour = ground.blend(Color.parse(self.app.theme_variables[name]), part)
        return Style.parse(look) + Style(color=colour.rich_color)

    def cursor_style(self) -> Style:
        """The background of what is highlighted; another one while the keys go here."""
        return self.get_component_rich_style(_CURSOR, partial=True)

    def notify_style_update(self) -> None:
        """Forget what was drawn where colours are others, as in another theme; focus and the mouse come here, too."""
        super().notify_style_update()
        before, self._styles_of_roles = self._styles_of_roles, None
        if before is not None and self.role_styles() != before:
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
