"""Kept originals: the bytes of every imported file, as they were read, under `refs/superqode/sources/<session-id>`.

    format                   superqode-source 1
    source.json              name, length and SHA-256 of each file; the first is the transcript, the others belong to it
    files/000000/0000/00     the first file's bytes, piece by piece

Sessions of one file point at the same commit, so what a file holds is forgotten with its last session. Only the newest
state is kept. A file's pieces have 1 MiB each, and its end is cut at the powers of two in what is left, so a file that
grew keeps all pieces but a few small ones.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import IO, TYPE_CHECKING, Any, Final, cast

from superqode.session.codec import jsontext
from superqode.session.codec.layout import FANOUT, PART_MAX
from superqode.session.errors import CorruptObject, CorruptSession, NewerFormat
from superqode.session.git.loose_codec import object_id
from superqode.session.git.object_codec import BLOB, TREE, Ident, TreeEntry
from superqode.session.git.objects import Objects

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository

__all__ = [
    "KEPT",
    "FileToKeep",
    "KeptFile",
    "Original",
    "forgotten",
    "original_at",
    "piece_sizes",
    "read_original",
    "write_original",
]

KEPT: Final = "refs/superqode/sources/"

_FORMAT: Final = 1
_FORMAT_FILE: Final = "format"
_FORMAT_LINE: Final = re.compile(r"superqode-source ([0-9]{1,9})\n")
_DOCUMENT: Final = "source.json"
_FILES: Final = "files"
# The smallest piece but the last one, in bytes: below it a tree's entry costs more than writing the end again.
_SMALLEST: Final = 4096
# Equal files are equal commits, whoever keeps them and when.
_NOBODY: Final = Ident("superqode", "sources@superqode.invalid", 0)
_MESSAGE: Final = b"source: kept as it was imported\n"
_SHA256: Final = re.compile("[0-9a-f]{64}")

# A file's name, and what opens it.
FileToKeep = tuple[str, Callable[[], IO[bytes]]]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file of an original.

    Attributes:
        name: its path when it was imported, with `/`.
        size: its length in bytes.
        sha256: of its bytes, in hex.
        pieces: the ids of the blobs that hold them, in order.
    """

    name: str
    size: int
    sha256: str
    pieces: tuple[str, ...]


class Original:
    """The original of an imported session.

    Attributes:
        commit: the commit that holds it; sessions of one file have the same.
        files: its files, the transcript first.
        dropped: why nothing is kept any more (`scrubbed`); empty where it is kept.
    """

    def __init__(self, objects: Objects, commit: str, files: tuple[KeptFile, ...], dropped: str) -> None:
        self._objects = objects
        self.commit = commit
        self.files = files
        self.dropped = dropped

    @property
    def name(self) -> str:
        """The transcript's path when it was imported."""
        return self.files[0].name if self.files else ""

    def open(self, ending: str = "") -> IO[bytes]:
        """Open the transcript, or the file of its name with an ending behind it; an importer's `Opener`.

        Raises:
            FileNotFoundError: no such file is kept.
        """
        return self.open_file(self.name + ending)

    def open_file(self, name: str) -> IO[bytes]:
        """Open one of the files by its name; the stream can seek, and raises OSError where it is damaged.

        Raises:
            FileNotFoundError: no such file is kept.
        """
        found = next((file for file in self.files if file.name == name), None)
        if found is None:
            raise FileNotFoundError(f"no file {name} is kept")
        return io.BufferedReader(_Pieces(self._objects, found), PART_MAX)


class _Pieces(io.RawIOBase):
    """A kept file's bytes; holds one piece at a time."""

    def __init__(self, objects: Objects, file: KeptFile) -> None:
        super().__init__()
        self._objects = objects
        self._file = file
        self._starts = [0, *accumulate(piece_sizes(file.size))]
        self._place = 0
        self._held = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        self._place = max(0, begin + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        if self._place >= self._file.size:
            return 0
        number = bisect.bisect_right(self._starts, self._place) - 1
        begin = self._place - self._starts[number]
        taken = self._piece(number)[begin : begin + len(buffer)]
        buffer[: len(taken)] = taken
        self._place += len(taken)
        return len(taken)

    def _piece(self, number: int) -> bytes:
        if self._held[0] != number:
            try:
                content = self._objects.blob(self._file.pieces[number])
            except CorruptObject as problem:
                raise OSError(f"a piece of the kept original of {self._file.name} is damaged: {problem}") from problem
            if len(content) != self._starts[number + 1] - self._starts[number]:
                raise OSError(f"a piece of the kept original of {self._file.name} has the wrong length")
            self._held = (number, content)
        return self._held[1]


def piece_sizes(size: int) -> list[int]:
    """Give the lengths of the pieces of a file of so many bytes."""
    sizes = [PART_MAX] * (size // PART_MAX)
    rest = size % PART_MAX
    power = PART_MAX // 2
    while power >= _SMALLEST:
        if rest >= power:
            sizes.append(power)
            rest -= power
        power //= 2
    return [*sizes, rest] if rest else sizes


# -- writing ----------------------------------------------------------------------------------------------------------


def write_original(objects: Objects, files: Iterable[FileToKeep], before: Original | None) -> str:
    """Write files as an original, in bounded memory; gives its commit, which no ref names yet.

    Args:
        objects: where to write.
        files: the transcript first.
        before: what was kept of them before; the pieces it has are not written again.

    Raises:
        OSError: a file cannot be read, or the disk said no.
    """
    known = {piece for file in before.files for piece in file.pieces} if before is not None else set()
    told: list[dict[str, Any]] = []
    folders: list[TreeEntry] = []
    for number, (name, opened) in enumerate(files):
        digest = hashlib.sha256()
        size = 0
        pieces: list[str] = []
        with opened() as stream:
            for piece in _cut(stream):
                digest.update(piece)
                size += len(piece)
                oid = object_id("blob", piece)
                pieces.append(oid if oid in known else objects.write("blob", piece))
        told.append({"bytes": size, "name": name, "sha256": digest.hexdigest()})
        if pieces:
            folders.append(TreeEntry(TREE, f"{number:06}", _write_pieces(objects, pieces)))
    return _commit(objects, {"files": told}, folders)


def forgotten(objects: Objects, reason: str) -> str:
    """Write what stands in an original's place once it is dropped: it keeps an import from keeping the file again."""
    return _commit(objects, {"dropped": reason, "files": []}, [])


def _cut(stream: IO[bytes]) -> Iterator[bytes]:
    while block := _read_whole(stream, PART_MAX):
        place = 0
        for size in piece_sizes(len(block)):
            yield block[place : place + size]
            place += size


def _read_whole(stream: IO[bytes], size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write_pieces(objects: Objects, pieces: Sequence[str]) -> str:
    leaves: list[TreeEntry] = []
    for number, start in enumerate(range(0, len(pieces), FANOUT)):
        leaf = [TreeEntry(BLOB, f"{place:02}", oid) for place, oid in enumerate(pieces[start : start + FANOUT])]
        leaves.append(TreeEntry(TREE, f"{number:04}", objects.write_tree(leaf)))
    return objects.write_tree(leaves)


def _commit(objects: Objects, document: dict[str, Any], folders: list[TreeEntry]) -> str:
    root = [
        TreeEntry(BLOB, _FORMAT_FILE, objects.write("blob", f"superqode-source {_FORMAT}\n".encode())),
        TreeEntry(BLOB, _DOCUMENT, objects.write("blob", jsontext.dump_document(document))),
    ]
    if folders:
        root.append(TreeEntry(TREE, _FILES, objects.write_tree(folders)))
    return objects.write_commit(objects.write_tree(root), (), _NOBODY, _NOBODY, _MESSAGE)


# -- reading ----------------------------------------------------------------------------------------------------------


def read_original(repository: Repository, session_id: str) -> Original | None:
    """The original kept for a session, its bytes unread; `None` where none ever was.

    Raises:
        CorruptSession: it is damaged; the session itself is not.
        NewerFormat: a newer superqode keeps it.
    """
    try:
        tip = repository.refs.read(KEPT + session_id)
    except CorruptObject as problem:
        raise _damaged(session_id, problem) from problem
    return None if tip is None else original_at(repository.objects, tip, session_id)


def original_at(objects: Objects, commit: str, session_id: str) -> Original:
    """The original that a commit holds; raises as `read_original`."""
    try:
        return _read(objects, commit)
    except NewerFormat:
        raise
    except (CorruptObject, ValueError, KeyError, TypeError) as problem:
        raise _damaged(session_id, problem) from problem


def _damaged(session_id: str, problem: Exception) -> CorruptSession:
    reason = f"its kept original cannot be read ({problem}). Import its file again"
    return CorruptSession(session_id, reason, path=KEPT + session_id)


def _read(objects: Objects, commit: str) -> Original:
    root = {entry.name: entry for entry in objects.tree(objects.commit(commit).tree)}
    number = _FORMAT_LINE.fullmatch(objects.blob(root[_FORMAT_FILE].oid).decode("ascii", "replace"))
    if number is None:
        raise ValueError("its format file is none of ours")
    if int(number[1]) > _FORMAT:
        raise NewerFormat("A kept original", number[1], _FORMAT)
    document = jsontext.load(objects.blob(root[_DOCUMENT].oid))
    folders = {entry.name: entry.oid for entry in objects.tree(root[_FILES].oid)} if _FILES in root else {}
    files = [
        _file(objects, told, folders.get(f"{place:06}"))
        for place, told in enumerate(cast("list[Any]", document["files"]))
    ]
    return Original(objects, commit, tuple(files), str(document.get("dropped", "")))


def _file(objects: Objects, told: dict[str, Any], folder: str | None) -> KeptFile:
    leaves = objects.tree(folder) if folder is not None else ()
    pieces = tuple([entry.oid for leaf in leaves for entry in objects.tree(leaf.oid)])
    size, name, sha256 = told["bytes"], told["name"], told["sha256"]
    if type(size) is not int or size < 0 or not isinstance(name, str) or not _SHA256.fullmatch(sha256):
        raise ValueError(f"{_DOCUMENT} says something else than what a file has")
    # By number alone first: a length somebody made up must cost nothing.
    if size > len(pieces) * PART_MAX or len(piece_sizes(size)) != len(pieces):
        raise ValueError(f"{len(pieces)} pieces cannot be {size:,} bytes")
    return KeptFile(name, size, sha256, pieces)
