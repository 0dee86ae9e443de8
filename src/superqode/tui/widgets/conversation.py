"""A conversation of any length: entries get their lines when they come near the view, and keep them while it is near.

Before that their height is estimated, afterwards known. What stands at the top of the view stays there when heights
above it turn out otherwise; a view at the end stays at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from superqode.session.models import Entry
from superqode.tui.entries import Look, copied_text, estimate, foldable, is_told_otherwise
from superqode.tui.widgets.drawings import Drawings
from superqode.tui.widgets.drawn import Drawn
from superqode.tui.widgets.heights import Heights
from superqode.tui.widgets.places import Places

__all__ = ["Conversation"]

_MARGIN: Final = 2  # columns left of the text: the mark of the current entry, and a blank
_KEPT: Final = 5  # screenfuls above and below the view whose lines are kept
_NARROWEST: Final = 10  # columns that text is drawn in at least
_CODE_THEMES: Final = {True: "ansi_dark", False: "ansi_light"}


class _OfView(Message):
    """Something that happened in a conversation."""

    def __init__(self, view: Conversation) -> None:
        super().__init__()
        self.view = view

    @property
    def control(self) -> Conversation:
        """The conversation."""
        return self.view


class Conversation(Drawn):
    """Entries under each other; one of them is current.

    Arrow keys scroll, `j` and `k` go from entry to entry, Enter and a click fold a call or open it.

    Args:
        empty: what is said where there are no entries.
        all_open: whether calls are open at first.
        id: the widget's id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,right_square_bracket", "step(1)", "Next entry", show=False),
        Binding("k,left_square_bracket", "step(-1)", "Previous entry", show=False),
        Binding("enter,space", "fold", "Fold", show=False),
        Binding("t", "fold_all", "Fold"),
        Binding("y", "copy", "Copy", show=False),
        Binding("g", "scroll_home", "Begin", show=False),
        Binding("G", "scroll_end", "End", show=False),
    ]

    class Moved(_OfView):
        """Another entry is current."""

    class TopReached(_OfView):
        """The view came to its first entry. When others come in front it stays there, or goes on to the beginning."""

    def __init__(self, *, empty: str = "", all_open: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._empty = empty
        self._entries: list[Entry] = []
        self._tail = 0
        self._heights = Heights()
        self._drawn = Drawings()
        self._opened: set[str] = set()
        self._all_open = all_open
        self._current = -1
        self._project = ""
        self._known: frozenset[str] = frozenset()
        self._look: Look | None = None
        self._width = 0  # columns of text at the last layout
        self._swept = 0  # the line the view was at when lines were let go
        self._at_begin = False
        self._at_end = False
        self._settling = False

    # -- what is in it --------------------------------------------------------------------------------------------

    @property
    def entries(self) -> Sequence[Entry]:
        """What is shown, in order."""
        return self._entries

    @property
    def current(self) -> int:
        """The place of the current entry, from 0; -1 where none is."""
        return self._current

    @property
    def drawn_count(self) -> int:
        """How many entries have lines: those that are near the view, or were a moment ago."""
        return len(self._drawn)

    def show(self, entries: Sequence[Entry], *, project: str = "", known: frozenset[str] = frozenset()) -> None:
        """Show other entries; those that are the same as before keep their lines, view and current one their entry.

        Args:
            entries: what to show.
            project: the session's project; paths inside it are told from there.
            known: ids of the calls whose execution stands in the session.
        """
        self._tail = 0
        if project != self._project:
            self._drawn.clear()
        elif known != self._known:
            self._drawn.drop(entry for entry in self._entries if is_told_otherwise(entry, self._known, known))
        self._project, self._known = project, known
        self._take(list(entries))

    def show_tail(self, entries: Sequence[Entry]) -> None:
        """Show entries that are still on their way at the end, in place of those of the last call."""
        kept = self._entries[: len(self._entries) - self._tail]
        self._tail = len(entries)
        self._take([*kept, *entries])

    def _take(self, entries: list[Entry]) -> None:
        top, line = self._heights.find(self.scroll_offset.y)
        before, now = self._entries, Places(self._entries, entries)
        self._drawn.drop(before[place] for place in now.gone)
        heights = self._guesses(entries[now.same :])
        for new, old in now.kept.items():
            heights[new - now.same] = self._heights[old]
        self._entries = entries
        self._heights.replace(now.same, heights)
        current = now.after(self._current) if self._current >= 0 else None
        self._current = -1 if current is None else current
        place = now.after(top) if before and not self._at_begin else None
        self._settle_at(*((0, 0) if place is None else (place, line)))
        self.refresh()

    def _guesses(self, entries: Sequence[Entry]) -> list[int]:
        if not self._width:  # nothing to lay out in yet: the first resize does
            return [1] * len(entries)
        return [estimate(entry, self._width, opened=self._is_open(entry)) for entry in entries]

    def _is_open(self, entry: Entry) -> bool:
        return foldable(entry) and (self._all_open != (entry.id in self._opened))

    # -- laying out -----------------------------------------------------------------------------------------------

    @property
    def _has_room(self) -> bool:
        """Whether there is anywhere to show something: not before the first layout, nor in a tab that is not open."""
        return self.scrollable_content_region.height > 0

    def on_resize(self) -> None:
        """Lay out at the new width, where it is another."""
        width = max(_NARROWEST, self.scrollable_content_region.width - _MARGIN)
        if self._has_room and self._width != width:
            self._width = width
            self._anew()
        else:
            self._settle()

    def restyled(self) -> None:
        """Drop what was drawn in the old colours or width."""
        self._drawn.clear()
        self._look = None

    def _anew(self) -> None:
        place, line = self._heights.find(self.scroll_offset.y)
        # What begins in view keeps its line there; something that fills the view, about its part.
        below = self._heights[place] - line if line else 0
        follows = bool(line) and place + 1 < len(self._entries) and below < self.size.height
        self.restyled()
        self._heights = Heights(self._guesses(self._entries))
        if not self._at_end and self._entries:
            begins = self._heights.top(place + 1) - below if follows else self._heights.top(place)
            self._scroll_now(begins if follows else begins + min(line, self._heights[place]))
        self._settle()
        self.refresh()

    def _how(self) -> Look:
        if self._look is None or self._look.known is not self._known or self._look.project != self._project:
            code = _CODE_THEMES[self.app.current_theme.dark]
            width = max(_NARROWEST, self._width)
            self._look = Look(width, self.role_styles(), code, self._project, self._known)
        return self._look

    def _lines(self, place: int) -> list[Strip]:
        entry = self._entries[place]
        return self._drawn.lines(entry, self._how(), opened=self._is_open(entry))

    def _lay_out(self, place: int) -> None:
        """Draw an entry, and know its height."""
        self._heights.set(place, len(self._lines(place)))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw what comes into view before the view is."""
        super().watch_scroll_y(old_value, new_value)
        if not self._settling:
            self._at_begin, self._at_end = False, new_value >= self.max_scroll_y
            self._settle()
            if old_value > 0:
                self._tell_of_top()

    def _tell_of_top(self) -> None:
        if self.scroll_offset.y <= 0:
            self.post_message(self.TopReached(self))

    def action_scroll_up(self) -> None:
        """A line up; at the top that asks for what stands before it, once more where reading that failed."""
        self._tell_of_top()
        super().action_scroll_up()

    def action_page_up(self) -> None:
        """A screenful up, as `action_scroll_up`."""
        self._tell_of_top()
        super().action_page_up()

    def on_mouse_scroll_up(self) -> None:
        """The wheel goes up, as `action_scroll_up`."""
        self._tell_of_top()

    def _settle(self) -> None:
        """Draw what is in view and a screenful around it, with the top of the view staying where it is."""
        place, line = self._heights.find(self.scroll_offset.y)
        if line and self._has_room and self._entries[place] not in self._drawn:
            # One that comes in from above is seen by its end.
            from_end = self._heights[place] - line
            self._lay_out(place)
            line = max(0, self._heights[place] - from_end)
        self._settle_at(place, line)

    def _settle_at(self, place: int, line: int) -> None:
        """Draw what is in view and a screenful around it, with a line of an entry at the top; the end stays the end."""
        height = self.scrollable_content_region.height
        if not self._entries or not self._has_room:
            self._scroll_now(self._heights.top(place) + line)
        elif self._at_end:
            self._lay_out_back(len(self._entries) - 1, 2 * height)
            self._scroll_now(self._heights.total - height)
        else:
            self._lay_out(place)
            line = min(line, self._heights[place])
            below, after = self._heights[place] - line, place
            while below < 2 * height and after + 1 < len(self._entries):
                after += 1
                self._lay_out(after)
                below += self._heights[after]
            self._lay_out_back(place - 1, height)
            self._scroll_now(self._heights.top(place) + line)
        self._sweep()

    def _sweep(self) -> None:
        """Let go of the lines that are far from the view, where it went a screenful since the last time."""
        height, here = self.scrollable_content_region.height, self.scroll_offset.y
        if self._has_room and abs(here - self._swept) > height:
            first, _ = self._heights.find(max(0, here - _KEPT * height))
            last, _ = self._heights.find(here + (1 + _KEPT) * height)
            self._drawn.keep(self._entries[first : last + 1])
            self._swept = here

    def _lay_out_back(self, place: int, lines: int) -> None:
        while lines > 0 and place >= 0:
            self._lay_out(place)
            lines -= self._heights[place]
            place -= 1

    def _scroll_now(self, line: int) -> None:
        """Be at a line, with everything as tall as it is known to be."""
        self._settling = True
        try:
            self.virtual_size = Size(self.scrollable_content_region.width, self._heights.total)
            if round(self.scroll_y) != line:
                self.scroll_to(y=line, animate=False, force=True)
        finally:
            self._settling = False

    # -- drawing --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw the line that stands `y` lines below the top of the view."""
        width = self.scrollable_content_region.width
        if not self._entries and y == 1:
            return (
                Strip([Segment(f"  {self._empty}", self.role_styles()["dim"])])
                .adjust_cell_length(width)
                .apply_style(self.rich_style)
            )
        line = y + self.scroll_offset.y
        if line >= self._heights.total:
            return Strip.blank(width, self.rich_style)
        place, part = self._heights.find(line)
        lines = self._lines(place)
        strip = lines[part] if part < len(lines) else Strip.blank(0)
        current = place == self._current and not (part == 0 and not foldable(self._entries[place]))
        margin = Strip([Segment("▌ " if current else "  ", self.role_styles()["accent"])], _MARGIN)
        return Strip.join([margin, strip]).adjust_cell_length(width).apply_style(self.rich_style)

    # -- moving ---------------------------------------------------------------------------------------------------

    def jump_to(self, place: int) -> None:
        """Make the entry at a place current, and bring it to the top of the view; opened, where it folds."""
        if not 0 <= place < len(self._entries):
            return
        entry = self._entries[place]
        if foldable(entry) and not self._is_open(entry):
            self._turn(place)
        self._current = place
        self._at_begin = self._at_end = False
        self._lay_out(place)
        self._scroll_now(max(0, self._heights.top(place) - 1))
        self._settle()
        self.refresh()
        self.post_message(self.Moved(self))

    def action_step(self, step: int) -> None:
        """Go some entries down; from the top of the view where the current one is out of it."""
        first, _ = self._heights.find(self.scroll_offset.y)
        last, _ = self._heights.find(self.scroll_offset.y + self.scrollable_content_region.height - 1)
        seen = first <= self._current <= last
        place = self._current + step if seen else first if step > 0 else last
        if not self._entries:
            return
        self._current = max(0, min(place, len(self._entries) - 1))
        self._see(self._current)
        self.refresh()
        self.post_message(self.Moved(self))

    def _see(self, place: int) -> None:
        self._lay_out(place)
        height = self.scrollable_content_region.height
        top = self._heights.top(place)
        bottom = top + self._heights[place]
        if top < self.scroll_offset.y or self._heights[place] > height:
            self.scroll_to(y=top, animate=False)
        elif bottom > self.scroll_offset.y + height:
            self.scroll_to(y=bottom - height, animate=False)

    def action_scroll_home(self) -> None:
        """Go to the beginning, and stay there when entries come in front."""
        self._at_begin, self._at_end = True, False
        self._scroll_now(0)
        self._settle()
        self.refresh()
        self.post_message(self.TopReached(self))

    def action_scroll_end(self) -> None:
        """Go to the end, and stay there when entries come."""
        self._at_begin, self._at_end = False, True
        self._settle()
        self.refresh()

    # -- folding and copying --------------------------------------------------------------------------------------

    def _turn(self, place: int) -> None:
        entry = self._entries[place]
        self._opened ^= {entry.id}
        self._drawn.drop([entry])
        self._lay_out(place)

    def action_fold(self) -> None:
        """Fold or open the current entry."""
        if 0 <= self._current < len(self._entries) and foldable(self._entries[self._current]):
            self._at_end = False
            self._turn(self._current)
            self._settle()
            self.refresh()

    def action_fold_all(self) -> None:
        """Open every call, or fold every one."""
        self._all_open = not self._all_open
        self._opened.clear()
        self._anew()

    def action_copy(self) -> None:
        """Copy the current entry, or the last one."""
        if self._entries:
            self.app.copy_to_clipboard(copied_text(self._entries[self._current]))
            self.app.notify("Copied", timeout=2, markup=False)

    def on_click(self, event: Click) -> None:
        """Make what is clicked current; the head of a call folds or opens it."""
        line = event.y + self.scroll_offset.y
        if not self._entries or line >= self._heights.total:
            return
        place, part = self._heights.find(line)
        self._current = place
        if part == 0 and foldable(self._entries[place]):
            self.action_fold()
        self.refresh()
        self.post_message(self.Moved(self))
