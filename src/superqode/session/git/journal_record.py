"""One record of the journal: the objects of a save, and the refs it moved; its form is told in `journal.py`."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Sequence
from typing import IO, Any, Final, NamedTuple

__all__ = ["JournalObject", "Record", "RefMove", "read_record"]

_OID: Final = re.compile(r"[0-9a-f]{40}")
# No record is larger than what a save may write here; a longer line is damage.
_LINE_MAX: Final = 16 * 1024 * 1024
_RECORD_MAX: Final = 1 << 30
# Made once: `dumps` makes one for each call.
_compact: Final = json.JSONEncoder(separators=(",", ":")).encode


class JournalObject(NamedTuple):
    """An object: its id, and its loose file's bytes."""

    oid: str
    packed: bytes


class RefMove(NamedTuple):
    """A ref that moved: its name, where it was (empty: it was made), where it is."""

    name: str
    old: str
    new: str


class Record(NamedTuple):
    """One save: the objects it wrote, and the refs it moved."""

    objects: Sequence[JournalObject]
    refs: Sequence[RefMove]

    def encode(self) -> bytes:
        """As it stands in the file."""
        payload = b"".join([packed for _, packed in self.objects])
        told = {
            "crc": zlib.crc32(payload),
            "objects": [[oid, len(packed)] for oid, packed in self.objects],
            "refs": self.refs,
        }
        line = _compact(told).encode()
        return b"%08x %b\n%b" % (zlib.crc32(line), line, payload)


def read_record(stream: IO[bytes]) -> Record | None:
    """Read the record that begins here; `None` where none does, or it is not whole."""
    if stream.read(1) in (b"\0", b""):
        return None
    stream.seek(-1, os.SEEK_CUR)
    line = stream.readline(_LINE_MAX)
    check, _, told = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or check != b"%08x" % zlib.crc32(told):
        return None
    try:
        fields = json.loads(told)
        sizes = [(_oid(oid), _size(size)) for oid, size in fields["objects"]]
        refs = [RefMove(_ref(name), _oid(old) if old else "", _oid(new)) for name, old, new in fields["refs"]]
        crc = int(fields["crc"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    total = sum(size for _, size in sizes)
    payload = stream.read(total) if total <= _RECORD_MAX else b""
    if len(payload) != total or zlib.crc32(payload) != crc:
        return None
    return Record(_cut(sizes, payload), refs)


def _cut(sizes: Sequence[tuple[str, int]], payload: bytes) -> list[JournalObject]:
    objects: list[JournalObject] = []
    start = 0
    for oid, size in sizes:
        objects.append(JournalObject(oid, payload[start : start + size]))
        start += size
    return objects


def _oid(value: Any) -> str:
    if not isinstance(value, str) or not _OID.fullmatch(value):
        raise ValueError("no object id")
    return value


def _ref(value: Any) -> str:
    from superqode.session.git.refs import is_ref_name

    if not isinstance(value, str) or not value.startswith("refs/") or not is_ref_name(value):
        raise ValueError("no ref")
    return value


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _RECORD_MAX:
        raise ValueError("no size")
    return value
