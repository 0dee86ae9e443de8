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
    """Adds up what was done to files, in its order."""

    def __init__(self, project_path: str) -> None:
        # Of dicts only the keys count: they keep their order, and are found at once among many.
        self._created: dict[str, None] = {}
        self._modified: dict[str, None] = {}
        self._deleted: dict[str, None] = {}
        self._project = project_path
        self._seen: set[str] = set()

    @classmethod
    def onto(cls, session: Session) -> Self:
        """Go on from what a session says of its files."""
        balance = cls(session.project_path)
        deleted = session.metadata.get("files_deleted")
        balance._created, balance._modified = map(dict.fromkeys, (session.files_created, session.files_modified))
        balance._deleted = (
            {path: None for path in deleted if isinstance(path, str)} if isinstance(deleted, list) else {}
        )
        balance._seen.update(balance._created, balance._modified)
        return balance

    @property
    def created(self) -> list[str]:
        """Files that were not there before, in the order they appeared."""
        return list(self._created)

    @property
    def modified(self) -> list[str]:
        """Files that were there before and are changed."""
        return list(self._modified)

    @property
    def deleted(self) -> list[str]:
        """Files that were there before and are not there any more."""
        return list(self._deleted)

    def take(self, touch: FileTouch, path: str, folder: str = "") -> None:
        """Add one thing done to a file; `folder` is what a relative path is meant from."""
        whole = path if _ABSOLUTE.match(path) else posixpath.join(folder or self._project, path)
        place = relative_path(whole, self._project)
        fresh = place not in self._seen
        self._seen.add(place)
        if touch == "delete":
            self._delete(place)
        elif touch == "read" or place in self._created or place in self._modified:
            return
        elif place in self._deleted:
            del self._deleted[place]
            self._modified[place] = None
        elif touch == "create" or (touch == "write" and fresh):
            self._created[place] = None
        else:
            self._modified[place] = None

    def _delete(self, place: str) -> None:
        if place in self._created:
            del self._created[place]
            self._seen.discard(place)
            return
        self._modified.pop(place, None)
        self._deleted.setdefault(place)


def plain_path(path: str) -> str:
    r"""Give a path as it is, where Git wrote it in quotes (`"docs/\350\257\264.md"`)."""
    if len(path) < 2 or not (path.startswith('"') and path.endswith('"')) or "\\" not in path:
        return path
    raw = path[1:-1].encode("utf-8", "surrogatepass")
    plain = _ESCAPE.sub(lambda found: _unescaped(found[1]), raw)
    return plain.decode("utf-8", "replace")


def _unescaped(code: bytes) -> bytes:
    return bytes([int(code, 8) & 0xFF]) if len(code) == 3 else _ESCAPED.get(code, code)
