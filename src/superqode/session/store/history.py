"""A session's saves, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from itertools import islice
from typing import Any

from superqode.session.codec import message
from superqode.session.codec.meta import Meta
from superqode.session.errors import CorruptObject, CorruptSession, NewerFormat
from superqode.session.git.history import ancestors
from superqode.session.git.object_codec import Commit
from superqode.session.git.repository import Repository
from superqode.session.models import Entry, SnapshotState
from superqode.session.store.index.filters import at_most
from superqode.session.store.lines import ticks
from superqode.session.store.loading import tip_of
from superqode.session.store.results import Change, SaveRecord, SessionDiff
from superqode.session.store.snapshots import list_snapshots
from superqode.session.store.state import Tree, read_entries, read_state, read_tree, saved_at
from superqode.session.store.weave import what_moved

__all__ = ["diff_commits", "history"]


def history(
    repository: Repository,
    session_id: str,
    limit: int | None = None,
    damaged: Callable[[CorruptSession], None] | None = None,
) -> list[SaveRecord]:
    """Give a session's saves along all parents, newest first; those before a fork belong to its parent.

    Args:
        repository: the store.
        session_id: the session.
        limit: so many at most.
        damaged: told of damage behind the newest save, or in what it holds; then the saves that can be read are given.

    Raises:
        SessionNotFound, CorruptSession.
    """
    tip = tip_of(repository, session_id)
    try:
        try:
            return _saves(repository, session_id, tip, limit)
        except CorruptObject as problem:
            raise CorruptSession(session_id, str(problem)) from problem
    except NewerFormat:
        raise
    except CorruptSession as problem:
        if damaged is None:
            raise
        try:
            found = _saves(repository, session_id, tip, limit, readable=True)
        except CorruptObject:
            raise problem from None
        damaged(problem)
        return found


def _saves(
    repository: Repository, session_id: str, tip: str, limit: int | None, *, readable: bool = False
) -> list[SaveRecord]:
    objects = repository.objects

    def state(oid: str) -> SnapshotState:
        return read_state(objects, oid, session_id)

    owners = [session_id]
    with suppress(CorruptObject, CorruptSession) if readable else nullcontext():
        owners.append(read_tree(objects, objects.commit(tip), session_id).meta.id)
    named: dict[str, list[str]] = {}
    for snapshot in list_snapshots(repository, owners, tip, state):
        named.setdefault(snapshot.commit, []).append(snapshot.id)
    found = ancestors(objects, tip, when=ticks, readable=readable)
    return [
        _record(oid, commit, tuple(named.get(oid, ())))
        for oid, commit in islice(found, None if limit is None else at_most(limit))
    ]


def _record(oid: str, commit: Commit, snapshots: tuple[str, ...]) -> SaveRecord:
    story = message.parse(commit.message)
    messages, executions = story.messages or (0, 0), story.executions or (0, 0)
    return SaveRecord(
        commit=oid,
        parents=commit.parents,
        saved_at=saved_at(commit, story),
        subject=story.subject,
        author=commit.author.name,
        messages=messages[0],
        executions=executions[0],
        messages_added=messages[1],
        executions_added=executions[1],
        session_id=story.session_id,
        restores=story.restores,
        action=story.action,
        snapshots=snapshots,
    )


def diff_commits(repository: Repository, left: tuple[str, str], right: tuple[str, str]) -> SessionDiff:
    """Give what turns one state into another; each is named by session id and commit.

    Raises:
        CorruptSession: one of them is damaged.
    """
    (tree_a, entries_a), (tree_b, entries_b) = (_read(repository, *side) for side in (left, right))
    common = next(
        (n for n, (a, b) in enumerate(zip(entries_a, entries_b, strict=False)) if a != b),
        min(len(entries_a), len(entries_b)),
    )
    changes = [
        *_entry_changes(entries_a[common:], entries_b[common:]),
        *_moves([entry.id for entry in entries_a], [entry.id for entry in entries_b]),
        *_field_changes(tree_a.meta, tree_b.meta),
    ]
    return SessionDiff(left[1], right[1], common, tuple(changes))


def _read(repository: Repository, session_id: str, commit_oid: str) -> tuple[Tree, list[Entry]]:
    objects = repository.objects
    try:
        tree = read_tree(objects, objects.commit(commit_oid), session_id)
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    return tree, read_entries(objects, tree, session_id)


def _entry_changes(before: list[Entry], after: list[Entry]) -> list[Change]:
    old = {entry.id: entry for entry in before}
    new = {entry.id: entry for entry in after}
    changes = [Change("removed", entry.id, before=entry.to_dict()) for entry in before if entry.id not in new]
    for entry in after:
        known = old.get(entry.id)
        if known is None:
            changes.append(Change("added", entry.id, after=entry.to_dict()))
        elif known != entry:
            changes.append(Change("changed", entry.id, before=known.to_dict(), after=entry.to_dict()))
    return changes


def _moves(before: list[str], after: list[str]) -> list[Change]:
    """Tell of as few entries as have to be moved to have those that both states have in the new order."""
    places = {name: place for place, name in enumerate(before)}
    shared = set(after)
    gone = what_moved([name for name in before if name in shared], after)
    return [Change("moved", name, places[name], place) for place, name in enumerate(after) if name in gone]


def _field_changes(before: Meta, after: Meta) -> list[Change]:
    changes: list[Change] = []
    for name in Meta.model_fields:
        old: Any = getattr(before, name)
        new: Any = getattr(after, name)
        if old != new:
            changes.append(Change("field", name, before=old, after=new))
    return changes
