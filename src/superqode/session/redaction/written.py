"""A JSON value written out as one text, so that its rules see what belongs together, and taken apart again.

Each string stands in it as it is: a text of several lines by itself, a short one in quotes behind its key, short
neighbours of a list in one line as on a command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, TypeVar

from superqode.session.errors import InvalidEntry
from superqode.session.models import FrozenDict, FrozenList
from superqode.session.redaction.finding import Found

__all__ = ["Written", "rebuilt"]

T = TypeVar("T")
# As in models/values.py: deeper values are an attack's.
_MAX_DEPTH: Final = 200
_SHORT: Final = 4096
# No rule reads across it.
_WALL: Final = "\n\x1a\n"


class Written:
    """The text of one value.

    Args:
        value: a JSON value.
        instead: what to write in place of strings, by their number.

    Attributes:
        text: everything in one text.

    Raises:
        InvalidEntry: it is nested too deep.
    """

    def __init__(self, value: Any, instead: Mapping[int, str] | None = None) -> None:
        self._instead = instead or {}
        self._parts: list[str] = []
        # Which of the parts are the value's strings.
        self._places: list[int] = []
        self._write(value, 0)
        self.text = "".join(self._parts)

    @property
    def strings(self) -> list[str]:
        """The strings in it, keys included, in the order in which they are visited."""
        return [self._parts[place] for place in self._places]

    def pieces(self, found: Sequence[Found]) -> dict[int, list[Found]]:
        """Give what was found in `text` by the number of the string it is in, with places in that string."""
        pieces: dict[int, list[Found]] = {}
        if not found:
            return pieces
        ends = list(accumulate(map(len, self._parts)))
        spans = [(ends[place] - len(self._parts[place]), ends[place]) for place in self._places]
        first = 0
        for start, end, rule in found:
            while first < len(spans) - 1 and spans[first][1] <= start:
                first += 1
            number = first
            while number < len(spans) and spans[number][0] < end:
                origin, stop = spans[number]
                if max(start, origin) < min(end, stop):
                    piece = Found(max(start, origin) - origin, min(end, stop) - origin, rule)
                    pieces.setdefault(number, []).append(piece)
                number += 1
        return pieces

    def _next(self, text: str) -> str:
        """What is to be written for the string that comes next."""
        return self._instead.get(len(self._places), text) if self._instead else text

    def _write(self, value: Any, depth: int) -> None:
        if isinstance(value, str):
            text = self._next(value)
            self._places.append(len(self._parts) + 1)
            self._parts += (_WALL, text, _WALL)
        elif isinstance(value, dict):
            _check(depth)
            for key, item in value.items():
                self._write_pair(key, item, depth)
        elif isinstance(value, list | tuple):
            _check(depth)
            self._write_items(value, depth)

    def _write_pair(self, key: str, item: Any, depth: int) -> None:
        parts = self._parts
        key = self._next(key)
        self._places.append(len(parts) + 1)
        parts += ('\n"', key, '": ')
        if isinstance(item, str):
            text = self._next(item)
            if _is_short(text):
                # A string ends at its quote: take one that is not in it.
                quote = '"' if '"' not in text else "'" if "'" not in text else "`"
                self._places.append(len(parts) + 1)
                parts += (quote, text, quote)
            else:
                self._write(item, depth + 1)
        elif isinstance(item, dict | list | tuple):
            self._write(item, depth + 1)

    def _write_items(self, items: Sequence[Any], depth: int) -> None:
        command = any(isinstance(item, str) and item.startswith("-") for item in items)
        self._parts.append(_WALL)
        for item in items:
            if command and isinstance(item, str) and _is_short(text := self._next(item)):
                self._places.append(len(self._parts))
                self._parts += (text, " ")
            else:
                self._write(item, depth + 1)
        self._parts.append(_WALL)


def rebuilt(value: T, changed: Mapping[int, str]) -> T:
    """Give the value with the strings of these numbers replaced; parts without changes are the same objects."""
    return _Rebuilding(changed).rebuild(value)  # type: ignore[no-any-return]  # a value stays of its kind


class _Rebuilding:
    """Visits a value's strings in the order of `Written`."""

    def __init__(self, changed: Mapping[int, str]) -> None:
        self._changed = changed
        self._number = -1

    def rebuild(self, value: Any) -> Any:
        if isinstance(value, str):
            self._number += 1
            return self._changed.get(self._number, value)
        if isinstance(value, dict):
            pairs = [(self.rebuild(key), self.rebuild(item)) for key, item in value.items()]
            if all(new[0] is old[0] and new[1] is old[1] for new, old in zip(pairs, value.items(), strict=True)):
                return value
            return type(value)(_apart(pairs)) if isinstance(value, FrozenDict) else _apart(pairs)
        if isinstance(value, list | tuple):
            items = [self.rebuild(item) for item in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return FrozenList(items) if isinstance(value, FrozenList) else type(value)(items)
        return value


def _check(depth: int) -> None:
    if depth >= _MAX_DEPTH:
        raise InvalidEntry(f"A JSON value has more than {_MAX_DEPTH} levels. Flatten it, or store it as text")


def _is_short(text: str) -> bool:
    """Whether it may be the value of an assignment, or a word of a command."""
    return len(text) <= _SHORT and "\n" not in text and not text.endswith("\\")


def _apart(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of all pairs; keys that masking made equal are numbered, so that nothing is lost."""
    result: dict[str, Any] = {}
    for key, item in pairs:
        free, number = key, 1
        while free in result:
            number += 1
            free = f"{key} ({number})"
        result[free] = item
    return result
