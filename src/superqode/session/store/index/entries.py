"""The entries of sessions that were loaded, each session's in one file: reading it is quicker than reading objects.

Disposable, and never believed but for the timeline it names: a tree's id stands for the content. A file is a line
`superqode-entries 1`, then pieces, each with the entries that one timeline has behind those of the one before:

    <crc32 of the rest of this line> {"base":"<tree>","timeline":"<tree>","first":…,"files":[["<label>",…,…],…],"crc":…}
    for each entry its JSON file, then its side text

`files` gives label, bytes of the JSON, and bytes of the side text or -1 where there is none; CRC-32 is RFC 1952's.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from superqode.session import clock, entropy
from superqode.session.codec.entry import decode_entry
from superqode.session.errors import CorruptObject, InvalidEntry
from superqode.session.git.objects import Objects
from superqode.session.git.repository import Repository
from superqode.session.models import Entry
from superqode.session.store.state import Tree, read_entries
from superqode.session.store.timeline_files import RawEntry
from superqode.session.store.timeline_tree import common_entries

__all__ = ["EntryCache"]

_FOLDER: Final = "entries"
_HEAD: Final = b"superqode-entries 1\n"
# Below that many bytes, objects are read as quickly.
_SMALL: Final = 32 * 1024
# How much all files together may take, and one of them, in bytes.
_BUDGET: Final = 512 * 1024 * 1024
_LARGEST: Final = 128 * 1024 * 1024
# How many pieces a file may have before it is written anew.
_PIECES: Final = 64
_FRESH: Final = 60.0
_BUFFER: Final = 256 * 1024


class _Piece(NamedTuple):
    """Entries that follow those of the timeline `base`, and the timeline that ends with them."""

    base: str
    timeline: str
    first: int
    files: Sequence[tuple[str, int, int]]
    start: int
    end: int


class _Fresh:
    """Entries on their way into the cache, as they were read.

    Attributes:
        fits: whether they are not too many.
    """

    def __init__(self) -> None:
        self.fits = True
        self._raw: list[RawEntry] = []
        self._size = 0

    def keep(self, raw: RawEntry) -> None:
        """Take one, while there is room."""
        self._size += len(raw.json) + len(raw.side or b"")
        if self._size > _LARGEST:
            self.fits = False
            self._raw.clear()
        elif self.fits:
            self._raw.append(raw)

    def encode(self, before: _Piece | None, timeline: str) -> list[bytes]:
        """Give the piece that they are, in parts: joined they would be as much memory again."""
        payload = [part for raw in self._raw for part in (raw.json, raw.side) if part]
        crc = 0
        for part in payload:
            crc = zlib.crc32(part, crc)
        told = {
            "base": before.timeline if before is not None else "",
            "timeline": timeline,
            "first": before.first + len(before.files) if before is not None else 0,
            "files": [(raw.label, len(raw.json), -1 if raw.side is None else len(raw.side)) for raw in self._raw],
            "crc": crc,
        }
        line = json.dumps(told, separators=(",", ":")).encode()
        return [b"%08x %b\n" % (zlib.crc32(line), line), *payload]


@dataclass(slots=True)
class _File:
    """A cache file: its bytes, the pieces that follow each other, and whether nothing else stands in it."""

    data: bytes
    pieces: list[_Piece]
    whole: bool


class EntryCache:
    """The cache of one store.

    Args:
        folder: where its files stand; made when something is written.
        objects: the store's objects.
    """

    def __init__(self, folder: Path, objects: Objects) -> None:
        self._folder = folder
        self._objects = objects

    @classmethod
    def of(cls, repository: Repository) -> EntryCache:
        """Give a repository's cache."""
        return cls(repository.own / _FOLDER, repository.objects)

    def entries(self, session_id: str, tree: Tree) -> list[Entry]:
        """Give a session's entries, from the cache as far as it has them, and keep them there.

        Raises:
            CorruptSession: what had to be read from objects is damaged.
        """
        if tree.timeline is None or tree.newer:
            return read_entries(self._objects, tree, session_id)
        path = self._folder / hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        file = _read(path)
        count = self._known(file.pieces, tree.timeline)
        try:
            known = [entry for piece in file.pieces[:count] for entry in _decode(file.data, piece)]
        except InvalidEntry:
            known, count = [], 0
        if count and file.pieces[count - 1].timeline == tree.timeline:
            _touch(path)
            return known
        fresh = _Fresh()
        entries = known + read_entries(self._objects, tree, session_id, len(known), keep=fresh.keep)
        with suppress(OSError):  # a store that cannot be written is read as it is
            before = file.pieces[count - 1] if count else None
            piece = fresh.encode(before, tree.timeline) if fresh.fits else []
            self._keep(path, file, count, piece)
            # A tree's id is as good as a dice: the folder is not looked through each time.
            if int(tree.timeline[:2], 16) < 16 or sum(map(len, piece)) > _BUDGET // 100:
                self.shrink()
        return entries

    def _known(self, pieces: list[_Piece], timeline: str) -> int:
        """How many of the pieces hold what the timeline begins with."""
        for number, piece in enumerate(pieces, 1):
            if piece.timeline == timeline:
                return number
        if not pieces:
            return 0
        try:
            same = common_entries(self._objects, pieces[-1].timeline, timeline)
        except CorruptObject:  # it is of a timeline that was purged
            return 0
        return sum(1 for piece in pieces if piece.first + len(piece.files) <= same)

    # -- writing ----------------------------------------------------------------------------------------------------

    def _keep(self, path: Path, file: _File, count: int, piece: list[bytes]) -> None:
        size = sum(map(len, piece))
        fits = len(file.data) + size <= _LARGEST
        if piece and fits and count and count == len(file.pieces) < _PIECES and file.whole:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
            try:
                # One that is cut or comes twice is passed over, and the file made anew.
                os.write(handle, b"".join(piece))
            finally:
                os.close(handle)
            return
        # Too many small pieces: all of it is one piece next time.
        begun = file.data[: file.pieces[count - 1].end] if 0 < count < _PIECES else _HEAD
        if count >= _PIECES or not piece or not _SMALL <= len(begun) + size <= _LARGEST:
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        temporary = path.with_name(f"tmp_{entropy.random_text(10)}")
        try:
            temporary.touch(0o600)
            with temporary.open("wb", buffering=_BUFFER) as stream:
                stream.writelines((begun, *piece))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def shrink(self, budget: int = _BUDGET) -> None:
        """Remove what was used longest ago, until the rest is within the budget (bytes)."""
        total = 0
        for _, size, path in sorted(self._listed(), reverse=True):
            total += size
            if total > budget:
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108 - text paths

    def _listed(self) -> list[tuple[float, int, str]]:
        found: list[tuple[float, int, str]] = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as files:
            for file in files:
                with suppress(FileNotFoundError):
                    told = file.stat()
                    found.append((told.st_mtime, told.st_size, file.path))
        return found

    def discard(self) -> None:
        """Forget everything: what was purged or masked is in there, too.

        Raises:
            OSError: the disk said no.
        """
        for _, _, path in self._listed():
            Path(path).unlink(missing_ok=True)


def _touch(path: Path) -> None:
    """Note that a file is in use, now and then."""
    with suppress(OSError):
        if clock.now().timestamp() - path.stat().st_mtime > _FRESH:
            os.utime(path)


def _read(path: Path) -> _File:
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    pieces: list[_Piece] = []
    place = len(_HEAD) if data.startswith(_HEAD) else 0
    whole = place > 0
    while whole and place < len(data):
        piece = _piece(data, place)
        whole = piece is not None and (piece.base, piece.first) == _follows(pieces)
        if piece is not None:
            place = piece.end
            if whole:
                pieces.append(piece)
    return _File(data, pieces, whole)


def _follows(pieces: list[_Piece]) -> tuple[str, int]:
    last = pieces[-1] if pieces else None
    return ("", 0) if last is None else (last.timeline, last.first + len(last.files))


def _piece(data: bytes, place: int) -> _Piece | None:
    """The piece that begins at a place; `None` where none does, or it is damaged."""
    end = data.find(b"\n", place)
    check, _, told = data[place:end].partition(b" ")
    if end < 0 or check != b"%08x" % zlib.crc32(told):
        return None
    try:
        fields = json.loads(told)
        piece = _described(fields, end + 1)
        damaged = piece.end > len(data) or zlib.crc32(memoryview(data)[piece.start : piece.end]) != fields["crc"]
    except (ValueError, KeyError, TypeError):  # it is not of this version
        return None
    return None if damaged else piece


def _described(fields: dict[str, Any], start: int) -> _Piece:
    """The piece that a line describes; raises ValueError, KeyError or TypeError where it describes none."""
    files = [(str(label), int(size), int(side)) for label, size, side in fields["files"]]
    if any(size < 0 or side < -1 for _, size, side in files):
        raise ValueError("a size below nothing")
    end = start + sum(size + max(0, side) for _, size, side in files)
    return _Piece(fields["base"], fields["timeline"], fields["first"], files, start, end)


def _decode(data: bytes, piece: _Piece) -> list[Entry]:
    entries: list[Entry] = []
    place = piece.start
    for label, size, side_size in piece.files:
        middle = place + size
        end = middle + max(0, side_size)
        entries.append(decode_entry(data[place:middle], label, data[middle:end] if side_size >= 0 else None))
        place = end
    return entries
