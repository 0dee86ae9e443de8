"""Every name inside a session's tree, in one place. The names are part of the format: see FORMAT.md.

format
session.json
timeline/0000/00/00-user.json
timeline/0000/00/01-call.json
timeline/0000/00/01-call.result.txt
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from superqode.session.models import Entry

__all__ = [
    "FANOUT",
    "FORMAT_FILE",
    "FORMAT_NUMBER",
    "INLINE_MAX",
    "MAX_ENTRIES",
    "META_FILE",
    "PART_MAX",
    "TIMELINE",
    "EntryFile",
    "Place",
    "entry_label",
    "format_bytes",
    "parse_format",
    "parse_name",
    "side_names",
]

FORMAT_NUMBER: Final = 1
FORMAT_FILE: Final = "format"
META_FILE: Final = "session.json"
TIMELINE: Final = "timeline"

# Entries a directory: hosts advise at most 3,000, and only the last directory changes on append.
FANOUT: Final = 100
MAX_ENTRIES: Final = 10_000 * FANOUT * FANOUT
# Longer text stands beside its entry, in bytes of UTF-8.
INLINE_MAX: Final = 8 * 1024
# Longer side texts are split, in bytes: hosts advise 1 MiB an object.
PART_MAX: Final = 1024 * 1024

_FORMAT_LINE: Final = re.compile(r"superqode-session ([0-9]{1,9})\n")
_NAME: Final = re.compile(r"([0-9]{2})-([a-z]+)(?:\.(content|result)(?:\.([0-9]{3,6}))?)?\.(json|txt)")


def format_bytes() -> bytes:
    """The content of the file `format`."""
    return f"superqode-session {FORMAT_NUMBER}\n".encode()


def parse_format(data: bytes) -> int | None:
    """The format number, or `None` where the file is none of ours."""
    found = _FORMAT_LINE.fullmatch(data.decode("ascii", "replace"))
    return int(found[1]) if found else None


class Place(NamedTuple):
    """Where an entry stands: two directories and the two digits its files begin with."""

    top: str
    middle: str
    digits: str

    @classmethod
    def of(cls, index: int) -> Place:
        """The place of entry `index`, counted from 0."""
        return cls(f"{index // (FANOUT * FANOUT):04d}", f"{index // FANOUT % FANOUT:02d}", f"{index % FANOUT:02d}")


class EntryFile(NamedTuple):
    """What a file name in a timeline directory says: digits, label, field (or empty for the entry), part (or -1)."""

    digits: str
    label: str
    field: str
    part: int


def entry_label(entry: Entry) -> str:
    """The word in an entry's file name; it only helps people."""
    return entry.role.value if entry.kind == "message" else "call"


def side_names(stem: str, field: str, parts: int) -> list[str]:
    """The names of a side text: one file, or numbered parts."""
    if parts == 1:
        return [f"{stem}.{field}.txt"]
    return [f"{stem}.{field}.{part:03d}.txt" for part in range(parts)]


@lru_cache(maxsize=4096)  # each directory of a timeline has the same hundred numbers, and few labels
def parse_name(name: str) -> EntryFile | None:
    """Read a file name of a timeline directory, or `None` where it is none of ours."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    digits, label, field, part, ending = found.groups()
    if (field is None) != (ending == "json"):
        return None
    return EntryFile(digits, label, field or "", int(part) if part else -1)
