"""Deleted sessions: brought back, or forgotten for ever."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from superqode.cli.text import count
from superqode.session.errors import SessionExists
from superqode.session.ids import new_session_id
from superqode.session.store.results import TrashItem
from superqode.tui.lines import Line, Piece
from superqode.tui.notices import tell, told
from superqode.tui.rows.sessions import trash_row
from superqode.tui.screens.base import StoreScreen
from superqode.tui.screens.dialogs.asking import Confirm
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.row_list import RowList

__all__ = ["TrashScreen"]


class TrashScreen(StoreScreen[None]):
    """The trash."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("enter,u", "undelete", "Bring back"),
        Binding("p,delete", "purge", "Forget for ever"),
    ]
    DEFAULT_CSS = "TrashScreen RowList { height: 1fr; }"

    def compose(self) -> ComposeResult:
        """Draw the list."""
        yield LinesView([Line((Piece("Trash", "title"),))], id="heading", classes="heading")
        yield RowList(trash_row, key=lambda item: item.key, height=2, empty="The trash is empty.", id="deleted")
        yield Footer()

    def on_mount(self) -> None:
        """Let the list have the keys."""
        self.rows.focus()

    @property
    def rows(self) -> RowList[TrashItem]:
        """The deleted sessions."""
        return self.query_one("#deleted", RowList)

    def store_changed(self) -> None:
        """List anew."""
        self._list()

    @work(exclusive=True, group="listing")
    async def _list(self) -> None:
        with told(self):
            found = await self.library.store.trash()
            self.rows.show(found)
            heading = Line((Piece("Trash", "title"),), (Piece(count(len(found), "session"), "dim"),))
            self.query_one("#heading", LinesView).show([heading])

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        self.action_undelete()

    @work(exclusive=True, group="dialog")
    async def action_undelete(self) -> None:
        """Bring the highlighted session back; under an id of its own where its old one was taken."""
        item = self.rows.current
        if item is None:
            return
        with told(self):
            try:
                back = await self.library.store.undelete(item.key)
            except SessionExists:
                back = await self.library.store.undelete(item.key, new_id=new_session_id())
            tell(self.app, f"{item.title or back} is back")
        self.store_changed()

    @work(exclusive=True, group="dialog")
    async def action_purge(self) -> None:
        """Ask, and forget the highlighted session for ever."""
        item = self.rows.current
        if item is None:
            return
        question = f"Forget “{item.title or item.session_id}” for ever? Nothing brings it back."
        if await self.app.push_screen_wait(Confirm("Forget for ever", question, accept="Forget", danger=True)):
            with told(self):
                await self.library.store.purge(item.key)
            self.store_changed()
