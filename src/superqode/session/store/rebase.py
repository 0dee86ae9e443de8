"""A save that lost the race: the session in memory takes in what others stored, and goes on from there."""

from __future__ import annotations

from collections.abc import Sequence

from superqode.session.codec.meta import Meta
from superqode.session.errors import CorruptObject, CorruptSession, SessionDeleted
from superqode.session.git.history import diverged
from superqode.session.git.objects import Objects
from superqode.session.git.repository import TAGS, Repository
from superqode.session.models import Entry, Message, Session, Snapshot, SnapshotState, thaw
from superqode.session.models.timeline import common_prefix
from superqode.session.store.lines import ticks
from superqode.session.store.merge import merge_entries, merge_meta
from superqode.session.store.snapshots import free_id, list_snapshots, session_tags, tagged
from superqode.session.store.state import Saved, Tree, read_entries, read_state, read_tree, times
from superqode.session.store.timeline_tree import common_entries, count_entries

__all__ = ["drop_done_steps", "rebase"]


def rebase(repository: Repository, session: Session, saved: Saved, tip: str) -> tuple[Saved, int]:
    """Merge the stored tip into the session; gives the new base, and how many entries of others came in.

    Afterwards the session holds both sides' changes, and what it knows as saved is the tip.

    Raises:
        SessionDeleted: the tip is another session's, begun under the same id since.
        CorruptObject, CorruptSession: it is damaged.
    """
    objects = repository.objects
    commit = objects.commit(tip)
    theirs = read_tree(objects, commit, session.id)
    if _is_another(objects, saved, tip, theirs):
        raise SessionDeleted(session.id, taken=True)
    count = count_entries(objects, theirs.timeline)
    order = session._order()
    merged, stored, same = _merge(repository, session, saved, theirs)
    kept = common_prefix(order, merged)
    before = {entry.id for entry in order[kept:]}
    taken = sum(1 for entry in merged[kept:] if entry.id not in before)
    meta = merge_meta(saved.tree.meta, Meta.of(session), theirs.meta)
    _apply(session, merged, meta)
    session._timeline.untouched = common_prefix(stored, merged)
    saved_at, updated_at = times(commit)
    spoken = sum(1 for entry in stored[same:] if isinstance(entry, Message)) + (saved.messages if same else 0)
    fresh = Saved(saved.store, saved.branch, tip, theirs, count, spoken, saved_at, updated_at)
    session._saved = fresh
    session.updated_at = max(session.updated_at, updated_at)
    complete = len(stored) == len(merged) == session._timeline.untouched
    drop_done_steps(repository, session, theirs.meta.id, complete=complete)
    _take_snapshots(repository, session, theirs.meta.id, tip)
    return fresh, taken


def _is_another(objects: Objects, saved: Saved, tip: str, theirs: Tree) -> bool:
    """Whether a tip is a session of its own: begun at another time, and no save is in both histories.

    Either alone is no proof: a person may amend the first save or change its time, and a scrub writes all saves anew.
    """
    if theirs.meta.created_at == saved.tree.meta.created_at:
        return False
    if not objects.has(saved.commit):
        return True  # purged
    fork = diverged(objects, saved.commit, tip, when=ticks)
    return fork.root is None and not fork.reached(saved.commit) & fork.reached(tip)


def _merge(
    repository: Repository, session: Session, saved: Saved, theirs: Tree
) -> tuple[list[Entry], Sequence[Entry], int]:
    """The merged order, the stored one, and how many of that are all that was saved before; 0 where it is not so."""
    objects = repository.objects
    order = session._order()
    try:
        common = common_entries(objects, saved.tree.timeline, theirs.timeline)
    except CorruptObject:
        common = -1  # scrubbed and purged since we loaded it
    if common == saved.entries == session._timeline.untouched:
        # Both only appended, as nearly always: what is common need not be read again.
        news = read_entries(objects, theirs, session.id, start=common)
        stored = [*order[:common], *news]
        return merge_entries(order[:common], order, stored), stored, common
    try:
        base: Sequence[Entry] = read_entries(objects, saved.tree, session.id)
    except CorruptSession:
        base = order[: session._timeline.untouched]  # gone with a scrub: what we did not touch is what was saved
    stored = read_entries(objects, theirs, session.id)
    return merge_entries(base, order, stored), stored, 0


def _apply(session: Session, entries: list[Entry], meta: Meta) -> None:
    session._set_order(entries)
    for name in ("title", "project_path", "parent_session_id", "created_at"):
        setattr(session, name, getattr(meta, name))
    for name in ("files_modified", "files_created", "agents_used", "tags"):
        getattr(session, name)[:] = getattr(meta, name)
    session.metadata = thaw(meta.metadata)


def drop_done_steps(repository: Repository, session: Session, told_id: str, *, complete: bool) -> None:
    """Forget steps that a save which was cut short after its ref moved had made already.

    A snapshot whose id somebody else gave another one meanwhile gets an id that is free.

    Args:
        repository: the store.
        session: the session.
        told_id: the id its stored tree says; tags may stand under that one too.
        complete: whether what is stored is what the session holds.
    """
    owners = (session.id, told_id)
    left = []
    for step in session._steps:
        if step.kind == "snapshot" and step.snapshot is not None:
            if _is_tagged(repository, owners, step.snapshot, step.state):
                continue
            _name_freely(repository, owners, session, step.snapshot)
        elif complete:
            continue
        left.append(step)
    session._steps[:] = left


def _is_tagged(repository: Repository, owners: tuple[str, str], snapshot: Snapshot, state: SnapshotState) -> bool:
    """Whether a snapshot stands in the store already, and is this very one; it knows its commit then."""
    for owner in owners:
        commit = tagged(repository, f"{TAGS}{owner}/{snapshot.id}", snapshot.description)
        if commit is not None and (commit == snapshot.commit or _has(repository, commit, state)):
            snapshot.commit = commit
            return True
    return False


def _has(repository: Repository, commit: str, state: SnapshotState) -> bool:
    try:
        return read_state(repository.objects, commit, "") == state
    except CorruptSession:
        return False


def _name_freely(repository: Repository, owners: tuple[str, str], session: Session, snapshot: Snapshot) -> None:
    own = {known.id for known in session.snapshots if known is not snapshot}
    snapshot.id = free_id(
        snapshot.id,
        lambda name: name in own or any(repository.refs.read(f"{TAGS}{owner}/{name}") is not None for owner in owners),
    )


def _take_snapshots(repository: Repository, session: Session, told_id: str, tip: str) -> None:
    """Let a session know the snapshots that others made of it."""
    owners, own = (session.id, told_id), {snapshot.id: snapshot for snapshot in session.snapshots}
    tags = session_tags(repository, owners, tip)
    if all(name in own and own[name].commit == tag.target for name, tag in tags.items()):
        return
    stored = list_snapshots(repository, owners, tip, lambda oid: read_state(repository.objects, oid, session.id))
    # One whose saves were scrubbed meanwhile is another one now.
    own |= {
        snapshot.id: snapshot
        for snapshot in stored
        if snapshot.id not in own or own[snapshot.id].commit != snapshot.commit
    }
    session.snapshots[:] = sorted(own.values(), key=Snapshot.place)
