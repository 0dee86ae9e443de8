"""`AsyncSessionStore`: the same store for asyncio. Each slow call runs in a thread; do not edit a session meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from superqode.session.models import Entry, Session
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.sharing.models import Preparation, PruneResult, ShareConfig, SharedSession
from superqode.session.store.index.summaries import LabelKind
from superqode.session.store.operations.results import Operation, UndoneOperation
from superqode.session.store.results import (
    ListChanges,
    MaintenanceReport,
    MergeResult,
    PurgeResult,
    RepairReport,
    SaveRecord,
    SaveResult,
    ScrubResult,
    SearchHit,
    SecretPlace,
    SessionDiff,
    SessionSummary,
    TrashItem,
    VerifyReport,
)
from superqode.session.store.stats import StoreStats
from superqode.session.store.store import SessionStore
from superqode.session.sync.results import SyncReport
from superqode.session.sync.session_sync import SessionSync

if TYPE_CHECKING:
    from superqode.session.agents import FoundPlace
    from superqode.session.store.handing_over import HandedOver, Target
    from superqode.session.store.rescue import RescueReport
    from superqode.session.store.sources import Original

__all__ = ["AsyncSessionSharingManager", "AsyncSessionStore", "AsyncSessionSync"]

P = ParamSpec("P")
T = TypeVar("T")


async def _run(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.to_thread(call, *args, **kwargs)


class AsyncSessionStore:
    """`SessionStore` with awaitable methods; arguments, results and errors are those of the methods of that name.

    Args:
        store: the store to use; `AsyncSessionStore.open(...)` takes the arguments of `SessionStore` instead.
    """

    def __init__(self, store: SessionStore) -> None:
        self.store = store

    @classmethod
    def open(cls, storage_dir: str | Path | None = None, **options: Any) -> Self:
        """Open a store; the arguments are those of `SessionStore`."""
        return cls(SessionStore(storage_dir, **options))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """As `SessionStore.close`."""
        await _run(self.store.close)

    async def save(self, session: Session, *, replace: bool = False) -> SaveResult:
        """As `SessionStore.save`."""
        return await _run(self.store.save, session, replace=replace)

    def autosave(self, session: Session) -> AbstractContextManager[Session]:
        """As `SessionStore.autosave`: a plain `with`; its short saves run where the message is added."""
        return self.store.autosave(session)

    async def load(self, session_id: str, *, last: int | None = None) -> Session:
        """As `SessionStore.load`."""
        return await _run(self.store.load, session_id, last=last)

    async def ending(self, session_id: str, number: int) -> list[Entry]:
        """As `SessionStore.ending`."""
        return await _run(self.store.ending, session_id, number)

    async def load_latest(self, project_path: str | Path | None = None, *, last: int | None = None) -> Session | None:
        """As `SessionStore.load_latest`."""
        return await _run(self.store.load_latest, project_path, last=last)

    async def exists(self, session_id: str) -> bool:
        """As `SessionStore.exists`."""
        return await _run(self.store.exists, session_id)

    async def resolve(self, text: str) -> str:
        """As `SessionStore.resolve`."""
        return await _run(self.store.resolve, text)

    async def generation(self) -> int:
        """As `SessionStore.generation`."""
        return await _run(self.store.generation)

    async def list_sessions(self, **options: Any) -> list[SessionSummary]:
        """As `SessionStore.list_sessions`."""
        return await _run(self.store.list_sessions, **options)

    async def list_changed(self, generation: int) -> ListChanges | None:
        """As `SessionStore.list_changed`."""
        return await _run(self.store.list_changed, generation)

    async def stats(self, **options: Any) -> StoreStats:
        """As `SessionStore.stats`."""
        return await _run(self.store.stats, **options)

    async def search(self, query: str, **options: Any) -> list[SearchHit]:
        """As `SessionStore.search`."""
        return await _run(self.store.search, query, **options)

    async def unread(self) -> int:
        """As `SessionStore.unread`."""
        return await _run(self.store.unread)

    async def history(self, session_id: str, limit: int | None = None, **options: Any) -> list[SaveRecord]:
        """As `SessionStore.history`."""
        return await _run(self.store.history, session_id, limit, **options)

    async def at(self, session_id: str, revision: str | None) -> Session:
        """As `SessionStore.at`."""
        return await _run(self.store.at, session_id, revision)

    async def diff(self, a: str, b: str | None = None, **options: Any) -> SessionDiff:
        """As `SessionStore.diff`."""
        return await _run(self.store.diff, a, b, **options)

    async def fork(self, session_id: str, **options: Any) -> Session:
        """As `SessionStore.fork`."""
        return await _run(self.store.fork, session_id, **options)

    async def merge(self, session_id: str, other: str, **options: Any) -> MergeResult:
        """As `SessionStore.merge`."""
        return await _run(self.store.merge, session_id, other, **options)

    async def rename(self, session_id: str, new_id: str) -> tuple[str, ...]:
        """As `SessionStore.rename`."""
        return await _run(self.store.rename, session_id, new_id)

    async def delete(self, session_id: str) -> bool:
        """As `SessionStore.delete`."""
        return await _run(self.store.delete, session_id)

    async def trash(self, name: str | None = None, **options: Any) -> list[TrashItem]:
        """As `SessionStore.trash`."""
        return await _run(self.store.trash, name, **options)

    async def operations(self, limit: int | None = None) -> list[Operation]:
        """As `SessionStore.operations`."""
        return await _run(self.store.operations, limit)

    async def undo_operation(self, which: int | str | None = None, *, dry_run: bool = False) -> UndoneOperation:
        """As `SessionStore.undo_operation`."""
        return await _run(self.store.undo_operation, which, dry_run=dry_run)

    async def undelete(self, name: str, *, new_id: str | None = None) -> str:
        """As `SessionStore.undelete`."""
        return await _run(self.store.undelete, name, new_id=new_id)

    async def purge(self, name: str | None = None, **options: Any) -> PurgeResult:
        """As `SessionStore.purge`."""
        return await _run(self.store.purge, name, **options)

    async def cleanup_old_sessions(self, days: float = 30, *, dry_run: bool = False) -> list[SessionSummary]:
        """As `SessionStore.cleanup_old_sessions`."""
        return await _run(self.store.cleanup_old_sessions, days, dry_run=dry_run)

    async def restore(self, session_id: str, revision: str) -> SaveResult:
        """As `SessionStore.restore`."""
        return await _run(self.store.restore, session_id, revision)

    async def undo(self, session_id: str) -> SaveResult:
        """As `SessionStore.undo`."""
        return await _run(self.store.undo, session_id)

    async def redo(self, session_id: str) -> SaveResult:
        """As `SessionStore.redo`."""
        return await _run(self.store.redo, session_id)

    async def verify(self, session_ids: Iterable[str] | None = None, **options: Any) -> VerifyReport:
        """As `SessionStore.verify`."""
        return await _run(self.store.verify, session_ids, **options)

    async def repair(self, places: Iterable[str | Path] = (), **options: Any) -> RepairReport:
        """As `SessionStore.repair`."""
        return await _run(self.store.repair, places, **options)

    async def maintain(self, **options: Any) -> MaintenanceReport:
        """As `SessionStore.maintain`."""
        return await _run(self.store.maintain, **options)

    async def backup(self, path: str | Path, **options: Any) -> Path:
        """As `SessionStore.backup`."""
        return await _run(self.store.backup, path, **options)

    async def rescue(self, places: Iterable[FoundPlace], **options: Any) -> RescueReport:
        """As `SessionStore.rescue`."""
        return await _run(self.store.rescue, places, **options)

    async def labels(self, kind: LabelKind) -> list[tuple[str, int]]:
        """As `SessionStore.labels`."""
        return await _run(self.store.labels, kind)

    async def project_folders(self) -> list[str]:
        """As `SessionStore.project_folders`."""
        return await _run(self.store.project_folders)

    async def import_sources(self, paths: Iterable[str | Path], **options: Any) -> Any:
        """As `SessionStore.import_sources`."""
        return await _run(self.store.import_sources, paths, **options)

    async def reimport(self, session_ids: Iterable[str] | None = None, **options: Any) -> Any:
        """As `SessionStore.reimport`."""
        return await _run(self.store.reimport, session_ids, **options)

    async def original(self, session_id: str) -> Original | None:
        """As `SessionStore.original`."""
        return await _run(self.store.original, session_id)

    async def hand_over(self, session_id: str, target: Target, **options: Any) -> HandedOver:
        """As `SessionStore.hand_over`."""
        return await _run(self.store.hand_over, session_id, target, **options)

    async def scan(self, session_ids: Iterable[str] | None = None) -> list[SecretPlace]:
        """As `SessionStore.scan`."""
        return await _run(self.store.scan, session_ids)

    async def scrub(self, session_id: str, **wanted: Any) -> ScrubResult:
        """As `SessionStore.scrub`."""
        return await _run(self.store.scrub, session_id, **wanted)


class AsyncSessionSharingManager:
    """`SessionSharingManager` with awaitable methods; arguments, results and errors are those of that name.

    Args:
        manager: the manager to use.
    """

    def __init__(self, manager: SessionSharingManager) -> None:
        self.manager = manager

    async def preview(self, session_id: str, config: ShareConfig | None = None, **options: Any) -> Preparation:
        """As `SessionSharingManager.preview`."""
        return await _run(self.manager.preview, session_id, config, **options)

    async def create_share(self, session_id: str, config: ShareConfig | None = None, **options: Any) -> SharedSession:
        """As `SessionSharingManager.create_share`."""
        return await _run(self.manager.create_share, session_id, config, **options)

    async def get_share(self, share_token: str, password: str | None = None) -> SharedSession:
        """As `SessionSharingManager.get_share`."""
        return await _run(self.manager.get_share, share_token, password)

    async def get_session_for_share(self, share_token: str, password: str | None = None) -> Session:
        """As `SessionSharingManager.get_session_for_share`."""
        return await _run(self.manager.get_session_for_share, share_token, password)

    async def fork_session(self, share_token: str, title: str | None = None, password: str | None = None) -> Session:
        """As `SessionSharingManager.fork_session`."""
        return await self.manager.fork_session(share_token, title, password)

    async def update_share(self, share_token: str, **terms: Any) -> SharedSession:
        """As `SessionSharingManager.update_share`."""
        return await _run(self.manager.update_share, share_token, **terms)

    async def revoke_share(self, share_token: str) -> SharedSession:
        """As `SessionSharingManager.revoke_share`."""
        return await _run(self.manager.revoke_share, share_token)

    async def push_shares(self, share_tokens: Iterable[str] = ()) -> list[SharedSession]:
        """As `SessionSharingManager.push_shares`."""
        return await _run(self.manager.push_shares, list(share_tokens))

    async def list_shares(self, session_id: str | None = None, *, remote: bool = False) -> list[SharedSession]:
        """As `SessionSharingManager.list_shares`."""
        return await _run(self.manager.list_shares, session_id, remote=remote)

    async def prune(self, *, all_owners: bool = False) -> PruneResult:
        """As `SessionSharingManager.prune`."""
        return await _run(self.manager.prune, all_owners=all_owners)


class AsyncSessionSync:
    """`SessionSync` with an awaitable method; arguments, results and errors are those of that name.

    Args:
        sync: the sync to run.
    """

    def __init__(self, sync: SessionSync) -> None:
        self.sync = sync

    async def run(self, **options: Any) -> SyncReport:
        """As `SessionSync.run`."""
        return await _run(self.sync.run, **options)
