"""A timeline of which only the end is at hand: what stands before it is read when somebody asks for it.

Threads may ask at once: one of them reads, the others wait, and each sees the end or the whole, never a part of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import NamedTuple, overload

from superqode.session.errors import NotFound
from superqode.session.models.entries import Entry

__all__ = ["Window"]


class _AtHand(NamedTuple):
    """How many entries are not at hand, and those that are: one value, so that both change at once."""

    start: int
    held: list[Entry]


class Window(Sequence[Entry]):
    """Entries in order, the first `start` of them not at hand.

    Args:
        start: how many entries stand before those at hand.
        held: the entries at hand; they may be appended to.
        beginning: reads the first `start` entries; without it they are gone, and asking for one is an error.
    """

    __slots__ = ("_at", "_beginning", "_reading")

    def __init__(
        self, start: int = 0, held: Sequence[Entry] = (), beginning: Callable[[], Sequence[Entry]] | None = None
    ) -> None:
        self._at = _AtHand(start, list(held))
        self._beginning = beginning
        self._reading = Lock()

    def __len__(self) -> int:
        start, held = self._at
        return start + len(held)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        places = range(len(self))[place]
        if isinstance(places, int):
            start, held = self._reach(places)
            return held[places - start]
        start, held = self._reach(min(places[0], places[-1])) if places else self._at
        return [held[number - start] for number in places]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.whole())

    @property
    def start(self) -> int:
        """How many entries are not at hand; 0 once the beginning was read."""
        return self._at.start

    @property
    def held(self) -> Sequence[Entry]:
        """The entries at hand."""
        return self._at.held

    def append(self, entry: Entry) -> None:
        """Add one at the end; not beside a thread that reads the beginning."""
        self._at.held.append(entry)

    def let_go(self) -> None:
        """Have none at hand any more."""
        self._at = _AtHand(len(self), [])

    def whole(self) -> list[Entry]:
        """All entries; raises as reading them does."""
        return self._reach(0).held

    def _reach(self, place: int) -> _AtHand:
        """What is at hand, with the entry at this place.

        Raises:
            NotFound: it is gone, or the beginning is another one than was told of.
        """
        if place < self._at.start:
            with self._reading:
                if place < self._at.start:  # another thread may have read it meanwhile
                    self._read()
        return self._at

    def _read(self) -> None:
        start, held = self._at
        if self._beginning is None:
            raise NotFound(f"The first {start} entries are not at hand any more. Load the session anew")
        first = self._beginning()
        if len(first) != start:
            told = f"{len(first)} entries stand before the end of this session, and {start} were told of"
            raise NotFound(f"{told}. Load it anew")
        self._at = _AtHand(0, [*first, *held])
