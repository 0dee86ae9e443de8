"""Which files a session made, changed and removed, on balance: what was made and removed again is neither."""

from __future__ import annotations

import posixpath
import re
from typing import Final, Self

from superqode.session.models import Session
from superqode.session.models.files import FileTouch, relative_path

__all__ = ["FileBalance", "plain_path"]

_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:[\\/]|\\\\")
# Git puts a path with anything but ASCII in quotes, and writes its bytes as octal escapes.
_ESCAPE: Final = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


class FileBalance:
    """Adds up what was done to files, in its order.

    Attributes:
        created: files that were not there before, in the order they appeared.
        modified: files that were there before and are changed.
        deleted: files that were there before and are not there any more.
    """

    def __init__(self, project_path: str) -> None:
        self.created: list[str] = []
        self.modified: list[str] = []
        self.deleted: list[str] = []
        self._project = project_path
        self._seen: set[str] = set()

    @classmethod
    def onto(cls, session: Session) -> Self:
        """Go on from what a session says of its files."""
        balance = cls(session.project_path)
        deleted = session.metadata.get("files_deleted")
        balance.created, balance.modified = list(session.files_created), list(session.files_modified)
        balance.deleted = [path for path in deleted if isinstance(path, str)] if isinstance(deleted, list) else []
        balance._seen.update(balance.created, balance.modified)
        return balance

    def take(self, touch: FileTouch, path: str, folder: str = "") -> None:
        """Add one thing done to a file; `folder` is what a relative path is meant from."""
        whole = path if _ABSOLUTE.match(path) else posixpath.join(folder or self._project, path)
        place = relative_path(whole, self._project)
        fresh = place not in self._seen
        self._seen.add(place)
        if touch == "delete":
            self._delete(place)
        elif touch == "read" or place in self.created or place in self.modified:
            return
        elif place in self.deleted:
            self.deleted.remove(place)
            self.modified.append(place)
        elif touch == "create" or (touch == "write" and fresh):
            self.created.append(place)
        else:
            self.modified.append(place)

    def _delete(self, place: str) -> None:
        if place in self.created:
            self.created.remove(place)
            self._seen.discard(place)
            return
        if place in self.modified:
            self.modified.remove(place)
        if place not in self.deleted:
            self.deleted.append(place)


def plain_path(path: str) -> str:
    r"""Give a path as it is, where Git wrote it in quotes (`"docs/\350\257\264.md"`)."""
    if len(path) < 2 or not (path.startswith('"') and path.endswith('"')) or "\\" not in path:
        return path
    raw = path[1:-1].encode("utf-8", "surrogatepass")
    plain = _ESCAPE.sub(lambda found: _unescaped(found[1]), raw)
    return plain.decode("utf-8", "replace")


def _unescaped(code: bytes) -> bytes:
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)
