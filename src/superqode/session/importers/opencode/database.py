"""opencode's database, from 1.1 on: tables `session`, `message` and `part`, most of it JSON in `data`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import HEAD_BYTES, Receipt, Source
from superqode.session.importers.lines import parse_json
from superqode.session.importers.opencode.records import Digest, Stored, StoredMessage, began_before
from superqode.session.importers.sqlitefile import MAGIC, Connection, Row, plain_tables, wal_head

__all__ = ["check_tables", "is_database", "sessions_of"]

# Column → field of the record that an export has.
_FIELDS: Final = {
    "project_id": "projectID",
    "parent_id": "parentID",
    "slug": "slug",
    "directory": "directory",
    "title": "title",
    "version": "version",
    "cost": "cost",
}
_JSON_FIELDS: Final = ("revert", "model")
_TIMES: Final = {"time_created": "created", "time_updated": "updated", "time_archived": "archived"}
_NEEDED: Final = {
    "session": frozenset(("id", "time_created")),
    "message": frozenset(("id", "session_id", "time_created", "data")),
    "part": frozenset(("id", "message_id", "data")),
}
# Milliseconds up to the year 9999.
_LATEST: Final = 253_402_300_800_000
_TABLE: Final = re.compile(rb"CREATE TABLE [`\"]?(?:part|session|message)[`\"]?\s*\(")


def is_database(source: Source, head: bytes) -> bool:
    """Whether this is opencode's database: its tables stand in it or in its log, or its name says so and it is full."""
    if not head.startswith(MAGIC):
        return False
    log = wal_head(source, HEAD_BYTES)
    if len(set(_TABLE.findall(head + log))) >= len(_NEEDED):
        return True
    named = re.search(r"(?:^|/)opencode[^/]*\.db$", source.name) is not None
    # A short file without tables is one that opencode never wrote to.
    return named and (len(head) >= 32 * 1024 or len(log) > 32)


def check_tables(source: Source, connection: Connection) -> None:
    """See that the tables are there.

    Raises:
        TranscriptError: they are not.
    """
    tables = plain_tables(connection)
    if any(columns - tables.get(name, frozenset()) for name, columns in _NEEDED.items()):
        raise TranscriptError(source.name, "it is an SQLite database, and none that opencode keeps sessions in")


def sessions_of(connection: Connection) -> Iterator[tuple[Stored, Receipt]]:
    """Give each session with its receipt; its messages must be gone through before the next one is asked for."""
    for row in connection.execute("SELECT * FROM session ORDER BY id").fetchall():
        receipt = Receipt()
        digest = Digest()
        info = _info(row, receipt)
        session_id = str(row["id"])
        digest.take(repr(sorted((name, str(value)) for name, value in info.items())))
        stored = Stored(session_id, _messages(connection, session_id, receipt, digest), digest, info)
        if began_before(info, _first_times(connection, session_id)):
            stored.forked_from = _origin(connection, session_id)
        yield stored, receipt


def _info(row: Row, receipt: Receipt) -> dict[str, Any]:
    """Give a session's row in the shape of an export."""
    columns = row.keys()
    info: dict[str, Any] = {"id": str(row["id"])}
    info.update({field: row[name] for name, field in _FIELDS.items() if name in columns and row[name] is not None})
    for name in _JSON_FIELDS:
        if name in columns and isinstance(row[name], str):
            info[name] = _object(row[name], receipt, f"session {info['id']}, {name}")
    info["time"] = {field: row[name] for name, field in _TIMES.items() if name in columns and row[name] is not None}
    tokens = {name.removeprefix("tokens_"): row[name] for name in columns if name.startswith("tokens_") and row[name]}
    if tokens:
        info["tokens"] = tokens
    return {name: value for name, value in info.items() if isinstance(value, str | int | float | dict)}


def _messages(connection: Connection, session_id: str, receipt: Receipt, digest: Digest) -> Iterator[StoredMessage]:
    ordered = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
    for row in connection.execute(ordered, (session_id,)):
        message_id, data = str(row["id"]), row["data"]
        digest.take(message_id, _text(data))
        info = _object(data, receipt, f"message {message_id}")
        parts = []
        for part in connection.execute("SELECT id, data FROM part WHERE message_id = ? ORDER BY id", (message_id,)):
            digest.take(str(part["id"]), _text(part["data"]))
            if value := _object(part["data"], receipt, f"part {part['id']}"):
                parts.append({**value, "id": str(part["id"])})
        if not info:
            answered = any(part.get("type") in ("step-start", "tool", "reasoning") for part in parts)
            info = {"role": "assistant" if answered else "user"}
            receipt.lines -= 1  # the message was counted as damaged
            receipt.mapped -= 1
        yield StoredMessage({**info, "id": message_id}, parts)


def _text(data: object) -> str | bytes:
    return data if isinstance(data, str | bytes) else repr(data)


def _object(data: object, receipt: Receipt, where: str) -> dict[str, Any]:
    try:
        value = parse_json(data) if isinstance(data, str) else None
    except ValueError as problem:
        receipt.lines += 1
        receipt.problem(f"{where}: not readable as JSON ({problem})")
        return {}
    if not isinstance(value, dict):
        receipt.lines += 1
        receipt.problem(f"{where}: not a JSON object")
        return {}
    return value


def _first_times(connection: Connection, session_id: str) -> list[float]:
    ordered = "SELECT time_created FROM message WHERE session_id = ? ORDER BY time_created, id LIMIT 1"
    rows = connection.execute(ordered, (session_id,))
    return [float(row[0]) for row in rows if isinstance(row[0], int) and 0 < row[0] < _LATEST]


def _origin(connection: Connection, session_id: str) -> str:
    """Find the oldest session that begins as this one does: a fork takes over messages with their times."""
    times = _first_times(connection, session_id)
    for row in connection.execute("SELECT id FROM session ORDER BY time_created, id").fetchall():
        if row["id"] != session_id and times and _first_times(connection, str(row["id"])) == times:
            return str(row["id"])
    return ""
