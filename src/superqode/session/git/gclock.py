"""Git's own lock of `git gc`, so that it and our packing never run at once.

What a gc does not find reached it leaves loose, where it is loose already, and removes the packs that hold it as well.
A `prune-packed` beside it removes the loose file, which stands in those packs still: of a save that was under way, and
is acknowledged a moment later, nothing is left.

`gc.pid` holds `<process> <host>`, and counts for 12 hours while that process is alive (lock_repo_for_gc in Git's
builtin/gc.c).
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from superqode.session import clock
from superqode.session.errors import StoreLocked
from superqode.session.git.lockfile import lock_file

__all__ = ["keeping_gc_out"]

_HOLDER: Final = re.compile(r"(\d{1,10}) (\S{1,256})\s*\Z")
_COUNTS_FOR: Final = 12 * 3600
_PAUSE: Final = 0.1


@contextmanager
def keeping_gc_out(root: Path, aside: Path, *, timeout: float = 0.0) -> Iterator[None]:
    """Hold the lock of `git gc`; whoever calls holds the right to maintain.

    Args:
        root: the repository.
        aside: where a lock file that nobody holds is moved.
        timeout: how long to wait for one that runs, in seconds.

    Raises:
        StoreLocked: a gc is running.
        OSError: the lock cannot be written.
    """
    path = root / "gc.pid"
    started = clock.monotonic()
    while not _take(path, aside):
        waited = clock.monotonic() - started
        if waited >= timeout:
            raise StoreLocked(path, waited)
        clock.sleep(_PAUSE)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


def _take(path: Path, aside: Path) -> bool:
    with lock_file(str(path), aside) as lock:
        if _is_held(path):
            return False
        lock.commit(f"{os.getpid()} {socket.gethostname()}".encode())
        return True


def _is_held(path: Path) -> bool:
    try:
        told = _HOLDER.match(path.read_text("ascii", "replace"))
        age = clock.now().timestamp() - path.stat().st_mtime
    except OSError:
        return False
    if told is None or age > _COUNTS_FOR:
        return False
    return told[2] != socket.gethostname() or _is_alive(int(told[1]))


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # there a signal of 0 would end it
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return process != os.getpid()
