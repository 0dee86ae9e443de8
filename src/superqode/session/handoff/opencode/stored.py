"""opencode's sessions as its export has them, wherever opencode keeps them, and the model it was last used with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from superqode.session.codec.jsontext import dump_text
from superqode.session.errors import SessionError
from superqode.session.handoff.again import content_of
from superqode.session.importers.base import Receipt, Source
from superqode.session.importers.fields import mapping_at, text_at
from superqode.session.importers.lines import parse_json
from superqode.session.importers.opencode.database import check_tables, sessions_of
from superqode.session.importers.opencode.records import Stored
from superqode.session.importers.opencode.tree import place_of, read_tree
from superqode.session.importers.sqlitefile import MAGIC, Connection, SqliteError, opened_copy

__all__ = ["FOREIGN", "Kept", "export_of", "look", "model_name"]

# What stands for a model that opencode does not know.
FOREIGN: Final = "superqode"
# How many messages are looked at to find the model that was used last.
_LOOK: Final = 50
_NEWEST: Final = "SELECT data FROM message ORDER BY time_created DESC LIMIT ?"


@dataclass(slots=True)
class Kept:
    """What opencode has.

    Attributes:
        exports: the sessions asked for that are there, each as an export, by id.
        model: the model that was used last, as `provider/model`; empty where none was.
    """

    exports: dict[str, bytes] = field(default_factory=dict)
    model: str = ""


def look(source: Source, own: str, others: Iterable[str] = ()) -> Kept:
    """Look into opencode's database: a copy of it, since reading one moves its log.

    Args:
        source: the database, with its log beside it.
        own: the id of a session that may be there; empty for none.
        others: more of them, in order; the first that is not there is the last that is looked for.

    Returns:
        What is there; nothing where there is no database, or none that can be read.
    """
    kept = Kept()
    try:
        with opened_copy(source) as connection:
            check_tables(source, connection)
            kept.model = _last_model(connection)
            known = {str(row["id"]) for row in connection.execute("SELECT id FROM session")}
            there = takewhile(known.__contains__, others)
            for session_id in {*known.intersection([own]), *there}:
                kept.exports[session_id] = _exported(connection, session_id)
    except (SessionError, SqliteError, ValueError):
        return kept
    return kept


def export_of(source: Source, session_id: str) -> bytes:
    """Give one session of an export, a database or a storage of small files, as an export; empty where there is none.

    Args:
        source: what the session was imported from, with the files that belong to it.
        session_id: opencode's id of it.
    """
    try:
        head = source.head()
        if head.startswith(MAGIC):
            return look(source, session_id).exports.get(session_id, b"")
        if place := place_of(source.name, head):
            return _export(read_tree(source, place, Receipt()))
    except (SessionError, ValueError, OSError):
        return b""
    return content_of(source.open)


def model_name(model: dict[str, Any]) -> str:
    """Give a model as people write it, `provider/model`; empty where the record names none."""
    provider, name = text_at(model, "providerID"), text_at(model, "modelID")
    return f"{provider}/{name}" if provider and name and provider != FOREIGN else ""


def _exported(connection: Connection, session_id: str) -> bytes:
    return next((_export(stored) for stored, _ in sessions_of(connection) if stored.id == session_id), b"")


def _export(stored: Stored) -> bytes:
    messages = [{"info": message.info, "parts": message.parts} for message in stored.messages]
    return dump_text({"info": {**stored.info, "id": stored.id}, "messages": messages}).encode("utf-8", "replace")


def _last_model(connection: Connection) -> str:
    for row in connection.execute(_NEWEST, (_LOOK,)):
        try:
            told = parse_json(row["data"])
        except (TypeError, ValueError):
            continue
        if isinstance(told, dict) and (found := model_name(mapping_at(told, "model"))):
            return found
    return ""
