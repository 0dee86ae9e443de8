"""Folders of refs and reflogs: each part of a name but the last is one, and goes when nothing is in it.

A name may have hundreds of parts, so nothing here recurses, as `os.walk` does before Python 3.12.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from superqode.session import clock
from superqode.session.errors import CorruptObject

__all__ = ["entries_below", "files_below", "remove_empty", "remove_empty_above"]


# How often a folder is read in which files come and go meanwhile.
_LOOKS: Final = 8
# What times of files may be off, in seconds: the kernel's clock ticks 100 times a second, or more often.
_TICK: Final = 0.02


def entries_below(path: str | Path) -> Iterator[os.DirEntry[str]]:
    """Give the files and folders below a folder, each folder before what is in it; symbolic links are not followed.

    What goes meanwhile, as it does beside deletions and packing, and what nobody may look into is passed by.
    """
    waiting = [os.fspath(path)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as found:
                entries = list(found)
        except OSError:
            continue
        yield from entries
        waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def files_below(root: str, prefix: str, begun: str = "") -> Iterator[str]:
    """Give the files below a folder, sorted, but for locks.

    Args:
        root: where names begin.
        prefix: the folder, from there; ends with a slash.
        begun: how what stands in it itself has to begin.

    Raises:
        CorruptObject: a folder cannot be read.
    """
    waiting = _inside(root, prefix, begun)
    while waiting:
        name = waiting.pop()
        if name.endswith("/"):
            waiting += _inside(root, name)
        elif not name.endswith(".lock"):
            yield name


def _inside(root: str, folder: str, begun: str = "") -> list[str]:
    """What stands in a folder, the last first; other folders with a slash.

    A file that another one is renamed over, as a ref is by each save, moves to the folder's end on btrfs, behind the
    end of whoever reads it at this moment: such a folder is read again, and what was there in any look counts.
    """
    path = f"{root}/{folder}"
    found: dict[str, bool] = {}
    try:
        for _ in range(_LOOKS):
            with os.scandir(path) as entries:
                began = clock.now().timestamp()
                found |= {e.name: e.is_dir(follow_symlinks=False) for e in entries if e.name.startswith(begun)}
            if os.stat(path).st_mtime < began - _TICK:  # noqa: PTH116 - text paths
                break
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise CorruptObject(folder, f"its folder cannot be read ({problem.strerror})") from problem
    return [f"{folder}{name}{'/' if found[name] else ''}" for name in sorted(found, reverse=True)]


def remove_empty(path: str) -> None:
    """Remove folders without files, as Git does where a ref is to stand; anything else is an error."""
    below = [entry.path for entry in entries_below(path) if entry.is_dir(follow_symlinks=False)]
    for folder in (*reversed(below), path):
        os.rmdir(folder)  # noqa: PTH106 - text paths on the save path


def remove_empty_above(root: str, name: str) -> None:
    """Remove the folders above a ref that is gone, and above its reflog, as far as they are empty."""
    for base in (root, f"{root}/logs"):
        folder = os.path.dirname(name)  # noqa: PTH120 - a name, and no path yet
        while folder.count("/") >= 2:
            try:
                os.rmdir(f"{base}/{folder}")  # noqa: PTH106 - text paths
            except OSError:
                break
            folder = os.path.dirname(folder)  # noqa: PTH120 - a name, and no path yet
