"""What one save writes: gathered until all of it goes to disk at once, and kept for its record in the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from superqode.session.git.journal_record import JournalObject
from superqode.session.git.loose_codec import headed, parted, sha1

__all__ = ["Gathering", "Kept"]

# How many bytes wait for others.
_MOST: Final = 1024 * 1024


class Kept:
    """What a save wrote, for its record in the journal.

    Attributes:
        objects: the new files, as they are on the disk.
        standing: paths of files that stood there already, perhaps from a save that never came to its end.
        whole: whether all of them are here; a very large save is not kept.
        on: the commits that it stands upon.
    """

    __slots__ = ("_room", "objects", "on", "standing", "whole")

    def __init__(self, most: int) -> None:
        self.objects: list[JournalObject] = []
        self.standing: list[str] = []
        self.whole = True
        self.on: Sequence[str] = ()
        self._room = most

    def wrote(self, new: Sequence[JournalObject]) -> None:
        """Keep new files' bytes, while there is room for all."""
        self._room -= sum([len(packed) for _, packed in new])
        if self._room < 0:
            self.missed()
        elif self.whole:
            self.objects += new

    def missed(self) -> None:
        """Note that something was written which is not kept: a pack, or too much."""
        self.whole = False
        self.objects.clear()

    def stood(self, path: str) -> None:
        """Note a file that stood there already."""
        self.standing.append(path)


class Gathering:
    """Objects on their way to disk: what writes them one after the other is quicker than what does so now and then.

    Args:
        put: stores objects, given by their ids what these are of.
    """

    __slots__ = ("_objects", "_put", "_size")

    def __init__(self, put: Callable[[Mapping[str, bytes]], object]) -> None:
        self._objects: dict[str, bytes] = {}
        self._size = 0
        self._put = put

    def add(self, kind: str, content: bytes) -> str:
        """Take an object; gives its id.

        Raises:
            OSError: the disk said no.
        """
        data = headed(kind, content)
        oid = sha1(data)
        self._objects[oid] = data
        self._size += len(data)
        if self._size > _MOST:
            self.finish()
        return oid

    def read(self, oid: str) -> tuple[str, bytes] | None:
        """Give type and content of an object that waits, or `None`."""
        data = self._objects.get(oid)
        return None if data is None else parted(data)

    def finish(self) -> None:
        """Store what waits.

        Raises:
            OSError: the disk said no.
        """
        objects, self._objects, self._size = self._objects, {}, 0
        self._put(objects)
