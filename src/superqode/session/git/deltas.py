"""Deltas: an object told by what it has of another one (gitformat-pack(5), "Deltified representation").

The trees of a session's saves differ in one place, so a tree's delta is at most two copies and what is new between
them; its commits differ in some lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Final

from superqode.session.errors import CorruptObject

__all__ = ["apply_delta", "delta_size", "make_delta", "make_line_delta"]

_COPY: Final = 0x80
_COPY_MOST: Final = 0xFFFFFF
_INSERT_MOST: Final = 0x7F
# An instruction that copies fewer takes as much room as these themselves.
_COPY_LEAST: Final = 6
# A copy of this many bytes is told by no length byte at all.
_COPY_UNTOLD: Final = 0x10000


def delta_size(base: bytes, target: bytes) -> int:
    """How many bytes of `target` a delta would have to tell, roughly."""
    start, end = _shared(base, target)
    return len(target) - start - end


def make_delta(base: bytes, target: bytes) -> bytes:
    """Give the delta that makes `target` of `base`."""
    start, end = _shared(base, target)
    parts = [_size(len(base)), _size(len(target)), _copy(0, start)]
    parts.append(_insert(target[start : len(target) - end]))
    parts.append(_copy(len(base) - end, end))
    return b"".join(parts)


def make_line_delta(base: bytes, target: bytes) -> bytes:
    """Give such a delta for two texts of which each line begins as the one in its place does, or not."""
    parts = [_size(len(base)), _size(len(target))]
    start = end = 0
    fresh: list[bytes] = []
    for place, size, line in _line_by_line(base, target):
        goes_on = place == end > start and not fresh
        if size >= _COPY_LEAST and not goes_on:
            parts += [_copy(start, end - start), _insert(b"".join(fresh))]
            start, end, fresh, goes_on = place, place, [], True
        rest = line[size:] if goes_on else line
        end += size if goes_on else 0
        if rest:
            fresh.append(rest)
    parts += [_copy(start, end - start), _insert(b"".join(fresh))]
    return b"".join(parts)


def _line_by_line(base: bytes, target: bytes) -> Iterator[tuple[int, int, bytes]]:
    """For each line of `target`: where the one in its place in `base` begins, how far both are the same, and itself."""
    place = 0
    for old, new in zip_longest(base.splitlines(keepends=True), target.splitlines(keepends=True), fillvalue=b""):
        size = len(new) if old == new else _common(old, new)
        yield place, size, new
        place += len(old)


def apply_delta(base: bytes, delta: bytes) -> bytes:
    """Give what a delta makes of its base.

    Raises:
        CorruptObject: it is no delta of that.
    """
    expected, place = _read_size(delta, 0)
    size, place = _read_size(delta, place)
    parts: list[bytes] = []
    while place < len(delta):
        code = delta[place]
        place += 1
        if code & _COPY:
            told = 0
            for bit in range(7):
                if code & 1 << bit:
                    told |= delta[place] << 8 * bit
                    place += 1
            start, length = told & 0xFFFFFFFF, told >> 32 or _COPY_UNTOLD
            parts.append(base[start : start + length])
        else:
            parts.append(delta[place : place + code])
            place += code
    made = b"".join(parts)
    if len(base) != expected or len(made) != size:
        raise CorruptObject("", "its delta fits nothing")
    return made


def _shared(base: bytes, target: bytes) -> tuple[int, int]:
    """How many bytes at the beginning and at the end are the same; they never overlap."""
    most = min(len(base), len(target))
    start = _common(base, target)
    end = _longest(most - start, lambda size: base[len(base) - size :] == target[len(target) - size :])
    return start, end


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two texts begin with alike."""
    return _longest(min(len(one), len(other)), lambda size: one[:size] == other[:size])


def _longest(most: int, same: Callable[[int], bool]) -> int:
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if same(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _size(size: int) -> bytes:
    told = bytearray()
    while size > 0x7F:
        told.append(size & 0x7F | 0x80)
        size >>= 7
    told.append(size)
    return bytes(told)


def _read_size(data: bytes, place: int) -> tuple[int, int]:
    size = shift = 0
    while True:
        byte = data[place]
        place += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return size, place


def _insert(fresh: bytes) -> bytes:
    """Instructions that put bytes there which the base has not."""
    pieces = (fresh[place : place + _INSERT_MOST] for place in range(0, len(fresh), _INSERT_MOST))
    return b"".join([bytes([len(piece)]) + piece for piece in pieces])


def _copy(start: int, length: int) -> bytes:
    """Instructions that copy a part of the base; places have four bytes and lengths three, zeros are left out."""
    parts: list[bytes] = []
    while length:
        piece = min(length, _COPY_MOST)
        code, told = _COPY, bytearray()
        for bit, byte in enumerate(start.to_bytes(4, "little") + piece.to_bytes(3, "little")):
            if byte:
                code |= 1 << bit
                told.append(byte)
        parts.append(bytes([code]) + told)
        start += piece
        length -= piece
    return b"".join(parts)
