"""Which sessions changed with each change that the index saw: for whoever keeps a long list up to date."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

__all__ = ["Generations"]

# How many changes are remembered.
_KEPT: Final = 1_000


class Generations:
    """Counts the changes of one process's time; its numbers mean nothing to another process.

    Attributes:
        now: the number of the last change.
    """

    def __init__(self) -> None:
        self.now = 0
        self._changed: deque[frozenset[str] | None] = deque(maxlen=_KEPT)

    def note(self, names: Iterable[str] | None) -> None:
        """Note a change of these sessions, or one that is not known in detail."""
        self.now += 1
        self._changed.append(None if names is None else frozenset(names))

    def changed_since(self, generation: int) -> set[str] | None:
        """The sessions that changed after a generation; `None` where that cannot be told."""
        count = self.now - generation
        if not 0 <= count <= len(self._changed):
            return None
        changed: set[str] = set()
        for names in islice(reversed(self._changed), count):
            if names is None:
                return None
            changed |= names
        return changed
