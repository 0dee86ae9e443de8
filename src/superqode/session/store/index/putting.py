"""A session's row in the index, with its labels: put there, and taken out."""

from __future__ import annotations

import sqlite3

from superqode.session.codec import jsontext
from superqode.session.store.index import texts
from superqode.session.store.index.filters import folded, storable
from superqode.session.store.index.rows import Row

__all__ = ["drop_session", "drop_words", "put_row"]


def put_row(connection: sqlite3.Connection, row: Row) -> None:
    """Insert or update a session's row and labels; its texts are to be looked at again."""
    values = (
        row.oid,
        storable(row.title),
        row.created,
        row.updated,
        storable(row.project),
        row.messages,
        row.executions,
        storable(jsontext.dump_text(list(row.agents))),
        storable(jsontext.dump_text(list(row.tags))),
        None if row.parent is None else storable(row.parent),
        None if row.told is None else storable(row.told),
        storable(row.problem),
        row.timeline,
        None if row.identity is None else storable(row.identity.origin),
        None if row.identity is None else storable(row.identity.folder),
        row.usage.input_tokens,
        row.usage.output_tokens,
        row.usage.dollars,
        storable(folded(row.title, row.tags)),
    )
    name = storable(row.name)
    connection.execute(
        "INSERT INTO sessions (name, oid, title, created, updated, project, messages, executions, agents, tags, parent,"
        " told, problem, timeline, origin, folder, input, output, dollars, folded)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET (oid, title, created, updated, project, messages, executions, agents, tags,"
        " parent, told, problem, timeline, origin, folder, input, output, dollars, folded, indexed_title)"
        " = (excluded.oid, excluded.title, excluded.created, excluded.updated, excluded.project, excluded.messages,"
        " excluded.executions, excluded.agents, excluded.tags, excluded.parent, excluded.told, excluded.problem,"
        " excluded.timeline, excluded.origin, excluded.folder,"
        " excluded.input, excluded.output, excluded.dollars, excluded.folded, NULL)",
        (name, *values),
    )
    session = connection.execute("SELECT id FROM sessions WHERE name = ?", (name,)).fetchone()[0]
    connection.execute("DELETE FROM labels WHERE session = ?", (session,))
    labels = {("tag", storable(tag)) for tag in row.tags} | {("agent", storable(agent)) for agent in row.agents}
    labels |= {("root", root) for root in row.identity.roots} if row.identity is not None else set()
    labels |= {("finding", severity) for severity in row.findings}
    connection.executemany("INSERT INTO labels VALUES (?, ?, ?)", [(*label, session) for label in sorted(labels)])


def drop_words(connection: sqlite3.Connection) -> None:
    """Take all that is searched out; it is read anew when somebody searches."""
    made = connection.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name IN ('texts', 'entries', 'words', 'titles') AND sql IS NOT NULL"
        " ORDER BY type DESC"  # tables before their indexes
    ).fetchall()
    for table in ("texts", "entries", "words", "titles"):
        connection.execute(f"DROP TABLE {table}")
    for (statement,) in made:
        connection.execute(statement)
    connection.execute("UPDATE sessions SET indexed_title = NULL, indexed_timeline = NULL")


def drop_session(connection: sqlite3.Connection, name: str) -> None:
    """Take a session's row out, with its labels and texts."""
    found = connection.execute("SELECT id FROM sessions WHERE name = ?", (storable(name),)).fetchone()
    if found is None:
        return
    texts.forget_session(connection, found[0])
    connection.execute("DELETE FROM labels WHERE session = ?", found)
    connection.execute("DELETE FROM sessions WHERE id = ?", found)
