"""What this store shares: links copied, brought up to date, sent again, revoked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from superqode.cli.share.telling import share_lines
from superqode.cli.text import count
from superqode.session.sharing.models import SharedSession
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.notices import tell, told
from superqode.tui.rows.shares import share_row
from superqode.tui.screens.base import StoreScreen
from superqode.tui.screens.dialogs.asking import Confirm
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.row_list import RowList

__all__ = ["SharesScreen"]


class SharesScreen(StoreScreen[None]):
    """The store's shares."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("enter,c", "copy", "Copy link"),
        Binding("u", "update", "Update"),
        Binding("p", "push", "Send"),
        Binding("r,delete", "revoke", "Revoke"),
    ]
    DEFAULT_CSS = """
    SharesScreen #shares { height: 1fr; }
    SharesScreen #facts { height: 11; border-top: solid $panel; padding: 0 1; }
    """

    def compose(self) -> ComposeResult:
        """Draw the list, and the highlighted one's terms."""
        yield LinesView([Line((Piece("Shares", "title"),))], id="heading", classes="heading")
        empty = "Nothing is shared.\n\ns in a session or in the list shares it."
        yield RowList(share_row, key=lambda share: share.id, height=2, empty=empty, id="shares")
        yield LinesView(id="facts")
        yield Footer()

    def on_mount(self) -> None:
        """Let the list have the keys."""
        self.rows.focus()

    @property
    def rows(self) -> RowList[SharedSession]:
        """The shares."""
        return self.query_one("#shares", RowList)

    def store_changed(self) -> None:
        """List anew."""
        self._list()

    @work(exclusive=True, group="listing")
    async def _list(self) -> None:
        with told(self):
            found = await self.library.sharing.list_shares()
            self.rows.show(found)
            heading = Line((Piece("Shares", "title"),), (Piece(count(len(found), "share"), "dim"),))
            self.query_one("#heading", LinesView).show([heading])
            self._highlighted()

    @on(RowList.Highlighted)
    def _highlighted(self) -> None:
        share = self.rows.current
        lines = [Line((piece(line),)) for line in share_lines(share)] if share is not None else []
        self.query_one("#facts", LinesView).show(lines)

    @on(RowList.Chosen)
    def action_copy(self) -> None:
        """Copy the highlighted share's link."""
        if self.rows.current is not None:
            self.app.copy_to_clipboard(self.rows.current.share_url)
            tell(self.app, "The link is copied")

    def action_update(self) -> None:
        """Bring the highlighted share up to its session as it is now."""
        self._do(lambda share: self.library.sharing.update_share(share.id), "It is up to date")

    def action_push(self) -> None:
        """Send the highlighted share, where it waits."""
        self._do(lambda share: self.library.sharing.push_shares([share.id]), "It is sent")

    @work(exclusive=True, group="dialog")
    async def action_revoke(self) -> None:
        """Ask, and take the highlighted share back."""
        share = self.rows.current
        if share is None:
            return
        question = (
            f"Revoke the share of “{share.title or share.session_id}”?\nWho fetched it before keeps what they have."
        )
        if await self.app.push_screen_wait(Confirm("Revoke", question, accept="Revoke", danger=True)):
            self._do(lambda share: self.library.sharing.revoke_share(share.id), "It is revoked")

    @work(exclusive=True, group="sending")
    async def _do(self, call: Callable[[SharedSession], Awaitable[object]], done: str) -> None:
        if self.rows.current is not None:
            with told(self):
                await call(self.rows.current)
                tell(self.app, done)
            self.store_changed()
