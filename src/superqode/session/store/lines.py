"""Commits of a history that branches, in one order for everybody, and which of them know of which."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from superqode.session.codec import message
from superqode.session.errors import InvalidSession
from superqode.session.git.object_codec import Commit
from superqode.session.store.state import saved_at

__all__ = ["Lines", "in_order", "just_after", "moment", "ticks"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
# What is remembered of who knows of whom; nobody's work is so tangled, and a hostile history could be.
_TANGLED: Final = 2_000_000


def ticks(commit: Commit) -> int:
    """When a commit was saved, in microseconds since 1970."""
    return (saved_at(commit, message.parse(commit.message)) - _EPOCH) // _TICK


def just_after(time: datetime) -> datetime:
    """The next moment, or the last one there is."""
    return moment((time - _EPOCH) // _TICK + 1)


def moment(microseconds: int) -> datetime:
    """The time so many microseconds after 1970, or the last one there is."""
    try:
        return _EPOCH + microseconds * _TICK
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def in_order(commits: Mapping[str, Commit], root: int) -> list[str]:
    """Give commits in the order of their times, of equal ones by id; none before what it knows of.

    A commit whose clock was behind its parents' counts as saved a microsecond after them.

    Args:
        commits: some commits, by id.
        root: the time of what they all go on from, as `ticks` gives it.
    """
    children: dict[str, list[str]] = {}
    missing: dict[str, int] = {}
    earliest = dict.fromkeys(commits, root + 1)
    for oid, commit in commits.items():
        parents = [parent for parent in dict.fromkeys(commit.parents) if parent in commits]
        missing[oid] = len(parents)
        for parent in parents:
            children.setdefault(parent, []).append(oid)
    waiting = [(max(ticks(commits[oid]), root + 1), oid) for oid, count in missing.items() if not count]
    heapq.heapify(waiting)
    order: list[str] = []
    while waiting:
        time, oid = heapq.heappop(waiting)
        order.append(oid)
        for child in children.get(oid, ()):
            earliest[child] = max(earliest[child], time + 1)
            missing[child] -= 1
            if not missing[child]:
                heapq.heappush(waiting, (max(ticks(commits[child]), earliest[child]), child))
    return order


class Lines:
    """Which change knows of which, as vector clocks (Fidge 1988) over lines of changes that each go on from the last.

    Changes are numbered from 1, and all know of 0.
    """

    def __init__(self) -> None:
        self._line = [0]
        self._place = [0]
        self._known: list[Mapping[int, int]] = [{}]
        self._ends = [0]
        self._size = 0

    def add(self, parents: Sequence[int]) -> int:
        """Add a change that goes on from these; gives its number.

        Raises:
            InvalidSession: there are more lines and merges than can be followed.
        """
        number = len(self._line)
        parents = parents or (0,)
        before = next((parent for parent in parents if self._ends[self._line[parent]] == parent), None)
        if before is None:
            line, place = len(self._ends), 0
            self._ends.append(number)
        else:
            line, place = self._line[before], self._place[before] + 1
            self._ends[line] = number
        known: Mapping[int, int] = self._known[parents[0]] if parents == (before,) else self._merged(parents)
        self._line.append(line)
        self._place.append(place)
        self._known.append(known)
        return number

    def _merged(self, parents: Sequence[int]) -> dict[int, int]:
        known: dict[int, int] = {}
        for parent in parents:
            for line, place in (*self._known[parent].items(), (self._line[parent], self._place[parent])):
                known[line] = max(known.get(line, -1), place)
        self._size += len(known)
        if self._size > _TANGLED:
            raise InvalidSession("These histories branch and meet too often to be merged. Export one and import it")
        return known

    def knows(self, late: int, early: int) -> bool:
        """Whether a change is the other or goes on from it, directly or not."""
        if early == 0:
            return True
        if self._line[late] == self._line[early]:
            return self._place[early] <= self._place[late]
        return self._known[late].get(self._line[early], -1) >= self._place[early]
