"""What a transcript's records become on their way to a session: a tree of things said and tools called.

Agents go back to an earlier point and on from there, so of each draft it is known which one it follows. The way up
from the tip is the conversation; what other ends there are were left for it, and are conversations of their own.
Drafts go by their numbers on a shelf, for those of a huge transcript stand on disk.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from superqode.session.codec.jsontext import dump_text
from superqode.session.importers import shelf
from superqode.session.importers.origin import EntryIds, derived_id
from superqode.session.importers.spool import KeyMap
from superqode.session.models import FrozenDict, MessageRole

__all__ = ["MOST_BRANCHES", "Call", "Draft", "Drafts", "Names", "Said", "Shelf", "Way", "make_shelf"]

# How many conversations that were left are kept of one file; the last ones.
MOST_BRANCHES: Final = 256


@dataclass(slots=True, eq=False)
class Said:
    """A message.

    Attributes:
        role: who speaks.
        text: the words.
        time: when, aware UTC.
        id: the agent's own id; empty where it has none.
        answers: for a result that no call is known for: the call's id.
        thinking: the model's thoughts.
        calls: what the message asks for: the calls' numbers.
        details: metadata, JSON.
        records: how many records became part of it.
        number: its number on the shelf.
    """

    role: MessageRole
    text: str
    time: datetime
    id: str = ""
    answers: str = ""
    thinking: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    records: int = 0
    number: int = -1


@dataclass(slots=True, eq=False)
class Call:
    """A tool call; it stands where it was made, whenever its result comes.

    Attributes:
        id: the agent's own id; empty where it has none.
        name: the tool.
        arguments: what it was called with.
        time: when it was asked for.
        block: how the message asks for it, in the agent's own shape; empty where no message does.
        ended: when its result came; None while there is none.
        result: what it gave, as text.
        worked: whether it really did what it was asked to.
        touch: what happened to its file, where the result says so.
        duration_ms: how long it ran as recorded; negative where that is not recorded.
        by_person: whether a person ran it, not the model.
        details, records, number: as for a message.
    """

    id: str
    name: str
    arguments: FrozenDict
    time: datetime
    block: FrozenDict = field(default_factory=FrozenDict)
    ended: datetime | None = None
    result: str = ""
    worked: bool = False
    touch: Literal["", "create", "modify"] = ""
    duration_ms: int = -1
    by_person: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    records: int = 0
    number: int = -1


Draft = Said | Call


_CALL: Final = 0
_OVER: Final = 1
# What is known of a draft without reading it: the call that is open or over, else whose words they are.
_ROLES: Final = {role: code for code, role in enumerate(MessageRole, start=2)}
_SPEAKERS: Final = frozenset((_ROLES[MessageRole.ASSISTANT], _ROLES[MessageRole.USER]))


@dataclass(frozen=True, slots=True)
class Way:
    """A conversation: its drafts' numbers in order, of which those before `own` are another's, too."""

    numbers: Sequence[int]
    own: int


Shelf = shelf.Shelf[Draft]


def make_shelf(*, big: bool) -> Shelf:
    """Make the shelf for the drafts of a transcript; `big`: they stand on disk."""
    return shelf.make_shelf(_sort_of, big=big)


class Drafts:
    """The drafts of one conversation and of what was left for it, in the order they came.

    Args:
        shelf: where they are; those of other conversations may be there, too.

    Attributes:
        shelf: the same.
        tip: the number of the one that what comes next follows; None at the beginning.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.tip: int | None = None
        self._numbers = array("I")
        # What each follows, -1 for nothing.
        self._before = array("i")
        # For each id its latest call, and for calls that share one the call before.
        self._open = KeyMap()
        self._earlier: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: int) -> Draft:
        """Give a draft to be changed, until the next `let_go`."""
        return self.shelf[self._numbers[place]]

    def __iter__(self) -> Iterator[Draft]:
        return map(self.shelf.peek, self._numbers)

    def add(self, draft: Draft) -> int:
        """Add a draft behind the tip, and make it the tip; gives its number."""
        number = self.shelf.append(draft)
        self._numbers.append(number)
        self._before.append(-1 if self.tip is None else self.tip)
        self.tip = number
        if isinstance(draft, Call):
            if (known := self._waiting(draft.id)) is not None:
                self._earlier[number] = known
            self._open[draft.id] = number
        return number

    def calls_of(self, numbers: Iterable[int]) -> array[int]:
        """Give those of some numbers that are calls'."""
        return array("I", (number for number in numbers if self.shelf.sort_of(number) in (_CALL, _OVER)))

    def let_go(self) -> None:
        """The next record comes: drafts that are held now are not changed any more."""
        self.shelf.let_go()

    def waiting(self, call_id: str) -> Call | None:
        """The latest call of an id that has no result; some servers give one id to many calls."""
        number = self._waiting(call_id)
        found = None if number is None else self.shelf[number]
        return found if isinstance(found, Call) else None

    def _waiting(self, call_id: str) -> int | None:
        number = known = self._open.get(call_id)
        while number is not None and number >= 0 and self.shelf.sort_of(number) == _OVER:
            number = self._earlier.pop(number, -1)
        if number != known and number is not None:
            self._open[call_id] = number
        return None if number is None or number < 0 else number

    def speaker(self) -> Said | None:
        """The last message of the model on the way to the tip, up to where a person spoke."""
        number = -1 if self.tip is None else self.tip
        while number >= 0 and self.shelf.sort_of(number) not in _SPEAKERS:
            number = self._followed(number)
        if number < 0 or self.shelf.sort_of(number) != _ROLES[MessageRole.ASSISTANT]:
            return None
        found = self.shelf[number]
        return found if isinstance(found, Said) else None

    def names(self) -> Names:
        """Give each draft its entry's id; what came first keeps its id in a longer file."""
        return Names(self)

    def ways(self) -> Iterator[Way]:
        """Give the conversations: the one that ends at the tip, then those that were left, in the order they ended.

        A conversation that was taken back to its beginning, with nothing said since, is still the conversation.
        """
        main, ends = self._ends()
        taken = bytearray(len(self.shelf))
        yield self._way(main, taken)
        for end in ends[:-MOST_BRANCHES]:
            self._take(end, taken)
        for end in ends[-MOST_BRANCHES:]:
            yield self._way(end, taken)

    def too_old(self) -> Iterator[Draft]:
        """Give the drafts of conversations that were left and are too many to keep."""
        main, ends = self._ends()
        if len(ends) <= MOST_BRANCHES:
            return
        kept = bytearray(len(self.shelf))
        for end in (main, *ends[-MOST_BRANCHES:]):
            self._take(end, kept)
        yield from (self.shelf.peek(number) for number in self._numbers if not kept[number])

    def _ends(self) -> tuple[int | None, list[int]]:
        """Where the conversation ends, and where those do that were left for it."""
        followed = bytearray(len(self.shelf))
        for number in self._before:
            if number >= 0:
                followed[number] = 1
        left = [number for number in self._numbers if not followed[number] and number != self.tip]
        return (left.pop() if self.tip is None and left else self.tip), left

    def _followed(self, number: int) -> int:
        """What a draft of these follows; -1 for nothing."""
        return self._before[bisect_left(self._numbers, number)]

    def _take(self, end: int | None, taken: bytearray) -> None:
        """Mark a draft and what it follows; of one that is marked, all of that is, too."""
        number = -1 if end is None else end
        while number >= 0 and not taken[number]:
            taken[number] = 1
            number = self._followed(number)

    def _way(self, end: int | None, taken: bytearray) -> Way:
        numbers = array("I")
        own = 0
        number = -1 if end is None else end
        while number >= 0:
            own += not taken[number]
            taken[number] = 1
            numbers.append(number)
            number = self._followed(number)
        numbers.reverse()
        return Way(numbers, len(numbers) - own)


class Names:
    """The ids of the entries of drafts, by the drafts."""

    def __init__(self, drafts: Drafts) -> None:
        self._shelf = drafts.shelf
        ids = EntryIds(compact=drafts.shelf.big)
        # Most drafts get the id they want; here are the others'.
        self._others: dict[int, str] = {}
        for draft in drafts:
            wanted = self._wanted(draft)
            if (given := ids.claim(wanted)) != wanted:
                self._others[draft.number] = given

    def of(self, draft: Draft) -> str:
        """The id of a draft's entry."""
        return self._others.get(draft.number) or self._wanted(draft)

    def _wanted(self, draft: Draft) -> str:
        if draft.id:
            return draft.id
        if isinstance(draft, Call):
            return derived_id("call", draft.name, dump_text(draft.arguments))
        first = self._shelf.peek(draft.calls[0]).id if not draft.text and draft.calls else ""
        return f"msg-{first}" if first else derived_id("msg", draft.role, draft.text)


def _sort_of(draft: Draft) -> int:
    if isinstance(draft, Said):
        return _ROLES[draft.role]
    return _CALL if draft.ended is None else _OVER
