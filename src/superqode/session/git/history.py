"""Walking commits with our own checked reader, so that a damaged one is an error and never a hang."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from superqode.session.errors import CorruptObject
from superqode.session.git.objects import Commit, Objects

__all__ = ["ancestors_among", "first_parents", "is_ancestor"]


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
