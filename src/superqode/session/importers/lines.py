"""JSON records, one a line, out of a file that may be huge, torn or hostile.

Agents write their transcripts line by line, and machines stop in the middle. So a line is read on its own,
never the file as a whole; what cannot be read is skipped and counted, and a record behind damage is found.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Final

from superqode.session.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from superqode.session.importers.base import Receipt, Source

__all__ = ["LONG_LINE_BYTES", "MAX_DEPTH", "MAX_LINE_BYTES", "Divide", "parse_json", "read_records"]

# The longest line that is read, in bytes; pictures inside a record stay well below it.
MAX_LINE_BYTES: Final = 256 * 1024 * 1024
# The longest line that is always read at once, in bytes.
LONG_LINE_BYTES: Final = 1024 * 1024
# The deepest nesting of a record; less than what an entry may hold, so that a part of one always fits there.
MAX_DEPTH: Final = 150
# How many different first keys are remembered to find records behind damage.
_MAX_KEYS: Final = 32
# What stands around a record: white space of JSON, and the NULs a file system leaves after a power loss.
_PADDING: Final = "\ufeff\0 \t\r\n"


# Takes a line apart; see `read_records`.
Divide = Callable[[bytes], "Iterator[dict[str, Any]] | None"]


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too big a number")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


_decode: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant).raw_decode


def parse_json(text: str) -> Any:
    """Read one JSON value that somebody else wrote (arguments as text, a small file).

    Raises:
        ValueError: it is none, is nested more than `MAX_DEPTH` deep, or holds a number no entry may hold.
    """
    start = text.lstrip(_PADDING)
    try:
        value, end = _decode(start)
    except RecursionError as problem:
        raise ValueError("nested too deeply") from problem
    if start[end:].strip(_PADDING):
        raise ValueError("text after the value")
    if _too_deep(value):
        raise ValueError("nested too deeply")
    return value


def read_records(
    source: Source, receipt: Receipt, *, holding: bytes = b"", divide: Divide | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give each record of a source with its line's number, from 1; records glued on one line share a number.

    Every record, and every piece that is none, counts in `receipt.lines`. What is given is the caller's to
    count as mapped, kept or dropped. The rest is counted here: damage as a problem, blank and torn last lines
    as such.

    Args:
        source: the file.
        receipt: where to count.
        holding: only lines with these bytes are looked at; the others are neither read nor counted.
        divide: gives the record on a line of more than `LONG_LINE_BYTES` piece by piece, each a record that counts,
            or None where it does not know how; a whole history may stand on one line.

    Raises:
        TranscriptError: the bytes themselves cannot be read.
    """
    try:
        with source.open() as stream:
            yield from _Reader(receipt, holding, divide).read(stream)
    except OSError as problem:
        raise TranscriptError(source.name, f"it cannot be read ({problem.strerror or problem})") from problem


class _Reader:
    """Takes lines apart; remembers how records begin, to find one behind damage."""

    def __init__(self, receipt: Receipt, holding: bytes, divide: Divide | None) -> None:
        self._receipt = receipt
        self._holding = holding
        self._divide = divide
        self._first_keys: set[str] = set()
        self._budget = 0

    def read(self, stream: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        while line := stream.readline(MAX_LINE_BYTES):
            number += 1
            whole = line.endswith(b"\n")
            if not whole and len(line) >= MAX_LINE_BYTES:
                _skip_line(stream)
                self._damage(f"line {number}: longer than {MAX_LINE_BYTES // 2**20} MiB")
            elif self._holding in line:
                pieces = self._divide(line) if self._divide and len(line) > LONG_LINE_BYTES else None
                for record in self._counted(pieces) if pieces else self._records(line, number, whole=whole):
                    yield number, record

    def _counted(self, pieces: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for piece in pieces:
            self._receipt.lines += 1
            yield piece

    def _records(self, line: bytes, number: int, *, whole: bool) -> Iterator[dict[str, Any]]:
        text = self._text(line, number)
        shallow = line.count(b"{") + line.count(b"[") <= MAX_DEPTH
        if not text:
            self._receipt.lines += 1
            self._receipt.drop("blank lines")
            return
        # A failed try costs the text before the failure (the error counts its lines); a few lengths are enough.
        self._budget = 32 * len(text)
        place = 0
        while place < len(text):
            try:
                value, end = _decode(text, place)
            except (ValueError, RecursionError) as problem:
                self._pay(problem, len(text))
                value, end = self._behind_damage(text, place)
                self._unreadable(number, problem, torn=not whole and value is None)
                if value is None:
                    return
            yield from self._accept(value, number, deep=not shallow and _too_deep(value))
            place = _skip_padding(text, end)

    def _pay(self, problem: Exception, most: int) -> None:
        self._budget -= problem.pos if isinstance(problem, json.JSONDecodeError) else most

    def _text(self, line: bytes, number: int) -> str:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode(errors="replace")
            if len(self._receipt.problems) < 50:
                self._receipt.problems.append(f"line {number}: not valid UTF-8, read with replacement characters")
        return text.strip(_PADDING)

    def _accept(self, value: Any, number: int, *, deep: bool) -> Iterator[dict[str, Any]]:
        if not isinstance(value, dict):
            self._damage(f"line {number}: not a JSON object")
        elif deep:
            self._damage(f"line {number}: nested more than {MAX_DEPTH} deep")
        else:
            if len(self._first_keys) < _MAX_KEYS:
                self._first_keys.update(list(value)[:1])
            self._receipt.lines += 1
            yield value

    def _behind_damage(self, text: str, place: int) -> tuple[Any, int]:
        """Find the next record on a damaged line; gives it and its end, or None and the line's end."""
        if not self._first_keys:
            return None, len(text)
        keys = "|".join(re.escape(json.dumps(key, ensure_ascii=False)) for key in sorted(self._first_keys))
        reached = place + 1
        for found in re.compile(r"\{\s*(?:" + keys + ")").finditer(text, reached):
            if self._budget < 0:
                break
            if found.start() < reached:
                continue
            try:
                value, reached = _decode(text, found.start())
            except (ValueError, RecursionError) as problem:
                self._pay(problem, len(text))
            else:
                # A part of the damaged record is followed by a comma or a bracket, a record by the next or nothing.
                behind = _skip_padding(text, reached)
                if behind == len(text) or text[behind] == "{":
                    return value, reached
        return None, len(text)

    def _unreadable(self, number: int, problem: Exception, *, torn: bool) -> None:
        if torn:
            self._receipt.lines += 1
            self._receipt.drop("torn last line")
        else:
            reason = (
                problem.msg if isinstance(problem, json.JSONDecodeError) else "nested too deeply, or no JSON number"
            )
            self._damage(f"line {number}: not readable as JSON ({reason})")

    def _damage(self, text: str) -> None:
        self._receipt.lines += 1
        self._receipt.problem(text)


def _skip_line(stream: IO[bytes]) -> None:
    while (chunk := stream.readline(1024 * 1024)) and not chunk.endswith(b"\n"):
        pass


def _skip_padding(text: str, place: int) -> int:
    while place < len(text) and text[place] in _PADDING:
        place += 1
    return place


def _too_deep(value: Any) -> bool:
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            return True
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder if isinstance(holder, list) else ())
            if isinstance(item, dict | list)
        ]
    return False
