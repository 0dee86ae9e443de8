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
        found: list[SearchHit] = []
        with told(self):
            if words.strip():
                found = await self.library.store.search(words, limit=_HITS_MAX, progress=self._progress)
            more = " or more" if len(found) == _HITS_MAX else ""
            self._head(f"{count(len(found), 'hit')}{more}" if words.strip() else "")
            self.hits.show(found, empty="Nothing found." if words.strip() else _HELP)
            self.hits.move_to(0)

    def _progress(self, done: int, total: int, what: str) -> None:
        # Told in the thread that searches; the first search of a store reads all of its words.
        if done < total and done % 20 == 0:
            self.app.call_from_thread(self._head, f"{what} {done:,} of {total:,}")

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
