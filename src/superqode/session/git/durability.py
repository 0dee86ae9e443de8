"""The one place that decides when bytes are safe on disk.

`syncfs` (Linux) makes everything written so far durable in one call; elsewhere each file and its folder is synced.
Reports of failed writes are never retried: after a failed fsync the kernel may have dropped the data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, Literal

__all__ = ["Durability", "flush", "flush_each", "publish", "sync", "sync_data"]

Durability = Literal["full", "fast"]

# F_FULLFSYNC, from <sys/fcntl.h> on macOS: fsync alone leaves data in the drive's cache there (fsync(2)).
_F_FULLFSYNC: Final = 51


@cache
def _syncfs() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int]
    function.restype = ctypes.c_int
    return function


def sync(handle: int) -> None:
    """Make what an open file or folder holds durable.

    Raises:
        OSError: the disk said no; what was written may be lost.
    """
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(handle, _F_FULLFSYNC)
    else:
        os.fsync(handle)


def sync_data(handle: int) -> None:
    """As `sync`, without what is not needed to read it back, as times (fdatasync(2)).

    Raises:
        OSError: the disk said no; what was written may be lost.
    """
    if hasattr(os, "fdatasync") and sys.platform != "darwin":
        os.fdatasync(handle)
    else:
        sync(handle)


def flush(folder: Path, written: Iterable[str]) -> None:
    """Make files durable that were written below `folder`, and the folders they stand in.

    Args:
        folder: any folder on the file system concerned.
        written: paths of the files.

    Raises:
        OSError: the disk said no; what was written may be lost.
    """
    paths = list(written)
    if not paths:
        return
    syncfs = _syncfs()
    if syncfs is None:
        flush_each(paths)
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(handle) != 0:
            import ctypes

            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


def flush_each(paths: Iterable[str]) -> None:
    """Make files durable one by one, and the folders they stand in.

    Raises:
        OSError: the disk said no.
    """
    paths = list(paths)
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120 - text in, text out, on the save path
    folders |= {os.path.dirname(folder) for folder in folders}  # noqa: PTH120 - a folder may be new itself
    for path in [*paths, *sorted(folders)]:
        if os.name == "nt" and path in folders:
            continue  # Windows cannot open a folder; NTFS journals the rename
        # One that is gone was packed away beside us, and the pack was made durable before it took the file's place.
        with suppress(FileNotFoundError):
            _sync_path(path)


def publish(source: Path, target: Path) -> None:
    """Give a finished file its name, durably: all that is in it first, or a crash of the system leaves a name alone.

    Args:
        source: the file, on the same file system.
        target: where it shall stand.

    Raises:
        OSError: the disk said no; where the source is gone, the file has its name, and may not keep it.
    """
    _sync_path(source)
    source.rename(target)
    if os.name != "nt":  # Windows cannot open a folder; NTFS journals the rename
        _sync_path(target.parent)


def _sync_path(path: Path | str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        sync(handle)
    finally:
        os.close(handle)
