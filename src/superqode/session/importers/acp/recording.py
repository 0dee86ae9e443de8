"""A recording of the protocol: one JSON line a message, `{"t": seconds, "dir": "client->agent", "msg": …}`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from superqode.session.importers.base import Receipt, Source
from superqode.session.importers.fields import epoch_time, mapping_at, parse_time, text_at
from superqode.session.importers.lines import read_records

__all__ = ["Line", "is_recording", "read_recording"]

_DIRECTIONS: Final = {"agent->client": True, "client->agent": False}
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
# How many records at a file's beginning are looked at to recognise it.
_LOOK: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a recording.

    Attributes:
        message: the JSON-RPC message; empty where the line holds none.
        from_agent: whether the agent sent it.
        time: when, aware UTC.
    """

    message: Mapping[str, Any]
    from_agent: bool
    time: datetime


def is_recording(name: str, head: bytes) -> bool:
    """Whether a file begins as a recording does."""
    start = Source(name, lambda: io.BytesIO(head))
    records = islice(read_records(start, Receipt()), _LOOK)
    if any(text_at(record, "dir") in _DIRECTIONS and ("msg" in record or "raw" in record) for _, record in records):
        return True
    # A first record longer than what is looked at: its beginning tells enough.
    return b"\n" not in head and b'"dir"' in head[:200] and b'"msg"' in head[:200] and b'"jsonrpc"' in head[:300]


def read_recording(source: Source, receipt: Receipt) -> Iterator[Line]:
    """Give the messages of a recording; the receipt has counted their lines.

    Raises:
        TranscriptError: it cannot be read.
    """
    now = _EPOCH
    for _, record in read_records(source, receipt):
        now = _time(record.get("t"), now)
        direction = text_at(record, "dir")
        if direction not in _DIRECTIONS:
            yield Line({}, from_agent=False, time=now)
        else:
            yield Line(mapping_at(record, "msg"), from_agent=_DIRECTIONS[direction], time=now)


def _time(told: object, otherwise: datetime) -> datetime:
    for read in (epoch_time, parse_time):
        try:
            return read(told)
        except ValueError:
            continue
    return otherwise
