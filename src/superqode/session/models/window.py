"""A timeline of which only the end is at hand: what stands before it is read when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from superqode.session.models.entries import Entry

__all__ = ["Window"]


class Window(Sequence[Entry]):
    """Entries in order, the first `start` of them not at hand.

    Args:
        start: how many entries stand before those at hand.
        held: the entries at hand; they may be appended to.
        beginning: reads the first `start` entries; without it they are gone, and asking for one is an error.

    Attributes:
        start: how many entries are not at hand; 0 once the beginning was read.
    """

    __slots__ = ("_beginning", "_held", "start")

    def __init__(
        self, start: int = 0, held: Sequence[Entry] = (), beginning: Callable[[], Sequence[Entry]] | None = None
    ) -> None:
        self.start = start
        self._held = list(held)
        self._beginning = beginning

    def __len__(self) -> int:
        return self.start + len(self._held)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        places = range(len(self))[place]
        if isinstance(places, int):
            self._reach(places)
            return self._held[places - self.start]
        if places:
            self._reach(min(places[0], places[-1]))
        return [self._held[number - self.start] for number in places]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.whole())

    @property
    def held(self) -> Sequence[Entry]:
        """The entries at hand."""
        return self._held

    def append(self, entry: Entry) -> None:
        """Add one at the end."""
        self._held.append(entry)

    def let_go(self) -> None:
        """Have none at hand any more."""
        self.start += len(self._held)
        self._held = []

    def whole(self) -> list[Entry]:
        """All entries; raises as reading them does."""
        self._reach(0)
        return self._held

    def _reach(self, place: int) -> None:
        if place >= self.start:
            return
        if self._beginning is None:
            raise LookupError(f"entry {place} is not at hand any more")
        first = self._beginning()
        if len(first) != self.start:
            raise LookupError(f"{len(first)} entries stand before the end, and {self.start} were told of")
        self._held[:0] = first
        self.start = 0
