"""What agents have in common that keep a session as one file of JSON records, one a line."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from superqode.session.errors import TranscriptError
from superqode.session.handoff.base import PlannedFile, Receipt
from superqode.session.handoff.planning import Planner, Record
from superqode.session.handoff.script import Script, write_lines
from superqode.session.importers.base import Receipt as Reading
from superqode.session.importers.base import Source
from superqode.session.importers.lines import read_records

__all__ = ["JsonlWriter", "Record"]


class JsonlWriter(Planner):
    """Writes sessions for an agent that keeps each in a file of lines; what is new goes behind what is there."""

    def read(self, data: bytes, name: str) -> Iterator[Record]:
        """Give the records of a file."""
        try:
            for _, record in read_records(Source(name, lambda: io.BytesIO(data)), Reading()):
                yield record
        except TranscriptError:
            return

    def write(self, records: Iterable[Record], script: Script, receipt: Receipt) -> bytes:
        """Write a line for each record."""
        del script
        return write_lines(records, receipt)

    def files(self, path: str, content: bytes, present: bytes) -> tuple[tuple[PlannedFile, ...], bytes]:
        """Give the session's file, or what goes behind it."""
        if not present:
            return (PlannedFile(path, content),), content
        added = content if present.endswith(b"\n") else b"\n" + content
        return (PlannedFile(path, added, len(present)),), present + added
