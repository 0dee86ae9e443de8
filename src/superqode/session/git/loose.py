"""Loose objects: one zlib stream a file, `objects/<2 hex>/<38 hex>` (gitrepository-layout(5), gitformat-pack(5)).

Reading checks everything: the stream's end, the length its header promises, and the hash. A truncated file, on which
libgit2 up to 1.9 loops for ever, is an error here. Writing is whole or not at all: a temporary file, then a rename.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count, takewhile
from pathlib import Path
from typing import Final

from superqode.session import clock, entropy
from superqode.session.errors import CorruptObject
from superqode.session.git import renames
from superqode.session.git.gathering import Kept
from superqode.session.git.handles import close_all, write_all
from superqode.session.git.journal_record import JournalObject
from superqode.session.git.loose_codec import STORED_MORE, headed, sha1, stored, unpacked

__all__ = ["Listing", "LooseObjects"]

# Speed over size, as core.looseCompression defaults to: packing compresses well later.
_LEVEL: Final = 1
# What fits into one block of a file system takes that block, compressed or not; a checkpoint packs it soon.
_BLOCK: Final = 4096
# How many files are open at once: a save has six or seven new ones.
_TOGETHER: Final = 16
_TOO_MANY: Final = frozenset((errno.EMFILE, errno.ENFILE))
_FOLDER_ATTEMPTS: Final = 100
_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_READING: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# Room is made for as much as is asked for, and few objects have more.
_MOST_AT_ONCE: Final = 64 * 1024
# Errors of reading that say something of the file, and not of the moment.
_THE_FILES_OWN: Final = frozenset((errno.EISDIR, errno.EIO, errno.EACCES))


class LooseObjects:
    """The loose objects of one repository.

    Args:
        objects: the folder `objects`.
        quarantine: where damaged files are moved.
    """

    def __init__(self, objects: Path, quarantine: Path) -> None:
        self._root = str(objects)
        self._quarantine = quarantine
        # Names of temporary files: no two processes have one number, not even where a copy of a process goes on.
        self._mark = entropy.random_text(10)
        self._number = count()
        self._distrusted: set[str] = set()
        # Whether a file can be put where none stands, in one call.
        self._claims = True

    def path(self, oid: str) -> str:
        """Where the object of this id stands."""
        return f"{self._root}/{oid[:2]}/{oid[2:]}"

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Give type and content, or `None` where no loose object has this id.

        Raises:
            CorruptObject: the file is damaged, unreadable or not a file.
        """
        try:
            packed = _read_all(self.path(oid))
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise CorruptObject(oid, f"its file cannot be read ({problem.strerror})") from problem
        return unpacked(oid, packed)

    def stands(self, oid: str) -> bool:
        """Whether there is a file of this object, whole or not."""
        return os.path.isfile(self.path(oid))  # noqa: PTH113 - text paths

    def is_damaged(self, oid: str) -> bool:
        """Whether something stands in this object's place that is not it, or cannot be read."""
        try:
            self.read(oid)
        except CorruptObject:
            return True
        return False

    def every(self) -> Iterator[str]:
        """The ids of all loose objects, damaged ones too."""
        for folder in sorted(self.folders()):
            if len(folder) == 2:
                yield from (folder + name for name in sorted(self.names(folder)) if len(name) == 38)

    def folders(self) -> list[str]:
        """The folders there are now, which beside two-digit ones are Git's `info` and `pack`."""
        return os.listdir(self._root)  # noqa: PTH208 - names only

    def names(self, folder: str) -> frozenset[str]:
        """What stands in a two-digit folder now: ids without their first two digits, and temporary files.

        Raises:
            OSError: it cannot be looked into.
        """
        try:
            return frozenset(os.listdir(f"{self._root}/{folder}"))  # noqa: PTH208 - names only
        except FileNotFoundError:
            return frozenset()

    def make_folders(self) -> None:
        """Make all two-digit folders, which packing removes: else the next saves would do it, one by one.

        Raises:
            OSError: the disk said no.
        """
        for number in range(256):
            with suppress(FileExistsError):
                os.mkdir(f"{self._root}/{number:02x}")  # noqa: PTH102 - text paths

    def write(
        self, kind: str, content: bytes, *, compress: bool = True, keep: Kept | None = None
    ) -> tuple[str, str | None]:
        """Store an object; gives its id, and the path of the new file or `None` where a whole one stood already.

        A damaged file under the same id is moved to the quarantine first: writing never heals it otherwise. What
        cannot become smaller (ciphertext) is better not compressed. `keep` is told of either.

        Raises:
            OSError: the disk said no.
        """
        data = headed(kind, content)
        oid = sha1(data)
        written = self.write_together({oid: data}, compress=compress, keep=keep)
        return oid, written[0] if written else None

    def write_together(
        self, objects: Mapping[str, bytes], *, compress: bool = True, keep: Kept | None = None
    ) -> list[str]:
        """Store objects, by their ids what these are of (see `headed`), as `write` does; gives the paths of new files.

        In this order: what names another is there after it, whenever we are killed.

        Raises:
            OSError: the disk said no.
        """
        self._claims = self._claims and renames.can_claim()
        waiting = list(objects.items())
        new: list[JournalObject] = []
        place, together = 0, _TOGETHER
        while place < len(waiting):
            # Most small objects are new: what stands there is looked at where it turns out that something does.
            small = [
                JournalObject(oid, stored(data))
                for oid, data in takewhile(self._is_small, waiting[place : place + together])
            ]
            done = self._claim(small)
            new += done
            place += len(done)
            together = min(together * 2, _TOGETHER)
            if not small or len(done) < len(small):
                together = 1  # where one stands, the next one often does
                oid, data = waiting[place]
                packed = self._put(oid, data, compress=compress, keep=keep)
                if packed is not None:
                    new.append(JournalObject(oid, packed))
                place += 1
        if keep is not None:
            keep.wrote(new)
        return [self.path(oid) for oid, _ in new]

    def _is_small(self, named: tuple[str, bytes]) -> bool:
        """Whether an object, with what its id is of, can be put where none stands, as it is."""
        oid, data = named
        trusted = not self._distrusted or self.path(oid) not in self._distrusted
        return self._claims and len(data) + STORED_MORE <= _BLOCK and trusted

    def _claim(self, new: Sequence[JournalObject]) -> list[JournalObject]:
        """Put objects where none stand; gives those before the first with which that cannot be done.

        All are opened, then all written, closed and named: what a processor does again at once it has in its caches,
        and a save of six objects takes a sixth less.
        """
        temporaries = self._temporaries(oid for oid, _ in new)
        done: list[JournalObject] = []
        handles: list[int] = []
        try:
            try:
                for temporary in temporaries:
                    try:
                        handles.append(self._open_new(temporary))
                    except OSError as problem:
                        if not handles or problem.errno not in _TOO_MANY:
                            raise
                        break  # as many as may be open; the next one goes alone
                new, temporaries = new[: len(handles)], temporaries[: len(handles)]
                for handle, (_, packed) in zip(handles, new, strict=True):
                    write_all(handle, packed)
            finally:
                close_all(handles)
            for temporary, made in zip(temporaries, new, strict=True):
                path = self.path(made.oid)
                if not renames.claim(temporary, path):
                    # Where nothing stood in the way, this file system cannot, and need not be asked again.
                    self._claims = os.path.lexists(path)
                    _remove(temporaries[len(done) :])
                    break
                done.append(made)
        except BaseException:
            _remove(temporaries)  # some may have their names by now
            raise
        return done

    def _put(self, oid: str, data: bytes, *, compress: bool, keep: Kept | None) -> bytes | None:
        """Put an object where one may stand; gives its file's bytes, or `None` where a whole one stood."""
        path = self.path(oid)
        damaged = False
        try:
            stands = self._stands(path, oid)
        except CorruptObject:
            stands, damaged = False, True
        if stands:
            if keep is not None:
                keep.stood(path)
            return None
        small = len(data) + STORED_MORE <= _BLOCK
        packed = stored(data) if small else zlib.compress(data, _LEVEL if compress else zlib.Z_NO_COMPRESSION)
        self._create(oid, packed, aside=damaged)
        return packed

    def _stands(self, path: str, oid: str) -> bool:
        """Whether a whole object stands there; freshens it, so that no pruning by age takes it from under a save.

        Raises:
            CorruptObject: a damaged one does.
        """
        if path in self._distrusted:
            self._distrusted.discard(path)
            return False
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        try:
            return self.read(oid) is not None
        except CorruptObject as problem:
            cause = problem.__cause__
            if isinstance(cause, OSError) and cause.errno not in _THE_FILES_OWN:
                raise cause from problem  # out of files or memory: that says nothing of the object
            raise

    def restore(self, oid: str, packed: bytes, *, aside: bool = False) -> None:
        """Put a loose file back, given its bytes; with `aside` a damaged one that stands there goes to the quarantine.

        Raises:
            CorruptObject: they are not this object's.
            OSError: the disk said no.
        """
        unpacked(oid, packed)
        self._create(oid, packed, aside=aside)

    def drop(self, oid: str) -> None:
        """Remove the file of an object that is durable in a pack."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(oid))  # noqa: PTH108 - text paths

    def distrust(self, paths: Iterable[str]) -> None:
        """Write these files anew when they are wanted again: after a failed flush the kernel may have dropped them."""
        self._distrusted.update(paths)

    def set_aside(self, oid: str) -> Path:
        """Move a damaged file to the quarantine; gives where it is now."""
        self._quarantine.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._quarantine / f"{clock.now():%Y%m%dT%H%M%S}-{entropy.random_text(6)}-{oid}"
        os.replace(self.path(oid), target)  # noqa: PTH105 - text paths on both sides
        return target

    def _temporaries(self, oids: Iterable[str]) -> list[str]:
        """Paths of files that become these objects: names as Git gives its own, so that a prune knows a leftover."""
        mark = f"tmp_obj_{self._mark}{os.getpid():x}-"
        return [f"{self._root}/{oid[:2]}/{mark}{next(self._number):x}" for oid in oids]

    def _create(self, oid: str, packed: bytes, *, aside: bool) -> None:
        (temporary,) = self._temporaries([oid])
        handle = self._open_new(temporary)
        try:
            try:
                write_all(handle, packed)
            finally:
                os.close(handle)
            if aside:  # only now: on a disk that says no to everything, what stands there may be whole
                self.set_aside(oid)
            os.replace(temporary, self.path(oid))  # noqa: PTH105 - text paths on the save path
        except BaseException:
            _remove([temporary])  # gone where a Ctrl-C struck right after the rename
            raise

    def _open_new(self, path: str) -> int:
        """Open a file that is not there yet, in a folder that packing may remove at any moment when it is empty."""
        for _ in range(_FOLDER_ATTEMPTS):
            try:
                return os.open(path, _WRITING, 0o444)
            except FileNotFoundError:
                folder = path[: path.rindex("/")]
                with suppress(FileExistsError):  # it was there, and went before it was looked at
                    os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - text paths on the save path
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


class Listing:
    """Which loose files there may be: each folder is looked into once, when an object of it is first asked for.

    Args:
        objects: the loose objects.
    """

    def __init__(self, objects: LooseObjects) -> None:
        self._objects = objects
        self._names: dict[str, frozenset[str]] = {}

    def may_have(self, oid: str) -> bool:
        """Whether there was a file of this object then; also where nobody can tell: reading it says what is wrong."""
        folder = oid[:2]
        names = self._names.get(folder)
        if names is None:
            try:
                names = self._names[folder] = self._objects.names(folder)
            except OSError:
                return True
        return oid[2:] in names


def _read_all(path: str) -> bytes:
    """A file's bytes; a load asks for thousands, and Python's own files take half as long again."""
    handle = os.open(path, _READING)
    try:
        data = os.read(handle, _MOST_AT_ONCE)
        if len(data) < _MOST_AT_ONCE:  # of a file, only its end gives less than was asked for (read(2))
            return data
        parts = [data]
        while parts[-1]:
            parts.append(os.read(handle, _MOST_AT_ONCE))
        return b"".join(parts)
    finally:
        os.close(handle)


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - text paths on the save path
