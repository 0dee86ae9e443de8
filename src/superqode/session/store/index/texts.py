"""A session's entries → the full-text tables. Equal entries (of forks, say) are stored once.

The word table keeps no text, only words: what a hit says is read from Git, for the few hits that are shown. Entries
that no session has any more stay in it until the index is made anew; nothing finds them, as no row leads there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from superqode.session.codec import jsontext
from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry
from superqode.session.git.objects import Objects
from superqode.session.git.repository import Repository
from superqode.session.models import Entry, Message
from superqode.session.store.index.moments import to_micros
from superqode.session.store.index.words import entry_text, segment
from superqode.session.store.state import read_entry
from superqode.session.store.timeline_files import EntryFiles, walk_timeline
from superqode.session.store.timeline_tree import common_entries
from superqode.session.store.usage import usage_of

__all__ = ["forget_session", "index_session"]

_COLUMNS: Final = "(key, moment, agent, tool, failed, input, output, dollars) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def forget_session(connection: sqlite3.Connection, session: int) -> None:
    """Take a session out of the full-text tables."""
    connection.execute("DELETE FROM entries WHERE session = ?", (session,))
    connection.execute("DELETE FROM titles WHERE rowid = ?", (session,))


def index_session(connection: sqlite3.Connection, repository: Repository, session: int, name: str) -> None:
    """Bring the full-text tables up to date with a session's row; damaged entries are left out."""
    row = connection.execute(
        "SELECT title, tags, project, timeline, indexed_timeline FROM sessions WHERE id = ?", (session,)
    ).fetchone()
    if row is None:
        return  # another process noticed meanwhile that it is deleted
    title, tags, project, timeline, indexed = row
    connection.execute("DELETE FROM titles WHERE rowid = ?", (session,))
    described = " ".join([title, *jsontext.load(tags), project.rpartition("/")[2], name])
    connection.execute("INSERT INTO titles (rowid, body) VALUES (?, ?)", (session, segment(described)))
    if timeline != indexed:
        keep = _still_same(repository.objects, indexed, timeline)
        connection.execute("DELETE FROM entries WHERE session = ? AND position >= ?", (session, keep))
        for position, files in _readable(repository.objects, timeline, keep):
            _index_entry(connection, repository.objects, session, position, files)
    connection.execute(
        "UPDATE sessions SET indexed_timeline = timeline, indexed_title = title WHERE id = ?", (session,)
    )


def _still_same(objects: Objects, indexed: str | None, timeline: str | None) -> int:
    try:
        return common_entries(objects, indexed, timeline)
    except CorruptObject:
        return 0  # the old tree was pruned: read all


def _readable(objects: Objects, timeline: str | None, start: int) -> Iterator[tuple[int, EntryFiles]]:
    try:
        yield from enumerate(walk_timeline(objects, timeline, start), start)
    except (CorruptObject, InvalidEntry):
        return  # `verify` tells; what came before is found


def _index_entry(
    connection: sqlite3.Connection, objects: Objects, session: int, position: int, files: EntryFiles
) -> None:
    try:
        entry = read_entry(objects, files)
    except (CorruptObject, CorruptSession, InvalidEntry):
        return
    known = connection.execute("SELECT id FROM texts WHERE key = ?", (files.key,)).fetchone()
    if known is None:
        text = connection.execute(f"INSERT INTO texts {_COLUMNS}", (files.key, *_facts(entry))).lastrowid
        connection.execute("INSERT INTO words (rowid, body) VALUES (?, ?)", (text, segment(entry_text(vars(entry)))))
    else:
        text = known[0]
    kind = entry.role.value if isinstance(entry, Message) else "call"
    connection.execute(
        "INSERT INTO entries (session, position, text, kind, entry) VALUES (?, ?, ?, ?, ?)",
        (session, position, text, kind, _storable(entry.id)),
    )


def _facts(entry: Entry) -> tuple[Any, ...]:
    """What is kept of an entry beside its words: moment, agent, tool, whether it failed, tokens, dollars."""
    about = to_micros(entry.timestamp), _storable(entry.agent_name or "")
    if isinstance(entry, Message):
        told = usage_of(entry.metadata)
        return *about, None, 0, told.input_tokens, told.output_tokens, told.dollars
    return *about, _storable(entry.tool_name), int(not entry.success), None, None, None


def _storable(text: str) -> str:
    """SQLite stores UTF-8 only."""
    return text.encode("utf-8", "replace").decode()
