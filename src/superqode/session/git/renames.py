"""Renames that `os` does not have (renameat2(2), Linux): at once for whoever reads, and without a wait for the disk.

A rename over a file makes ext4 and btrfs write the new one's bytes first (`auto_da_alloc` in ext4(5)), which takes
milliseconds beside others' writing. Names that are exchanged bring no such wait; what a crash of the system then takes
from the new file, the journal has. A rename that leaves what stands there spares the look whether something does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Final

__all__ = ["can_claim", "claim", "replace"]

# From <fcntl.h> and <linux/fs.h>.
_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1
_RENAME_EXCHANGE: Final = 2
# What `os.fsencode` does, without its looking at what it was given.
_NAMES: Final = (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())


@cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        function = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    function.restype = ctypes.c_int
    return function


def replace(source: str, target: str) -> None:
    """Rename a file, over another where there is one: as `os.replace`, but what is in it may reach the disk later.

    Raises:
        OSError: the disk said no; where the source is still there, it may be the old target.
    """
    if _exchanged(source, target):
        try:
            os.unlink(source)  # noqa: PTH108 - text paths on the save path
        except IsADirectoryError:
            _exchanged(source, target)  # a rename refuses to replace a folder, too
            raise
    else:  # nothing to replace, or a file system or kernel that cannot: the same call says what else is wrong
        os.replace(source, target)  # noqa: PTH105 - text paths on the save path


def can_claim() -> bool:
    """Whether this system knows `claim`; a file system may not all the same."""
    return _renameat2() is not None


def claim(source: str, target: str) -> bool:
    """Rename a file to a name that is free; says whether it was done, and where it was not, nothing changed.

    That something stands there is one reason. Others are a system or a file system that cannot, and a disk that says
    no: who goes on with `os.replace` hears of that.
    """
    return _renamed(source, target, _RENAME_NOREPLACE)


def _exchanged(one: str, other: str) -> bool:
    return _renamed(one, other, _RENAME_EXCHANGE)


def _renamed(source: str, target: str, how: int) -> bool:
    renameat2 = _renameat2()
    return renameat2 is not None and not renameat2(
        _AT_FDCWD, source.encode(*_NAMES), _AT_FDCWD, target.encode(*_NAMES), how
    )
