"""The file `packed-refs`: one line a ref, sorted by name (git-pack-refs(1), refs/packed-backend.c in Git's source).

Lookups bisect the mapped file, so a store of 100,000 sessions costs a lookup no more than a small one.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from superqode.session.errors import CorruptObject

__all__ = [
    "PackedRef",
    "check_order",
    "find",
    "find_folded",
    "iterate",
    "lines",
    "merged",
    "names",
    "render",
    "salvage",
    "without",
]

_HEADER: Final = b"# pack-refs with: peeled fully-peeled sorted \n"
_LINE: Final = re.compile(rb"([0-9a-f]{40}) ([^\n\r\0 ]+)(?:\r?\n|\Z)")
_NAMES: Final = re.compile(rb"^[0-9a-f]{40} ([^\n\r\0 ]+)(?:\r?\n|\Z)", re.MULTILINE)
_PAIRS: Final = re.compile(rb"^([0-9a-f]{40} [^\n\r\0 ]+)(?:\r?\n|\Z)", re.MULTILINE)
_PEELED: Final = re.compile(rb"\^([0-9a-f]{40})(?:\r?\n|\Z)")
# Begins with two fixed bytes, which `re` skips to; a ref peels to one id.
_PEELS: Final = re.compile(rb"\n\^[0-9a-f]{40}(?=\r?\n(?!\^)|\Z)")


class PackedRef(NamedTuple):
    """A packed ref: its id and, for a tag, the id it peels to (or empty)."""

    oid: str
    peeled: str = ""


def _open(path: str) -> mmap.mmap | bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - text paths on the save path
            try:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError:  # an empty file cannot be mapped
                return b""
    except FileNotFoundError:
        return b""
    except OSError as problem:
        raise CorruptObject("packed-refs", f"it cannot be read ({problem.strerror})") from problem


def _sorted(data: mmap.mmap | bytes) -> bool:
    return b" sorted " in data[: max(data.find(b"\n"), 0) + 1]


def find(path: str, name: str) -> str | None:
    """The id of a ref in this file, or `None`.

    Raises:
        CorruptObject: the line cannot be read.
    """
    data = _open(path)
    if not data:
        return None
    wanted = _bytes(name)
    if not _sorted(data):
        return next((ref.oid for found, ref in iterate(path, name) if found == name), None)
    start = _lower_bound(data, wanted)
    line = _LINE.match(data, start)
    return line[1].decode() if line is not None and line[2] == wanted else None


def _lower_bound(data: mmap.mmap | bytes, wanted: bytes) -> int:
    """Where the first ref line with a name not before `wanted` begins."""
    low = data.find(b"\n") + 1 if data[:1] == b"#" else 0
    high = len(data)
    while low < high:
        middle = data.rfind(b"\n", low, (low + high) // 2) + 1
        middle = max(middle, low)
        while data[middle : middle + 1] == b"^":  # what a tag peels to belongs to the line before
            if middle <= low:
                raise CorruptObject("packed-refs", "it begins with what a tag peels to")
            middle = max(data.rfind(b"\n", low, middle - 1) + 1, low)
        line = _line_at(_LINE, data, middle)
        if line[2] >= wanted:
            high = middle
        else:
            low = line.end()
            while data[low : low + 1] == b"^":
                low = (data.find(b"\n", low) + 1) or len(data)
    return low


def iterate(path: str, prefix: str = "") -> Iterator[tuple[str, PackedRef]]:
    """Give each ref whose name begins with `prefix`, in the file's order.

    Raises:
        CorruptObject: a line cannot be read.
    """
    data = _open(path)
    if not data:
        return
    wanted = _bytes(prefix)
    ordered = _sorted(data)
    position = _lower_bound(data, wanted) if ordered and wanted else 0
    length = len(data)
    while position < length:
        if data[position : position + 1] == b"#":
            position = (data.find(b"\n", position) + 1) or length
            continue
        line = _line_at(_LINE, data, position)
        position = line.end()
        peeled = _line_at(_PEELED, data, position) if data[position : position + 1] == b"^" else None
        position = peeled.end() if peeled is not None else position
        if not line[2].startswith(wanted):
            if ordered:
                return
            continue
        name = line[2].decode("utf-8", "surrogateescape")
        yield name, PackedRef(line[1].decode(), peeled[1].decode() if peeled is not None else "")


def _line_at(pattern: re.Pattern[bytes], data: mmap.mmap | bytes, position: int) -> re.Match[bytes]:
    line = pattern.match(data, position)
    if line is None:
        raise CorruptObject("packed-refs", f"its line at byte {position} cannot be read")
    return line


def names(path: str, prefix: str = "") -> list[str]:
    """The names of the refs that begin with `prefix`, in the file's order; all at once, which is much quicker.

    Raises:
        CorruptObject: a line cannot be read.
    """
    found = _all_at_once(path, prefix, _NAMES)
    return found if found is not None else [name for name, _ in iterate(path, prefix)]


def lines(path: str, prefix: str = "") -> list[str]:
    """Id, a space and name of the refs that begin with `prefix`, otherwise as `names`; raises likewise."""
    found = _all_at_once(path, prefix, _PAIRS)
    return found if found is not None else [f"{ref.oid} {name}" for name, ref in iterate(path, prefix)]


def _all_at_once(path: str, prefix: str, pattern: re.Pattern[bytes]) -> list[str] | None:
    """What a pattern finds in each line; `None` where they have to be looked at one by one."""
    data = _open(path)
    if not data:
        return []
    if not _sorted(data):
        return None
    wanted = _bytes(prefix)
    start = _lower_bound(data, wanted) if wanted else data.find(b"\n") + 1
    behind = _behind(wanted)
    end = _lower_bound(data, behind) if behind else len(data)
    body = data[start:end]
    found: list[bytes] = pattern.findall(body)
    if len(found) + len(_PEELS.findall(body)) != len(body.splitlines()):
        return None  # a line that is none
    return b"\n".join(found).decode("utf-8", "surrogateescape").split("\n") if found else []


def _behind(prefix: bytes) -> bytes:
    """What comes first behind all names that begin with `prefix`; empty where nothing does."""
    begin = prefix.rstrip(b"\xff")
    return begin[:-1] + bytes((begin[-1] + 1,)) if begin else b""


def check_order(path: str) -> None:
    """See that a lookup finds every line: one out of order hides those behind it.

    Raises:
        CorruptObject: a line is out of order, or cannot be read.
    """
    if not _sorted(_open(path)):
        return
    for before, name in pairwise(map(_bytes, names(path))):
        if before >= name:
            told = name.decode("utf-8", "replace")
            raise CorruptObject("packed-refs", f"its line of {told} is out of order, or the one before it is")


def salvage(path: str) -> tuple[dict[str, str], int]:
    """Give names and ids of the refs whose lines can be read, in a damaged file, and how many lines of refs it has."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - text paths on the save path
            data = file.read()
    except OSError:
        data = b""
    lines = [line for line in data.splitlines() if line.strip(b"\0") and line[:1] not in (b"#", b"^")]
    found = [match for match in map(_LINE.fullmatch, lines) if match is not None]
    return {match[2].decode("utf-8", "surrogateescape"): match[1].decode() for match in found}, len(lines)


def render(refs: Mapping[str, PackedRef]) -> bytes:
    """Give the file's bytes."""
    return b"".join([_HEADER, *(_lines(name, refs[name]) for name in sorted(refs, key=_bytes))])


def merged(path: str, refs: Mapping[str, PackedRef]) -> bytes:
    """The file's bytes with these refs in place of what it says of them, and with the others as they stand.

    Few refs cost a search each and a copy of the file, not a look at each of its lines.

    Raises:
        CorruptObject: a line on the way to one cannot be read.
    """
    data = _open(path)
    if not data or not _sorted(data):
        return render(dict(iterate(path)) | dict(refs))
    data = _ended(data)
    parts: list[bytes] = []
    begin = 0
    for name in sorted(refs, key=_bytes):
        wanted = _bytes(name)
        start = _lower_bound(data, wanted)
        parts += [data[begin:start], _lines(name, refs[name])]
        begin = _end_of(data, start, wanted)
    return b"".join([*parts, data[begin:]])


def _ended(data: mmap.mmap | bytes) -> mmap.mmap | bytes:
    """The same with the end of the last line, which an editor may have cut off, and without which git reads nothing."""
    return data if data[-1:] == b"\n" else data[:] + b"\n"


def _end_of(data: mmap.mmap | bytes, start: int, wanted: bytes) -> int:
    """Where the lines of a ref end that begin there, also if it has two; the place itself where they are another's."""
    end = start
    while (line := _LINE.match(data, end)) is not None and line[2] == wanted:
        end = line.end()
        while data[end : end + 1] == b"^":
            end = (data.find(b"\n", end) + 1) or len(data)
    return end


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _lines(name: str, ref: PackedRef) -> bytes:
    peeled = f"^{ref.peeled}\n" if ref.peeled else ""
    return f"{ref.oid} ".encode() + _bytes(name) + b"\n" + peeled.encode()


def without(path: str, gone: Iterable[str]) -> bytes | None:
    """The file's bytes without some refs, or `None` where it holds none of them.

    Raises:
        CorruptObject: a line on the way to one cannot be read.
    """
    data = _open(path)
    if not data or not _sorted(data):
        refs = dict(iterate(path))
        held = [name for name in gone if refs.pop(name, None) is not None]
        return render(refs) if held else None
    data = _ended(data)
    parts: list[bytes] = []
    begin = 0
    for wanted in sorted(map(_bytes, gone)):
        start = _lower_bound(data, wanted)
        end = _end_of(data, start, wanted)
        if end > start:
            parts.append(data[begin:start])
            begin = end
    return b"".join([*parts, data[begin:]]) if parts else None


def find_folded(path: str, prefix: str, folded: str) -> str | None:
    """The ref `prefix` + name whose name equals `folded` in lower case (ASCII), without the prefix, or `None`.

    Raises:
        CorruptObject: a line cannot be read.
    """
    data = _open(path)
    if not data:
        return None
    if not _sorted(data):
        return next(
            (name[len(prefix) :] for name, _ in iterate(path, prefix) if name[len(prefix) :].lower() == folded), None
        )
    begin, lower = prefix.encode(), folded.encode()
    wanted: bytes | None = lower.upper()  # upper case sorts first
    while wanted is not None:
        line = _LINE.match(data, _lower_bound(data, begin + wanted))
        if line is None or not line[2].startswith(begin):
            return None
        found = line[2][len(begin) :]
        if found.lower() == lower:
            return found.decode("utf-8", "surrogateescape")
        wanted = _next_spelling(found, lower)
    return None


def _next_spelling(after: bytes, lower: bytes) -> bytes | None:
    """The first text, in the order of bytes, that comes after another and is `lower` in lower case."""
    upper = lower.upper()
    last = None  # the longest beginning of `after` behind which a spelling goes on with a greater byte
    for place, (small, large) in enumerate(zip(lower, upper, strict=True)):
        if place == len(after):
            return after + upper[place:]
        least = large if large > after[place] else small
        if least > after[place]:
            last = after[:place] + bytes((least,)) + upper[place + 1 :]
        if after[place] not in (small, large):
            break
    return last
