"""Reflogs: where each ref was before, a line for each move (git-reflog(1); Git's refs/files-backend.c)."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Final

from superqode.session.git.folders import files_below, remove_empty
from superqode.session.git.object_codec import Ident

__all__ = ["Reflog"]

_ZERO: Final = "0" * 40
_OID: Final = re.compile("[0-9a-f]{40}")


class Reflog:
    """The reflogs of one repository.

    Args:
        root: the repository's folder.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def append(self, name: str, old: str | None, new: str, ident: Ident, reason: str) -> None:
        """Note that a ref moves; raises OSError."""
        line = b" ".join([(old or _ZERO).encode(), new.encode(), ident.encode()]) + b"\t" + _one_line(reason) + b"\n"
        path = f"{self._root}/logs/{name}"
        while True:
            try:
                _append(path, line)
            except FileNotFoundError:
                with suppress(FileNotFoundError):  # somebody removes the empty folders above at this very moment
                    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - text paths
            except IsADirectoryError:
                remove_empty(path)
            else:
                return

    def remove(self, name: str) -> None:
        """Remove a ref's reflog, where there is one; raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(f"{self._root}/logs/{name}")  # noqa: PTH108 - text paths on the save path

    def names(self) -> list[str]:
        """Names of all files where reflogs stand, whether their refs are there or not, sorted."""
        return list(files_below(f"{self._root}/logs", "refs/"))

    def stands(self, name: str) -> bool:
        """Whether a ref has a reflog, whatever is in it."""
        return os.path.isfile(f"{self._root}/logs/{name}")  # noqa: PTH113 - text paths

    def reasons(self, name: str) -> list[str]:
        """The reasons in a ref's reflog, oldest first; empty without one."""
        return [line.partition("\t")[2] for line in self._lines(name)]

    def ids(self, name: str) -> list[str]:
        """The ids that a ref's reflog says it pointed at, oldest first."""
        return [new for _, new in self.moves(name) if new]

    def moves(self, name: str) -> list[tuple[str, str]]:
        """Where a ref's reflog says it pointed before and after each move, oldest first; empty text for nowhere."""
        return [(_id_in(line, 0), _id_in(line, 1)) for line in self._lines(name)]

    def _lines(self, name: str) -> list[str]:
        try:
            with open(f"{self._root}/logs/{name}", "rb") as file:  # noqa: PTH123 - text paths
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:
            return []
        return [line for line in lines if line]


def _id_in(line: str, place: int) -> str:
    fields = line.partition("\t")[0].split(" ")
    known = len(fields) > place and _OID.fullmatch(fields[place]) and fields[place] != _ZERO
    return fields[place] if known else ""


def _one_line(reason: str) -> bytes:
    """A reason for a reflog: a line break, from a title say, would forge the next entry."""
    return " ".join(reason.split()).encode("utf-8", "replace")


def _append(path: str, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)
