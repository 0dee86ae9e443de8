"""Walking commits with our own checked reader, so that a damaged one is an error and never a hang."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from superqode.session.errors import CorruptObject
from superqode.session.git.objects import Commit, Objects

__all__ = ["Fork", "ancestors_among", "diverged", "first_parents", "is_ancestor"]


def first_parents(objects: Objects, tip: str) -> Iterator[tuple[str, Commit]]:
    """Give the commits from `tip` back along first parents."""
    oid: str | None = tip
    while oid is not None:
        commit = objects.commit(oid)
        yield oid, commit
        oid = commit.parents[0] if commit.parents else None


def ancestors_among(objects: Objects, tip: str, wanted: Iterable[str]) -> set[str]:
    """Give those of `wanted` that are `tip` or ancestors of it; stops as soon as all are found."""
    missing = set(wanted)
    found: set[str] = set()
    seen = {tip}
    queue: list[tuple[int, str, Commit]] = []
    if missing:
        commit = objects.commit(tip)
        queue.append((-commit.committer.seconds, tip, commit))
    while queue and missing:
        _, oid, commit = heapq.heappop(queue)
        if oid in missing:
            missing.discard(oid)
            found.add(oid)
        for parent in commit.parents:
            if parent not in seen:
                seen.add(parent)
                try:
                    above = objects.commit(parent)
                except CorruptObject:
                    continue  # what lies behind the damage cannot be told; `verify` names it
                heapq.heappush(queue, (-above.committer.seconds, parent, above))
    return found


def is_ancestor(objects: Objects, old: str, new: str) -> bool:
    """Whether `old` is `new` or one of its ancestors."""
    return bool(ancestors_among(objects, new, [old]))


class Fork(NamedTuple):
    """Two commits' histories since they were one: the commit all ways lead through, and all commits after it.

    Attributes:
        root: the commit; `None` where some way ends in another commit without parents.
        commits: every commit that either reaches after that, by id.
    """

    root: str | None
    commits: dict[str, Commit]

    def reached(self, tip: str) -> set[str]:
        """A commit and its ancestors, back to the root and with it."""
        found = {tip}
        waiting = [tip]
        while waiting:
            commit = self.commits.get(waiting.pop())
            fresh = set(commit.parents) - found if commit is not None else set()
            found |= fresh
            waiting += fresh
        return found


def diverged(objects: Objects, one: str, other: str) -> Fork:
    """Walk back from two commits to where all ways meet; whatever commits say of their time, the answer is right.

    Raises:
        CorruptObject: a commit on the way is damaged, or not there.
    """
    reached: dict[str, Commit] = {}
    waiting: list[tuple[int, int, str]] = []
    seen: set[str] = set()
    ended = False

    def see(oid: str) -> None:
        if oid not in seen:
            seen.add(oid)
            reached[oid] = objects.commit(oid)
            heapq.heappush(waiting, (-reached[oid].committer.seconds, len(seen), oid))

    see(one)
    see(other)
    while waiting and (ended or len(waiting) > 1):
        _, _, oid = heapq.heappop(waiting)
        parents = reached[oid].parents
        ended = ended or not parents
        for parent in parents:
            see(parent)
    root = waiting[0][2] if waiting else None
    return Fork(root, {oid: commit for oid, commit in reached.items() if oid != root})
