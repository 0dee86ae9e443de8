"""All sessions: narrowed by typing, by project, tag and agent, each with a preview of how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Footer, Input

from superqode.cli.text import count
from superqode.cli.times import ago, local
from superqode.session.errors import SessionError
from superqode.tui.filtering import Facet, facets, narrow, read_filter, with_facet
from superqode.tui.lines import Line, Piece, piece, title_piece
from superqode.tui.listing import Listing
from superqode.tui.notices import told
from superqode.tui.rows.sessions import facet_row, summary_row
from superqode.tui.screens.base import StoreScreen
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from superqode.session.store.results import SessionSummary
    from superqode.tui.widgets.conversation import Conversation

__all__ = ["SessionsScreen"]

# How long the highlight must rest before a preview is read, in seconds, and how much of the end it shows, in entries.
_REST: Final = 0.12
_PREVIEW: Final = 30
# How many sessions are listed before all of them are.
_AT_FIRST: Final = 200
_READING: Final = "Reading…"
_FAILED: Final = "The sessions could not be read.\n\n`superqode doctor` says what is wrong."
_FIRST: Final = (
    "No sessions yet.\n\n"
    "n begins one here.\n"
    "`superqode sessions import ~` brings in those of\n"
    "Claude Code, Codex, Gemini CLI and others."
)


class SessionsScreen(StoreScreen[None]):
    """The list of sessions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("f", "facets", "By…"),
        Binding("n", "new", "New"),
        Binding("e", "edit", "Edit", show=False),
        Binding("s", "share", "Share"),
        Binding("d,delete", "delete", "Delete"),
        Binding("escape", "leave_filter", "List", show=False),
        Binding("ctrl+f", "app.search", "Search"),
        Binding("q", "app.quit", "Quit", show=False),
    ]
    DEFAULT_CSS = """
    SessionsScreen #filter { margin: 0 1; width: 1fr; background: $surface; }
    SessionsScreen #both { layout: vertical; height: 1fr; }
    SessionsScreen #list { width: 1fr; height: 1fr; }
    SessionsScreen #preview { width: 1fr; height: 9; border-top: solid $panel; }
    SessionsScreen #facts { display: none; height: 9; padding: 0 1; }
    SessionsScreen.-wide #both { layout: horizontal; }
    SessionsScreen.-wide #preview { height: 1fr; border-top: none; border-left: solid $panel; }
    SessionsScreen.-wide #facts { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._listing = Listing()
        self._is_whole = False
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """Draw filter, list and preview."""
        yield LinesView([Line((Piece("SuperQode sessions", "title"),))], id="heading", classes="heading")
        yield Input(placeholder="filter: words  project:…  tag:…  agent:…", id="filter", compact=True)
        with Horizontal(id="both"):
            yield RowList(summary_row, key=lambda item: item.id, height=2, empty=_READING, id="list")
            with Vertical(id="preview"):
                yield LinesView(id="facts")
        yield Footer()

    def on_mount(self) -> None:
        """Let the list have the keys."""
        self.rows.focus()

    async def on_unmount(self) -> None:
        """The app ends: let what was begun be saved."""
        await self.library.settled()

    @property
    def rows(self) -> RowList[SessionSummary]:
        """The list."""
        return self.query_one("#list", RowList)

    # -- listing and narrowing ------------------------------------------------------------------------------------

    def store_changed(self) -> None:
        """List anew."""
        self._list()

    @work(exclusive=True, group="listing")
    async def _list(self) -> None:
        if not self.sessions_app.is_ready:
            return
        with told(self):
            try:
                await self._read()
            except (SessionError, OSError):
                if not self._listing.summaries:
                    self.rows.show([], empty=_FAILED)
                raise

    async def _read(self) -> None:
        if not self._listing.summaries:  # of very many, what fills the screen comes first
            self._listing = await self.library.listing(_AT_FIRST)
            self._is_whole = len(self._listing.summaries) < _AT_FIRST
            self._narrow()
            if self._is_whole:
                return
        self._listing = await self.library.listing()
        self._is_whole = True
        self._narrow()

    def _narrow(self) -> None:
        typed = self.query_one("#filter", Input).value
        everything = self._listing.summaries
        found = narrow(everything, self._listing.hays, read_filter(typed))
        nothing = ("Nothing fits the filter." if everything else _FIRST) if self._is_whole else _READING
        self.rows.show(found, empty=nothing)
        number = count(len(everything), "session")
        shown = number if len(found) == len(everything) else f"{len(found):,} of {number}"
        heading = Line((Piece("SuperQode sessions", "title"),), (Piece(shown if self._is_whole else _READING, "dim"),))
        self.query_one("#heading", LinesView).show([heading])

    @on(Input.Changed, "#filter")
    def _typed(self) -> None:
        self._narrow()
        self.rows.move_to(0)

    @on(Input.Submitted, "#filter")
    def _typed_to_the_end(self) -> None:
        self.rows.focus()

    def key_down(self) -> None:
        """From the filter into the list."""
        if self.query_one("#filter").has_focus:
            self.rows.focus()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one("#filter", Input).focus()

    def action_leave_filter(self) -> None:
        """From the filter to the list, and from the list to all sessions."""
        field = self.query_one("#filter", Input)
        if not field.has_focus:
            field.value = ""
        self.rows.focus()

    @work(exclusive=True, group="dialog")
    async def action_facets(self) -> None:
        """Pick a project, tag or agent to narrow by."""
        from superqode.tui.screens.dialogs.asking import Pick

        if not self.sessions_app.is_ready:
            return
        with told(self):
            # While only the first sessions are listed, what all of them have is not known.
            listing = self._listing if self._is_whole else await self.library.listing()
            found = facets(listing.summaries)
            picked = await self.app.push_screen_wait(Pick[Facet]("Narrow by", found, facet_row, lambda item: item))
            if picked is not None:
                field = self.query_one("#filter", Input)
                field.value = with_facet(field.value, picked)

    # -- the preview ----------------------------------------------------------------------------------------------

    @on(RowList.Highlighted, "#list")
    def _highlighted(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_REST, self._preview)

    @work(exclusive=True, group="preview")
    async def _preview(self) -> None:
        with told(self):
            view = await self._ending()
            summary = self.rows.current
            self.query_one("#facts", LinesView).show(_facts(summary) if summary is not None else [])
            if summary is None or summary.problem:
                view.show([])
                return
            view.show(await self.library.store.ending(summary.id, _PREVIEW), project=summary.project_path)
            view.action_scroll_end()

    async def _ending(self) -> Conversation:
        """The preview; made after the first picture, which would wait for what it loads."""
        from superqode.tui.widgets.conversation import Conversation

        if not self.query(Conversation):
            await self.query_one("#preview").mount(Conversation(id="ending"))
        return self.query_one("#ending", Conversation)

    # -- doing something with one ---------------------------------------------------------------------------------

    @on(RowList.Chosen, "#list")
    def _chosen(self) -> None:
        if self.rows.current is not None:
            self.sessions_app.open_session(self.rows.current.id)

    @work(exclusive=True, group="dialog")
    async def action_new(self) -> None:
        """Begin a session in this project."""
        from superqode.tui.screens.dialogs.asking import Ask, Field

        fields = (Field("Title", example="the first thing you say, without one"),)
        given = await self.app.push_screen_wait(Ask("New session", fields, accept="Begin"))
        if given is not None:
            with told(self):
                opened = await self.library.create(given[0], self.sessions_app.settings.project)
                self.sessions_app.show_session(opened)

    @work(exclusive=True, group="dialog")
    async def action_edit(self) -> None:
        """Change title and tags of the highlighted session."""
        from superqode.tui.screens.actions import edit_session

        if self.rows.current is not None:
            with told(self):
                await edit_session(self, await self.library.open(self.rows.current.id))
            self.store_changed()

    @work(exclusive=True, group="dialog")
    async def action_share(self) -> None:
        """Share the highlighted session."""
        from superqode.tui.screens.actions import share_session

        if self.rows.current is not None:
            await share_session(self, self.rows.current.id, self.rows.current.title)

    @work(exclusive=True, group="dialog")
    async def action_delete(self) -> None:
        """Move the highlighted session into the trash."""
        from superqode.tui.screens.actions import delete_session

        if self.rows.current is not None and await delete_session(self, self.rows.current):
            self.store_changed()


def _facts(summary: SessionSummary) -> list[Line]:
    """What is known of a session without reading it."""
    counts = f"{count(summary.message_count, 'message')}, {count(summary.execution_count, 'tool call')}"
    told_facts = (
        ("id", summary.id),
        ("project", summary.project_path),
        ("agents", ", ".join(summary.agents_used)),
        ("tags", ", ".join(summary.tags)),
        ("fork of", summary.parent_session_id or ""),
        ("changed", f"{local(summary.updated_at)}, {ago(summary.updated_at)}"),
        ("holds", counts),
    )
    problem = [Line((piece(summary.problem, "bad"),))] if summary.problem else []
    rows = [Line((Piece(f"{name:<8} ", "dim"), piece(value))) for name, value in told_facts if value]
    return [Line((title_piece(summary.title),)), *problem, *rows]
