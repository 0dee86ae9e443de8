"""Walking commits with our own checked reader, so that a damaged one is an error and never a hang."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from superqode.session.errors import CorruptObject
from superqode.session.git.object_codec import Commit
from superqode.session.git.objects import Objects

__all__ = ["Fork", "ancestors", "ancestors_among", "diverged", "first_parents", "is_ancestor"]


def first_parents(objects: Objects, tip: str) -> Iterator[tuple[str, Commit]]:
    """Give the commits from `tip` back along first parents."""
    oid: str | None = tip
    while oid is not None:
        commit = objects.commit(oid)
        yield oid, commit
        oid = commit.parents[0] if commit.parents else None


def committed(commit: Commit) -> int:
    """When a commit was made, in seconds since 1970."""
    return commit.committer.seconds


def ancestors(
    objects: Objects, tip: str, *, when: Callable[[Commit], int] = committed, readable: bool = False
) -> Iterator[tuple[str, Commit]]:
    """Give a commit and all its ancestors along all parents, newest first, as `git log` does.

    Args:
        objects: where to read.
        tip: the commit.
        when: how new a commit is.
        readable: leave out damaged ancestors and what lies behind them, instead of raising.
    """
    seen = {tip}
    commit = objects.commit(tip)
    queue: list[tuple[int, int, str, Commit]] = [(-when(commit), 0, tip, commit)]
    while queue:
        _, _, oid, commit = heapq.heappop(queue)
        yield oid, commit
        for parent in commit.parents:
            if parent not in seen:
                seen.add(parent)
                try:
                    above = objects.commit(parent)
                except CorruptObject:
                    if readable:
                        continue
                    raise
                heapq.heappush(queue, (-when(above), len(seen), parent, above))


def ancestors_among(objects: Objects, tip: str, wanted: Iterable[str]) -> set[str]:
    """Give those of `wanted` that are `tip` or ancestors of it; stops as soon as all are found."""
    missing = set(wanted)
    found: set[str] = set()
    if missing:
        # What lies behind damage cannot be told; `verify` names it.
        for oid, _ in ancestors(objects, tip, readable=True):
            if oid in missing:
                missing.discard(oid)
                found.add(oid)
                if not missing:
                    break
    return found


def is_ancestor(objects: Objects, old: str, new: str) -> bool:
    """Whether `old` is `new` or one of its ancestors."""
    return bool(ancestors_among(objects, new, [old]))


class Fork(NamedTuple):
    """Some commits' histories since they were one: the commit all ways lead through, and all commits after it.

    Attributes:
        root: the commit; `None` where some way ends in another commit without parents.
        commits: every commit that any of them reaches after that, by id.
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


def diverged(objects: Objects, *tips: str, when: Callable[[Commit], int] = committed) -> Fork:
    """Walk back from some commits to where all ways meet; `when`, how new a commit is, may lie, and it takes longer.

    Raises:
        CorruptObject: a commit on the way is damaged, or not there.
    """
    reached: dict[str, Commit] = {}
    waiting: list[tuple[int, int, str]] = []
    ended = False

    def see(oid: str) -> None:
        if oid not in reached:
            reached[oid] = objects.commit(oid)
            heapq.heappush(waiting, (-when(reached[oid]), len(reached), oid))

    for tip in tips:
        see(tip)
    while waiting and (ended or len(waiting) > 1):
        parents = reached[heapq.heappop(waiting)[2]].parents
        ended = ended or not parents
        for parent in parents:
            see(parent)
    root = waiting[0][2] if waiting else None
    return Fork(root, {oid: commit for oid, commit in reached.items() if oid != root})
