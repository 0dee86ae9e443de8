"""Folders that somebody works in: held while that process lives, so that others can tell what a killed one left.

    <folder>/held     flocked by whoever made the folder, until the folder goes

A folder without that file says nothing about its maker.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from superqode.session.git import flock

__all__ = ["Workplace", "is_left", "remove", "says_so"]

_HELD: Final = "held"
_OPENING: Final = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)


class Workplace:
    """A new folder for its owner alone, for the length of some work.

    Args:
        name: gives a path that is not there yet, each time another one.

    Attributes:
        path: the folder.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, name: Callable[[], Path]) -> None:
        while True:
            self.path = name()
            self.path.mkdir(mode=0o700, parents=True)
            handle = os.open(self.path / _HELD, _OPENING | os.O_CREAT | os.O_EXCL, 0o600)
            self._held = flock.Held(handle)
            if _take(handle) and says_so(self.path):
                return
            self.close()  # somebody who sweeps was quicker

    def close(self) -> None:
        """Remove it with all that is in it; again is fine."""
        self._held.release()
        shutil.rmtree(self.path, ignore_errors=True)


def _take(handle: int) -> bool:
    try:
        return flock.take(handle)
    except OSError:
        return True  # a file system without locks: nobody can take the folder for left, either


def says_so(folder: Path) -> bool:
    """Whether a folder tells of its maker."""
    return (folder / _HELD).is_file()


def is_left(folder: Path) -> bool:
    """Whether whoever made it is gone; of a folder that does not tell nobody knows."""
    try:
        return says_so(folder) and not flock.is_held(folder / _HELD)
    except OSError:
        return False


def remove(folder: Path) -> bool:
    """Remove a folder unless somebody holds it; says whether it was done."""
    if not says_so(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return True
    try:
        handle = os.open(folder / _HELD, _OPENING)
    except OSError:
        return False
    try:
        # Held until all is gone: whoever is just about to hold it makes another one.
        if not flock.take(handle):
            return False
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return True
