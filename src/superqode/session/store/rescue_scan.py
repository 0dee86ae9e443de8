"""Which files of agents changed since they were read: by size, times and inode, with Git's racy rule (racy-git(7))."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from superqode.session.agents import FoundPlace
from superqode.session.lazy import lazy_modules
from superqode.session.store.transcript_files import ENDINGS, SKIPPED_FOLDERS

if TYPE_CHECKING:
    from superqode.session.importers import base
else:
    (base,) = lazy_modules("superqode.session.importers", "base")

__all__ = ["is_settled", "is_whole", "scan"]

# File times may be as coarse as this: FAT has two seconds.
_COARSE_NS: Final = 2_000_000_000
_LOG: Final = "-wal"


def scan(place: FoundPlace) -> tuple[dict[str, str], dict[str, str]]:
    """Look at the files of a place.

    Returns:
        How each file looks, `size mtime_ns ctime_ns inode`, for a database those of its log behind it; and the folders
        that cannot be read, each with the reason. A change of rights changes how a file looks (its ctime), too.
    """
    found: dict[str, str] = {}
    closed: dict[str, str] = {}
    for folder in place.folders:
        found.update(_walk(os.fspath(folder), closed))
    for file in place.files:
        look = _look(os.fspath(file))
        if look:
            found[file.as_posix()] = look
    return found, closed


def _walk(folder: str, closed: dict[str, str]) -> Iterator[tuple[str, str]]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except FileNotFoundError:
            continue
        except OSError as problem:
            closed[here] = str(problem.strerror)
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED_FOLDERS:
                    waiting.append(entry.path)
            elif entry.name.endswith(ENDINGS) and (look := _look(entry)):
                yield (entry.path.replace("\\", "/") if os.name == "nt" else entry.path), look


def _look(file: os.DirEntry[str] | str) -> str:
    """How a plain file looks; empty where it is none."""
    try:
        if isinstance(file, str):
            path, told, plain = file, os.stat(file), os.path.isfile(file)  # noqa: PTH113, PTH116 - many thousand files
        else:
            path, told, plain = file.path, file.stat(), file.is_file()
    except OSError:
        return ""
    if not plain:
        return ""
    look = f"{told.st_size} {told.st_mtime_ns} {told.st_ctime_ns} {told.st_ino}"
    log = _look(path + _LOG) if path.endswith(".db") else ""
    return f"{look} {log}" if log else look


def is_whole(path: str, lines: int | None = None) -> bool:
    """Whether a file of JSON Lines reads well: its first lines, or all there are in the first 64 KiB."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - text in, text out, as above
            begun = file.read(base.HEAD_BYTES).split(b"\n")
    except OSError:
        return False
    if len(begun) > 1:
        begun.pop()  # cut, or the nothing behind the last line's end
    try:
        for line in begun[:lines]:
            if line.strip():
                json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def is_settled(look: str, read_at_ns: int) -> bool:
    """Whether a file that looked so was left alone for long enough that a later change cannot look the same.

    Args:
        look: how it looked before it was read.
        read_at_ns: when it was looked at, in nanoseconds since 1970.
    """
    times = look.split(" ")[1::4]
    return all(int(time) < read_at_ns - _COARSE_NS for time in times)
