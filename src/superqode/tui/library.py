"""Everything the screens ask of the store, in one place: each call runs in a thread, and gives or raises what it does.

The store itself is synchronous. A slow disk or a remote that does not answer keeps a thread waiting, never the screen.
It is opened in a thread, too, when it is first asked: the first screen is drawn before the library's modules load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING
from weakref import WeakSet

from superqode.tui.listing import Lister, Listing

if TYPE_CHECKING:
    from superqode.session import AsyncSessionSharingManager, AsyncSessionStore, SessionStore
    from superqode.session.store.lineage import Branching
    from superqode.tui.opened import OpenSession

__all__ = ["Library"]


class Library:
    """A store for the screens.

    Args:
        open_store: opens the store; whoever gives it closes what it opened.
        remote: where shares go: a remote's name, a URL or a path; the default remote where it is empty.
    """

    def __init__(self, open_store: Callable[[], SessionStore], remote: str = "") -> None:
        self._open_store = open_store
        self._remote = remote
        self._opened: WeakSet[OpenSession] = WeakSet()

    @cached_property
    def store(self) -> AsyncSessionStore:
        """The store; `ready` has opened it."""
        from superqode.session import AsyncSessionStore

        return AsyncSessionStore(self._open_store())

    @cached_property
    def sharing(self) -> AsyncSessionSharingManager:
        """The store's shares."""
        from superqode.session import AsyncSessionSharingManager, SessionSharingManager

        return AsyncSessionSharingManager(SessionSharingManager(self.store.store, self._remote or None))

    @cached_property
    def lister(self) -> Lister:
        """The list of all sessions, kept up to date."""
        return Lister(self.store.store)

    async def ready(self) -> str:
        """Open the store; gives a line for people where sessions of the old store wait to be imported, else empty.

        Raises:
            StoreError: it cannot be opened.
        """

        def opened() -> str:
            self.store.store._open()  # noqa: SLF001 - as the sharing manager does
            return self.store.store.old_store_notice()

        return await asyncio.to_thread(opened)

    async def listing(self, limit: int | None = None) -> Listing:
        """List all sessions, or so many; of all, what did not change since the last call is not read again.

        Raises as `SessionStore.list_sessions`.
        """
        return await asyncio.to_thread(self.lister.all if limit is None else partial(self.lister.first, limit))

    async def lineage(self, session_id: str) -> list[Branching]:
        """Give the tree of forks that a session is in; raises as `SessionStore.list_sessions`."""
        from superqode.session.store.lineage import family_of

        return await asyncio.to_thread(lambda: family_of(self.lister.all().summaries, session_id))

    async def latest(self) -> str | None:
        """The id of the session that changed last; `None` where there are none."""
        found = await self.store.list_sessions(limit=1)
        return found[0].id if found else None

    async def open(self, session_id: str) -> OpenSession:
        """Open a session; raises as `SessionStore.load`."""
        from superqode.tui.opened import OpenSession

        opened = await OpenSession.load(self.store, session_id)
        self._opened.add(opened)
        return opened

    async def create(self, title: str, project_path: str) -> OpenSession:
        """Make a session and save it; raises as `SessionStore.save`."""
        from superqode.session import Session
        from superqode.tui.opened import OpenSession

        opened = OpenSession(self.store, Session(title=title, project_path=project_path))
        self._opened.add(opened)
        await opened.save()
        return opened

    async def settled(self) -> None:
        """Wait until all that was begun with an open session is done: what ends with the app is not saved."""
        for opened in tuple(self._opened):
            await opened.settled()

    async def remote(self) -> str:
        """The name of the remote that shares go to; empty where there is none."""
        from superqode.session.git.remotes import list_remotes

        def read() -> str:
            repository = self.store.store._open()  # noqa: SLF001 - as the sharing manager does
            found = list_remotes(repository) if repository is not None else []
            return next((remote.name for remote in found if remote.default), "")

        return self._remote or await asyncio.to_thread(read)
