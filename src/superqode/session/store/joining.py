"""`merge`: another tip of a session, a fork of it or any other session is taken in, and stays as it is itself."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from superqode.session.codec import layout, message
from superqode.session.codec.meta import Meta
from superqode.session.errors import (
    CorruptObject,
    CorruptSession,
    RefConflict,
    SaveFailed,
    SessionNotFound,
    UnrelatedSessions,
)
from superqode.session.git.objects import Objects
from superqode.session.git.refs import is_ref_name
from superqode.session.git.repository import HEADS, JOURNAL_MOST, Repository
from superqode.session.models import Entry, Message, Snapshot, SnapshotState
from superqode.session.store.branches import is_session_branch, not_found
from superqode.session.store.lanes import OWN
from superqode.session.store.loading import tip_of
from superqode.session.store.merging import Union, unite, write_merge
from superqode.session.store.results import MergeResult
from superqode.session.store.saving import Saver
from superqode.session.store.snapshots import free_id, list_snapshots
from superqode.session.store.state import Tree, read_entries, read_state, read_tree
from superqode.session.store.timeline_tree import common_entries

if TYPE_CHECKING:
    from superqode.session.store.operations.recording import Recorded

__all__ = ["merge_into"]

_ATTEMPTS: Final = 20
_COMMIT: Final = re.compile("[0-9a-f]{40}")


def merge_into(
    repository: Repository, session_id: str, other: str, *, durable: bool, unrelated: bool, recorded: Recorded | None
) -> MergeResult:
    """Merge another tip into a session; see `SessionStore.merge`. The caller holds the session's lock.

    Without an operation that it is `recorded` as it only tells.
    """
    saver = Saver(repository, durable=durable)
    try:
        theirs = _find(repository, other)
        for _ in range(_ATTEMPTS):
            ours = tip_of(repository, session_id)
            work = _Merge(repository, session_id, other, ours, theirs)
            try:
                if recorded is None:
                    return work.plan(unrelated=unrelated)
                return work.do(saver, recorded, durable, unrelated=unrelated)
            except RefConflict:
                continue  # plain git took the branch meanwhile
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    raise SaveFailed(session_id, "not saved", f"other writers were faster {_ATTEMPTS} times")


def _find(repository: Repository, other: str) -> str:
    """The commit that a session's id, the whole name of a ref, or a commit's id names."""
    oid = None
    if is_session_branch(other):
        oid = repository.refs.read(HEADS + other)
    if oid is None and other.startswith("refs/") and is_ref_name(other):
        oid = repository.refs.read(other)
    if oid is None and _COMMIT.fullmatch(other) and repository.objects.has(other):
        oid = other
    if oid is None:
        raise not_found(repository, other)
    tip = repository.objects.peeled(oid) or oid
    if not _is_save(repository.objects, tip):
        raise SessionNotFound(other, hint=" That holds something else: `superqode sessions list` shows all sessions")
    return tip


def _is_save(objects: Objects, oid: str) -> bool:
    """Whether an object is a save of a session, be it a damaged one."""
    if objects.read(oid)[0] != "commit":
        return False
    commit = objects.commit(oid)
    if message.parse(commit.message).session_id:
        return True
    return any(entry.name == layout.META_FILE for entry in objects.tree(commit.tree))


class _Merge:
    def __init__(self, repository: Repository, session_id: str, other: str, ours: str, theirs: str) -> None:
        self._repository = repository
        self._objects = repository.objects
        self._session_id = session_id
        self._other = other
        self._ours = ours
        self._theirs = theirs

    def do(self, saver: Saver, recorded: Recorded, durable: bool, *, unrelated: bool) -> MergeResult:
        """Merge, and move the branch and the snapshots."""
        with self._objects.keeping(JOURNAL_MOST if durable else 0) as kept:
            union = self._unite(unrelated=unrelated)
            told = self._tell(union)
            tip = write_merge(self._objects, self._session_id, union)
            kept.on = (self._ours, self._theirs)
            saver.move_branch(self._session_id, tip, self._ours, kept, f"merge: {self._other}")
        recorded.moved(HEADS + self._session_id, self._ours, tip)
        tags = self._snapshots(told)
        saver.put_tags(self._session_id, [(snapshot, snapshot.commit) for snapshot in tags], recorded.made)
        made = (tip,) if told.status == "merged" else ()
        return replace(told, tip=tip, commits=made, snapshots=tuple(snapshot.id for snapshot in tags))

    def plan(self, *, unrelated: bool) -> MergeResult:
        """Only tell."""
        told = self._tell(self._unite(unrelated=unrelated))
        if told.status != "nothing" and self._tree(self._ours).meta.id != self._session_id:
            # A branch that plain git made says its own id first, in a save that the other has not.
            fields = tuple(name for name in told.fields if name not in OWN)
            told = replace(told, status="merged", tip="", fields=fields)
        return replace(told, snapshots=tuple(snapshot.id for snapshot in self._snapshots(told)), dry_run=True)

    def _unite(self, *, unrelated: bool) -> Union:
        union = unite(self._objects, self._session_id, self._ours, self._theirs)
        fork = union.fork
        if fork is None or fork.root is not None:
            return union
        ids = {self._tree(oid).meta.id for oid in union.parents}
        if len(ids) > 1 and not fork.reached(self._ours) & fork.reached(self._theirs):
            clashes = self._clashes() if unrelated else 0
            if clashes or not unrelated:
                raise UnrelatedSessions(self._session_id, self._other, clashes=clashes)
        return union

    def _clashes(self) -> int:
        """How many entries of two strangers have one id by chance: a merge would take them for one."""
        ours, theirs = (
            {entry.id: entry for entry in read_entries(self._objects, self._tree(oid), self._session_id)}
            for oid in (self._ours, self._theirs)
        )
        return sum(1 for name, entry in theirs.items() if name in ours and ours[name] != entry)

    def _tree(self, oid: str) -> Tree:
        return read_tree(self._objects, self._objects.commit(oid), self._session_id)

    # -- what it comes to ---------------------------------------------------------------------------------------------

    def _tell(self, union: Union) -> MergeResult:
        told = MergeResult(self._session_id, self._other, "nothing", union.tip)
        if union.tip == self._ours:
            return replace(told, entries_taken_back=self._taken_back())
        ours = self._tree(self._ours)
        if union.merged is None:
            theirs = self._tree(union.tip)
            after = read_entries(self._objects, theirs, self._session_id)
            told, kept, meta = replace(told, status="forwarded"), 0, theirs.meta
        else:
            after, kept, meta = union.merged.entries, union.merged.keep, union.merged.meta
            told = replace(told, status="merged")
        before = read_entries(self._objects, ours, self._session_id, kept)
        known = {entry.id for entry in before}
        came: list[Entry] = [entry for entry in after if entry.id not in known]
        spoken = sum(1 for entry in came if isinstance(entry, Message))
        return replace(
            told,
            messages_added=spoken,
            executions_added=len(came) - spoken,
            entries_removed=len(known - {entry.id for entry in after}),
            fields=tuple(
                name for name in Meta.model_fields if name != "id" and getattr(ours.meta, name) != getattr(meta, name)
            ),
        )

    def _taken_back(self) -> int:
        """How many entries of the other are not in this one any more; what both begin with need not be read."""
        ours, theirs = self._tree(self._ours), self._tree(self._theirs)
        start = common_entries(self._objects, ours.timeline, theirs.timeline)
        left = self._names(theirs, start)
        return len(left - self._names(ours, start)) if left else 0

    def _names(self, tree: Tree, start: int) -> set[str]:
        return {entry.id for entry in read_entries(self._objects, tree, self._session_id, start)}

    def _snapshots_of(self, session_id: str, tip: str) -> list[Snapshot]:
        def state(oid: str) -> SnapshotState:
            return read_state(self._objects, oid, session_id)

        return list_snapshots(self._repository, (session_id, self._tree(tip).meta.id), tip, state)

    def _snapshots(self, told: MergeResult) -> list[Snapshot]:
        """The other's snapshots that this session has not, under ids that are free here, but of what was taken back."""
        if told.entries_taken_back:
            return []
        own = self._snapshots_of(self._session_id, self._ours)
        known = {(snapshot.commit, snapshot.description) for snapshot in own}
        names = {snapshot.id for snapshot in own}
        found: list[Snapshot] = []
        for snapshot in self._snapshots_of(self._other.removeprefix(HEADS), self._theirs):
            if (snapshot.commit, snapshot.description) in known:
                continue
            taken = snapshot.copy()
            taken.id = free_id(snapshot.id, names.__contains__)
            names.add(taken.id)
            found.append(taken)
        return found
