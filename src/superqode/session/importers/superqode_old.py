"""The store of superqode 2.25: `~/.superqode/sessions/<id>.json.gz` (or `.json`), its index and its shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.exports import import_plain, looks_like_a_session
from superqode.session.importers.fields import text_at
from superqode.session.importers.origin import digest_of
from superqode.session.importers.wholefile import GZIP_MAGIC, head_text, leading_members, read_json

__all__ = ["OldStoreImporter"]

_PACKED: Final = ".json.gz"
_PLAIN: Final = ".json"
_INDEX: Final = "index.json"


class OldStoreImporter:
    """Reads the store of superqode 2.25; each file is one session under its own id.

    `index.json` and `shares/index.json` give no sessions; the index tells which sessions' files are missing.
    """

    name: Final = "superqode-2.25"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether it is a session or an index of the old store, whole or damaged."""
        text = head_text(head)
        members = leading_members(text)
        if _is_index(source, members) or next(iter(members), "") == "shares":
            return True
        if head.startswith(GZIP_MAGIC) or source.name.endswith(_PACKED):
            # A damaged file holds nothing to recognise but that it is no other format either.
            broken = source.name.endswith(_PACKED) and not text.startswith(("{", "["))
            return broken or next(iter(members), "") == "id"
        return looks_like_a_session(members) and _stem(source) == members["id"]

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the session of a file; of the index, an error for each session whose file is missing."""
        try:
            yield from self._read(source)
        except TranscriptError as problem:
            yield problem

    def _read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        digest = digest_of(source)
        receipt = Receipt()
        data = read_json(source)
        if not isinstance(data, dict):
            raise TranscriptError(source.name, "it is no session: it holds no JSON object")
        if _is_index(source, data):
            yield from _missing_files(source, data)
        elif "shares" not in data:
            misnamed = source.name.endswith(_PACKED) and not source.head().startswith(GZIP_MAGIC)
            if misnamed:
                receipt.problems.append("it is not gzip, although it is named so")
            yield import_plain(source, data, digest, receipt, self.name)


def _stem(source: Source) -> str:
    name = source.name.rpartition("/")[2]
    return name.removesuffix(".gz").removesuffix(_PLAIN)


def _is_index(source: Source, members: Mapping[str, Any]) -> bool:
    """Whether every member is what the old index says of a session: named after it, with a count of messages."""
    if source.name.rpartition("/")[2] != _INDEX:
        return False
    known = [(name, value) for name, value in members.items() if value is not None]
    return all(isinstance(value, dict) and value.get("id") == name for name, value in known)


def _missing_files(source: Source, index: Mapping[str, Any]) -> Iterator[TranscriptError]:
    """Tell of sessions the index lists and no file holds; only where the folder is imported as a whole."""
    folder = source.name.removesuffix(_INDEX)
    present = {other.name for other in source.related(_PLAIN) if other.name.startswith(folder)} - {source.name}
    for session_id, entry in index.items() if present else ():
        if not {folder + session_id + _PACKED, folder + session_id + _PLAIN} & present:
            title = text_at(entry, "title")[:80]
            yield TranscriptError(source.name, f"it lists session {session_id[:80]} ({title!r}), whose file is missing")
