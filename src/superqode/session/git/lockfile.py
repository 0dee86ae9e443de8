"""Git's own lock protocol: `<file>.lock`, made exclusively, written, renamed over `<file>` (gitglossary, api-lockfile).

A killed writer leaves its lock behind and blocks everybody after it. The caller holds the flock that all writers of
this library hold for that file, so a lock whose file stays the same for a second belongs to nobody who is alive and
ours; `git` itself holds a ref's lock for milliseconds. It is moved aside, not deleted.

`git` may hold some locks for long. Of those, ours say that they are ours, and are flocked for as long as we live: one
that says so and is not flocked needs no waiting.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from superqode.session import clock, entropy
from superqode.session.errors import StoreLocked
from superqode.session.git import flock, renames
from superqode.session.git.handles import write_all

__all__ = ["LockFile", "lock_file"]

_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.05
# What stands in a lock of ours that is flocked, until its content is written; no file of Git's begins so.
_OURS: Final = b"superqode holds this\n"


class LockFile:
    """A lock being held; `commit` puts new content in place of the locked file.

    It lets go when it is forgotten, too: Ctrl-C may strike in the very line behind the one that takes it, and nobody
    else takes a lock from a process that lives.
    """

    __slots__ = ("_done", "_handle", "_inode", "_marked", "_replaced", "lock", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = path + ".lock"
        self._handle = -1
        self._inode = 0
        self._replaced: tuple[int, int] | None = None
        self._done = False
        self._marked = False

    def __del__(self) -> None:
        if not self._done:
            with suppress(OSError):
                self.release()

    def take(self) -> None:
        """Make the lock.

        Raises:
            FileExistsError: somebody has it.
            OSError: it cannot be made.
        """
        self._handle = os.open(self.lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
        self._inode = os.fstat(self._handle).st_ino

    def mark(self) -> None:
        """Flock the lock and have it say so, where that can be done."""
        self._marked = _mark(self._handle)

    def commit(self, content: bytes, *, sync: bool = False, journalled: bool = False) -> None:
        """Put the content in place; the lock is gone then.

        Args:
            content: what the file shall hold.
            sync: whether it is durable before it stands there.
            journalled: whether the journal has it, so that a crash of the system may take it from the file.
        """
        if self._marked:
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
        write_all(self._handle, content)
        if sync:
            os.fsync(self._handle)
        self._close()
        self._check_ours()
        if journalled:
            # Where Ctrl-C strikes within, the lock may be the file that was replaced.
            self._replaced = _identity(self.path)
            renames.replace(self.lock, self.path)
        else:
            os.replace(self.lock, self.path)  # noqa: PTH105 - text paths on the save path
        self._done = True

    def put(self, content: bytes) -> None:
        """Put new content in place, durably, and keep the lock (Git's own way with packed-refs, by the same name)."""
        fresh = self.lock + ".new"  # beside the lock, so that its holder alone writes it; `.new` alone is git's own
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o644)
        try:
            write_all(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._check_ours()
        os.replace(fresh, self.path)  # noqa: PTH105 - text paths on the save path

    def idle(self) -> None:
        """Hold the lock without its file being open, which nothing will be written to: many may be held at once."""
        self._close()

    def _close(self) -> None:
        # Forgotten first: a Ctrl-C between must not close the number twice, it may be another file's by then.
        handle, self._handle = self._handle, -1
        if handle >= 0:
            self._inode = self._inode or os.fstat(handle).st_ino
            os.close(handle)

    def _is_ours(self) -> bool:
        found = _identity(self.lock) if self._inode else None
        return found is not None and (found[0] == self._inode or found == self._replaced)

    def _check_ours(self) -> None:
        """A holder that slept so long that its lock was moved aside must not write over its successor's work."""
        if not self._is_ours():
            raise StoreLocked(self.lock, 0)

    def release(self) -> None:
        """Let go without a change, if not done yet."""
        self._close()
        if not self._done and self._is_ours():
            os.unlink(self.lock)  # noqa: PTH108 - text paths on the save path
        self._done = True


def _mark(handle: int) -> bool:
    """Flock a lock and have it say so; says whether that could be done."""
    with suppress(OSError):  # a file system without such locks
        # Flocked first: what says that it is ours and is not flocked has lost its holder.
        return os.name == "posix" and flock.take(handle) and os.write(handle, _OURS) > 0
    return False


@contextmanager
def lock_file(
    path: str, aside: Path, *, timeout: float = 5.0, stale_after: float = 1.0, flocked: bool = False
) -> Iterator[LockFile]:
    """Hold `<path>.lock`.

    Args:
        path: the file to be changed.
        aside: where a lock nobody holds is moved.
        timeout: how long to wait, in seconds.
        stale_after: after how many seconds an unchanging lock counts as nobody's.
        flocked: whether it says that it is ours, and is flocked, so that nobody waits for it when we are killed.

    Raises:
        StoreLocked: others held it all that time.
        OSError: the folder cannot be written.
    """
    held = LockFile(path)
    try:
        _acquire(held, aside, timeout, stale_after)
        if flocked:
            held.mark()
        yield held
    finally:
        held.release()


def _acquire(held: LockFile, aside: Path, timeout: float, stale_after: float) -> None:
    lock = held.lock
    started = clock.monotonic()
    seen: tuple[int, int] | None = None
    seen_at = started
    pause = _PAUSE
    while True:
        try:
            held.take()
        except FileExistsError:
            pass
        except FileNotFoundError:
            with suppress(FileNotFoundError):  # somebody removes the empty folders above at this very moment
                os.makedirs(os.path.dirname(lock), exist_ok=True)  # noqa: PTH103, PTH120 - text paths on the save path
            continue
        else:
            return
        now = clock.monotonic()
        identity = _identity(lock)
        if identity != seen:
            seen, seen_at = identity, now
            if seen is not None and _drop_lost(lock, seen, aside):
                continue
        elif seen is not None and now - seen_at >= stale_after and not _is_held(lock):
            _set_aside(lock, seen, aside)
            seen = None
            continue
        if now - started > timeout:
            raise StoreLocked(lock, now - started)
        clock.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _identity(lock: str) -> tuple[int, int] | None:
    try:
        found = os.stat(lock)  # noqa: PTH116 - text paths on the save path
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _drop_lost(lock: str, identity: tuple[int, int], aside: Path) -> bool:
    """Move a lock aside that a killed process of ours left, if it is one; says whether it was."""
    with suppress(OSError), _looked_into(lock) as lost:
        if lost:  # flocked by us while it moves, so nobody else moves what stands there next
            _set_aside(lock, identity, aside)
            return True
    return False


def _is_held(lock: str) -> bool:
    """Whether it says that it is ours, and a process has it that lives, however slow it is."""
    with _looked_into(lock) as lost:
        return lost is False


@contextmanager
def _looked_into(lock: str) -> Iterator[bool | None]:
    """Give whether a lock that says that it is ours has lost its holder, and is flocked by us then; else `None`."""
    try:
        handle = os.open(lock, os.O_RDONLY) if os.name == "posix" else -1
    except OSError:
        handle = -1
    if handle < 0:
        yield None
        return
    try:
        lost = None
        with suppress(OSError):
            lost = flock.take(handle) if os.read(handle, len(_OURS)) == _OURS else None
        yield lost
    finally:
        os.close(handle)


def _set_aside(lock: str, identity: tuple[int, int], aside: Path) -> None:
    if _identity(lock) != identity:
        return
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{clock.now():%Y%m%dT%H%M%S}-{entropy.random_text(6)}-{os.path.basename(lock)}"  # noqa: PTH119 - text paths on the save path
    try:
        os.rename(lock, aside / name)  # noqa: PTH104 - text paths on the save path
    except FileNotFoundError:
        return
