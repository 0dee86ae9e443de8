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
        """Give the exported sessions: of several files put behind each other, those of all."""
        try:
            yield from _sessions(source)
        except TranscriptError as problem:
            yield problem


def _sessions(source: Source) -> Iterator[Imported | TranscriptError]:
    digest, read = digest_of(source), Receipt()
    export = None
    for _, record in read_records(source, read):
        kind = text_at(record, "type")
        if kind == "session":
            if export is not None:
                yield export.taken(source, digest, _handed_over(read))
            export = _Export(record)
        elif kind in _LISTS and export is not None:
            export.take(kind, record)
        else:
            read.drop("lines of another kind")
    if export is None:
        raise TranscriptError(source.name, "the line that tells of the session is missing or damaged")
    yield export.taken(source, digest, _handed_over(read))


def _handed_over(read: Receipt) -> Receipt:
    """What was counted up to here is one session's; the next one's begins at nothing."""
    receipt = Receipt(dropped=dict(read.dropped), problems=list(read.problems))
    read.dropped.clear()
    read.problems.clear()
    return receipt


class _Export:
    """One exported session, line by line."""

    def __init__(self, first: dict[str, Any]) -> None:
        self._first = first
        self._entries: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS.values()}
        self._order: list[Any] = []

    def take(self, kind: str, record: dict[str, Any]) -> None:
        """Take the line of an entry."""
        entry = {name: value for name, value in record.items() if name not in _ADDED}
        self._entries[_LISTS[kind]].append(entry)
        self._order.append(entry.get("id"))

    def taken(self, source: Source, digest: str, receipt: Receipt) -> Imported | TranscriptError:
        """Give the session, or why it is none."""
        try:
            counted = _count(self._first, source.name)
            missing = counted - len(self._order)
            data: dict[str, Any] = {**self._first, **self._entries, "timeline": self._order}
            if missing > 0:
                receipt.problems.append(f"{missing} of {counted} entries are missing")
            elif missing < 0:
                receipt.problems.append(f"{-missing} more than the {counted} entries that the first line tells of")
            if missing or receipt.dropped:
                del data["timeline"]  # no longer the session as it was, and not taken for it
            # The lines that are taken are counted by what becomes of them.
            receipt.lines = sum(receipt.dropped.values())
            for name in (*_ADDED, "format", "executions"):
                data.pop(name, None)
            return import_plain(source, data, digest, receipt, ExportedLinesImporter.name)
        except TranscriptError as problem:
            return problem


def _count(record: dict[str, Any], name: str) -> int:
    """How many entries the first line promises."""
    if record.get("format") != FORMAT:
        shown = str(record.get("format"))[:60]
        raise TranscriptError(name, f"its format is {shown!r}; this superqode reads {FORMAT!r}")
    told = (record.get("messages"), record.get("executions"))
    return sum(number for number in told if type(number) is int)
