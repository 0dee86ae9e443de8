"""A list of any length: each item takes the same number of lines, and is drawn when it scrolls into view."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from superqode.tui.lines import Line, Piece
from superqode.tui.widgets.drawn import Drawn

__all__ = ["RowList"]

T = TypeVar("T")


class _About(Message):
    """Something happened in a list."""

    def __init__(self, rows: RowList[Any]) -> None:
        super().__init__()
        self.rows = rows

    @property
    def control(self) -> RowList[Any]:
        """The list."""
        return self.rows


class RowList(Drawn, Generic[T]):
    """A list with one highlighted item; arrow keys, Home, End, pages, and the mouse move it, Enter chooses.

    Args:
        draw: gives an item as `height` lines.
        key: what an item is known by when the list is shown anew.
        height: how many lines an item takes.
        empty: what is said where there are no items, one line each.
        id: the widget's id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "leap(-1)", "Page up", show=False),
        Binding("pagedown", "leap(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    class Highlighted(_About):
        """Another item is highlighted, or none is left."""

    class Chosen(_About):
        """The highlighted item was chosen, with Enter or a second click."""

    def __init__(
        self,
        draw: Callable[[T], Sequence[Line]],
        *,
        key: Callable[[T], Hashable],
        height: int = 1,
        empty: str = "",
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._key = key
        self._height = height
        self._empty = empty
        self._items: Sequence[T] = ()
        self._cursor = 0
        self._drawn: dict[int, list[Strip]] = {}

    # -- what is in it --------------------------------------------------------------------------------------------

    @property
    def items(self) -> Sequence[T]:
        """What is listed."""
        return self._items

    @property
    def cursor(self) -> int:
        """The place of the highlighted item, from 0."""
        return self._cursor

    @property
    def current(self) -> T | None:
        """The highlighted item; `None` in an empty list."""
        return self._items[self._cursor] if self._cursor < len(self._items) else None

    def show(self, items: Sequence[T], *, empty: str | None = None, key: Hashable = None) -> None:
        """List other items; the highlighted one stays so where it is still there, or the one known by `key` is."""
        before = self.current
        wanted = key if key is not None else None if before is None else self._key(before)
        self._items = items
        self._empty = self._empty if empty is None else empty
        places = (place for place, item in enumerate(items) if self._key(item) == wanted)
        found = next(places, None) if wanted is not None else None
        self._cursor = found if found is not None else min(self._cursor, max(0, len(items) - 1))
        self.restyled()
        self._measure()
        self._see_cursor()
        self.refresh()
        if before is not self.current or before is None:
            self.post_message(self.Highlighted(self))

    def _measure(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._items) * self._height)

    def on_resize(self) -> None:
        """Draw anew at the new width."""
        self.restyled()
        self._measure()
        self._see_cursor()

    def restyled(self) -> None:
        """Drop what was drawn in the old colours or width."""
        self._drawn.clear()

    # -- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw the line that stands `y` lines below the top of the view."""
        width = self.scrollable_content_region.width
        if not self._items:
            told = self._empty.split("\n")
            line = Line((Piece(f" {told[y - 1]}", "dim"),)) if 0 < y <= len(told) else Line()
            return self.strips([line], width)[0].apply_style(self.rich_style)
        place, part = divmod(y + self.scroll_offset.y, self._height)
        if place >= len(self._items):
            return Strip.blank(width, self.rich_style)
        style = self.rich_style + self.cursor_style() if place == self._cursor else self.rich_style
        return self._item(place, width)[part].apply_style(style)

    def _item(self, place: int, width: int) -> list[Strip]:
        strips = self._drawn.get(place)
        if strips is None:
            mark = Piece(" ")
            lines = [Line((mark, *line.left), (*line.right, mark)) for line in self._draw(self._items[place])]
            strips = self._drawn[place] = self.strips(lines, width)
        return strips

    # -- moving ---------------------------------------------------------------------------------------------------

    def move_to(self, place: int) -> None:
        """Highlight the item at a place, or the nearest there is."""
        place = max(0, min(place, len(self._items) - 1))
        if place == self._cursor or not self._items:
            return
        self._cursor = place
        self._see_cursor()
        self.refresh()
        self.post_message(self.Highlighted(self))

    def _see_cursor(self) -> None:
        top, height = self._cursor * self._height, self.scrollable_content_region.height
        if top < self.scroll_offset.y or height <= 0:
            self.scroll_to(y=top, animate=False)
        elif top + self._height > self.scroll_offset.y + height:
            self.scroll_to(y=top + self._height - height, animate=False)

    def action_move(self, step: int) -> None:
        """Go some items down."""
        self.move_to(self._cursor + step)

    def action_leap(self, pages: int) -> None:
        """Go some screenfuls down."""
        self.move_to(self._cursor + pages * max(1, self.size.height // self._height - 1))

    def action_first(self) -> None:
        """Go to the first item."""
        self.move_to(0)

    def action_last(self) -> None:
        """Go to the last item."""
        self.move_to(len(self._items) - 1)

    def action_choose(self) -> None:
        """Choose the highlighted item."""
        if self.current is not None:
            self.post_message(self.Chosen(self))

    def on_click(self, event: Click) -> None:
        """Highlight what is clicked; a second click chooses it."""
        place = (event.y + self.scroll_offset.y) // self._height
        if place >= len(self._items):
            return
        if place == self._cursor:
            self.action_choose()
        else:
            self.move_to(place)
