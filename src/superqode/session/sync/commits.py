"""Answers about commits, for `reconcile`: asked of a store's own objects, each once."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from superqode.session.codec import message
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.history import diverged, is_ancestor
from superqode.session.git.object_codec import Commit
from superqode.session.git.objects import Objects
from superqode.session.git.repository import Repository
from superqode.session.store.sources import original_at
from superqode.session.store.state import read_tree

__all__ = ["Commits"]

_RENAME: Final = "rename: "


class Commits:
    """A `History` over a repository; see there.

    Args:
        repository: where the commits of both sides are.
    """

    def __init__(self, repository: Repository) -> None:
        self._objects: Objects = repository.objects
        self._known: dict[tuple[str, str], bool] = {}
        self._renamings: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self._births: dict[str, frozenset[str]] = {}

    def contains(self, new: str, old: str) -> bool:
        """Whether `old` is `new` or one of its ancestors."""
        if new == old:
            return True
        found = self._known.get((new, old))
        if found is None:
            try:
                found = is_ancestor(self._objects, old, new)
            except CorruptObject:
                found = False
            self._known[new, old] = found
        return found

    def was_renamed(self, session_id: str, new_id: str, tip: str, since: str) -> bool:
        """Whether commits that `tip` has and `since` has not rename the session, in one step or in several."""
        if (tip, since) not in self._renamings:
            self._renamings[tip, since] = self._read_renamings(tip, since)
        names, left = {session_id}, self._renamings[tip, since]
        while reached := {new for old, new in left if old in names} - names:
            names |= reached
        return new_id in names

    def _read_renamings(self, tip: str, since: str) -> set[tuple[str, str]]:
        try:
            fork = diverged(self._objects, tip, since)
            fresh = (fork.reached(tip) - fork.reached(since)) & fork.commits.keys()
            found = {self._renaming(fork.commits[oid]) for oid in fresh}
        except (CorruptObject, CorruptSession):
            return set()
        return {pair for pair in found if pair is not None}

    def _renaming(self, commit: Commit) -> tuple[str, str] | None:
        """The ids before and after a save that renamed its session."""
        story = message.parse(commit.message)
        if not story.subject.startswith(_RENAME) or len(commit.parents) != 1:
            return None
        parent = self._objects.commit(commit.parents[0])
        for before in (message.parse(parent.message).session_id, read_tree(self._objects, parent, "").meta.id):
            if story.subject == message.subject_line(f"{_RENAME}{before} to {story.session_id}"):
                return before, story.session_id
        return None

    def begun(self, tip: str) -> frozenset[str]:
        """The first saves of a commit's session, as far as can be read: several where two of one id were merged."""
        if tip not in self._births:
            try:
                self._births[tip] = frozenset(self._read_births(tip))
            except CorruptObject:
                self._births[tip] = frozenset()
        return self._births[tip]

    def _read_births(self, tip: str) -> set[str]:
        births: set[str] = set()
        seen = {tip}
        waiting = [(tip, self._objects.commit(tip))]
        while waiting:
            oid, commit = waiting.pop()
            own = self._own_parents(commit)
            if not own:
                births.add(oid)
            waiting += [(parent, before) for parent, before in own.items() if parent not in seen]
            seen |= own.keys()
        return births

    def _own_parents(self, commit: Commit) -> dict[str, Commit]:
        """The parents that are of a commit's session; what cannot be read is none of them."""
        before: dict[str, Commit] = {}
        for parent in commit.parents:
            with suppress(CorruptObject):
                before[parent] = self._objects.commit(parent)
        own = {parent: found for parent, found in before.items() if self._is_same(found, commit)}
        # A merge goes on with the first, also where its session had another id until then.
        return own or dict(list(before.items())[: len(before) > 1])

    def _is_same(self, parent: Commit, commit: Commit) -> bool:
        """Whether a commit goes on with its parent's session: under the same id, or as a save that renames it."""
        with suppress(CorruptObject, CorruptSession):
            if self._told_id(parent) == self._told_id(commit):
                return True
            return self._renaming(commit) is not None
        return False

    def _told_id(self, commit: Commit) -> str:
        """The id that a commit says its session has; one that plain git made says it in its tree alone."""
        return message.parse(commit.message).session_id or read_tree(self._objects, commit, "").meta.id

    def original_rank(self, commit: str) -> tuple[int, int, str]:
        """A dropped one first, so that what was scrubbed does not come back; then the longer; then the greater id."""
        try:
            original = original_at(self._objects, commit, "")
        except CorruptSession:
            return 0, 0, commit
        return (2 if original.dropped else 1), sum(file.size for file in original.files), commit
