"""The order of a session: one timeline over its messages and tool executions.

People edit the two lists; the timeline follows. Appending, which is nearly everything that happens, costs the same
at any length; any other change to a list makes the timeline line itself up anew. Of a folded timeline only the end is
at hand, and there are no lists: it can be appended to, and unfolds when somebody asks for a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, count
from operator import is_not
from threading import Lock
from typing import Any, SupportsIndex, TypeVar

from superqode.session import clock
from superqode.session.errors import DuplicateEntry, InvalidEntry
from superqode.session.models.entries import Entry, Message, ToolExecution
from superqode.session.models.window import Window

__all__ = ["EntryList", "Timeline", "common_prefix"]

E = TypeVar("E", bound=Entry)


class EntryList(list[E]):
    """A list that counts every change that is not an append."""

    edits: int = 0

    def _edit(self) -> None:
        self.edits += 1

    def __setitem__(self, index: Any, value: Any) -> None:
        self._edit()
        super().__setitem__(index, value)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        self._edit()
        super().__delitem__(index)

    def __imul__(self, times: SupportsIndex) -> EntryList[E]:
        self._edit()
        super().__imul__(times)
        return self

    def insert(self, index: SupportsIndex, value: E) -> None:
        """As `list.insert`."""
        self._edit()
        super().insert(index, value)

    def pop(self, index: SupportsIndex = -1) -> E:
        """As `list.pop`."""
        self._edit()
        return super().pop(index)

    def remove(self, value: E) -> None:
        """As `list.remove`."""
        self._edit()
        super().remove(value)

    def clear(self) -> None:
        """As `list.clear`."""
        self._edit()
        super().clear()

    def reverse(self) -> None:
        """As `list.reverse`."""
        self._edit()
        super().reverse()

    def sort(self, **options: Any) -> None:
        """As `list.sort`."""
        self._edit()
        super().sort(**options)


class _Folded:
    """What is known of a timeline whose beginning is not at hand: how many messages it has, and since when."""

    __slots__ = ("messages", "since", "unfolding")

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.since = clock.now()
        # Held by the thread that makes the lists. Here, because a timeline that is not folded can be pickled.
        self.unfolding = Lock()

    def is_newer(self, entry: Entry) -> bool:
        """Whether an entry was surely made after the timeline was folded: id and time are those of its making."""
        return entry.model_fields_set.isdisjoint(("id", "timestamp")) and entry.timestamp > self.since


class Timeline:
    """Messages and executions in the order they were added.

    Attributes:
        entries: the order; read it after `follow`.
        untouched: how many leading entries are the same as at the last `mark`.
    """

    __slots__ = ("_calls", "_calls_seen", "_folded", "_ids", "_messages", "_messages_seen", "entries", "untouched")

    def __init__(self) -> None:
        self.entries: list[Entry] | Window = []
        self.untouched = 0
        self._folded: _Folded | None = None
        self._ids: set[str] | None = None
        self._messages: EntryList[Message] = EntryList()
        self._calls: EntryList[ToolExecution] = EntryList()
        self._messages_seen = (0, 0)
        self._calls_seen = (0, 0)

    def reset(self, entries: Iterable[Entry], messages: EntryList[Message], calls: EntryList[ToolExecution]) -> None:
        """Take over a whole order, and fill the two lists with it in place."""
        self._take(entries, messages, calls)
        self._folded = None

    def _take(self, entries: Iterable[Entry], messages: EntryList[Message], calls: EntryList[ToolExecution]) -> None:
        fresh = list(entries)
        same = common_prefix(self.entries, fresh)
        self.untouched = min(self.untouched, same)
        spoken = called = 0
        if self._folded is None and self._is_seen(messages, calls):
            gone = self.entries[same:]
            spoken = len(messages) - sum(isinstance(entry, Message) for entry in gone)
            called = same - spoken
            if self._ids is not None:
                self._ids.difference_update([entry.id for entry in gone])
                self._ids.update([entry.id for entry in fresh[same:]])
        else:  # whatever the lists hold, all of it goes
            same = 0
            self._ids = None
        messages[spoken:] = [entry for entry in fresh[same:] if isinstance(entry, Message)]
        calls[called:] = [entry for entry in fresh[same:] if isinstance(entry, ToolExecution)]
        self.entries = fresh
        self._messages, self._calls = messages, calls
        self._note()

    def _is_seen(self, messages: EntryList[Message], calls: EntryList[ToolExecution]) -> bool:
        """Whether these two lists are as they were when the order was last brought up to date with them."""
        return (
            messages is self._messages
            and calls is self._calls
            and (len(messages), messages.edits) == self._messages_seen
            and (len(calls), calls.edits) == self._calls_seen
        )

    @property
    def is_folded(self) -> bool:
        """Whether there are no lists, for the beginning may not be at hand."""
        return self._folded is not None

    @property
    def messages(self) -> int:
        """How many of the entries are messages."""
        folded = self._folded  # read once, for another thread may unfold it meanwhile
        return len(self._messages) if folded is None else folded.messages

    def fold(self, entries: Window, messages: int) -> None:
        """Take over an order that is saved, with so many messages, without having all of it."""
        self.entries = entries
        self.untouched = len(entries)
        self._ids = None
        self._folded = _Folded(messages)

    def unfold(self, put: Callable[[EntryList[Message], EntryList[ToolExecution]], object]) -> None:
        """Make the two lists, with the beginning, too; raises as reading it does.

        Args:
            put: puts them where people find them, before anybody sees that there are lists.
        """
        folded = self._folded
        if folded is None:
            return
        with folded.unfolding:
            if self._folded is not None:  # another thread may have done it meanwhile
                messages, calls = EntryList[Message](), EntryList[ToolExecution]()
                self._take(self.entries, messages, calls)
                put(messages, calls)
                self._folded = None

    def append(self, entry: Entry) -> None:
        """Add one entry to its list and to the order, at a cost that does not grow."""
        if self._folded is not None:
            self._folded.messages += isinstance(entry, Message)
        elif isinstance(entry, Message):
            self._messages.append(entry)
        else:
            self._calls.append(entry)
        self.entries.append(entry)
        if self._ids is not None:
            self._ids.add(entry.id)
        self._note()

    def knows(self, entry: Entry) -> bool:
        """Whether an entry has this one's id."""
        at_hand = self._at_hand(entry)
        if self._ids is None or len(self._ids) != len(at_hand):  # the beginning came meanwhile
            self._ids = {known.id for known in at_hand}
        return entry.id in self._ids

    def _at_hand(self, entry: Entry) -> Sequence[Entry]:
        """The entries that may have this one's id."""
        folded, entries = self._folded, self.entries
        if folded is None or not isinstance(entries, Window):
            return entries
        return entries.held if folded.is_newer(entry) else entries.whole()

    def mark(self) -> None:
        """From here on, `untouched` counts what stays as it is now."""
        self.untouched = len(self.entries)

    def follow(self, messages: EntryList[Message], calls: EntryList[ToolExecution], session_id: str) -> Sequence[Entry]:
        """Bring the order up to date with the two lists; gives the order.

        Raises:
            DuplicateEntry: two entries have one id.
            InvalidEntry: a list holds something else.
        """
        try:
            return self._follow(messages, calls, session_id)
        except AttributeError as problem:
            told = f"Session {session_id} holds something that is no message or tool execution ({problem})"
            raise InvalidEntry(told) from problem

    def _follow(
        self, messages: EntryList[Message], calls: EntryList[ToolExecution], session_id: str
    ) -> Sequence[Entry]:
        same = messages is self._messages and calls is self._calls
        if same and messages.edits == self._messages_seen[1] and calls.edits == self._calls_seen[1]:
            if len(messages) == self._messages_seen[0] and len(calls) == self._calls_seen[0]:
                return self.entries
            added = _interleave(messages[self._messages_seen[0] :], calls[self._calls_seen[0] :], {})
            self._add(added, session_id)
        else:
            self._realign(messages, calls, session_id)
        self._messages, self._calls = messages, calls
        self._note()
        return self.entries

    def _add(self, added: list[Entry], session_id: str) -> None:
        for entry in added:
            if self.knows(entry):
                raise DuplicateEntry(session_id, entry.id)
            self.entries.append(entry)
            if self._ids is not None:
                self._ids.add(entry.id)

    def _realign(self, messages: list[Message], calls: list[ToolExecution], session_id: str) -> None:
        places = {entry.id: place for place, entry in enumerate(self.entries)}
        fresh = _interleave(messages, calls, places)
        known: set[str] = set()
        for entry in fresh:
            if entry.id in known:
                raise DuplicateEntry(session_id, entry.id)
            known.add(entry.id)
        self.untouched = min(self.untouched, common_prefix(self.entries, fresh))
        self.entries = fresh
        self._ids = known

    def _note(self) -> None:
        self._messages_seen = (len(self._messages), self._messages.edits)
        self._calls_seen = (len(self._calls), self._calls.edits)


def common_prefix(old: Sequence[Entry], new: Sequence[Entry]) -> int:
    """How many leading entries are the same objects in both."""
    return next(compress(count(), map(is_not, old, new)), min(len(old), len(new)))


def _interleave(messages: list[Message], calls: list[ToolExecution], places: dict[str, int]) -> list[Entry]:
    """Merge two lists, each in its own order: by old place where both have one, else by time, messages first."""
    merged: list[Entry] = []
    left, right = 0, 0
    while left < len(messages) and right < len(calls):
        message, call = messages[left], calls[right]
        place, other = places.get(message.id), places.get(call.id)
        if place is not None and other is not None:
            message_first = place < other
        else:
            message_first = message.timestamp <= call.timestamp
        if message_first:
            merged.append(message)
            left += 1
        else:
            merged.append(call)
            right += 1
    merged.extend(messages[left:])
    merged.extend(calls[right:])
    return merged
