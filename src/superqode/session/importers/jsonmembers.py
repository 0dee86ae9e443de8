"""The members of one big JSON object, read one at a time: an export may be longer than what fits in memory.

The elements of the arrays that hold the conversation come one by one. What is cut off or damaged is left out and
counted, and the rest is found again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt, Source
from superqode.session.importers.lines import MAX_LINE_BYTES, parse_json

__all__ = ["read_members"]

_CHUNK: Final = 1024 * 1024
_SPACE: Final = re.compile(rb"[\s\0]*+")
_BOM: Final = b"\xef\xbb\xbf"
# A string (group 1 is its end; without it the string goes on), or a bracket.
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+(?:(")|\\?\Z)'
_NESTING: Final = re.compile(_STRING + rb"|[{}\[\]]", re.DOTALL)
_SCALAR: Final = re.compile(_STRING + rb"|[^\s,:\]}\"]++", re.DOTALL)
# How often the bytes at hand may be gone through to find an element behind damage.
_MAX_PASSES: Final = 8
_BROKEN: Final = -1
_OPENED: Final = {b"}": b"{", b"]": b"["}


def read_members(source: Source, receipt: Receipt, arrays: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Give the members of the object that a source is, in their order.

    Args:
        source: the file.
        receipt: where damage is counted; what is given is the caller's to count.
        arrays: the members whose elements are given one by one, as soon as each is read.

    Raises:
        TranscriptError: it cannot be read, or does not begin an object.
    """
    try:
        with source.open() as stream:
            yield from _Members(stream, source.name, receipt, arrays).read()
    except OSError as problem:
        raise TranscriptError(source.name, f"it cannot be read ({problem.strerror or problem})") from problem


class _Members:
    def __init__(self, stream: IO[bytes], name: str, receipt: Receipt, arrays: frozenset[str]) -> None:
        self._stream = stream
        self._name = name
        self._receipt = receipt
        self._arrays = arrays
        self._data = b""
        self._place = 0
        self._dropped = 0  # how many bytes before the data at hand are gone
        self._first_keys: set[bytes] = set()
        self._looked_at = 0
        self._over = False

    def read(self) -> Iterator[tuple[str, Any]]:
        self._more()
        if self._data.startswith(_BOM):
            self._place = len(_BOM)
        if self._next() != b"{":
            raise TranscriptError(self._name, "it is empty" if not self._next() else "it is no JSON object")
        self._place += 1
        while (sign := self._next()) not in (b"}", b""):
            if sign == b",":
                self._place += 1
                continue
            key = self._parsed(self._value()) if sign == b'"' else None
            if not isinstance(key, str) or self._next() != b":":
                self._damage("the rest cannot be read")
                return
            self._place += 1
            if key in self._arrays and self._next() == b"[":
                self._place += 1
                yield from self._elements(key)
            else:
                raw = self._value()
                value = self._parsed(raw)
                if value is not _NONE:
                    yield key, value
                elif raw is None:
                    return
        if not sign and not self._over:
            self._damage("it ends before its end")

    def _elements(self, key: str) -> Iterator[tuple[str, Any]]:
        while (sign := self._next()) != b"]":
            if sign == b",":
                self._place += 1
                continue
            if not sign:
                return
            start = self._place
            raw = self._value()
            value = self._parsed(raw)
            if value is not _NONE:
                if raw is not None:
                    self._remember(raw)
                yield key, value
            elif raw is None and not self._find_again(start):
                self._over, self._place = True, len(self._data)
                return
        self._place += 1

    # -- bytes ----------------------------------------------------------------------------------------------

    def _more(self) -> bool:
        """Read on; as much again as is at hand, so that a long value is not looked at too often."""
        wanted = max(_CHUNK, len(self._data) - self._place)
        chunk = self._stream.read(wanted)
        if chunk:
            self._dropped += self._place
            self._data = self._data[self._place :] + chunk
            self._place = 0
        return bool(chunk)

    def _next(self) -> bytes:
        """The next byte that is no white space; empty at the end."""
        while True:
            found = _SPACE.match(self._data, self._place)
            self._place = found.end() if found else self._place
            if self._place < len(self._data) or not self._more():
                return self._data[self._place : self._place + 1]

    def _value(self) -> bytes | None:
        """Take the value at hand; None (and damage counted) where it is not whole or is too long."""
        self._next()
        while (end := self._end_of_value()) is None:
            if len(self._data) - self._place > MAX_LINE_BYTES:
                self._damage(f"longer than {MAX_LINE_BYTES // 2**20} MiB")
                return None
            if not self._more():
                self._damage("it ends in the middle of a value")
                return None
        if end == _BROKEN:
            self._damage("its brackets do not match")
            return None
        raw = self._data[self._place : end]
        self._place = end
        return raw

    def _end_of_value(self) -> int | None:
        """Where the value at hand ends; None where that cannot be seen yet, `_BROKEN` where it has no end."""
        if self._data[self._place : self._place + 1] in (b"{", b"["):
            return self._end_of_nesting()
        scalar = _SCALAR.match(self._data, self._place)
        if scalar is None:
            # A sign where a value should be: taken as one that cannot be read.
            return self._place + 1 if self._place < len(self._data) else None
        if scalar[0].startswith(b'"'):
            return scalar.end() if scalar[1] else None
        return scalar.end() if scalar.end() < len(self._data) else None

    def _end_of_nesting(self) -> int | None:
        opened: list[bytes] = []
        for found in _NESTING.finditer(self._data, self._place):
            sign = found[0]
            if sign in (b"{", b"["):
                opened.append(sign)
            elif sign in _OPENED:
                if opened.pop() != _OPENED[sign]:
                    return _BROKEN
                if not opened:
                    return found.end()
            elif found[1] is None:
                return None
        return None

    # -- damage ---------------------------------------------------------------------------------------------

    def _parsed(self, raw: bytes | None) -> Any:
        if raw is None:
            return _NONE
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode(errors="replace")
            if len(self._receipt.problems) < 50:
                self._receipt.problems.append(f"{self._where()}: not valid UTF-8, read with replacement characters")
        try:
            return parse_json(text)
        except ValueError as problem:
            self._damage(f"not readable as JSON ({problem})")
            return _NONE

    def _remember(self, raw: bytes) -> None:
        if len(self._first_keys) < 32 and (found := _FIRST_KEY.match(raw)):
            self._first_keys.add(found[1])

    def _find_again(self, start: int) -> bool:
        """Go to the next element behind one that has no end; says whether there is one."""
        if not self._first_keys:
            return False
        keys = b"|".join(map(re.escape, sorted(self._first_keys)))
        for found in re.compile(rb"\{\s*(?:" + keys + rb")\s*:").finditer(self._data, max(start, self._place) + 1):
            self._place = found.start()
            end = self._end_of_nesting()
            if end and end != _BROKEN and _behind_element(self._data, end):
                return True
            self._looked_at += (end if end and end != _BROKEN else len(self._data)) - self._place
            if self._looked_at > _MAX_PASSES * len(self._data):
                return False
        return False

    def _where(self) -> str:
        return f"byte {self._dropped + self._place}"

    def _damage(self, text: str) -> None:
        self._receipt.lines += 1
        self._receipt.problem(f"{self._where()}: {text}")


_NONE: Final = object()
_FIRST_KEY: Final = re.compile(rb'\{\s*("(?:[^"\\]|\\.){1,64}")\s*:')


def _behind_element(data: bytes, end: int) -> bool:
    """Whether what follows is the next element or the array's end, as it is behind an element of the array."""
    rest = data[end : end + 64].lstrip()
    return rest[:1] == b"]" or bool(re.match(rb",\s*\{", rest)) or not rest
