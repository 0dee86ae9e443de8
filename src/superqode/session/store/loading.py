"""`load`: a branch, a commit or a snapshot becomes a session in memory."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from superqode.session.codec.meta import Meta
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.objects import Tag
from superqode.session.git.repository import HEADS, Repository
from superqode.session.models import Entry, Message, Session, SnapshotState, thaw
from superqode.session.store.branches import branch_ref, not_found, parent_of
from superqode.session.store.snapshots import list_snapshots
from superqode.session.store.state import Saved, counts, merged_by_git, read_entries, read_state, read_tree, times

__all__ = ["load_commit", "load_ending", "load_meta", "load_session", "tip_of"]


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


def load_meta(repository: Repository, session_id: str) -> Meta:
    """Read a session's fields, and none of its entries.

    Raises:
        SessionNotFound, CorruptSession.
    """
    tip = tip_of(repository, session_id)
    try:
        return read_tree(repository.objects, repository.objects.commit(tip), session_id).meta
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem


def load_session(repository: Repository, session_id: str) -> Session:
    """Load a session as it is now; a branch that only points at another is that one's session.

    Raises:
        SessionNotFound, CorruptSession.
    """
    tip = tip_of(repository, session_id)
    real = repository.refs.real_name(HEADS + session_id).removeprefix(HEADS)
    return load_commit(repository, real, tip, branch=real)


def load_ending(repository: Repository, session_id: str, number: int) -> list[Entry]:
    """Load the last so many entries of a session, and no others.

    Raises:
        SessionNotFound, CorruptSession.
    """
    objects = repository.objects
    tip = tip_of(repository, session_id)
    try:
        commit = objects.commit(tip)
        tree = read_tree(objects, commit, session_id)
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    start = max(0, sum(counts(objects, commit, tree, session_id)) - number)
    found = read_entries(objects, tree, session_id, start)
    # A commit that others made may tell of more entries than there are.
    return found if start == 0 or len(found) == number else read_entries(objects, tree, session_id)[-number:]


def load_commit(
    repository: Repository,
    session_id: str,
    commit_oid: str,
    *,
    branch: str | None,
    tags: Mapping[str, Tag] = MappingProxyType({}),
) -> Session:
    """Load a session as one of its commits holds it.

    Args:
        repository: the store.
        session_id: the session.
        commit_oid: the commit.
        branch: the branch a save goes to; `None` for a look back, whose save would be a fork.
        tags: snapshots that came with the commit, by id, besides those that stand in the store.

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
            entries = read_entries(objects, tree, session_id)
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
    session._set_order(entries)
    session._timeline.mark()
    spoken = sum(1 for entry in entries if isinstance(entry, Message))
    session._saved = Saved(str(repository.path), branch, commit_oid, tree, len(entries), spoken, saved_at, updated_at)
    return session
