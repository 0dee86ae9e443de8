"""`SessionsApp`: what is opened first, themes, commands, and the look around for what others save."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.events import Event, Key, MouseDown
from textual.screen import Screen

from superqode.session.errors import SessionError
from superqode.tui.library import Library
from superqode.tui.notices import tell, told
from superqode.tui.screens.base import StoreScreen
from superqode.tui.screens.sessions import SessionsScreen
from superqode.tui.settings import Settings
from superqode.tui.themes import DEFAULT_THEME, THEMES
from superqode.tui.widgets.drawn import Drawn

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.tui.opened import OpenSession

__all__ = ["SessionsApp"]

# How often others' saves are looked for, in seconds; a look costs a few file times.
_LOOK: Final = 1.0
# Actions that Textual's screens have by themselves.
_OWN: Final = ("app.", "screen.", "help", "quit")


class SessionsApp(App[None]):
    """The terminal app over one store.

    Args:
        open_store: opens the store; whoever gives it closes what it opened.
        settings: how to run.
    """

    TITLE = "SuperQode sessions"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+f", "search", "Search", show=False),
        Binding("o", "open_link", "Open a link", show=False),
        Binding("h", "shares", "Shares", show=False),
        Binding("T", "trash", "Trash", show=False),
        Binding("U", "operations", "Operations", show=False),
        Binding("f1,question_mark", "help", "Keys", key_display="?"),
        Binding("ctrl+q", "quit", "Quit", show=False),
    ]

    def __init__(self, open_store: Callable[[], SessionStore], settings: Settings) -> None:
        super().__init__()
        self.library = Library(open_store, settings.remote)
        self.settings = settings
        self._generation: int | None = None
        self.is_ready = False
        self._was_touched = False
        self._unopened: Exception | None = None
        for theme in THEMES:
            self.register_theme(theme)
        self._wanted_theme = settings.theme or DEFAULT_THEME
        # Chosen before anything is drawn: a change later would style everything twice.
        self.theme = self._wanted_theme if self._wanted_theme in self.available_themes else DEFAULT_THEME

    def get_default_screen(self) -> Screen[None]:
        """The list is below everything else."""
        return SessionsScreen()

    async def on_event(self, event: Event) -> None:
        """Note that somebody did something."""
        self._was_touched = self._was_touched or isinstance(event, Key | MouseDown)
        await super().on_event(event)

    def on_mount(self) -> None:
        """Open, on the list, the session that is to be seen first."""
        if self.theme != self._wanted_theme:
            tell(self, f"There is no theme {self._wanted_theme}; ctrl+p lists them", severity="warning")
        # What loads now would hold the first picture up.
        self.call_after_refresh(self._begin)

    @work(exclusive=True, group="opening")
    async def _begin(self) -> None:
        try:
            waits = await self.library.ready()
        except (SessionError, OSError) as problem:  # there is nothing to be shown
            self._unopened = problem
            self.exit()
            return
        with told(self):
            if waits:
                tell(self, waits)
            self.is_ready = True
            self.set_interval(_LOOK, self._look)
            first = "" if self.settings.start_in_list else self.settings.session or await self.library.latest()
            if first:
                opened = await self.library.open(first)
                if self._was_touched:  # whoever went on meanwhile is not taken elsewhere
                    tell(self, f"{_named(opened)} is in the list")
                else:
                    self.show_session(opened)
            self._generation = await self.library.store.generation()
        if isinstance(self.screen, StoreScreen):
            self.screen.store_changed()

    # -- what the screens ask for ---------------------------------------------------------------------------------

    def show_session(self, opened: OpenSession, *, position: int = -1) -> None:
        """Show an open session on top of the list; another one that was there gives way, but no question does."""
        if not all(isinstance(screen, StoreScreen) for screen in self.screen_stack):
            tell(self, f"{_named(opened)} is in the list: a question stands here")
            return
        while len(self.screen_stack) > 1 and not isinstance(self.screen, SessionsScreen):
            self.pop_screen()
        from superqode.tui.screens.session.screen import SessionScreen

        agent = next((agent for agent in self.settings.agents if agent.name == self.settings.agent), None)
        self.push_screen(SessionScreen(opened, agent, position=position))

    @work(exclusive=True, group="opening")
    async def open_session(self, session_id: str, *, position: int = -1) -> None:
        """Open a session by its id and show it, at an entry's place where one is given."""
        with told(self):
            self.show_session(await self.library.open(session_id), position=position)

    def _look(self) -> None:
        # One after the other: a look that takes long would never end if the next one took its place.
        if not any(worker.group == "look" for worker in self.workers):
            self._look_around()

    @work(group="look")
    async def _look_around(self) -> None:
        with told(self):
            generation = await self.library.store.generation()
            changed, self._generation = generation != self._generation, generation
            if changed and isinstance(self.screen, StoreScreen):
                self.screen.store_changed()

    @property
    def failure(self) -> Exception | None:
        """What ended the app against its will, a store that cannot be opened too; `None` where nothing did."""
        return self._exception or self._unopened

    def _fatal_error(self) -> None:
        # Textual's own traceback shows what is in memory, passwords too; the command line tells what failed.
        self._close_messages_no_wait()

    # -- commands -------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Search all sessions."""
        from superqode.tui.screens.search import SearchScreen

        self._over(SearchScreen)

    def action_shares(self) -> None:
        """List what this store shares."""
        from superqode.tui.screens.shares import SharesScreen

        self._over(SharesScreen)

    def action_trash(self) -> None:
        """List deleted sessions."""
        from superqode.tui.screens.trash import TrashScreen

        self._over(TrashScreen)

    def action_operations(self) -> None:
        """List what moved or removed something, to take it back."""
        from superqode.tui.screens.operations import OperationsScreen

        self._over(OperationsScreen)

    def _over(self, kind: type[StoreScreen[None]]) -> None:
        if isinstance(self.screen, StoreScreen) and not isinstance(self.screen, kind):
            self.push_screen(kind())

    @work(exclusive=True, group="dialog")
    async def action_open_link(self) -> None:
        """Open what somebody shared."""
        from superqode.tui.screens.shared import open_link

        if isinstance(self.screen, StoreScreen):
            await open_link(self.screen)

    def action_help(self) -> None:
        """Show the keys, or hide them again."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Give the palette what can be done here, besides Textual's own."""
        from textual.widgets import Input, TextArea  # the second loads an editor

        actions: set[str] = set()
        for active in screen.active_bindings.values():
            binding, node = active.binding, active.node
            # What moves about in a list needs no name, and Textual tells of its own below.
            if isinstance(node, Drawn | TextArea | Input) or binding.system or binding.action.startswith(_OWN):
                continue
            if active.enabled and binding.description and binding.action not in actions:
                actions.add(binding.action)
                key = f"key: {self.get_key_display(binding)}"
                yield SystemCommand(binding.description, key, _runner(self, node, binding.action))
        yield from super().get_system_commands(screen)


def _named(opened: OpenSession) -> str:
    return f"“{opened.session.title or opened.id}”"


def _runner(app: App[None], node: DOMNode, action: str) -> Callable[[], None]:
    def run() -> None:
        app.call_later(app.run_action, action, node)

    return run
