"""A session as it was at one of its saves: read, gone back to, or forked from there."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from superqode.cli.times import local
from superqode.session.exporters.reading import known_calls
from superqode.session.store.results import SaveRecord
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.notices import told
from superqode.tui.screens.base import StoreScreen
from superqode.tui.widgets.conversation import Conversation
from superqode.tui.widgets.lines_view import LinesView

__all__ = ["PointScreen", "Wish"]

Wish = Literal["restore", "fork"]


class PointScreen(StoreScreen[Wish | None]):
    """One save of a session; gives what is wanted with it.

    Args:
        session_id: the session.
        save: the save.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("b", "wish('restore')", "Go back to this"),
        Binding("f", "wish('fork')", "Fork here"),
    ]
    DEFAULT_CSS = "PointScreen .heading { background: $warning-muted; } PointScreen Conversation { height: 1fr; }"

    def __init__(self, session_id: str, save: SaveRecord) -> None:
        super().__init__()
        self._session_id = session_id
        self._save = save

    def compose(self) -> ComposeResult:
        """Draw the conversation as it was."""
        when = Piece(f"as of {local(self._save.saved_at)}  ", "warn")
        line = Line((when, piece(self._save.subject, "title", 200)), (Piece(self._save.commit[:8], "dim"),))
        yield LinesView([line], classes="heading")
        yield Conversation(empty="Nothing had been said.", id="then")
        yield Footer()

    def on_mount(self) -> None:
        """Read it."""
        self.query_one("#then").focus()
        self._read()

    @work(exclusive=True)
    async def _read(self) -> None:
        with told(self):
            session = await self.library.store.at(self._session_id, self._save.commit)
            view = self.query_one("#then", Conversation)
            view.show(session.timeline, project=session.project_path, known=known_calls(session.tool_executions))
            view.action_scroll_end()

    def action_wish(self, wish: Wish) -> None:
        """Leave, saying what is wanted with this save."""
        self.dismiss(wish)
