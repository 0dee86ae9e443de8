"""Where entries stand once others take their place: what is in view and what is current go with their entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from superqode.session.models import Entry

__all__ = ["Places"]


class Places:
    """Which entries stay when some take the place of others.

    Args:
        before: the entries until now.
        after: those that take their place.

    Attributes:
        same: how many leading entries are equal in both.
        kept: for the new place of each other entry that is equal in both, the old one.
        gone: the old places of those that are not equal in both.
    """

    def __init__(self, before: Sequence[Entry], after: Sequence[Entry]) -> None:
        self.same = _same(before, after)
        self._before = before
        self._count = len(after)
        self._new = {entry.id: place for place, entry in enumerate(after[self.same :], self.same)}
        found = ((self._new.get(entry.id), place) for place, entry in enumerate(before[self.same :], self.same))
        self.kept: Mapping[int, int] = {
            new: old for new, old in found if new is not None and _equal(before[old], after[new])
        }
        self.gone = set(range(self.same, len(before))).difference(self.kept.values())

    def after(self, old: int) -> int | None:
        """Where the entry of an old place stands now.

        One that is gone, where it would stand beside the next one before it that is still there, or else the next one
        after it; `None` where nothing stayed.
        """
        for near in chain(range(old, -1, -1), range(old + 1, len(self._before))):
            new = near if near < self.same else self._new.get(self._before[near].id)
            if new is not None:
                return max(0, min(new + old - near, self._count - 1))
        return None


def _same(before: Sequence[Entry], after: Sequence[Entry]) -> int:
    """How many leading entries are equal in both."""
    for place, (old, new) in enumerate(zip(before, after, strict=False)):
        if not _equal(old, new):
            return place
    return min(len(before), len(after))


def _equal(old: Entry, new: Entry) -> bool:
    return old is new or old == new
