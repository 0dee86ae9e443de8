"""`load`: a branch, a commit or a snapshot becomes a session in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from superqode.session.codec import message
from superqode.session.codec.meta import Meta
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.object_codec import Commit, Tag
from superqode.session.git.objects import Objects
from superqode.session.git.repository import HEADS, Repository
from superqode.session.models import Entry, Session, SnapshotState, thaw
from superqode.session.models.window import Window
from superqode.session.store.branches import branch_ref, not_found, parent_of
from superqode.session.store.index.entries import EntryCache
from superqode.session.store.snapshots import list_snapshots
from superqode.session.store.state import Saved, Tree, counts, merged_by_git, read_entries, read_state, read_tree, times
from superqode.session.store.timeline_tree import count_entries

__all__ = ["load_commit", "load_ending", "load_meta", "load_session", "real_id", "tip_of"]

T = TypeVar("T")
# How often a branch may move while what it was at before is freed.
_TRIES: Final = 5


def tip_of(repository: Repository, session_id: str) -> str:
    """The commit a session is at.

    Raises:
        SessionNotFound: there is no such session.
        CorruptSession: its ref is damaged.
    """
    try:
        tip = repository.refs.read(branch_ref(session_id))
    except CorruptObject as problem:
        raise CorruptSession(session_id, f"its branch cannot be read: {problem.reason}") from problem
    if tip is None:
        raise not_found(repository, session_id)
    return tip


def real_id(repository: Repository, session_id: str) -> str:
    """The id of the session that a branch is, which only points at another one maybe; raises CorruptObject."""
    return repository.refs.real_name(branch_ref(session_id)).removeprefix(HEADS)


def _steadily(repository: Repository, session_id: str, read: Callable[[str], T]) -> T:
    """Read what a session's branch is at, and again where it has moved since: the old save may be freed meanwhile.

    Raises:
        SessionNotFound, CorruptSession.
    """
    tip = tip_of(repository, session_id)
    for _ in range(_TRIES):
        try:
            return read(tip)
        except (CorruptObject, CorruptSession):
            before, tip = tip, tip_of(repository, session_id)
            if before == tip:
                break
    try:
        return read(tip)
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem


def load_meta(repository: Repository, session_id: str) -> Meta:
    """Read a session's fields, and none of its entries.

    Raises:
        SessionNotFound, CorruptSession.
    """
    objects = repository.objects
    return _steadily(repository, session_id, lambda tip: read_tree(objects, objects.commit(tip), session_id).meta)


def load_session(repository: Repository, session_id: str, last: int | None = None) -> Session:
    """Load a session as it is now; a branch that only points at another is that one's session.

    Args:
        repository: the store.
        session_id: the session.
        last: have so many entries at hand, and read those before them when somebody asks for them.

    Raises:
        SessionNotFound, CorruptSession.
    """

    def whole(tip: str) -> Session:
        real = real_id(repository, session_id)
        return load_commit(repository, real, tip, branch=real, last=last)

    return _steadily(repository, session_id, whole)


def load_ending(repository: Repository, session_id: str, number: int) -> list[Entry]:
    """Load the last so many entries of a session, and no others.

    Raises:
        SessionNotFound, CorruptSession.
    """
    objects = repository.objects

    def ending(tip: str) -> list[Entry]:
        tree = read_tree(objects, objects.commit(tip), session_id)
        start = max(0, count_entries(objects, tree.timeline) - number)
        return read_entries(objects, tree, session_id, start)

    return _steadily(repository, session_id, ending)


def load_commit(
    repository: Repository,
    session_id: str,
    commit_oid: str,
    *,
    branch: str | None,
    tags: Mapping[str, Tag] = MappingProxyType({}),
    last: int | None = None,
) -> Session:
    """Load a session as one of its commits holds it.

    Args:
        repository: the store.
        session_id: the session.
        commit_oid: the commit.
        branch: the branch a save goes to; `None` for a look back, whose save would be a fork.
        tags: snapshots that came with the commit, by id, besides those that stand in the store.
        last: as in `load_session`.

    Raises:
        CorruptSession: it is damaged.
    """
    objects = repository.objects

    def state(oid: str) -> SnapshotState:
        return read_state(objects, oid, session_id)

    try:
        commit = objects.commit(commit_oid)
        try:
            tree = read_tree(objects, commit, session_id)
            start = 0 if last is None else _first_of(objects, commit, tree, last)
            entries = _entries(repository, session_id, tree, cached=branch is not None, start=start)
        except CorruptSession as problem:
            raise merged_by_git(commit, problem) from problem
        snapshots = list_snapshots(repository, (session_id, tree.meta.id), commit_oid, state, tags)
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    saved_at, updated_at = times(commit)
    meta = tree.meta
    session = Session(
        id=session_id,
        title=meta.title,
        created_at=meta.created_at,
        updated_at=updated_at,
        project_path=meta.project_path,
        files_modified=list(meta.files_modified),
        files_created=list(meta.files_created),
        agents_used=list(meta.agents_used),
        tags=list(meta.tags),
        parent_session_id=parent_of(repository, session_id, meta.id, meta.parent_session_id),
        snapshots=snapshots,
        metadata=thaw(meta.metadata),
    )
    if start:
        spoken = counts(objects, commit, tree, session_id)[0]

        def beginning() -> list[Entry]:
            try:
                return _entries(repository, session_id, tree, cached=branch is not None)[:start]
            except CorruptSession as problem:
                raise merged_by_git(commit, problem) from problem

        session._fold(Window(start, entries, beginning), spoken)
    else:
        session._set_order(entries)
        session._timeline.mark()
        spoken = session.message_count
    total = start + len(entries)
    session._saved = Saved(str(repository.path), branch, commit_oid, tree, total, spoken, saved_at, updated_at)
    return session


def _entries(repository: Repository, session_id: str, tree: Tree, *, cached: bool, start: int = 0) -> list[Entry]:
    """A timeline's entries from one on; what is loaded as a whole again and again is kept."""
    if start or not cached:
        return read_entries(repository.objects, tree, session_id, start)
    return EntryCache.of(repository).entries(session_id, tree)


def _first_of(objects: Objects, commit: Commit, tree: Tree, last: int) -> int:
    """The place of the first of the last entries; 0 also where it is not quite sure how many there are."""
    total = count_entries(objects, tree.timeline)
    story = message.parse(commit.message)
    if tree.newer or story.messages is None or story.executions is None:
        return 0
    return max(0, total - max(1, last)) if story.messages[0] + story.executions[0] == total else 0
