"""Packed objects, read through libgit2 (pygit2). One handle a thread: libgit2's are not shared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from superqode.session.errors import CorruptObject
from superqode.session.git.loose import object_id

__all__ = ["Packs"]

# git_object_t in libgit2's include/git2/types.h.
_KINDS: Final = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


class Packs:
    """The packs of a repository; each object's hash is checked as it is read."""

    def __init__(self, root: Path) -> None:
        import pygit2

        # Ours is the same check in a third of the time: libgit2's SHA-1 looks for collisions, too.
        pygit2.option(pygit2.enums.Option.ENABLE_STRICT_HASH_VERIFICATION, False)
        self._error = pygit2.GitError
        # The object database alone: opening the repository would read the user's settings, and fail where they do.
        self._database: Any = pygit2.Odb(str(root / "objects"))
        self._read: Any = self._database.read
        # libgit2 looks at loose files first, and may loop for ever over a cut one: packs alone are asked apart.
        self._packed: Any = pygit2.Odb()
        self._packed.add_backend(pygit2.OdbBackendPack(str(root / "objects")), 1)

    def holds(self, oid: str) -> bool:
        """Whether a pack lists the object, as far as their indexes can be read."""
        try:
            return oid in self._database
        except (self._error, ValueError, OSError):
            return False

    def __iter__(self) -> Iterator[str]:
        try:
            yield from map(str, self._database)
        except (self._error, ValueError, OSError):
            return  # an index is damaged: of what stands behind it nothing can be told

    def read(self, oid: str, *, alone: bool = False) -> tuple[str, bytes]:
        """Give type and content.

        Args:
            oid: the object.
            alone: from a pack of this repository, whatever loose file there is.

        Raises:
            CorruptObject: it is damaged, or not there.
        """
        try:
            kind, content = self._packed.read(oid) if alone else self._read(oid)
        except KeyError:
            raise CorruptObject(oid, "it is not there") from None
        except (self._error, ValueError, OSError) as problem:
            raise CorruptObject(oid, f"it cannot be read from its pack ({problem})") from problem
        name = _KINDS.get(int(kind), "unknown")
        if object_id(name, content) != oid:
            raise CorruptObject(oid, "its content in a pack does not have this hash")
        return name, content
