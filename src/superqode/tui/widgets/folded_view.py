"""Lines to be read to their end: whatever is too long for one goes on in the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.geometry import Size
from textual.message import Message

from superqode.tui.lines import Line, fold
from superqode.tui.widgets.lines_view import LinesView

__all__ = ["FoldedView"]

# The scroll bar's column; it is left free where there is none, so that lines break at the same places.
_BAR: Final = 1


class FoldedView(LinesView, can_focus=True):
    """Lines without a right end, none of them cut; scrolled by keys and wheel where they are more than fit.

    Args:
        told: the lines.
        id: the widget's id.
    """

    class Read(Message):
        """The last line came into view."""

    def __init__(self, told: Sequence[Line], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._told = told
        self._folded_at = 0
        self._is_read = False

    @property
    def is_read(self) -> bool:
        """Whether the last line was in view."""
        return self._is_read

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        """As many lines as they are at a width."""
        self._fold(width)
        return len(self._lines)

    def _fold(self, width: int) -> None:
        if width != self._folded_at:
            self._folded_at = width
            self._lines = [row for line in self._told for row in fold(line.left, max(1, width - _BAR))]

    def _measure(self) -> None:
        self._fold(self.content_region.width)
        super()._measure()
        self._look()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """See whether that is the end."""
        super().watch_scroll_y(old_value, new_value)
        self._look()

    def action_scroll_home(self) -> None:
        """Go to the first line."""
        self.scroll_to(y=0, animate=False)

    def action_scroll_end(self) -> None:
        """Go to the last line."""
        self.scroll_to(y=self.max_scroll_y, animate=False)

    def _look(self) -> None:
        height = self.scrollable_content_region.height
        if not self._is_read and height > 0 and self.scroll_offset.y + height >= len(self._lines):
            self._is_read = True
            self.post_message(self.Read())
