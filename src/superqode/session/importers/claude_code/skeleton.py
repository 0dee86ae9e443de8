"""A huge transcript: its rows on disk, and in memory only what tells their order, some sixty bytes each."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast, get_args, overload

from superqode.session.importers.claude_code.entries import Answered
from superqode.session.importers.claude_code.reading import Reading
from superqode.session.importers.claude_code.rows import Kind, Row
from superqode.session.importers.origin import EntryIds
from superqode.session.importers.spool import Spool, key_of

if TYPE_CHECKING:
    from superqode.session.importers.base import Receipt

__all__ = ["BigLinks", "BigReading", "Glimpse", "Part", "Skeleton"]

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_CODES: Final = {kind: code for code, kind in enumerate(_KINDS)}
_SILENT: Final = (_CODES["results"], _CODES["link"])
_SIDECHAIN: Final = 1
_QUEUED: Final = 2
_NO_PARENT: Final = 4
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_TICK: Final = timedelta(microseconds=1)
# No time is this one.
_UNKNOWN: Final = -(2**63)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What the order of a file depends on of a row; ids are keys, 0 for none.

    Attributes:
        place: the row's number in the file.
        kind, sidechain, agent_id: as the row's.
        uuid, parent, other_parent: as the row's, as keys.
        calls, results: whether it has any.
    """

    place: int
    kind: Kind
    uuid: int
    parent: int | None
    other_parent: int
    sidechain: bool
    agent_id: str
    calls: bool
    results: bool


class Skeleton:
    """The rows of a file, in columns; whole ones are read from disk."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._places = array("Q")
        self.kinds = bytearray()
        self.flags = bytearray()
        self.times = array("q")
        self._uuids = array("q")
        self._parents = array("q")
        self._other_parents = array("q")
        self.message_keys = array("q")
        self._agents = array("I")
        self._agent_names = [""]
        self._agent_numbers = {"": 0}
        # The first call and result of each row, and of the one there is not.
        self.first_call = array("I", [0])
        self.call_keys = array("q")
        self.first_result = array("I", [0])
        self.result_keys = array("q")
        self.result_rows = array("I")

    def __len__(self) -> int:
        return len(self._places)

    def append(self, row: Row) -> None:
        """Add a row."""
        number = len(self)
        self._places.append(self._spool.put(row))
        self.kinds.append(_CODES[row.kind])
        queued = _QUEUED if "queued" in row.details else 0
        self.flags.append((_SIDECHAIN if row.sidechain else 0) | queued | (_NO_PARENT if row.parent is None else 0))
        self.times.append(_UNKNOWN if row.time is None else (row.time - _EPOCH) // _TICK)
        self._uuids.append(key_of(row.uuid))
        self._parents.append(_key(row.parent))
        self._other_parents.append(_key(row.other_parent))
        self.message_keys.append(_key(row.message_id))
        self._agents.append(self._agent_numbers.setdefault(row.agent_id, len(self._agent_names)))
        if self._agents[-1] == len(self._agent_names):
            self._agent_names.append(row.agent_id)
        self.call_keys.extend(key_of(call.id) for call in row.calls)
        self.first_call.append(len(self.call_keys))
        self.result_keys.extend(key_of(result.call_id) for result in row.results)
        self.result_rows.extend([number] * len(row.results))
        self.first_result.append(len(self.result_keys))

    def load(self, place: int) -> Row:
        """Give a row as it was added, with the time that the file's other rows gave it."""
        row: Row = self._spool.get(self._places[place])
        return replace(row, time=self._time(place)) if row.time is None else row

    def glimpse(self, place: int) -> Glimpse:
        """Give what of a row is in memory."""
        flags = self.flags[place]
        return Glimpse(
            place=place,
            kind=_KINDS[self.kinds[place]],
            uuid=self._uuids[place],
            parent=None if flags & _NO_PARENT else self._parents[place],
            other_parent=self._other_parents[place],
            sidechain=bool(flags & _SIDECHAIN),
            agent_id=self._agent_names[self._agents[place]],
            calls=self.first_call[place] < self.first_call[place + 1],
            results=self.first_result[place] < self.first_result[place + 1],
        )

    def fill_times(self) -> None:
        """Give rows at the beginning that have no time the first known one."""
        first = next((place for place, moment in enumerate(self.times) if moment != _UNKNOWN), len(self))
        for place in range(first):
            self.times[place] = self.times[first] if first < len(self) else 0

    def part(self, *, sidechain: bool) -> Part:
        """The rows of the conversation itself, or of its sub-agents."""
        wanted = _SIDECHAIN if sidechain else 0
        return Part(self, array("I", (n for n, flags in enumerate(self.flags) if flags & _SIDECHAIN == wanted)))

    def identity(self) -> dict[int, datetime | None]:
        """The rows of the conversation itself: the keys of their ids and of the model's messages, and their times."""
        rows = (place for place, flags in enumerate(self.flags) if not flags & _SIDECHAIN)
        columns = (self._uuids, self.message_keys)
        return {key: self._time(place) for place in rows for column in columns if (key := column[place])}

    def _time(self, place: int) -> datetime | None:
        return None if self.times[place] == _UNKNOWN else _EPOCH + self.times[place] * _TICK


def _key(text: str | None) -> int:
    return key_of(text) if text else 0


class Part(Sequence[Row]):
    """Some rows of a skeleton, in order; each is read when it is asked for."""

    def __init__(self, skeleton: Skeleton, places: Sequence[int]) -> None:
        self.skeleton = skeleton
        self.places = places

    @classmethod
    def of(cls, skeleton: Skeleton, glimpses: Iterable[Any]) -> Part:
        """The rows of these glimpses."""
        return cls(skeleton, array("I", (glimpse.place for glimpse in glimpses)))

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, number: int) -> Row: ...
    @overload
    def __getitem__(self, number: slice) -> Part: ...
    def __getitem__(self, number: int | slice) -> Row | Part:
        if isinstance(number, slice):
            return Part(self.skeleton, self.places[number])
        return self.skeleton.load(self.places[number])

    def glimpses(self) -> list[Row]:
        """What is in memory of each: enough for what only looks at the order of rows, and no more."""
        return cast("list[Row]", _Glimpses(self))


class _Glimpses(Sequence[Glimpse]):
    def __init__(self, part: Part) -> None:
        self._part = part

    def __len__(self) -> int:
        return len(self._part)

    @overload
    def __getitem__(self, number: int) -> Glimpse: ...
    @overload
    def __getitem__(self, number: slice) -> list[Glimpse]: ...
    def __getitem__(self, number: int | slice) -> Glimpse | list[Glimpse]:
        if isinstance(number, slice):
            return [self._part.skeleton.glimpse(place) for place in self._part.places[number]]
        return self._part.skeleton.glimpse(self._part.places[number])


class BigReading(Reading):
    """Takes records one by one, as `Reading`, and keeps its rows in a skeleton."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt)
        self.skeleton = Skeleton()
        self._first: dict[int, int] = {}
        self._uuids = EntryIds(compact=True)

    @property
    def first_uuid(self) -> str:
        """The id of the first row."""
        return self.skeleton.load(0).uuid

    @property
    def spoken(self) -> bool:
        """Whether a row says something."""
        return any(kind != _CODES["link"] for kind in self.skeleton.kinds)

    def finish(self) -> None:
        """End reading: what was needed only for that is let go."""
        self._first.clear()
        self.skeleton.fill_times()

    @property
    def _count(self) -> int:
        return len(self.skeleton)

    def _known(self, uuid: str) -> Row | None:
        place = self._first.get(key_of(uuid))
        return None if place is None else self.skeleton.load(place)

    def _keep(self, row: Row) -> None:
        self._first.setdefault(key_of(row.uuid), len(self.skeleton))
        self.skeleton.append(row)


class BigLinks:
    """Which rows of a part belong together: as `Links`, by number alone."""

    def __init__(self, part: Part, owners: Sequence[int]) -> None:
        self._part = part
        self._skeleton = part.skeleton
        self._results = array("q", [-1]) * len(part.skeleton.call_keys)
        self._unasked: dict[int, list[int]] = defaultdict(list)
        self._next_line = array("i", [-1]) * len(part)
        self._begins = bytearray(len(part))
        self._match()
        self._join(owners)

    def places(self) -> Iterator[int]:
        """The rows of which entries are made."""
        kinds = self._skeleton.kinds
        for number, place in enumerate(self._part.places):
            if kinds[place] not in _SILENT or number in self._unasked:
                yield number

    def reply(self, place: int) -> list[Row]:
        """The lines of the API message that begins with a row; none where it begins none."""
        lines: list[Row] = []
        while place >= 0 and (lines or self._begins[place]):
            lines.append(self._part[place])
            place = self._next_line[place]
        return lines

    def answer(self, place: int, number: int) -> Answered:
        """What answered a call of a row."""
        skeleton = self._skeleton
        result = self._results[skeleton.first_call[self._part.places[place]] + number]
        if result < 0:
            return Answered()
        row = skeleton.result_rows[result]
        found = skeleton.load(row)
        return Answered(found.results[result - skeleton.first_result[row]], found.time)

    def unasked(self, place: int) -> Iterable[int]:
        """The numbers of a row's results that answer no call."""
        return self._unasked.get(place, ())

    def _match(self) -> None:
        skeleton = self._skeleton
        waiting: dict[int, list[int]] = defaultdict(list)
        for number, place in enumerate(self._part.places):
            for call in range(skeleton.first_call[place], skeleton.first_call[place + 1]):
                waiting[skeleton.call_keys[call]].append(call)
            first = skeleton.first_result[place]
            for result in range(first, skeleton.first_result[place + 1]):
                key = skeleton.result_keys[result]
                if key in waiting:
                    self._results[waiting[key].pop()] = result
                    if not waiting[key]:
                        del waiting[key]
                else:
                    self._unasked[number].append(result - first)

    def _join(self, owners: Sequence[int]) -> None:
        """Put the lines of each API message together."""
        skeleton = self._skeleton
        # For each conversation the message at hand: its key, and its last line.
        current: dict[int, tuple[int, int]] = {}
        for number, (place, owner) in enumerate(zip(self._part.places, owners, strict=True)):
            kind = _KINDS[skeleton.kinds[place]]
            if kind in ("prompt", "command") and not skeleton.flags[place] & _QUEUED:
                current.pop(owner, None)
            if kind != "assistant":
                continue
            key = skeleton.message_keys[place]
            known = current.get(owner)
            if known and key and known[0] == key:
                self._next_line[known[1]] = number
            else:
                self._begins[number] = 1
            current[owner] = (key, number)
