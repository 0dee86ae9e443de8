"""What a writer knows while it writes one file of records: whose they are, what they follow, what time it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from superqode.session.handoff.base import Receipt
from superqode.session.handoff.names import iso_time, make_uuid

__all__ = ["Script", "write_document", "write_lines"]

_LONGEST_TITLE: Final = 200


@dataclass(slots=True)
class Script:
    """The file being written.

    Attributes:
        session_id: the session's id at the agent.
        project: the folder it works in.
        now: the present moment, aware UTC.
        title: the session's title, one line; empty for none.
        model: the model that answered last, where the session tells; else empty.
        last: the id of the record that the next one follows; None at the beginning.
        ordinal: the next record's number, in files that number them; None in others.
        time: the time of the last record; no record is earlier than the one before it.
    """

    session_id: str
    project: str
    now: datetime
    title: str = ""
    model: str = ""
    last: str | None = None
    ordinal: int | None = None
    time: datetime = field(default=datetime.min.replace(tzinfo=UTC))

    def __post_init__(self) -> None:
        self.title = " ".join(self.title.split())[:_LONGEST_TITLE]

    def at(self, moment: datetime) -> str:
        """Give a record's time as the agents write it."""
        self.time = max(self.time, moment)
        return iso_time(self.time)

    def follow(self, own_id: str = "") -> tuple[str, str | None]:
        """Give the ids of the next record, which is the last one then, and of the record it follows.

        Args:
            own_id: an id to keep where it is a UUID.
        """
        before = self.last
        made = make_uuid(self.session_id, before or "", own_id)
        self.last = own_id if own_id and make_uuid(own_id) == own_id else made
        return self.last, before


def write_lines(records: Iterable[Mapping[str, Any]], receipt: Receipt) -> bytes:
    """Write records, one a line, as the agents do."""
    return b"".join(write_document(record, receipt) for record in records)


def write_document(value: Mapping[str, Any], receipt: Receipt) -> bytes:
    """Write one JSON document and a newline, as the agents do: compact and in UTF-8.

    Lone surrogates, which no vendor's API takes, become replacement characters.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        receipt.change("texts that are not valid Unicode")
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode() + b"\n"
