"""Packs written by us: many objects in a few files, where a loose file each would cost more than what is in it.

A pack is a header, the objects one after the other (type and length in 7-bit groups, then a zlib stream), and the
SHA-1 of all that; its index has version 2 (gitformat-pack(5)). A tree that is like one of the last few is told by its
difference, and so is a commit that is like the last one; all other deltas `maintain` has Git make.

Until a ref names what is in a pack, a file `.keep` beside it has `git repack` leave it alone, as Git does with what it
receives (git-index-pack(1)).
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from array import array
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, NamedTuple

from superqode.session import entropy
from superqode.session.errors import CorruptObject
from superqode.session.git.deltas import apply_delta, delta_size, make_delta, make_line_delta
from superqode.session.git.loose_codec import object_id, stored

__all__ = ["KEEP", "PackWriter", "keep_pack"]

# What a `.keep` of ours says: one that says so and is old was left by a killed process.
KEEP: Final = b"superqode: until a ref names it\n"

# git_object_t in Git's object.h.
_NUMBERS: Final = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_OFS_DELTA: Final = 6
_KINDS: Final = {number: kind for kind, number in _NUMBERS.items()}
# Fewer objects than this are as well off as loose files, of which maintenance makes packs later.
_FEW: Final = 500
_FEW_BYTES: Final = 8 * 1024 * 1024
# Where a pack is closed and the next one begun: what is remembered of each object has to fit into memory, and every
# place in it into 31 bits.
_MOST: Final = 50_000
_MOST_BYTES: Final = 1024**3
# What is packed stays as it is when Git packs again: it is compressed as Git does it.
_LEVEL: Final = 6
# Fewer bytes become hardly fewer, and a compressor costs 10 µs to begin with.
_SHORT: Final = 100
# How many trees are looked at for a base, how long a chain of deltas may get (pack.depth), and how much one must spare.
_WINDOW: Final = 8
_DEPTH: Final = 50
_SPARED: Final = 2
# Of a commit that spares little, and of which a history reads each: no long chains.
_COMMIT_DEPTH: Final = 8
# Words compress well, and what is left of a commit are hashes: it has to spare so many bytes.
_COMMIT_SPARED: Final = 100
# Trees of one kind begin alike: `40000 00` and the end of a name, `40000 0000`, `100644 format`.
_ALIKE: Final = 9
_HEADER: Final = struct.Struct(">4sII")
_IDX_MAGIC: Final = b"\xfftOc\x00\x00\x00\x02"
_CHUNK: Final = 1024 * 1024


class _Known(NamedTuple):
    """An object that may be the base of a delta: its number, its content, and how many deltas lead to it."""

    number: int
    content: bytes
    depth: int


class PackWriter:
    """Takes objects; `finish` makes them readable for everybody. Until then only `read` knows them.

    Args:
        folder: the repository's `objects/pack`.
        write_loose: stores an object as a file of its own: kind, content.
        few: fewer objects than this become loose files.
        keeps: gets the path of each pack's `.keep`, which the caller removes when refs name what is in it; without
            it, there are none.
    """

    def __init__(
        self,
        folder: Path,
        write_loose: Callable[[str, bytes], object],
        few: int | None = None,
        keeps: list[Path] | None = None,
    ) -> None:
        self._folder = folder
        self._write_loose = write_loose
        self._most_loose = _FEW if few is None else few
        self._few: dict[str, tuple[str, bytes]] | None = {}
        self._few_bytes = 0
        self._pack: _Pack | None = None
        self._written: list[str] = []
        self._keeps = keeps

    def add(self, kind: str, content: bytes, oid: str = "") -> str:
        """Take an object; gives its id, which need not be found out where it is known.

        Raises:
            OSError: the disk said no.
        """
        oid = oid or object_id(kind, content)
        if self._few is not None:
            if oid not in self._few:
                self._few[oid] = (kind, content)
                self._few_bytes += len(content)
            if len(self._few) >= self._most_loose or self._few_bytes >= _FEW_BYTES:
                few, self._few = self._few, None
                for known, (its_kind, its_content) in few.items():
                    self._put(known, its_kind, its_content)
        else:
            self._put(oid, kind, content)
        return oid

    def _put(self, oid: str, kind: str, content: bytes) -> None:
        if self._pack is None:
            self._pack = _Pack(self._folder)
        self._pack.put(bytes.fromhex(oid), kind, content)
        if self._pack.full:
            self._close()

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Give type and content of an object that was taken and is not readable otherwise yet, or `None`."""
        if self._few is not None:
            return self._few.get(oid)
        return self._pack.read(oid) if self._pack is not None else None

    def finish(self) -> list[str]:
        """Make all that was taken readable; gives the files that a flush has to make durable.

        Raises:
            OSError: the disk said no.
        """
        for kind, content in (self._few or {}).values():
            self._write_loose(kind, content)
        self._few = {}
        self._few_bytes = 0
        self._close()
        written, self._written = self._written, []
        return written

    def abandon(self) -> None:
        """Forget what was taken since the last pack was closed."""
        self._few = {}
        if self._pack is not None:
            self._pack.abandon()
            self._pack = None

    def _close(self) -> None:
        if self._pack is not None:
            pack, self._pack = self._pack, None
            self._written += pack.close(self._keeps)


class _Pack:
    """One pack that is being written."""

    def __init__(self, folder: Path) -> None:
        # The name Git gives its own, so that a sweep knows a leftover when it sees one.
        self._path = folder / f"tmp_pack_{entropy.random_text(10)}"
        self._file: IO[bytes] = self._path.open("xb+")
        self._file.write(_HEADER.pack(b"PACK", 2, 0))
        self._end = _HEADER.size
        self._numbers: dict[bytes, int] = {}
        self._places = array("Q")
        self._sums = array("L")
        self._trees: deque[_Known] = deque(maxlen=_WINDOW)
        self._commit: _Known | None = None
        self._bases: dict[int, int] = {}

    @property
    def full(self) -> bool:
        """Whether the next object should go into another pack."""
        return len(self._places) >= _MOST or self._end >= _MOST_BYTES

    def put(self, raw: bytes, kind: str, content: bytes) -> None:
        """Append an object, unless it is there."""
        if raw in self._numbers:
            return
        number = len(self._places)
        data = self._as_delta(number, content) if kind == "tree" else None
        if kind == "commit":
            data = self._as_commit_delta(number, content)
        if data is None:
            data = _head(_NUMBERS[kind], len(content)) + _compressed(content)
        self._numbers[raw] = number
        self._places.append(self._end)
        self._sums.append(zlib.crc32(data))
        self._file.seek(self._end)
        self._file.write(data)
        self._end += len(data)

    def _as_delta(self, number: int, content: bytes) -> bytes | None:
        """A tree's delta to the one of the last few that it is likest; `None` where that spares too little."""
        begins = content[:_ALIKE]
        near = [
            (delta_size(known.content, content), known)
            for known in self._trees
            if known.depth < _DEPTH and known.content.startswith(begins)
        ]
        size, likest = min(near, key=lambda sized: sized[0], default=(0, None))
        if likest is None or size * _SPARED > len(content):
            self._trees.append(_Known(number, content, 0))
            return None
        self._trees.append(_Known(number, content, likest.depth + 1))
        self._bases[number] = likest.number
        return self._told(likest, make_delta(likest.content, content))

    def _as_commit_delta(self, number: int, content: bytes) -> bytes | None:
        """A commit's delta to the last one; `None` where that spares too little."""
        base, self._commit = self._commit, _Known(number, content, 0)
        if base is None or base.depth >= _COMMIT_DEPTH:
            return None
        delta = make_line_delta(base.content, content)
        if len(delta) + _COMMIT_SPARED > len(content):
            return None
        self._commit = _Known(number, content, base.depth + 1)
        self._bases[number] = base.number
        return self._told(base, delta)

    def _told(self, base: _Known, delta: bytes) -> bytes:
        back = _distance(self._end - self._places[base.number])
        return _head(_OFS_DELTA, len(delta)) + back + _compressed(delta)

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Give type and content of an object that is in here."""
        number = self._numbers.get(bytes.fromhex(oid))
        if number is None:
            return None
        try:
            return self._read(number)
        except (zlib.error, KeyError, IndexError, ValueError) as problem:
            raise CorruptObject(oid, f"it cannot be read back from a pack ({problem})") from problem

    def _read(self, number: int) -> tuple[str, bytes]:
        begin = self._places[number]
        end = self._places[number + 1] if number + 1 < len(self._places) else self._end
        self._file.seek(begin)
        data = self._file.read(end - begin)
        start = _behind_number(data, 0)
        kind = data[0] >> 4 & 7
        if kind != _OFS_DELTA:
            return _KINDS[kind], zlib.decompress(data[start:])
        behind = _behind_number(data, start)
        kind_name, content = self._read(self._bases[number])
        return kind_name, apply_delta(content, zlib.decompress(data[behind:]))

    def close(self, keeps: list[Path] | None) -> list[str]:
        """Write the end and the index, and give both their names; gives the paths. `keeps` gets that of its `.keep`."""
        try:
            checksum = self._seal()
            name = self._path.with_name(f"pack-{checksum.hex()}")
            if keeps is not None:
                if name.with_suffix(".pack").exists():  # one that a `git repack` may be about to replace
                    name = self._path.with_name(f"pack-{entropy.random_bytes(20).hex()}")
                keeps += keep_pack(name.with_suffix(".pack"))
            index = self._path.with_name(self._path.name.replace("pack", "idx", 1))
            index.write_bytes(self._index(checksum))
            for made, ending in ((self._path, ".pack"), (index, ".idx")):  # the index last: it makes the pack known
                made.chmod(0o444)
                os.replace(made, f"{name}{ending}")  # noqa: PTH105 - a name with an ending behind it
        except OSError:
            self.abandon()
            raise
        return [f"{name}.pack", f"{name}.idx"]

    def abandon(self) -> None:
        """Remove the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _seal(self) -> bytes:
        self._file.seek(0)
        self._file.write(_HEADER.pack(b"PACK", 2, len(self._places)))
        self._file.seek(0)
        digest = hashlib.sha1(usedforsecurity=False)
        while chunk := self._file.read(_CHUNK):
            digest.update(chunk)
        self._file.write(digest.digest())
        self._file.close()
        return digest.digest()

    def _index(self, checksum: bytes) -> bytes:
        ordered = sorted(self._numbers)
        fanout = [0] * 256
        for raw in ordered:
            fanout[raw[0]] += 1
        for number in range(1, 256):
            fanout[number] += fanout[number - 1]
        numbers = [self._numbers[raw] for raw in ordered]
        parts = [
            _IDX_MAGIC,
            struct.pack(">256I", *fanout),
            b"".join(ordered),
            struct.pack(f">{len(numbers)}I", *[self._sums[number] for number in numbers]),
            struct.pack(f">{len(numbers)}I", *[self._places[number] for number in numbers]),
            checksum,
        ]
        data = b"".join(parts)
        return data + hashlib.sha1(data, usedforsecurity=False).digest()


def keep_pack(pack: Path) -> list[Path]:
    """Have `git repack` leave a pack alone, before it is there; gives the file to be removed then, if it is ours.

    Raises:
        OSError: the disk said no.
    """
    keep = pack.with_suffix(".keep")
    if keep.exists():
        return []  # somebody's, who wants to keep it
    made = pack.with_name(f"tmp_keep_{entropy.random_text(10)}")
    try:
        made.write_bytes(KEEP)
        made.replace(keep)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    return [keep]


def _compressed(data: bytes) -> bytes:
    return stored(data) if len(data) < _SHORT else zlib.compress(data, _LEVEL)


def _head(number: int, size: int) -> bytes:
    """Type and length: four bits of it beside the type, then seven a byte, the lowest first."""
    byte = number << 4 | size & 0x0F
    size >>= 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    head.append(byte)
    return bytes(head)


def _distance(back: int) -> bytes:
    """How far back a delta's base begins: seven bits a byte, the highest first, and each but the last counts one up."""
    told = [back & 0x7F]
    back >>= 7
    while back:
        back -= 1
        told.append(0x80 | back & 0x7F)
        back >>= 7
    return bytes(reversed(told))


def _behind_number(data: bytes, start: int) -> int:
    """Where the bytes end of which all but the last have their highest bit set."""
    return next(place for place in range(start, len(data)) if data[place] < 0x80) + 1
