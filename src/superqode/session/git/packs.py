"""Packed objects, read through libgit2 (pygit2). One handle a thread: libgit2's are not shared."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from superqode.session.errors import CorruptObject
from superqode.session.git.loose_codec import object_id

__all__ = ["Packs", "packs_fit"]

# git_object_t in libgit2's include/git2/types.h.
_KINDS: Final = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


# A pack's head: its name, its version, how many objects it has; and the length of the checksum at its end.
_HEAD: Final = struct.Struct(">4sII")
_CHECKSUM: Final = 20
_ID: Final = 20
# An index's head and its 256 counts, of which the last counts all (gitformat-pack(5), version 2).
_INDEX_MAGIC: Final = b"\xfftOc\0\0\0\2"
_COUNT_AT: Final = len(_INDEX_MAGIC) + 255 * 4


def packs_fit(folder: Path) -> bool:
    """Whether each pack has the beginning and the end that its index says: none was cut short, lost or mixed up.

    Args:
        folder: `objects/pack`.
    """
    try:
        return all(_fits(index) for index in folder.glob("*.idx"))
    except OSError:
        return False


def _fits(index: Path) -> bool:
    with index.open("rb") as file:
        head = file.read(_COUNT_AT + 4)
        file.seek(-2 * _CHECKSUM, os.SEEK_END)
        told = file.read(_CHECKSUM)
    with index.with_suffix(".pack").open("rb") as file:
        name, version, count = _HEAD.unpack(file.read(_HEAD.size).ljust(_HEAD.size, b"\0"))
        file.seek(-_CHECKSUM, os.SEEK_END)
        ended = file.read(_CHECKSUM)
    begun = name == b"PACK" and version in (2, 3) and head.startswith(_INDEX_MAGIC)
    return begun and head[_COUNT_AT:] == count.to_bytes(4, "big") and told == ended


def _ids(index: bytes) -> Iterator[str]:
    """The ids that an index lists, as far as it is whole; none in one of another version."""
    if index.startswith(_INDEX_MAGIC):
        count = int.from_bytes(index[_COUNT_AT : _COUNT_AT + 4], "big")
        names = index[_COUNT_AT + 4 :][: count * _ID]
        for start in range(0, len(names) - _ID + 1, _ID):
            yield names[start : start + _ID].hex()


class Packs:
    """The packs of a repository; each object's hash is checked as it is read.

    Raises:
        CorruptObject: the disk does not let them be opened.
    """

    def __init__(self, root: Path) -> None:
        import pygit2

        # Ours is the same check in a third of the time: libgit2's SHA-1 looks for collisions, too.
        pygit2.option(pygit2.enums.Option.ENABLE_STRICT_HASH_VERIFICATION, False)
        self._error = pygit2.GitError
        self._folder = root / "objects" / "pack"
        try:
            # The object database alone: opening the repository would read the user's settings, and fail where they do.
            self._database: Any = pygit2.Odb(str(root / "objects"))
            self._read: Any = self._database.read
            # libgit2 looks at loose files first, and may loop for ever over a cut one: packs alone are asked apart.
            self._packed: Any = pygit2.Odb()
            backend = pygit2.OdbBackendPack(str(root / "objects"))
            self._packed.add_backend(backend, 1)
            # A database asks all that it is made of, loose files too, even where the packs have it.
            self._read_known: Any = backend.read
        except (pygit2.GitError, OSError) as problem:
            raise CorruptObject("objects/pack", f"the packs cannot be opened ({problem})") from problem

    def holds(self, oid: str) -> bool:
        """Whether a pack lists the object, as far as their indexes can be read."""
        try:
            return oid in self._database
        except (self._error, ValueError, OSError):
            return False

    def __iter__(self) -> Iterator[str]:
        # libgit2 gives all or nothing: a pack that goes before it was opened, or a damaged one, would hide all others.
        for index in self._folder.glob("*.idx"):
            with suppress(OSError):
                yield from _ids(index.read_bytes())

    def read(self, oid: str, *, alone: bool = False) -> tuple[str, bytes]:
        """Give type and content.

        Args:
            oid: the object.
            alone: from a pack of this repository, whatever loose file there is.

        Raises:
            CorruptObject: it is damaged, or not there.
        """
        try:
            kind, content = self._read_known(oid)
        except (KeyError, self._error, ValueError, OSError):  # a pack that came since, a lender's, or damage
            kind, content = self._look_for(oid, alone=alone)
        name = _KINDS.get(kind, "unknown")
        if object_id(name, content) != oid:
            raise CorruptObject(oid, "its content in a pack does not have this hash")
        return name, content

    def _look_for(self, oid: str, *, alone: bool) -> tuple[int, bytes]:
        """Read what the packs that are known do not give; looks again which packs there are."""
        try:
            kind, content = self._packed.read(oid) if alone else self._read(oid)
        except KeyError:
            raise CorruptObject(oid, "it is not there") from None
        except (self._error, ValueError, OSError) as problem:
            raise CorruptObject(oid, f"it cannot be read from its pack ({problem})") from problem
        return int(kind), content
