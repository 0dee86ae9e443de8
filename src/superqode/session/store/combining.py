"""Two scrubs of one thing, each without knowing of the other, put together: what either took out is out. Pure.

Both began with the same text, which nobody has any more. What stands in clear in both, in the same order, stays; where
either has a mark, a mark stays. So nothing is in the result that is not in clear in both.
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from superqode.session.errors import InvalidEntry
from superqode.session.models import Entry, Message

__all__ = ["combine_entries", "combine_text", "combine_values"]

_MARK: Final = re.compile(r"\[REDACTED:[a-z0-9-]{1,64}:[0-9a-hjkmnp-tv-z]{8}\]")
# How long the pieces are that are looked for, at how many places, and in how many steps before a text is given up.
_PIECES: Final = (24, 12, 6, 3, 1)
_PLACES: Final = 60
_STEPS: Final = 20_000
_MESSAGE_FIELDS: Final = ("content", "agent_name", "tool_calls", "metadata")
_EXECUTION_FIELDS: Final = ("arguments", "result", "agent_name", "metadata")


def combine_text(one: str, other: str) -> str:
    """Put two maskings of one text together; where they are none, only their marks stay.

    Args:
        one: a text with marks, as `redaction` leaves them.
        other: the same text with others; the two may change places.
    """
    if one == other:
        return one
    first, second = sorted((_Masked(one), _Masked(other)), key=lambda masked: masked.text)
    found = _aligned(first, second)
    if found is not None:
        return found
    marks = {mark: None for masked in (first, second) for mark in _MARK.findall(masked.text)}
    return "…".join(["", *marks, ""]) if marks else "…"


class _Masked:
    def __init__(self, text: str) -> None:
        self.text = text
        self.spans = [(found.start(), found.end()) for found in _MARK.finditer(text)]
        self.ends = dict(self.spans)
        self._starts = [start for start, _ in self.spans]

    def next_mark(self, at: int) -> int:
        """Where the next mark begins, at a place or behind it; the text's end without one."""
        place = bisect_right(self._starts, at - 1)
        return self._starts[place] if place < len(self._starts) else len(self.text)

    def run_end(self, at: int) -> int:
        """Where the marks end that stand side by side from a place on."""
        while at in self.ends:
            at = self.ends[at]
        return at

    def is_inside(self, at: int) -> bool:
        """Whether a place is within a mark, and not its beginning."""
        place = bisect_right(self._starts, at) - 1
        return place >= 0 and self.spans[place][0] < at < self.spans[place][1]

    def starts(self, after: int) -> Iterator[int]:
        """Where the next marks begin behind a place."""
        place = bisect_right(self._starts, after)
        yield from self._starts[place : place + _PLACES]

    def places(self, after: int, piece: str) -> Iterator[int]:
        """Where a piece of clear text may go on behind a place, itself or its beginning, or a mark that hides it."""
        beginnings = [self._found(after, piece[:length]) for length in _PIECES]
        yield from heapq.merge(*beginnings, self.starts(after))

    def _found(self, after: int, piece: str) -> Iterator[int]:
        at = after
        for _ in range(_PLACES):
            at = self.text.find(piece, at + 1)
            if at < 0:
                return
            if not self.is_inside(at):
                yield at


_Out = tuple[Any, str] | None


def _aligned(a: _Masked, b: _Masked) -> str | None:
    """Walk along both; `None` where they cannot come from one text, or it takes too long to see how."""
    ways: list[Iterator[tuple[int, int, _Out]]] = [iter([(0, 0, None)])]
    seen: set[tuple[int, int]] = set()
    for _ in range(_STEPS + 4 * (len(a.spans) + len(b.spans))):
        if not ways:
            return None
        step = next(ways[-1], None)
        if step is None:
            ways.pop()
            continue
        x, y, out = step
        if (x, y) in seen:
            continue
        seen.add((x, y))
        run = _common(a.text, x, a.next_mark(x), b.text, y, b.next_mark(y))
        if run:
            out = (out, a.text[x : x + run])
            x, y = x + run, y + run
        if x == len(a.text) and y == len(b.text):
            return _joined(out)
        ways.append(_steps(a, x, b, y, out))
    return None


def _steps(a: _Masked, x: int, b: _Masked, y: int, out: _Out) -> Iterator[tuple[int, int, _Out]]:
    """Where both may go on from two places that are not alike: nowhere, unless one is at a mark."""
    at_a, at_b = a.ends.get(x), b.ends.get(y)
    if at_a is not None and at_b is not None:
        yield at_a, at_b, (out, min(a.text[x:at_a], b.text[y:at_b]))
    if at_a is not None:
        end = a.run_end(x)
        for there in _behind(a, end, b, y):
            yield end, there, (out, a.text[x:end])
    if at_b is not None:
        end = b.run_end(y)
        for there in _behind(b, end, a, x):
            yield there, end, (out, b.text[y:end])


def _behind(masked: _Masked, end: int, other: _Masked, at: int) -> Iterator[int]:
    """Where the other text may go on behind what a mark hides that ends at `end`: the nearest places first."""
    if end == len(masked.text):
        yield len(other.text)
        return
    piece = masked.text[end : min(masked.next_mark(end), end + _PIECES[0])]
    yield from other.places(at, piece)
    yield len(other.text)


def _common(a: str, x: int, x_end: int, b: str, y: int, y_end: int) -> int:
    """How much of two texts is equal from two places on."""
    most = min(x_end - x, y_end - y)
    if a[x : x + most] == b[y : y + most]:
        return most
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if a[x : x + middle] == b[y : y + middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _joined(out: _Out) -> str:
    parts: list[str] = []
    while out is not None:
        out, part = out
        parts.append(part)
    return "".join(reversed(parts))


def combine_values(one: Any, other: Any) -> Any:
    """Put two maskings of one JSON value together, keys too; what only one of them has goes."""
    if isinstance(one, str) and isinstance(other, str):
        return combine_text(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {key: combine_values(one[key], other[key]) for key in one if key in other}
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        if len(one) == len(other):
            return [combine_values(mine, theirs) for mine, theirs in zip(one, other, strict=True)]
        return [value for value in one if value in other]
    return one if one == other else None


def combine_entries(one: Entry, other: Entry) -> Entry:
    """Put two maskings of one entry together.

    Raises:
        InvalidEntry: they are not of one entry.
    """
    if (one.id, one.kind) != (other.id, other.kind):
        raise InvalidEntry(f"{one.id} and {other.id} are two entries")
    names = _MESSAGE_FIELDS if isinstance(one, Message) else _EXECUTION_FIELDS
    changes = {
        name: combine_values(getattr(one, name), getattr(other, name))
        for name in names
        if getattr(one, name) != getattr(other, name)
    }
    return one.model_copy(update=changes)
