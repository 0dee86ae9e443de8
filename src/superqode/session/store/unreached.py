"""Saves that no ref reaches any more, though their session is there, with entries that it has nowhere else.

A save is acknowledged when its branch is there. What takes the branch back without knowing of Git (a synchroniser that
merges two machines' copies file by file, an old copy put back over a new one) leaves the save's objects, unnamed.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import suppress
from typing import NamedTuple

from superqode.session.codec import message
from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry
from superqode.session.git.object_codec import Commit, parse_commit
from superqode.session.git.repository import HEADS, Repository
from superqode.session.store.branches import is_session_branch
from superqode.session.store.state import read_entry, read_tree
from superqode.session.store.timeline_files import EntryFiles, walk_timeline

__all__ = ["Unreached", "unreached"]


class Unreached(NamedTuple):
    """The last of some saves that nothing reaches: whose it is, its commit, and how many entries are in no other."""

    session_id: str
    commit: str
    entries: int


def unreached(repository: Repository, reached: Container[str]) -> list[Unreached]:
    """Find them. What was purged is none of them, nor is a save that was tried again: its entries are known.

    Args:
        repository: the store.
        reached: ids of objects that refs are known to reach; what else there is is read.
    """
    lost = dict(_commits(repository, reached))
    if lost:
        for oid in _reached_commits(repository):
            lost.pop(oid, None)
    passed = {parent for commit in lost.values() for parent in commit.parents}
    found = [_look(repository, oid, lost) for oid in sorted(lost.keys() - passed)]
    return [one for one in found if one is not None]


def _commits(repository: Repository, reached: Container[str]) -> Iterator[tuple[str, Commit]]:
    objects = repository.objects
    for oid in objects.every():
        if oid not in reached:
            with suppress(CorruptObject):
                kind, content = objects.read(oid)
                if kind == "commit":
                    yield oid, parse_commit(oid, content)


def _reached_commits(repository: Repository) -> Iterator[str]:
    """Every commit that refs reach."""
    objects = repository.objects
    waiting = [objects.peeled(oid) or oid for _, oid in repository.refs.items("refs/")]
    passed: set[str] = set()
    while waiting:
        oid = waiting.pop()
        if oid not in passed:
            passed.add(oid)
            with suppress(CorruptObject):
                waiting += objects.commit(oid).parents
                yield oid


def _look(repository: Repository, oid: str, lost: dict[str, Commit]) -> Unreached | None:
    session_id = message.parse(lost[oid].message).session_id
    if not is_session_branch(session_id) or not _is_there(repository, session_id):
        return None
    base = oid
    while base in lost:
        parents = lost[base].parents
        if not parents:
            return None  # a session of that name before this one, which was purged
        base = parents[0]
    known = _Ids(repository)
    news = known.of(oid) - known.of(repository.refs.read(HEADS + session_id) or "")
    if news:  # what was there once and was taken back is still in the history
        news -= known.of_history(repository.refs.read(HEADS + session_id) or "")
    return Unreached(session_id, oid, len(news)) if news else None


class _Ids:
    """Which entries commits have; each file is read once, and what cannot be read has none."""

    def __init__(self, repository: Repository) -> None:
        self._objects = repository.objects
        self._read: dict[str, str] = {}

    def of(self, commit: str) -> set[str]:
        """The ids of the entries of a commit."""
        found: set[str] = set()
        with suppress(CorruptObject, CorruptSession, InvalidEntry):
            tree = read_tree(self._objects, self._objects.commit(commit), "")
            for files in walk_timeline(self._objects, tree.timeline):
                found.add(self._id(files))
        return found

    def of_history(self, tip: str) -> set[str]:
        """The ids of the entries of a commit and all before it."""
        found: set[str] = set()
        waiting, passed = [tip], {tip}
        while waiting:
            oid = waiting.pop()
            found |= self.of(oid)
            with suppress(CorruptObject):
                parents = [parent for parent in self._objects.commit(oid).parents if parent not in passed]
                passed.update(parents)
                waiting += parents
        return found

    def _id(self, files: EntryFiles) -> str:
        if files.json not in self._read:
            self._read[files.json] = read_entry(self._objects, files).id
        return self._read[files.json]


def _is_there(repository: Repository, session_id: str) -> bool:
    try:
        return repository.refs.read(HEADS + session_id) is not None
    except CorruptObject:
        return False
