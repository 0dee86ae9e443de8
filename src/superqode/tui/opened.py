"""A session that is open: whatever is added to it is saved before anything else happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from superqode.session import AsyncSessionStore, Session
from superqode.session.errors import SessionNotFound
from superqode.session.exporters.visible import one_line
from superqode.session.models import Entry, Message, MessageRole
from superqode.session.store.results import SaveResult

__all__ = ["OpenSession"]

T = TypeVar("T")
# How much of the first thing said becomes the title of a session that has none, in characters.
_TITLE_MAX: Final = 80
# How many entries at the end of a session are read at first; it is some screenfuls.
_AT_FIRST: Final = 500


class OpenSession:
    """A session in memory and where it stands in the store. One change at a time: the others wait.

    Args:
        store: its store.
        session: the session.
        tip: the commit it was loaded at; empty before its first save.

    Attributes:
        session: the session; change it through the methods here.
        notice: one line for people where the last save did something unusual, else empty.
    """

    def __init__(self, store: AsyncSessionStore, session: Session, tip: str = "") -> None:
        self._store = store
        self._tip = tip
        self._alone = asyncio.Lock()
        self._works: set[asyncio.Future[Any]] = set()
        self._unsaved = False
        self.session = session
        self.notice = ""

    @classmethod
    async def load(cls, store: AsyncSessionStore, session_id: str) -> OpenSession:
        """Load a session, of a long one the end; raises as `SessionStore.load`."""
        # The tip first: a save in between makes a reload that was not needed, the other way round one that is missed.
        tip = await _tip(store, session_id)
        return cls(store, await store.load(session_id, last=_AT_FIRST), tip)

    async def read_whole(self) -> None:
        """Have all entries in memory; raises as `SessionStore.load`."""

        async def work() -> None:
            if not self.session.is_whole:
                await asyncio.to_thread(lambda: self.session.messages)

        await self._by_itself(work)

    @property
    def id(self) -> str:
        """The session's id."""
        return self.session.id

    @property
    def is_unsaved(self) -> bool:
        """Whether it has something that a save failed to keep."""
        return self._unsaved

    async def save(self) -> SaveResult:
        """Save what is not saved yet; raises as `SessionStore.save`."""
        return await self.change(lambda: None, by_end=True)

    async def add(self, entries: Sequence[Entry]) -> SaveResult:
        """Add entries and save them; the first thing said names a session without a title.

        Raises as `SessionStore.save`; the entries are in the session then, and saved with the next ones.
        """

        def put() -> None:
            for entry in entries:
                self.session.add(entry)

        return await self.change(put, by_end=True)

    async def say(self, text: str) -> SaveResult:
        """Add what the user said, and save it; raises as `add`, and SessionNotFound before anything is added."""
        message = Message(role=MessageRole.USER, content=text)
        return await self.change(lambda: self.session.add(message), by_end=True, look=True)

    async def edit(self, title: str, tags: Sequence[str]) -> SaveResult:
        """Give it another title and other tags; raises as `SessionStore.save`."""

        def put() -> None:
            self.session.title = title
            self.session.tags = list(tags)

        return await self.change(put, by_end=True)

    async def snapshot(self, description: str) -> SaveResult:
        """Name the present state; raises as `SessionStore.save`."""
        return await self.change(lambda: self.session.create_snapshot(description))

    async def change(self, edit: Callable[[], object], *, by_end: bool = False, look: bool = False) -> SaveResult:
        """Make a change to the session in memory, and save it; raises as `SessionStore.save`.

        Args:
            edit: makes the change.
            by_end: whether the end of a long session is enough for it; otherwise all of it is read before.
            look: whether to look first if the session is still there, and to change nothing where it is not.
        """

        async def work() -> SaveResult:
            if look and self._tip:
                await _tip(self._store, self.id)
            if not (by_end and self.session.title) and not self.session.is_whole:
                await asyncio.to_thread(lambda: self.session.messages)
            edit()
            self._name()
            return await self._save()

        return await self._by_itself(work)

    async def _save(self) -> SaveResult:
        # True until it is known to be kept: what is loaded anew meanwhile must not take its place.
        self._unsaved = True
        result = await self._store.save(self.session)
        self._unsaved = False
        self._tip, self.notice = result.tip, result.notice
        return result

    def _name(self) -> None:
        if not self.session.title:
            said = (one.content for one in self.session.messages if one.role is MessageRole.USER and one.content)
            self.session.title = one_line(next(said, ""), _TITLE_MAX)

    async def undo(self) -> None:
        """Go back one save; raises NothingToUndo at the first, and as `SessionStore.save`."""
        await self._move(lambda: self._store.undo(self.id))

    async def redo(self) -> None:
        """Take back the last undo; raises NothingToRedo where nothing was undone since, and as `SessionStore.save`."""
        await self._move(lambda: self._store.redo(self.id))

    async def restore(self, revision: str) -> None:
        """Go back to a save or a snapshot; raises as `SessionStore.restore`."""
        await self._move(lambda: self._store.restore(self.id, revision))

    async def _move(self, call: Callable[[], Awaitable[SaveResult]]) -> None:
        async def work() -> None:
            if self._unsaved:
                await self._save()
            await call()
            await self._reload()

        await self._by_itself(work)

    async def refresh(self) -> bool:
        """Take in what other processes saved; says whether they did. What is not saved here yet is saved into it.

        Raises:
            SessionNotFound: it was deleted.
            CorruptSession: it was damaged.
            SaveFailed: what is not saved here still cannot be.
        """

        async def work() -> bool:
            changed = bool(self._tip) and await _tip(self._store, self.id) != self._tip
            if changed and self._unsaved:
                await self._save()
            elif changed:
                await self._reload()
            return changed

        return await self._by_itself(work)

    async def _reload(self) -> None:
        tip = await _tip(self._store, self.id)
        last = None if self.session.is_whole else _AT_FIRST
        self._tip, self.session = tip, await self._store.load(self.id, last=last)

    async def settled(self) -> None:
        """Wait until all that was begun is done; what failed is told to whoever asked for it."""
        while self._works:
            await asyncio.wait(self._works)

    async def _by_itself(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something while nothing else happens to the session.

        Where nobody waits any more it goes on; whoever ends the loop waits for `settled` first.
        """

        async def alone() -> T:
            async with self._alone:
                return await work()

        task = asyncio.ensure_future(alone())
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return await asyncio.shield(task)


async def _tip(store: AsyncSessionStore, session_id: str) -> str:
    saves = await store.history(session_id, limit=1)
    if not saves:
        raise SessionNotFound(session_id)
    return saves[0].commit
