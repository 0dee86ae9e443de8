"""What moves and removes sessions, and how that is taken back; each verb leaves an entry in the operation log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from superqode.session import clock
from superqode.session.errors import CorruptSession, OperationNotFound, SessionError, SessionNotFound
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.lazy import lazy_modules
from superqode.session.store.branches import branch_ref
from superqode.session.store.care import StoreCare
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.filters import at_most

if TYPE_CHECKING:
    from superqode.session.store import (
        ledger,
        loading,
        maintenance,
        purged,
        renaming,
        results,
        saving,
        sources,
        sources_refs,
        trash,
    )
    from superqode.session.store.operations import forgetting, planning, recording, taking_back
    from superqode.session.store.operations import log as operation_log
    from superqode.session.store.operations import results as operation_results
    from superqode.session.store.operations.log import Stored
    from superqode.session.store.operations.planning import Plan
    from superqode.session.store.operations.recording import Recorded
    from superqode.session.store.operations.results import Operation, UndoneOperation
    from superqode.session.store.results import PurgeResult, SessionSummary, TrashItem
    from superqode.session.store.saving import Saver
else:
    ledger, loading, maintenance, purged, renaming, results, saving, sources, sources_refs, trash = lazy_modules(
        "superqode.session.store",
        "ledger",
        "loading",
        "maintenance",
        "purged",
        "renaming",
        "results",
        "saving",
        "sources",
        "sources_refs",
        "trash",
    )
    forgetting, operation_log, planning, recording, taking_back, operation_results = lazy_modules(
        "superqode.session.store.operations", "forgetting", "log", "planning", "recording", "taking_back", "results"
    )

__all__ = ["StoreMoves"]

T = TypeVar("T")
# How many sessions are moved, or forgotten, at once.
_TOGETHER: Final = 200


class StoreMoves(StoreCare):
    """The verbs of `SessionStore` that move and remove sessions, and the log of them."""

    @contextmanager
    def _recorded(
        self, repository: Repository, verb: str, session_id: str, *, flushing: bool = False
    ) -> Iterator[Recorded]:
        """Write down as one operation what happens inside to a session's refs."""
        titles = recording.titles_of(repository, [session_id])
        with self._told(), recording.recording(repository, verb, titles, flushing=flushing) as recorded:
            yield recorded

    def _settle_branches(self, repository: Repository, session_ids: Collection[str]) -> None:
        """Let branches that plain git made of sessions have snapshots of their own, before the sessions' tags go.

        One that is damaged, or that a newer superqode wrote, stays as it is.

        Raises:
            SaveFailed, StoreLocked: as `save`; nothing else was begun.
        """
        for name in self._borrowers(repository, session_ids):
            with suppress(CorruptSession, SessionNotFound):
                session = loading.load_session(repository, name)
                self._after_save(repository, self._saver(repository).save(session))

    def _borrowers(self, repository: Repository, session_ids: Collection[str]) -> list[str]:
        """Branches that plain git made of sessions, and whose snapshots stand under the ids of those only."""
        tagged = [session_id for session_id in session_ids if repository.refs.names(f"{TAGS}{session_id}/")]
        # Those that go as well do so with the tags that they have.
        return [name for name in self._index(repository).told_by(tagged) if name not in session_ids] if tagged else []

    # -- moving and removing ------------------------------------------------------------------------------------------

    def rename(self, session_id: str, new_id: str) -> tuple[str, ...]:
        """Give a session another id; snapshots, trash and children follow.

        Gives the ids of forks that could not be told, for a newer superqode wrote them or they are damaged: they name
        the old id as before.

        Raises:
            SessionExists: the new id is taken.
            InvalidSessionId: one of them is none, or the new one differs from a taken one only in upper and lower case.
            InvalidSession: a tag stands where one of its snapshots would.
            SessionNotFound, CorruptSession, NewerFormat: as `load`.
            SaveFailed, StoreLocked: as `save`.
        """
        repository = self._existing(session_id)
        branch_ref(new_id)
        self._settle_branches(repository, [session_id])
        children = [child.id for child in self.list_sessions(parent=session_id)]
        titles = recording.titles_of(repository, [session_id]) | {new_id: ""}
        with self._told(), recording.recording(repository, "rename", titles, renamed=(session_id, new_id)):
            renaming.rename(repository, self._index(repository), self._saver(repository), session_id, new_id)
            return self._adopt(repository, children, new_id)

    def _saver(self, repository: Repository) -> Saver:
        return saving.Saver(repository, durable=self._durable)

    def _adopt(self, repository: Repository, children: Sequence[str], parent: str) -> tuple[str, ...]:
        """Let forks of a session know its new id; gives those that could not be told."""
        left: list[str] = []
        for child in children:
            try:
                if renaming.is_family(repository, child, parent):
                    self._after_save(repository, renaming.adopt(repository, self._saver(repository), child, parent))
            except OSError:
                raise  # cut short, so whoever comes next tells the rest
            except SessionError:
                left.append(child)
        return tuple(left)

    def delete(self, session_id: str) -> bool:
        """Move a session into the trash; says whether there was one.

        Raises:
            InvalidSessionId, CorruptSession: as `exists`.
            SaveFailed, StoreLocked: as `save`; nothing was deleted.
        """
        repository = self._open()
        if repository is None or not self.exists(session_id):
            return False
        self._settle_branches(repository, [session_id])
        with self._recorded(repository, "delete", session_id, flushing=True), repository.writing(session_id):
            deleted = trash.move_to_trash(repository, session_id)
        self._index(repository).forget(session_id)
        return deleted

    def trash(
        self,
        name: str | None = None,
        *,
        older_than: timedelta | None = None,
        beginning: str = "",
        limit: int | None = None,
    ) -> list[TrashItem]:
        """List deleted sessions, newest first; those that plain git deleted are in it.

        Args:
            name: only the one that this names: a deleted session's id, or a trash item's key.
            older_than: only items deleted longer ago.
            beginning: only those whose ids begin so.
            limit: at most so many.

        Raises:
            SessionNotFound: the trash has no such session.
            AmbiguousId: the beginning of several ids.
        """
        repository = self._holding(() if name is None else (name,), trash.EMPTY)
        if repository is None:
            return []
        self._index(repository).refresh()
        return trash.chosen(repository, name, older_than, beginning, limit)

    def undelete(self, name: str, *, new_id: str | None = None) -> str:
        """Bring a session back from the trash (`name`: its id, or a trash item's key); gives its id.

        Raises:
            SessionNotFound: the trash has no such session.
            AmbiguousId: the beginning of several ids.
            SessionExists: its id was taken meanwhile; give another with `new_id`.
            InvalidSessionId: `new_id` is none, or differs from a taken one only in upper and lower case.
            InvalidSession: a tag stands where one of its snapshots would.
        """
        repository = self._open()
        if repository is None:
            raise SessionNotFound(name, hint=trash.EMPTY)
        self._index(repository).refresh()
        item = trash.find_item(repository, name)
        chosen = new_id or item.session_id
        with (
            self._told(),
            recording.recording(repository, "undelete", dict.fromkeys((chosen, item.session_id), item.title)),
        ):
            with repository.writing(item.session_id, chosen):
                trash.take_out(repository, item, chosen)
                sources_refs.follow_to(repository, item.session_id, chosen)
            sources_refs.forget_original(repository, item.session_id)
        return chosen

    def purge(self, name: str | None = None, *, older_than: timedelta | None = None, now: bool = False) -> PurgeResult:
        """Forget deleted sessions for ever: one item, or all (older than an age).

        Args:
            name: only the one that this names, as in `trash`.
            older_than: only items deleted longer ago.
            now: free the bytes at once, while no save runs; else `maintain` does when they are old enough.

        Raises:
            SessionNotFound, AmbiguousId: as `trash`.
        """
        repository = self._holding(() if name is None else (name,), trash.EMPTY)
        if repository is None:
            return results.PurgeResult(())
        from superqode.session.store import secrets as scrubbing

        items = self.trash(name, older_than=older_than)
        if items:
            self._forget(repository, items)
        sessions = {item.session_id for item in items}
        freed = maintenance.free_now(repository) if now else 0
        return results.PurgeResult(
            tuple(item.key for item in items),
            freed,
            scrubbing.shares_of(repository, sessions),
            maintenance.holders(repository, sessions) if now else (),
        )

    def _forget(self, repository: Repository, items: Sequence[TrashItem]) -> None:
        from superqode.session.store import secrets as scrubbing

        index, log = self._index(repository), operation_log.OperationLog(repository)
        sessions = dict.fromkeys((item.session_id for item in items), "")
        going = _going(repository, items)
        with self._told(), log.alone(), forgetting.purging(repository, log, sessions, going):
            for part in _parts(items):
                with repository.writing(*(item.session_id for item in part)):
                    purged.mark_purged(repository, part)
                    trash.throw_away(repository, part)
                for item in part:
                    sources_refs.forget_purged(repository, item)
        # Not under the sessions' locks, which a listing that rescues takes while it holds the index.
        with self._told():
            index.forget(*sessions)
            index.discard_words()  # those of what was purged are among them; its row is gone
            scrubbing.forget_verdicts(repository)

    def cleanup_old_sessions(
        self, days: float = 30, *, dry_run: bool = False, progress: Progress | None = None
    ) -> list[SessionSummary]:
        """Move sessions into the trash that did not change for so many days; gives them. Never done by itself.

        Args:
            days: how many.
            dry_run: only tell.
            progress: told while changed sessions are read, then how many were looked at.

        Raises:
            ValueError: a negative number.
        """
        if days < 0:
            raise ValueError("days must not be negative: every session would go into the trash")
        try:
            limit = clock.now() - timedelta(days=days)
        except OverflowError:
            return []  # nothing is that old
        # What cannot be read has no age.
        old = [summary for summary in self.list_sessions(until=limit, progress=progress) if not summary.problem]
        repository = self._open()
        if dry_run or repository is None or not old:
            return old
        self._settle_branches(repository, {summary.id for summary in old})
        moved: set[str] = set()
        titles = {summary.id: summary.title for summary in old}
        with self._told(), recording.recording(repository, "prune", titles, flushing=True):
            for done, part in enumerate(_parts(old)):
                if progress is not None:
                    progress(done * _TOGETHER, len(old), "moving sessions to the trash")
                with repository.writing(*(summary.id for summary in part)):
                    # What changed since it was listed is not old any more.
                    moved.update(trash.move_together(repository, {summary.id: summary.tip for summary in part}))
        self._index(repository).forget(*moved)
        return [summary for summary in old if summary.id in moved]

    # -- operations ---------------------------------------------------------------------------------------------------

    def operations(self, limit: int | None = None) -> list[Operation]:
        """List what moved or removed something in the store, newest first; saves have their own history.

        Args:
            limit: at most so many.

        Raises:
            StoreError: the log is damaged; sessions are not touched by that.
            NewerFormat: a newer superqode wrote it.
        """
        repository = self._open()
        if repository is None:
            return []
        return [
            operation
            for operation, _ in islice(taking_back.listed(repository), None if limit is None else at_most(limit))
        ]

    def undo_operation(self, which: int | str | None = None, *, dry_run: bool = False) -> UndoneOperation:
        """Take an operation back; that is one itself, and can be taken back.

        A share that was revoked is back in this store, and `push_shares` sends it to its remote again.

        Args:
            which: its number as `operations` counts (1 is the newest), or its id or the beginning of it; without it
                the newest one in effect that took no other back, so that doing it again goes further back.
            dry_run: only tell.

        Raises:
            OperationNotFound: there is none.
            AmbiguousId: the beginning of several ids.
            OperationFinal: it forgot something for good, or was taken back already.
            OperationBlocked: something that happened since stands in the way; nothing was changed.
        """
        repository = self._open()
        if repository is None:
            raise OperationNotFound("in this store")
        self._index(repository).refresh()
        wanted, _ = taking_back.chosen(repository, which)
        log = operation_log.OperationLog(repository)
        with self._told(), ledger.share_alone(repository, wanted.share) if wanted.share else nullcontext(), log.alone():
            recording.settle(repository, log)
            # Another process may have been first: then this says so, and takes nothing else back.
            operation, stored = taking_back.chosen(repository, wanted.id)
            children = self._children(operation)
            if dry_run:
                made = taking_back.planned(repository, stored)
                return operation_results.UndoneOperation(operation, "", tuple(made.told()), _share(made), dry_run=True)
            titles = {session.id: session.title for session in operation.sessions}
            if self._borrowers(repository, titles):
                taking_back.planned(repository, stored)  # where something stands in the way, nothing is changed
                self._settle_branches(repository, titles)
            with recording.record(
                repository,
                log,
                planning.OPS_UNDO,
                titles,
                renamed=(stored.entry.renamed[1], stored.entry.renamed[0]) if stored.entry.renamed else (),
                share=stored.entry.share,
                undoes=operation.id,
            ) as recorded:
                made = self._take_back(repository, stored)
                for move in made.saved:
                    recorded.moved(*move)
                for name, _, oid in made.back:
                    if oid and name.startswith(TAGS):
                        recorded.made(name, oid)
                left = self._adopt(repository, children, stored.entry.renamed[0]) if stored.entry.renamed else ()
        done = operation.taken_back(recorded.id)
        told = (
            *made.told(),
            *(f"{child} could not be told, and names {operation.renamed_to} as before" for child in left),
        )
        return operation_results.UndoneOperation(done, recorded.id, told, _share(made))

    def _children(self, operation: Operation) -> list[str]:
        named = operation.renamed_to
        return [child.id for child in self.list_sessions(parent=named)] if named else []

    def _take_back(self, repository: Repository, stored: Stored) -> Plan:
        index = self._index(repository)
        made = taking_back.take_back(repository, stored)
        if made.rename:
            renaming.rename(repository, index, self._saver(repository), *made.rename)
        gone = [move.name.removeprefix(HEADS) for move in made.back if move.name.startswith(HEADS) and not move.new]
        index.forget(*gone, *made.trash)
        return made


def _parts(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut what is done to very many sessions into parts, so that saves of others wait for a moment only."""
    return (things[start : start + _TOGETHER] for start in range(0, len(things), _TOGETHER))


def _share(made: Plan) -> str:
    """The share that has to be pushed again."""
    return made.entry.share if made.document is not None and made.document.get("remote_ref") else ""


def _going(repository: Repository, items: Iterable[TrashItem]) -> list[str]:
    """The refs that go when items are purged."""
    going: set[str] = set()
    for item in items:
        going.update(repository.refs.names(f"{trash.TRASH}{item.key}/"))
    for session_id in {item.session_id for item in items}:
        left = set(repository.refs.names(f"{trash.TRASH}{session_id}/")) - going
        if not left and repository.refs.read(branch_ref(session_id)) is None:
            going.add(sources.KEPT + session_id)
    return sorted(going)
