"""Files in an agent's folder: listed as far as a hand-off has to know them, and written beside its own.

A new file is there whole or not at all and takes nobody's place; what goes behind a file goes there only while the file
is as long as it was. Nothing is read or written where a link leads out of the folder.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Final

from superqode.session.errors import HandoffError
from superqode.session.git.durability import flush
from superqode.session.git.handles import write_all
from superqode.session.handoff import PlannedFile
from superqode.session.handoff.base import Opener

__all__ = ["list_files", "write_files"]

_PRIVATE: Final = 0o700
# What a file system without hard links says.
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
# Absent on Windows, where a file is opened as text otherwise, and links are followed.
_BINARY: Final = getattr(os, "O_BINARY", 0)
_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


def list_files(folder: Path, patterns: Sequence[str]) -> dict[str, Opener]:
    """List the files of a folder that match one of the patterns, by path below it with `/`.

    Args:
        folder: the folder; where there is none there are no files.
        patterns: globs as in `Writer.looks_at`.
    """
    root = folder.resolve()
    found: dict[str, Opener] = {}
    for pattern in patterns:
        found.update(_matching(root, root, pattern.split("/")))
    return found


def _matching(root: Path, folder: Path, parts: Sequence[str]) -> Iterator[tuple[str, Opener]]:
    try:
        with os.scandir(folder) as entries:
            named = sorted(
                (entry for entry in entries if fnmatchcase(entry.name, parts[0])), key=lambda entry: entry.name
            )
    except OSError:
        return  # not there, or not ours to read: the agent has nothing that we could go on from
    for entry in named:
        path = Path(entry.path)
        if entry.is_symlink() and not path.resolve().is_relative_to(root):
            continue
        if parts[1:] and entry.is_dir():
            yield from _matching(root, path, parts[1:])
        elif not parts[1:] and entry.is_file():
            yield path.relative_to(root).as_posix(), _opener(path)


def _opener(path: Path) -> Opener:
    def open_it() -> IO[bytes]:
        return path.open("rb")

    return open_it


def write_files(session_id: str, folder: Path, files: Sequence[PlannedFile]) -> list[Path]:
    """Write planned files; durable when it returns.

    Args:
        session_id: the session, for errors.
        folder: the agent's folder; made where it is missing, readable by its owner alone.
        files: what to write; none of them `scratch`.

    Returns:
        The files' paths.

    Raises:
        HandoffError: one is there already, or is not as long as it was; then nothing was written, but for those
            before it in the rare case that this happened meanwhile.
        OSError: the disk said no.
    """
    _make(folder)
    root = folder.resolve()
    paths = [_place(session_id, root, file) for file in files]
    for path, file in zip(paths, files, strict=True):
        if file.behind is None:
            _write_new(session_id, path, file.content)
        else:
            _write_behind(session_id, path, file)
    flush(root, map(str, paths))
    return paths


def _place(session_id: str, root: Path, file: PlannedFile) -> Path:
    """Give a file's path, with the folders it is in made, and check what is there."""
    path = root / file.path
    # Before, so that no folder is made elsewhere; and after, for a link may have come meanwhile.
    _check_inside(session_id, root, path.parent)
    _make(path.parent)
    _check_inside(session_id, root, path.parent)
    if file.behind is None and os.path.lexists(path):
        raise _exists(session_id, path)
    return path


def _check_inside(session_id: str, root: Path, folder: Path) -> None:
    if not folder.resolve().is_relative_to(root):  # what is missing resolves to itself below what is there
        told = f"{folder} is a link that leads out of {root}. Name the real folder with the agent's own variable"
        raise HandoffError(session_id, told)


def _make(folder: Path) -> None:
    """Make a folder and those above it that are missing, each readable by its owner alone."""
    missing = [place for place in (folder, *folder.parents) if not place.is_dir()]
    for place in reversed(missing):
        place.mkdir(mode=_PRIVATE, exist_ok=True)


def _exists(session_id: str, path: Path) -> HandoffError:
    return HandoffError(session_id, f"{path} is there already, and nothing is written over it. Try again")


def _write_new(session_id: str, path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".superqode-", dir=path.parent)  # readable by its owner alone
    partial = Path(name)
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123 - a handle, no path
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(partial, path)
        except FileExistsError as problem:
            raise _exists(session_id, path) from problem
        except OSError as problem:
            if problem.errno not in _NO_LINKS or os.path.lexists(path):
                raise
            partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _write_behind(session_id: str, path: Path, file: PlannedFile) -> None:
    """Write behind a file; where that fails in the middle, it is as long as before."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | _BINARY | _NO_FOLLOW)
    except OSError as problem:
        raise HandoffError(session_id, f"{path} cannot be written behind ({problem.strerror})") from problem
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size != file.behind:
            told = f"{path} was written to just now. Try again when its agent rests"
            raise HandoffError(session_id, told)
        try:
            write_all(handle, file.content)
        except BaseException:
            os.truncate(handle, file.behind)
            raise
        os.fsync(handle)
    finally:
        os.close(handle)
