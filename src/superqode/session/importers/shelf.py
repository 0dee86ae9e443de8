"""What a transcript's records become, by numbers: in memory, or of a huge transcript on disk."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar, cast

from superqode.session.importers.spool import Spool

__all__ = ["DiskShelf", "Numbered", "Shelf", "make_shelf"]


class Numbered(Protocol):
    """What stands on a shelf.

    Attributes:
        number: its number there.
    """

    number: int


T = TypeVar("T", bound=Numbered)


class Shelf(Generic[T]):
    """Drafts by their numbers, those of all the conversations of a file.

    Args:
        sort_of: tells what a draft is, as a number below 256: what is asked of it without reading it.

    Attributes:
        big: whether they are those of a huge transcript, and stand on disk.
    """

    big = False

    def __init__(self, sort_of: Callable[[T], int]) -> None:
        self._sort_of = sort_of
        self._drafts: list[T] = []

    def __len__(self) -> int:
        return len(self._drafts)

    def __getitem__(self, number: int) -> T:
        """Give a draft to be changed, until the next `let_go`."""
        return self._drafts[number]

    def append(self, draft: T) -> int:
        """Add a draft; gives its number."""
        draft.number = len(self)
        self._drafts.append(draft)
        return draft.number

    def peek(self, number: int) -> T:
        """Give a draft as it is, only to be looked at."""
        return self._drafts[number]

    def sort_of(self, number: int) -> int:
        """Tell what a draft is."""
        return self._sort_of(self._drafts[number])

    def let_go(self, keep: int | None = None) -> None:
        """What was given to be changed is changed; but for number `keep`, which stays at hand."""


class DiskShelf(Shelf[T]):
    """Drafts on disk: in memory are those at hand, and of each other one where it stands and what it is."""

    big = True

    def __init__(self, sort_of: Callable[[T], int]) -> None:
        super().__init__(sort_of)
        self._spool = Spool()
        self._places = array("q")
        self._sorts = bytearray()
        self._at_hand: dict[int, T] = {}
        # Those that were given to be changed since drafts were last let go.
        self._touched: set[int] = set()

    def __len__(self) -> int:
        return len(self._sorts)

    def __getitem__(self, number: int) -> T:
        self._touched.add(number)
        if number not in self._at_hand:
            self._at_hand[number] = self._spool.get(self._places[number])
        return self._at_hand[number]

    def append(self, draft: T) -> int:
        """Add a draft; gives its number."""
        draft.number = len(self)
        self._places.append(-1)
        self._sorts.append(self._sort_of(draft))
        self._at_hand[draft.number] = draft
        self._touched.add(draft.number)
        return draft.number

    def peek(self, number: int) -> T:
        """Give a draft as it is, only to be looked at."""
        known = self._at_hand.get(number)
        return known if known is not None else cast("T", self._spool.get(self._places[number]))

    def sort_of(self, number: int) -> int:
        """Tell what a draft is."""
        known = self._at_hand.get(number)
        return self._sorts[number] if known is None else self._sort_of(known)

    def let_go(self, keep: int | None = None) -> None:
        """Write what was given to be changed; but for number `keep`, and for what was given since the last time.

        A draft that grows record by record stays at hand so, instead of being written anew with each.
        """
        if not self._touched:
            return  # nothing else has come since
        for number in [known for known in self._at_hand if known not in self._touched and known != keep]:
            draft = self._at_hand.pop(number)
            self._places[number] = self._spool.put(draft)
            self._sorts[number] = self._sort_of(draft)
        self._touched.clear()


def make_shelf(sort_of: Callable[[T], int], *, big: bool) -> Shelf[T]:
    """Make the shelf for a transcript; `sort_of` as for `Shelf`."""
    return DiskShelf(sort_of) if big else Shelf(sort_of)
