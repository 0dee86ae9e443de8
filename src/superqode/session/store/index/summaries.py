"""A row of the index → the summary that a listing gives."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import Any, Final, Literal

from superqode.session.store.index.moments import from_micros
from superqode.session.store.results import SessionSummary

__all__ = ["COLUMNS", "LABELS", "LabelKind", "check_types", "known_summary", "labels_of", "summary_of", "told_by"]

LabelKind = Literal["project", "tag", "agent"]

COLUMNS: Final = "name, oid, title, created, updated, project, messages, executions, agents, tags, parent, problem"
_TYPES: Final = (str, str, str, int, int, str, int, int, str, str, str | None, str)

_COUNTED: Final = "SELECT {0}, count(*) FROM {1} WHERE {2} GROUP BY {0} ORDER BY count(*) DESC, {0}"
# What counts the sessions of each project, tag and agent.
LABELS: Final[Mapping[LabelKind, str]] = {
    "project": _COUNTED.format("project", "sessions", "project != ''"),
    "tag": _COUNTED.format("label", "labels", "kind = 'tag'"),
    "agent": _COUNTED.format("label", "labels", "kind = 'agent'"),
}


def known_summary(
    connection: sqlite3.Connection, row: tuple[str, str, str, str | None, int], known: Mapping[str, SessionSummary]
) -> SessionSummary:
    """The summary of an earlier listing where the session is as it was, else a new one."""
    name, oid, problem, parent, session = row
    found = known.get(name)
    if found is not None and (found.tip, found.problem, found.parent_session_id) == (oid, problem, parent):
        return found
    query = f"SELECT {COLUMNS} FROM sessions WHERE id = ?"  # noqa: S608 - own text
    return summary_of(connection.execute(query, (session,)).fetchone())


def told_by(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, str]:
    """Sessions whose last save has the id of one of these others, and that save."""
    found = connection.execute("SELECT told, name, oid FROM sessions WHERE told IS NOT NULL")
    return {name: oid for told, name, oid in found if told in names}


def summary_of(row: tuple[Any, ...]) -> SessionSummary:
    """The summary in a row of `COLUMNS`; raises `sqlite3.DatabaseError` where the row is none of ours."""
    check_types(row, _TYPES)
    name, oid, title, created, updated, project, messages, executions, agents, tags, parent, problem = row
    return SessionSummary(
        id=name,
        title=title,
        created_at=from_micros(created),
        updated_at=from_micros(updated),
        project_path=project,
        message_count=messages,
        execution_count=executions,
        agents_used=labels_of(agents),
        tags=labels_of(tags),
        parent_session_id=parent,
        tip=oid,
        problem=problem,
    )


def check_types(row: Sequence[Any], types: Sequence[type | UnionType]) -> None:
    """Check the values of a row, for SQLite does so only when it writes; raises `sqlite3.DatabaseError`."""
    if not all(map(isinstance, row, types)):
        raise sqlite3.DatabaseError("a row of the index cannot be read")


@lru_cache(maxsize=1024)  # most sessions have the tags and agents of others
def labels_of(text: str) -> tuple[str, ...]:
    """Tags or agents as a row has them; raises `sqlite3.DatabaseError` where it has none."""
    try:
        labels = tuple(json.loads(text))
    except (ValueError, TypeError, RecursionError) as problem:
        raise sqlite3.DatabaseError("a row of the index cannot be read") from problem
    check_types(labels, [str] * len(labels))
    return labels
