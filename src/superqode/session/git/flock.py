"""Advisory locks between processes and threads. The kernel frees them when their process dies, so they never go stale.

POSIX: flock(2) on a file of its own. Windows: msvcrt.locking, where shared locks are exclusive ones.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from superqode.session import clock
from superqode.session.errors import StoreLocked, StoreUnwritable

__all__ = ["Held", "acquire", "hold", "is_held", "take"]

_MAKING: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_FIRST_WAIT: Final = 0.0005
_LONGEST_WAIT: Final = 0.02
_BUSY: Final = frozenset((errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK))

if sys.platform == "win32":  # pragma: no cover - other platforms
    import msvcrt

    def _try(handle: int, *, shared: bool) -> None:
        del shared
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try(handle: int, *, shared: bool) -> None:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class Held:
    """A lock being held; lets go when it is forgotten, too: Ctrl-C may strike in the very line that releases it."""

    __slots__ = ("_handles",)

    def __init__(self, handle: int) -> None:
        self._handles = [handle]

    @property
    def handles(self) -> tuple[int, ...]:
        """What a child has to inherit so that it holds the lock, too, when this process is killed before it ends."""
        return tuple(self._handles) if os.name == "posix" else ()

    def release(self) -> None:
        """Let go; again is fine."""
        while self._handles:
            os.close(self._handles.pop())

    def __del__(self) -> None:
        self.release()


def acquire(path: Path | str, *, shared: bool = False, timeout: float = 30.0) -> Held:
    """Take the lock of this file, which is made if missing, and stays.

    Args:
        path: the lock file.
        shared: several may hold it, but nobody exclusively meanwhile.
        timeout: how long to wait, in seconds.

    Raises:
        StoreLocked: somebody else held it all that time.
        StoreUnwritable, OSError: the file cannot be made.
    """
    try:
        handle = os.open(path, _MAKING, 0o600)
    except PermissionError as problem:
        raise StoreUnwritable(Path(path), str(problem.strerror)) from problem
    held = Held(handle)
    try:
        _wait(handle, path, shared=shared, timeout=timeout)
    except BaseException:
        held.release()
        raise
    return held


@contextmanager
def hold(path: Path, *, shared: bool = False, timeout: float = 30.0) -> Iterator[Held]:
    """Hold the lock of this file; arguments and errors as `acquire`."""
    held = acquire(path, shared=shared, timeout=timeout)
    try:
        yield held
    finally:
        held.release()


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock of this file alone right now; not where it is missing, or cannot be opened."""
    try:
        handle = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return not take(handle, shared=True)
    finally:
        os.close(handle)


def take(handle: int, *, shared: bool = False) -> bool:
    """Take the lock of an open file if nobody else holds it; says whether it is held now.

    Args:
        handle: the file, which holds the lock until it is closed.
        shared: several may hold it, but nobody exclusively meanwhile.

    Raises:
        OSError: the file system knows no locks.
    """
    try:
        _try(handle, shared=shared)
    except OSError as problem:
        if problem.errno not in _BUSY:
            raise
        return False
    return True


def _wait(handle: int, path: Path | str, *, shared: bool, timeout: float) -> None:
    if take(handle, shared=shared):
        return
    started = clock.monotonic()
    pause = _FIRST_WAIT
    while not take(handle, shared=shared):
        waited = clock.monotonic() - started
        if waited > timeout:
            raise StoreLocked(Path(path), waited)
        clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_WAIT)
