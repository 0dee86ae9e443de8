"""What somebody else shared: read, and forked into a session of one's own."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from superqode.session import Session
from superqode.session.errors import PasswordRequired
from superqode.session.exporters.reading import known_calls
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.notices import tell, told
from superqode.tui.screens.base import StoreScreen
from superqode.tui.screens.dialogs.asking import Ask, Field
from superqode.tui.widgets.conversation import Conversation
from superqode.tui.widgets.lines_view import LinesView

__all__ = ["SharedScreen", "open_link"]


class SharedScreen(StoreScreen[None]):
    """A shared session; nothing of it is saved unless it is forked.

    Args:
        session: the session.
        link: the link it came from.
        password: the password that opened it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("f", "fork", "Fork it"),
    ]
    DEFAULT_CSS = "SharedScreen .heading { background: $secondary-muted; } SharedScreen Conversation { height: 1fr; }"

    def __init__(self, session: Session, link: str, password: str | None) -> None:
        super().__init__()
        self._session = session
        self._link = link
        self._password = password

    def compose(self) -> ComposeResult:
        """Draw the conversation."""
        title = piece(self._session.title or self._session.id, "title", 200)
        yield LinesView([Line((Piece("shared  ", "tag"), title))], classes="heading")
        yield Conversation(empty="It was shared without its messages.", id="shared")
        yield Footer()

    def on_mount(self) -> None:
        """Show it from its beginning."""
        view = self.query_one("#shared", Conversation)
        view.show(
            self._session.timeline, project=self._session.project_path, known=known_calls(self._session.tool_executions)
        )
        view.focus()

    @work(exclusive=True)
    async def action_fork(self) -> None:
        """Make a session of one's own out of it, and open that."""
        with told(self):
            forked = await self.library.sharing.fork_session(self._link, password=self._password)
            tell(self.app, "It is yours now")
            self.leave()
            self.sessions_app.open_session(forked.id)


async def open_link(screen: StoreScreen[None]) -> None:
    """Ask for a link, and for the password where it needs one; then show what was shared."""
    app = screen.app
    given = await app.push_screen_wait(Ask("Open a shared session", (Field("Link"),), accept="Open", required=True))
    if given is None:
        return
    link, password = given[0], None
    with told(screen):
        tell(app, "Fetching…")
        try:
            session = await screen.library.sharing.get_session_for_share(link)
        except PasswordRequired:
            asked = (Field("Password", secret=True),)
            answer = await app.push_screen_wait(Ask("It needs a password", asked, accept="Open", required=True))
            if answer is None:
                return
            password = answer[0]
            session = await screen.library.sharing.get_session_for_share(link, password)
        screen.sessions_app.push_screen(SharedScreen(session, link, password))
