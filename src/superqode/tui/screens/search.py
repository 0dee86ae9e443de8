"""Words looked for in all sessions; a hit opens its session at the very place."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Footer, Input

from superqode.cli.text import count
from superqode.session.store.results import SearchHit
from superqode.tui.lines import Line, Piece
from superqode.tui.notices import told
from superqode.tui.rows.sessions import hit_row
from superqode.tui.screens.base import StoreScreen
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.row_list import RowList

__all__ = ["SearchScreen"]

# How long typing must rest before it is looked for, in seconds.
_REST: Final = 0.15
_HITS_MAX: Final = 200
# How long words that were never read are read before hits are shown again, in seconds.
_PATIENCE: Final = 0.5
_HELP: Final = 'All words must be there. "quoted words" stand side by side, begin* is a beginning.'


class SearchScreen(StoreScreen[None]):
    """Full-text search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("slash", "again", "Other words", key_display="/"),
    ]
    DEFAULT_CSS = "SearchScreen #words { margin: 0 1; background: $surface; } SearchScreen #hits { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """Draw the words and the hits."""
        yield LinesView([Line((Piece("Search", "title"),))], id="heading", classes="heading")
        yield Input(placeholder="words in titles, messages and tool calls", id="words", compact=True)
        yield RowList(hit_row, key=lambda hit: (hit.session_id, hit.position), height=2, empty=_HELP, id="hits")
        yield Footer()

    def on_mount(self) -> None:
        """Let people type."""
        self.query_one("#words").focus()

    @property
    def hits(self) -> RowList[SearchHit]:
        """The hits."""
        return self.query_one("#hits", RowList)

    @on(Input.Changed)
    def _typed(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_REST, self._search)

    @work(exclusive=True)
    async def _search(self) -> None:
        words = self.query_one("#words", Input).value
        self.hits.move_to(0)
        with told(self):
            if not words.strip():
                self._head("")
                self.hits.show([], empty=_HELP)
                return
            store, unread = self.library.store, 1
            while unread:  # the first search of a store reads all of its words: what it has by then is shown meanwhile
                found = await store.search(words, limit=_HITS_MAX, patience=_PATIENCE)
                unread = await store.unread()
                self._show(found, unread)

    def _show(self, found: list[SearchHit], unread: int) -> None:
        more = " or more" if len(found) == _HITS_MAX else ""
        rest = f", {count(unread, 'session')} still to be read" if unread else ""
        self._head(f"{count(len(found), 'hit')}{more}{rest}")
        self.hits.show(found, empty="Reading…" if unread else "Nothing found.")

    def _head(self, shown: str) -> None:
        self.query_one("#heading", LinesView).show([Line((Piece("Search", "title"),), (Piece(shown, "dim"),))])

    @on(Input.Submitted)
    def _typed_to_the_end(self) -> None:
        self.hits.focus()

    def key_down(self) -> None:
        """From the words into the hits."""
        if self.query_one("#words").has_focus:
            self.hits.focus()

    def action_again(self) -> None:
        """Type other words."""
        self.query_one("#words").focus()

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        if self.hits.current is not None:
            self.sessions_app.open_session(self.hits.current.session_id, position=self.hits.current.position)
