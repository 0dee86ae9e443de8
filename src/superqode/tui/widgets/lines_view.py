"""A few lines of safe pieces: headings, facts, lists that are only read."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size
from textual.strip import Strip

from superqode.tui.lines import Line
from superqode.tui.widgets.drawn import Drawn

__all__ = ["LinesView"]


class LinesView(Drawn, can_focus=False):
    """Lines, scrolled by the wheel where they are more than fit.

    Args:
        lines: the first ones.
        id: the widget's id.
        classes: its classes.
    """

    DEFAULT_CSS = "LinesView { overflow-y: auto; padding: 0 1; }"

    def __init__(self, lines: Sequence[Line] = (), *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, classes=classes)
        self._lines = lines

    @property
    def lines(self) -> Sequence[Line]:
        """What is shown."""
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show other lines, from the first on."""
        self._lines = lines
        self._measure()
        self.scroll_to(y=0, animate=False)
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))

    def on_resize(self) -> None:
        """Draw at the new width."""
        self._measure()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line that stands `y` lines below the top of the view."""
        width = self.scrollable_content_region.width
        place = y + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return self.strips([self._lines[place]], width)[0].apply_style(self.rich_style)
