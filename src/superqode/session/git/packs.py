"""Packed objects, read through libgit2 (pygit2). One handle a thread: libgit2's are not shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from superqode.session.errors import CorruptObject

__all__ = ["Packs"]

# git_object_t in libgit2's include/git2/types.h.
_KINDS: Final = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


class Packs:
    """The packs of a repository; libgit2 checks each object's hash as it reads."""

    def __init__(self, root: Path) -> None:
        import pygit2

        self._error = pygit2.GitError
        # The object database alone: opening the repository would read the user's settings, and fail where they do.
        self._read: Any = pygit2.Odb(str(root / "objects")).read

    def read(self, oid: str) -> tuple[str, bytes]:
        """Give type and content.

        Raises:
            CorruptObject: it is damaged, or not there.
        """
        try:
            kind, content = self._read(oid)
        except KeyError:
            raise CorruptObject(oid, "it is not there") from None
        except (self._error, ValueError, OSError) as problem:
            raise CorruptObject(oid, f"it cannot be read from its pack ({problem})") from problem
        return _KINDS.get(int(kind), "unknown"), content
