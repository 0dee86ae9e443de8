"""A timeline's trees → the files of each entry, and their bytes; what they say no model looks at here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from superqode.session.codec import layout
from superqode.session.errors import CorruptObject, InvalidEntry
from superqode.session.git.object_codec import TreeEntry
from superqode.session.git.objects import Objects

__all__ = ["EntryFiles", "RawEntry", "entry_files", "read_batches", "read_files", "walk_timeline"]

# How many entries are read at a time, and how many bytes: few enough to be in a processor's cache still.
_BATCH: Final = 100
_BATCH_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class EntryFiles:
    """The files of one entry: its name's label, its JSON file, the parts of its side text."""

    label: str
    json: str
    sides: list[str]

    @property
    def key(self) -> str:
        """Names the entry's content: equal keys, equal entries."""
        return ":".join([self.json, *self.sides])


def walk_timeline(objects: Objects, timeline: str | None, start: int = 0) -> Iterator[EntryFiles]:
    """Give the files of each entry from `start` on, in order.

    Raises:
        InvalidEntry: the names do not follow the format.
        CorruptObject: a tree is damaged or missing.
    """
    if timeline is None:
        return
    place = layout.Place.of(start)
    index = start - start % layout.FANOUT
    short = False
    for top in objects.tree(timeline):
        if top.name < place.top:
            continue
        for middle in objects.tree(top.oid):
            if top.name == place.top and middle.name < place.middle:
                continue
            expected = layout.Place.of(index)
            if short or (top.name, middle.name) != (expected.top, expected.middle):
                raise InvalidEntry(
                    f"the directory {top.name}/{middle.name} stands where {expected.top}/{expected.middle} should"
                )
            number = -1
            for number, files in enumerate(entry_files(objects.tree(middle.oid))):
                if index + number >= start:
                    yield files
            short = number + 1 < layout.FANOUT  # only the last directory may be
            index += layout.FANOUT


def entry_files(entries: tuple[TreeEntry, ...]) -> Iterator[EntryFiles]:
    """Give the files of each entry in a last directory of a timeline, in order.

    Raises:
        InvalidEntry: the names do not follow the format.
    """
    found: EntryFiles | None = None
    number = -1
    for entry in entries:
        name = layout.parse_name(entry.name)
        if name is None:
            raise InvalidEntry(f"the name {entry.name!r} is none of the format's")
        if int(name.digits) == number + 1:
            if found is not None:
                yield found
            number += 1
            found = EntryFiles(name.label, "", [])
        if found is None or int(name.digits) != number or name.label != found.label:
            twice = found is not None and int(name.digits) == number
            why = f"stands where {name.digits}-{found.label}.json does" if twice and found else "is out of order"
            raise InvalidEntry(f"{entry.name} {why}")
        if not name.field:
            found.json = entry.oid
        else:
            found.sides.append(entry.oid)
    if found is not None:
        yield found


class RawEntry(NamedTuple):
    """One entry as its files have it: its name's label, its JSON file, its side text."""

    label: str
    json: bytes
    side: bytes | None


def read_files(objects: Objects, files: EntryFiles) -> RawEntry:
    """Read the files of one entry.

    Raises:
        InvalidEntry, CorruptObject: one of them is missing or damaged.
    """
    if not files.json:
        raise InvalidEntry("its JSON file is missing")
    side = b"".join([objects.blob(oid) for oid in files.sides]) if files.sides else None
    return RawEntry(files.label, objects.blob(files.json), side)


def read_batches(objects: Objects, timeline: str | None, start: int = 0) -> Iterator[list[RawEntry]]:
    """Read the files of all entries from `start` on, some at a time.

    Who then decodes a batch at a time is a fifth quicker than who reads and decodes in turns: a processor's caches hold
    one of the two, and hardly both. What was read before damage is given before the error.

    Raises:
        InvalidEntry, CorruptObject: as `walk_timeline` and `read_files`.
    """
    walk = walk_timeline(objects, timeline, start)
    while True:
        batch: list[RawEntry] = []
        size = 0
        try:
            for files in walk:
                raw = read_files(objects, files)
                batch.append(raw)
                size += len(raw.json) + len(raw.side or b"")
                if len(batch) == _BATCH or size >= _BATCH_BYTES:
                    break
        except (InvalidEntry, CorruptObject):
            yield batch
            raise
        if not batch:
            return
        yield batch
