"""The saves and snapshots of a session on a timeline, and what each added."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer

from superqode.cli.text import count
from superqode.session.store.results import SaveRecord
from superqode.tui.library import Library
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.notices import told
from superqode.tui.rows.history import change_line, save_row
from superqode.tui.screens.point import PointScreen, Wish
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.row_list import RowList

__all__ = ["HistoryPane"]

# How many saves are read at first, and again whenever the end of the list comes near.
_PAGE: Final = 200
_REST: Final = 0.12
_CHANGES_MAX: Final = 300


class HistoryPane(Horizontal):
    """The timeline of a session, and beside it what the highlighted save changed.

    Args:
        library: the store.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "view", "View"),
        Binding("b", "restore", "Go back to it"),
        Binding("f", "fork_here", "Fork here"),
    ]
    DEFAULT_CSS = """
    HistoryPane { height: 1fr; layout: vertical; }
    HistoryPane #saves { width: 1fr; height: 2fr; }
    HistoryPane #changes { width: 1fr; height: 1fr; border-top: solid $panel; }
    """

    class Wished(Message):
        """Something is wished for at one save."""

        def __init__(self, wish: Wish, save: SaveRecord) -> None:
            super().__init__()
            self.wish = wish
            self.save = save

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self._session_id = ""
        self._wanted = _PAGE
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """Draw timeline and changes."""
        yield RowList(save_row, key=lambda save: save.commit, height=2, empty="Nothing is saved yet.", id="saves")
        yield LinesView(id="changes")

    @property
    def rows(self) -> RowList[SaveRecord]:
        """The saves, newest first."""
        return self.query_one("#saves", RowList)

    @work(exclusive=True, group="history")
    async def show(self, session_id: str) -> None:
        """Read the saves of a session; again where it is the one that is shown."""
        self._session_id = session_id
        with told(self):
            self.rows.show(await self._library.store.history(session_id, limit=self._wanted))

    @on(RowList.Highlighted)
    def _highlighted(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_REST, self._tell_changes)
        if self.rows.cursor > len(self.rows.items) - 20 and len(self.rows.items) == self._wanted:
            self._wanted += _PAGE
            self.show(self._session_id)

    @work(exclusive=True, group="changes")
    async def _tell_changes(self) -> None:
        save = self.rows.current
        if save is None:
            self.query_one("#changes", LinesView).show([])
            return
        with told(self):
            self.query_one("#changes", LinesView).show(await self._changes(save))

    async def _changes(self, save: SaveRecord) -> list[Line]:
        head = [Line((piece(save.subject, "title"),)), Line((piece(f"by {save.author}", "dim"),)), Line()]
        if not save.parents:
            return [*head, Line((Piece(f"the first save: {count(save.messages, 'message')}", "dim"),))]
        store = self._library.store
        diff = await store.diff(self._session_id, a_rev=save.parents[0], b_rev=save.commit)
        lines = [change_line(change) for change in diff.changes[:_CHANGES_MAX]]
        more = len(diff.changes) - len(lines)
        rest = [Line((Piece(f"… and {more:,} more", "dim"),))] if more else []
        return [*head, *(lines or [Line((Piece("nothing differs", "dim"),))]), *rest]

    @on(RowList.Chosen)
    @work(exclusive=True, group="dialog")
    async def action_view(self) -> None:
        """Look at the session as it was at the highlighted save, and do what is wished there."""
        save = self.rows.current
        if save is not None:
            self._wish(await self.app.push_screen_wait(PointScreen(self._session_id, save)), save)

    def _wish(self, wish: Wish | None, save: SaveRecord) -> None:
        if wish is not None:
            self.post_message(self.Wished(wish, save))

    def action_restore(self) -> None:
        """Go back to the highlighted save."""
        if self.rows.current is not None:
            self._wish("restore", self.rows.current)

    def action_fork_here(self) -> None:
        """Fork at the highlighted save."""
        if self.rows.current is not None:
            self._wish("fork", self.rows.current)
