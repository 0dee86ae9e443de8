"""The store, its shares and its sync for asyncio: each method of the originals, run in a thread and awaited.

What is not named here has no file to wait for. `tests/session/test_aio.py` holds the twins against their originals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.store.store import SessionStore
from superqode.session.sync.session_sync import SessionSync

if TYPE_CHECKING:
    from superqode.session.git.durability import Durability
    from superqode.session.models import Session

__all__ = ["AsyncSessionSharingManager", "AsyncSessionStore", "AsyncSessionSync"]

P = ParamSpec("P")
T = TypeVar("T")
Original_co = TypeVar("Original_co", covariant=True)


class _Twin(Generic[Original_co]):
    """Has an original, and awaits what that does."""

    def __init__(self, original: Original_co) -> None:
        self._original = original


def _awaited(
    method: Callable[Concatenate[Original_co, P], T],
) -> Callable[Concatenate[_Twin[Original_co], P], Coroutine[Any, Any, T]]:
    """The same method for the twin, with the same parameters and the same docstring."""

    @wraps(method)
    async def call(self: _Twin[Original_co], /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = await asyncio.to_thread(getattr(self._original, method.__name__), *args, **kwargs)
        return result

    return call


class AsyncSessionStore(_Twin[SessionStore]):
    """`SessionStore` with awaitable methods; arguments, results and errors are those of the methods of that name.

    Each call runs in a thread, and so does what it is given to call (`progress`, `damaged` and the like). Do not edit
    a session meanwhile.

    Args:
        store: the store to use; `AsyncSessionStore.open(...)` takes the arguments of `SessionStore` instead.
    """

    def __init__(self, store: SessionStore) -> None:
        super().__init__(store)
        self.store = store

    @classmethod
    def open(
        cls,
        storage_dir: str | Path | None = None,
        *,
        durability: Durability = "full",
        user: tuple[str, str] | None = None,
        create: bool = True,
    ) -> Self:
        """Open a store; arguments and errors are those of `SessionStore`."""
        return cls(SessionStore(storage_dir, durability=durability, user=user, create=create))

    @classmethod
    async def restore_backup(cls, path: str | Path, storage_dir: str | Path) -> Self:
        """As `SessionStore.restore_backup`."""
        return cls(await asyncio.to_thread(SessionStore.restore_backup, path, storage_dir))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def path(self) -> Path:
        """The store's folder."""
        return self.store.path

    def autosave(self, session: Session) -> AbstractContextManager[Session]:
        """As `SessionStore.autosave`: a plain `with`; its short saves run where the message is added."""
        return self.store.autosave(session)

    close = _awaited(SessionStore.close)
    save = _awaited(SessionStore.save)

    load = _awaited(SessionStore.load)
    load_latest = _awaited(SessionStore.load_latest)
    ending = _awaited(SessionStore.ending)
    exists = _awaited(SessionStore.exists)
    resolve = _awaited(SessionStore.resolve)

    list_sessions = _awaited(SessionStore.list_sessions)
    list_changed = _awaited(SessionStore.list_changed)
    generation = _awaited(SessionStore.generation)
    search = _awaited(SessionStore.search)
    unread = _awaited(SessionStore.unread)
    stats = _awaited(SessionStore.stats)
    labels = _awaited(SessionStore.labels)
    project_folders = _awaited(SessionStore.project_folders)

    history = _awaited(SessionStore.history)
    at = _awaited(SessionStore.at)
    diff = _awaited(SessionStore.diff)
    fork = _awaited(SessionStore.fork)
    merge = _awaited(SessionStore.merge)
    restore = _awaited(SessionStore.restore)
    undo = _awaited(SessionStore.undo)
    redo = _awaited(SessionStore.redo)

    rename = _awaited(SessionStore.rename)
    delete = _awaited(SessionStore.delete)
    trash = _awaited(SessionStore.trash)
    undelete = _awaited(SessionStore.undelete)
    purge = _awaited(SessionStore.purge)
    cleanup_old_sessions = _awaited(SessionStore.cleanup_old_sessions)
    operations = _awaited(SessionStore.operations)
    undo_operation = _awaited(SessionStore.undo_operation)

    verify = _awaited(SessionStore.verify)
    repair = _awaited(SessionStore.repair)
    maintain = _awaited(SessionStore.maintain)
    backup = _awaited(SessionStore.backup)
    scan = _awaited(SessionStore.scan)
    scrub = _awaited(SessionStore.scrub)

    import_sources = _awaited(SessionStore.import_sources)
    import_old_store = _awaited(SessionStore.import_old_store)
    old_store_notice = _awaited(SessionStore.old_store_notice)
    reimport = _awaited(SessionStore.reimport)
    rescue = _awaited(SessionStore.rescue)
    original = _awaited(SessionStore.original)
    hand_over = _awaited(SessionStore.hand_over)


class AsyncSessionSharingManager(_Twin[SessionSharingManager]):
    """`SessionSharingManager` with awaitable methods; arguments, results and errors are those of that name.

    Args:
        manager: the manager to use.
    """

    def __init__(self, manager: SessionSharingManager) -> None:
        super().__init__(manager)
        self.manager = manager

    preview = _awaited(SessionSharingManager.preview)
    create_share = _awaited(SessionSharingManager.create_share)
    update_share = _awaited(SessionSharingManager.update_share)
    revoke_share = _awaited(SessionSharingManager.revoke_share)
    push_shares = _awaited(SessionSharingManager.push_shares)
    prune = _awaited(SessionSharingManager.prune)
    passwords = _awaited(SessionSharingManager.passwords)
    add_password = _awaited(SessionSharingManager.add_password)
    remove_password = _awaited(SessionSharingManager.remove_password)

    get_share = _awaited(SessionSharingManager.get_share)
    get_session_for_share = _awaited(SessionSharingManager.get_session_for_share)
    fork = _awaited(SessionSharingManager.fork)
    list_shares = _awaited(SessionSharingManager.list_shares)
    export_session = _awaited(SessionSharingManager.export_session)
    import_session = _awaited(SessionSharingManager.import_session)

    async def fork_session(self, share_token: str, title: str | None = None, password: str | None = None) -> Session:
        """As `SessionSharingManager.fork_session`."""
        return await self.manager.fork_session(share_token, title, password)


class AsyncSessionSync(_Twin[SessionSync]):
    """`SessionSync` with an awaitable method; arguments, results and errors are those of that name.

    Args:
        sync: the sync to run.
    """

    def __init__(self, sync: SessionSync) -> None:
        super().__init__(sync)
        self.sync = sync

    run = _awaited(SessionSync.run)
