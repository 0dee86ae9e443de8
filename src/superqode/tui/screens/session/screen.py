"""One session: its conversation, where it goes on; its history; its lineage; its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, TabbedContent, TabPane

from superqode.cli.text import count
from superqode.session.errors import SessionError, SessionNotFound
from superqode.session.exporters.reading import known_calls
from superqode.session.exporters.visible import one_line
from superqode.tui.lines import Line, Piece, piece, title_piece
from superqode.tui.notices import tell, told
from superqode.tui.opened import OpenSession
from superqode.tui.rows.agents import agent_row
from superqode.tui.screens.actions import delete_session, edit_session, share_session
from superqode.tui.screens.base import StoreScreen
from superqode.tui.screens.dialogs.asking import Ask, Field, Pick
from superqode.tui.screens.dialogs.permission import ask_permission
from superqode.tui.screens.session.files import FilesPane
from superqode.tui.screens.session.history import HistoryPane
from superqode.tui.screens.session.lineage import LineagePane
from superqode.tui.settings import Agent
from superqode.tui.talk import Talk, Watcher
from superqode.tui.widgets.conversation import Conversation
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.prompt import Prompt
from superqode.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from superqode.acp import Permission

__all__ = ["SessionScreen"]

_NOTES = Agent("notes", ())
_GONE = "This session was deleted. What you wrote stays here; the trash (escape, T) brings the session back"


class SessionScreen(StoreScreen[None]):
    """An open session.

    Args:
        opened: the session.
        agent: whom to talk to; nobody without one: what is typed is a note.
        position: the place of an entry to jump to; the end without one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Sessions", show=False),
        Binding("f2,1", "tab('conversation')", "Conversation", show=False),
        Binding("f3,2", "tab('history')", "History", show=False),
        Binding("f4,3", "tab('lineage')", "Lineage", show=False),
        Binding("f5,4", "tab('files')", "Files", show=False),
        Binding("i", "write", "Write"),
        Binding("ctrl+g", "agent", "Agent", show=False),
        Binding("u", "undo", "Undo"),
        Binding("r", "redo", "Redo"),
        Binding("s", "snapshot", "Snapshot"),
        Binding("f", "fork", "Fork"),
        Binding("S", "share", "Share"),
        Binding("e", "edit", "Edit", show=False),
        Binding("d", "delete", "Delete", show=False),
    ]
    DEFAULT_CSS = """
    SessionScreen TabbedContent { height: 1fr; }
    SessionScreen TabPane { padding: 0; height: 1fr; }
    SessionScreen ContentSwitcher { height: 1fr; }
    SessionScreen Tabs { height: 2; }
    SessionScreen.-wide HistoryPane { layout: horizontal; }
    SessionScreen.-wide #saves { height: 1fr; }
    SessionScreen.-wide #changes { height: 1fr; border-top: none; border-left: solid $panel; }
    SessionScreen.-wide FilesPane { layout: horizontal; }
    SessionScreen.-wide #files { height: 1fr; }
    SessionScreen.-wide #touches { width: 2fr; height: 1fr; border-top: none; border-left: solid $panel; }
    SessionScreen #talk { height: 1fr; }
    SessionScreen #conversation-view { height: 1fr; }
    """

    AUTO_FOCUS = ""  # `on_mount` says where the keys go

    def __init__(self, opened: OpenSession, agent: Agent | None, *, position: int = -1) -> None:
        super().__init__()
        self.opened = opened
        self._agent = agent or _NOTES
        self._position = position
        self._talk: Talk | None = None
        self._busy = ""
        self._is_gone = False

    def compose(self) -> ComposeResult:
        """Draw heading, tabs and prompt."""
        yield LinesView(id="heading", classes="heading")
        with TabbedContent():
            with TabPane("Conversation", id="conversation"), Vertical(id="talk"):
                yield Conversation(
                    empty="Nothing is said yet. Write below; each turn is saved.", id="conversation-view"
                )
                yield Prompt(id="prompt")
            with TabPane("History", id="history"):
                yield HistoryPane(self.library)
            with TabPane("Lineage", id="lineage"):
                yield LineagePane(self.library)
            with TabPane("Files", id="files"):
                yield FilesPane()
        yield Footer()

    def on_mount(self) -> None:
        """Show the session, at its end or at the place that was asked for."""
        self.show()
        if self._position >= 0:
            self.view.focus()
            self._read_whole(self._position)
        else:
            self.prompt.focus()
            self.view.action_scroll_end()

    @property
    def view(self) -> Conversation:
        """The conversation."""
        return self.query_one("#conversation-view", Conversation)

    @property
    def prompt(self) -> Prompt:
        """Where people write."""
        return self.query_one("#prompt", Prompt)

    # -- showing --------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show the session as it is in memory now."""
        session = self.opened.session
        shown = session.at_hand
        self.view.show(shown, project=session.project_path, known=known_calls(shown))
        if self._talk is not None and self._talk.live:
            self.view.show_tail(self._talk.live)
        self._show_heading()
        self._show_tab()
        if self.opened.notice:
            tell(self.app, self.opened.notice)
            self.opened.notice = ""

    @on(Conversation.TopReached)
    def _top_reached(self) -> None:
        if not self.opened.session.is_whole:
            self._read_whole(None)

    @work(exclusive=True, group="reading")
    async def _read_whole(self, place: int | None) -> None:
        """Read what stands before the end of a long session, then go to an entry, if one is named."""
        with told(self):
            await self.opened.read_whole()
            self.show()
            if place is not None:
                self.call_after_refresh(self.view.jump_to, place)

    def _show_heading(self) -> None:
        session = self.opened.session
        title = title_piece(session.title)
        tags = tuple(part for tag in session.tags for part in (Piece("  "), piece(f"#{tag}", "tag", 30)))
        counts = f"{count(session.message_count, 'message')}, {count(session.execution_count, 'call')}"
        if not session.is_whole:
            counts += f" · the last {len(session.at_hand)}; g shows all"
        right = piece(self._busy, "warn") if self._busy else Piece(counts, "dim")
        self.query_one("#heading", LinesView).show([Line((title, *tags), (right,))])
        self.prompt.border_title = Content(one_line(f"to {self._agent.name}" if self._agent.command else "note"))
        self.prompt.border_subtitle = "enter sends · ctrl+g agent" if not self._busy else "esc stops"

    @on(TabbedContent.TabActivated)
    def _show_tab(self) -> None:
        active = self.query_one(TabbedContent).active
        if active == "history":
            self.query_one(HistoryPane).show(self.opened.id)
        elif active == "lineage":
            self.query_one(LineagePane).show(self.opened.id)
        elif active == "files" and not self.opened.session.is_whole:
            self._read_whole(None)
        elif active == "files":
            self.query_one(FilesPane).show(self.opened.session)

    def action_tab(self, name: str) -> None:
        """Go to a tab, keys and all."""
        self.query_one(TabbedContent).active = name
        first = {
            "conversation": "#conversation-view",
            "history": "#saves",
            "lineage": "#lineage RowList",
            "files": "RowList#files",
        }
        self.query_one(first[name]).focus()

    def store_changed(self) -> None:
        """Take in what others saved."""
        self._look()

    @work(group="looking")  # not exclusive: a look that is cancelled reads all the same, and nobody shows what it read
    async def _look(self) -> None:
        with told(self):
            try:
                changed = await self.opened.refresh()
            except SessionNotFound:
                self._go()
                return
            self._is_gone = False
            if changed:
                tell(self.app, "Another process saved this session")
                self.show()

    def _go(self) -> None:
        """Leave a session that is not there any more; not where that would lose what somebody wrote."""
        if not (self.opened.is_unsaved or self.prompt.text.strip()):
            tell(self.app, "This session was deleted; the trash has it", severity="warning")
            self.leave()
        elif not self._is_gone:
            self._tell_gone()

    def _tell_gone(self) -> None:
        self._is_gone = True
        tell(self.app, _GONE, severity="warning")

    # -- writing --------------------------------------------------------------------------------------------------

    def action_write(self) -> None:
        """Write something."""
        self.query_one(TabbedContent).active = "conversation"
        self.prompt.focus()

    @on(Prompt.Sent)
    def _sent(self, event: Prompt.Sent) -> None:
        self.prompt.clear()
        self.view.action_scroll_end()
        if self._agent.command:
            self._ask(event.text)
        else:
            self._note(event.text)

    @work(group="saving")
    async def _note(self, text: str) -> None:
        with told(self):
            try:
                await self.opened.say(text)
            except SessionNotFound:
                self.prompt.give_back(text)
                self._tell_gone()
        self.show()

    def _ask(self, text: str) -> None:
        if self._talk is None:
            watcher = Watcher(
                self.view.show_tail, self.show, self._now_busy, self._failed, self.prompt.give_back, self._permission
            )
            self._talk = Talk(self.opened, self._agent, Path(self._folder()), watcher)
        self._talk.say(text)

    def _folder(self) -> str:
        project = self.opened.session.project_path
        return project if project and Path(project).is_dir() else self.sessions_app.settings.project

    def _now_busy(self, what: str) -> None:
        self._busy = what
        self._show_heading()

    def _failed(self, problem: BaseException) -> None:
        if isinstance(problem, SessionNotFound):
            self._tell_gone()
            return
        expected = isinstance(problem, SessionError | OSError)
        tell(self.app, str(problem) if expected else f"{type(problem).__name__}: {problem}", severity="error")

    async def _permission(self, question: Permission) -> str | None:
        return await ask_permission(self.app, question, self.opened.session.project_path)

    @work(exclusive=True, group="dialog")
    async def action_agent(self) -> None:
        """Pick whom to talk to."""
        agents = [_NOTES, *self.sessions_app.settings.agents]
        picked = await self.app.push_screen_wait(Pick[Agent]("Talk to", agents, agent_row, lambda agent: agent.name))
        if picked is not None and picked != self._agent:
            # Before the wait for the other to end: what is typed meanwhile is meant for this one.
            self._agent, self._busy = picked, ""
            self._show_heading()
            await self._end_talk()
            self.show()

    @work(group="stopping")
    async def _stop(self, talk: Talk) -> None:
        await talk.stop()

    async def _end_talk(self) -> None:
        talk, self._talk = self._talk, None
        if talk is not None:
            await talk.close()

    async def on_unmount(self) -> None:
        """End the agent with the screen, and keep what was sent; what could not be saved is tried once more."""
        await self._end_talk()
        await self.opened.settled()
        if self.opened.is_unsaved:
            with told(self):
                await self.opened.save()

    def action_back(self) -> None:
        """Stop an agent that answers; else from the prompt to the conversation, from there to the list."""
        if self._talk is not None and self._talk.is_busy and not self._talk.is_stopping:
            self._stop(self._talk)
        elif self.prompt.has_focus:
            self.view.focus()
        else:
            self.leave()

    # -- changing -------------------------------------------------------------------------------------------------

    @work(group="changing")
    async def action_undo(self) -> None:
        """Go back one save."""
        with told(self):
            await self.opened.undo()
            tell(self.app, "Undone; r takes it back")
        self.show()

    @work(group="changing")
    async def action_redo(self) -> None:
        """Take back the last undo."""
        with told(self):
            await self.opened.redo()
            tell(self.app, "Redone")
        self.show()

    @work(exclusive=True, group="dialog")
    async def action_snapshot(self) -> None:
        """Name the present state."""
        fields = (Field("What it is for", example="before the refactoring"),)
        given = await self.app.push_screen_wait(Ask("Snapshot", fields, accept="Take it"))
        if given is not None:
            with told(self):
                await self.opened.snapshot(given[0])
                tell(self.app, "The snapshot is taken")
            self.show()

    @work(exclusive=True, group="dialog")
    async def action_fork(self) -> None:
        """Fork from here, and go on in the fork."""
        await self._fork(None)

    async def _fork(self, at: str | None) -> None:
        title = f"Fork of {self.opened.session.title or self.opened.id}"
        given = await self.app.push_screen_wait(Ask("Fork", (Field("Title", title),), accept="Fork"))
        if given is not None:
            with told(self):
                forked = await self.library.store.fork(self.opened.id, title=given[0], at=at)
                self.sessions_app.open_session(forked.id)

    @on(HistoryPane.Wished)
    @work(exclusive=True, group="dialog")
    async def _wished(self, event: HistoryPane.Wished) -> None:
        if event.wish == "fork":
            await self._fork(event.save.commit)
            return
        with told(self):
            await self.opened.restore(event.save.commit)
            tell(self.app, "It is as it was then; u takes that back")
        self.show()

    @on(RowList.Chosen, "#lineage RowList")
    def _chosen_relative(self) -> None:
        chosen = self.query_one(LineagePane).rows.current
        if chosen is not None and chosen[0].id != self.opened.id:
            self.sessions_app.open_session(chosen[0].id)

    @work(exclusive=True, group="dialog")
    async def action_share(self) -> None:
        """Share this session."""
        await share_session(self, self.opened.id, self.opened.session.title)

    @work(exclusive=True, group="dialog")
    async def action_edit(self) -> None:
        """Change title and tags."""
        if await edit_session(self, self.opened):
            self.show()

    @work(exclusive=True, group="dialog")
    async def action_delete(self) -> None:
        """Move this session into the trash."""
        if await delete_session(self, self.opened):
            self.leave()
