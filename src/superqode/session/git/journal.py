"""What was saved and may not have reached Git's own files on the disk yet: a write-ahead log.

A save writes its objects and moves its branch as Git does, without waiting for the disk. Before the branch moves, all
that the save wrote stands in one record here, synced once. So `git log` sees the save at once, and after a crash of the
system the record makes good what the disk lost (`recovery.py`).

    superqode/journal/4f            the records of the sessions that share the lock 4f
    superqode/journal/4f.00000001   older ones: a checkpoint is making their files durable, and removes it then

A file begins with a line `superqode-journal 1 <run>` (`boot.py`), then come records:

    <crc32 of the rest of this line> {"crc":…,"objects":[["<id>",<bytes>],…],"refs":[["<name>","<old>","<new>"],…]}
    the objects one after the other, each as its loose file has it

`crc` is the CRC-32 (RFC 1952) of those bytes; an old id is empty where the ref is made. Zeros may follow the last
record: room for the next ones, for a sync of bytes alone waits for less than that of a file which grows. Anything else
that follows was never acknowledged, and the next writer cuts it off. Whoever writes holds the lock of that number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from superqode.session.errors import NewerFormat
from superqode.session.git import durability
from superqode.session.git.boot import boot_id
from superqode.session.git.handles import write_all
from superqode.session.git.journal_record import Record, read_record

__all__ = ["Journal", "Mark", "NotTakenBack"]

_FORMAT: Final = 1
_NAME: Final = re.compile(r"([0-9a-f]{2})(?:\.\d{8})?")
_HEAD: Final = re.compile(rb"superqode-journal (\d{1,9}) ([0-9A-Za-z-]{0,64})\n")
_NUMBERED: Final = re.compile(rb"superqode-journal (\d{1,9})[ \n]")
# A file grows by as much as there is in it, within these, in bytes.
_ROOM_LEAST: Final = 4096
_ROOM_MOST: Final = 256 * 1024
# How much a process remembers to be durable; of what was before, it makes sure once more.
_MOST_NOTED: Final = 20_000
# How many of the last record's bytes tell that it still stands where this process put it.
_TAIL: Final = 32


class NotTakenBack(OSError):
    """A record failed on its way to the disk, and nobody can tell whether a crash brings it back."""


class RefPlace(NamedTuple):
    """Where a ref is."""

    name: str
    oid: str


class Mark(NamedTuple):
    """Where a record begins, to take it back."""

    number: int
    path: str
    start: int


class Journal:
    """The journal of one store.

    Args:
        folder: where its files stand; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Where the last whole record ends that this process knows of, by file: the place, and the bytes before it.
        self._ends: dict[str, tuple[int, bytes]] = {}
        # Files that this process knows to stand in their folder on the disk.
        self._entered: set[str] = set()
        # Objects that records have, or had until a checkpoint, and where refs are by them.
        self._durable: set[str | RefPlace] = set()

    def write(
        self, number: int, record: Record, *, on: Iterable[str] = (), settle: Callable[[], object] = lambda: None
    ) -> Mark:
        """Put a record behind the others, and wait until it is on the disk.

        Args:
            number: of which lock.
            record: what was written, and which refs move.
            on: commits that it stands upon.
            settle: makes these durable, and where the refs are; called where no record tells of one. Plain git made or
                moved it, or a save that was killed before it was flushed: a crash would take it from under this one.

        Raises:
            OSError: the disk said no; nothing of the record is left.
            NotTakenBack: as that, but something may be left.
            NewerFormat: the file is one of a newer superqode, and stays as it is.
        """
        path = self._path(number)
        handle = self._open(path)
        try:
            self._note_older(number, path)
            start = self._whole_end(handle, path)
            if not self._durable.issuperset([*on, *[RefPlace(name, old) for name, old, _ in record.refs if old]]):
                settle()
            data = record.encode() if start else _first_line() + record.encode()
            if not start:
                self._enter(path)
            try:
                _write_at(handle, data, start)
                _make_room(handle, start + len(data))
                durability.sync_data(handle)
            except BaseException:
                _take_off(handle, start)
                raise
            self._ends[path] = start + len(data), data[-_TAIL:]
            self._note(record)
        finally:
            os.close(handle)
        return Mark(number, path, start)

    def _note_older(self, number: int, path: str) -> None:
        """Note what stands in files that a checkpoint has not done with yet, before the first record of a process."""
        if path not in self._ends:
            for older in self.files(number):
                if str(older) != path:
                    for record in self.records(older):
                        self._note(record)

    def _note(self, record: Record) -> None:
        """Remember what is durable by a record: its objects, with all that they name, and where its refs are."""
        if len(self._durable) > _MOST_NOTED:
            self._durable.clear()
        self._durable.update([oid for oid, _ in record.objects])
        for name, _, new in record.refs:
            self._durable.update((new, RefPlace(name, new)))

    def _whole_end(self, handle: int, path: str) -> int:
        """Give where the next record goes: behind the last whole one, for what a killed writer left is cut off."""
        end, tail = self._ends.get(path, (0, b""))
        if end and _reads(handle, end, tail):
            return end
        size = os.fstat(handle).st_size
        # Others wrote since: what they wrote is read alone, unless the file was emptied meanwhile.
        end = self._end_of_records(path, end if end and _holds(handle, end, tail) else 0)
        if end < size and _read_at(handle, 1, end) != b"\0":
            os.ftruncate(handle, end)
        return end

    def take_back(self, mark: Mark) -> None:
        """Remove the record that was written last, durably: its refs did not move.

        Raises:
            OSError: the disk said no; it may be there still, or again after a crash of the system.
        """
        self._durable.clear()  # what was in it is in no record any more
        _cut_off(mark.path, mark.start)

    def _path(self, number: int) -> str:
        return f"{self._folder}/{number:02x}"

    def _open(self, path: str) -> int:
        flags = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, flags | os.O_CREAT, 0o600)

    def _enter(self, path: str) -> None:
        """Make the file's own entry durable, before what is in it counts; who made it may have been killed."""
        if path not in self._entered:
            for folder in (self._folder, self._folder.parent):
                _sync_folder(folder)
            self._entered.add(path)

    def _end_of_records(self, path: str, start: int) -> int:
        """Where the last whole record ends, of those from `start` on; 0 where the first line is cut."""
        with open(path, "rb") as stream:  # noqa: PTH123 - on the save path
            head = stream.readline(128)
            _check_head(path, head)
            if _HEAD.fullmatch(head) is None:
                return 0
            end = stream.seek(start) if start else stream.tell()
            while (record := read_record(stream)) is not None:
                self._note(record)
                end = stream.tell()
        return end

    # -- reading ----------------------------------------------------------------------------------------------------

    def reached(self, number: int) -> int:
        """How many bytes the records take that this process knows of; exact behind one that it has just written."""
        return self._ends.get(self._path(number), (0, b""))[0]

    def size(self, number: int) -> int:
        """How many bytes are in the file that is written to."""
        try:
            return os.stat(self._path(number)).st_size  # noqa: PTH116 - after every save
        except FileNotFoundError:
            return 0

    def total(self) -> int:
        """How many bytes stand in all files."""
        found = 0
        for path in self.files():
            with suppress(FileNotFoundError):  # a checkpoint of another process is done with it
                found += path.stat().st_size
        return found

    def files(self, number: int | None = None) -> list[Path]:
        """The files (of one number), oldest first."""
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - names only
        except FileNotFoundError:
            return []
        found = [name for name in names if (named := _NAME.fullmatch(name)) and number in (None, int(named[1], 16))]
        # The one without an ending is the newest of its number.
        return [self._folder / name for name in sorted(found, key=lambda name: (name[:2], "." not in name, name))]

    def numbers(self, *, stale: bool = False) -> list[int]:
        """The numbers that have records; with `stale` only those with records of another run of the system."""
        counts = _is_stale if stale else _head_of
        return sorted({int(path.name[:2], 16) for path in self.files() if counts(path)})

    def is_stale(self, number: int) -> bool:
        """Whether a number has records of another run of the system."""
        return any(map(_is_stale, self.files(number)))

    def check(self, path: Path) -> None:
        """Refuse a file of a newer superqode, whose records cannot be read here.

        Raises:
            NewerFormat: it is one.
        """
        _check_head(str(path), _head_of(path))

    def records(self, path: Path) -> Iterator[Record]:
        """Give the whole records of a file; what comes behind the first that is none was never acknowledged.

        Raises:
            OSError: it cannot be read.
        """
        try:
            with path.open("rb") as stream:
                head = _HEAD.fullmatch(stream.readline(128))
                if head is None or int(head[1]) != _FORMAT:
                    return
                while (record := read_record(stream)) is not None:
                    yield record
        except FileNotFoundError:
            return

    # -- checkpoints ------------------------------------------------------------------------------------------------

    def rotate(self, number: int) -> list[Path]:
        """Let records that come now stand in a file of their own; gives the older files, which get no more."""
        newest = Path(self._path(number))
        if self.size(number):
            older = [path for path in self.files(number) if path != newest]
            last = int(older[-1].suffix[1:]) if older else 0
            newest.rename(f"{newest}.{last + 1:08}")
        return [path for path in self.files(number) if path != newest]

    def remove(self, paths: Sequence[Path]) -> None:
        """Forget records that all are durable in Git's own files now."""
        for path in paths:
            path.unlink(missing_ok=True)
        if paths:
            _sync_folder(self._folder)

    def empty(self, number: int) -> None:
        """Forget all records of a number: they are durable. Whoever calls holds its lock."""
        newest = Path(self._path(number))
        self.remove([path for path in self.files(number) if path != newest])
        if not self.size(number):
            return
        _cut_off(newest, 0)


def _take_off(handle: int, end: int) -> None:
    """Let a file end where it did before a record that failed; that lasts, or nobody may say that it is not there."""
    try:
        os.ftruncate(handle, end)
        durability.sync(handle)
    except OSError as problem:
        raise NotTakenBack(problem.errno, os.strerror(problem.errno or 0)) from problem


def _cut_off(path: str | Path, end: int) -> None:
    """Let a file end there; synced, for records that came back after a crash could move a ref that stays now."""
    handle = os.open(path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.ftruncate(handle, end)
        durability.sync(handle)
    finally:
        os.close(handle)


def _first_line() -> bytes:
    return f"superqode-journal {_FORMAT} {boot_id()}\n".encode()


def _head_of(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.readline(128)
    except FileNotFoundError:
        return b""


def _is_stale(path: Path) -> bool:
    head = _head_of(path)
    return bool(head) and not (boot_id() and head == _first_line())


def _check_head(path: str, head: bytes) -> None:
    told = _NUMBERED.match(head)
    if told is not None and int(told[1]) > _FORMAT:
        raise NewerFormat(f"The journal {path}", told[1].decode(), _FORMAT)


def _holds(handle: int, end: int, tail: bytes) -> bool:
    """Whether the record that this process wrote last still stands there."""
    return _read_at(handle, len(tail), end - len(tail)) == tail


def _reads(handle: int, end: int, tail: bytes) -> bool:
    """As `_holds`, and nothing stands behind it."""
    return _read_at(handle, len(tail) + 1, end - len(tail)) in (tail, tail + b"\0")


def _read_at(handle: int, size: int, place: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(handle, size, place)
    os.lseek(handle, place, os.SEEK_SET)  # Windows
    return os.read(handle, size)


def _write_at(handle: int, data: bytes, place: int) -> None:
    os.lseek(handle, place, os.SEEK_SET)
    write_all(handle, data)


def _make_room(handle: int, end: int) -> None:
    """Put zeros behind the last record, where it ends the file."""
    if os.fstat(handle).st_size > end:
        return
    size = max(_ROOM_LEAST, min(end, _ROOM_MOST)) + -end % _ROOM_LEAST
    with suppress(OSError):  # a disk as full as that may still have room for what counts
        _write_at(handle, bytes(size), end)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Windows cannot open a folder; NTFS journals the entry
    handle = os.open(folder, os.O_RDONLY)
    try:
        durability.sync(handle)
    finally:
        os.close(handle)
