"""Sessions exported as JSON Lines, `superqode-lines-1`: exporters/FORMAT.md documents the lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.exporters.jsonlines import FORMAT
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.exports import import_plain
from superqode.session.importers.fields import text_at
from superqode.session.importers.lines import read_records
from superqode.session.importers.origin import digest_of
from superqode.session.importers.wholefile import head_text, leading_members

__all__ = ["ExportedLinesImporter"]

_FORMATS: Final = "superqode-lines-"
_LISTS: Final = {"message": "messages", "call": "tool_executions"}
_ADDED: Final = ("type", "position")


class ExportedLinesImporter:
    """Reads what superqode exports as JSON Lines.

    A whole export comes back exactly as the session was, with nothing added to its metadata. Of one that is damaged or
    cut short the rest is taken, and `metadata["imported"]` tells what is missing.
    """

    name: Final = "superqode-lines"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether its first line says that it is one."""
        del source
        return text_at(leading_members(head_text(head)), "format").startswith(_FORMATS)

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the exported session."""
        try:
            yield _read(source)
        except TranscriptError as problem:
            yield problem


def _read(source: Source) -> Imported:
    digest, receipt = digest_of(source), Receipt()
    data: dict[str, Any] = {}
    counted = 0
    for _, record in read_records(source, receipt):
        kind = text_at(record, "type")
        if kind == "session" and not data:
            data = record | {name: [] for name in (*_LISTS.values(), "timeline")}
            counted = _count(record, source.name)
        elif kind in _LISTS and data:
            entry = {name: value for name, value in record.items() if name not in _ADDED}
            data[_LISTS[kind]].append(entry)
            data["timeline"].append(entry.get("id"))
        else:
            receipt.drop("lines of another kind")
    if not data:
        raise TranscriptError(source.name, "the line that tells of the session is missing or damaged")
    missing = counted - len(data["timeline"])
    if missing or receipt.dropped:
        receipt.problems.append(f"{missing} of {counted} entries are missing")
        del data["timeline"]  # no longer the whole session, and not taken for it
    # The lines that are taken are counted by what becomes of them.
    receipt.lines = sum(receipt.dropped.values())
    for name in (*_ADDED, "format", "executions"):
        data.pop(name, None)
    return import_plain(source, data, digest, receipt, ExportedLinesImporter.name)


def _count(record: dict[str, Any], name: str) -> int:
    """How many entries the first line promises."""
    if record.get("format") != FORMAT:
        shown = str(record.get("format"))[:60]
        raise TranscriptError(name, f"its format is {shown!r}; this superqode reads {FORMAT!r}")
    told = (record.get("messages"), record.get("executions"))
    return sum(number for number in told if type(number) is int)
