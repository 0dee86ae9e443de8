"""A session's entries → the full-text tables. Equal entries (of forks, say) are stored once.

The word table keeps no text, only words: what a hit says is read from Git, for the few hits that are shown. Entries
that no session has any more stay in it until the index is made anew; nothing finds them, as no row leads there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry
from superqode.session.git.objects import Objects
from superqode.session.git.repository import Repository
from superqode.session.models import Entry, Message
from superqode.session.store.index.filters import storable
from superqode.session.store.index.moments import to_micros
from superqode.session.store.index.summaries import labels_of
from superqode.session.store.index.waiting import Waiting
from superqode.session.store.index.words import described, entry_text, segment
from superqode.session.store.state import read_entry
from superqode.session.store.timeline_files import EntryFiles, walk_timeline
from superqode.session.store.timeline_tree import common_entries
from superqode.session.store.usage import usage_of

__all__ = ["forget_session", "index_block"]

_COLUMNS: Final = "(id, key, moment, agent, tool, failed, input, output, dollars) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Ids for texts begin there at the most: FTS5 writes small ones with fewer bytes.
_MOST: Final = 1 << 40


def forget_session(connection: sqlite3.Connection, session: int) -> None:
    """Take a session out of the full-text tables."""
    connection.execute("DELETE FROM entries WHERE session = ?", (session,))
    connection.execute("DELETE FROM titles WHERE rowid = ?", (session,))


def index_block(connection: sqlite3.Connection, repository: Repository, block: Sequence[Waiting]) -> None:
    """Bring the full-text tables up to date with the rows of sessions; damaged entries are left out.

    What is newer gets the greater ids, whatever is read first: a search begins with the greatest.
    """
    read = connection.execute(
        "SELECT updated FROM sessions WHERE indexed_title IS NOT NULL ORDER BY updated DESC LIMIT 1"
    ).fetchone()
    is_newest = read is not None and block[0].updated >= read[0]
    places = None if is_newest else _below(connection, block)
    with repository.objects.reading_many():
        for item in reversed(block):
            _index_session(connection, repository, item.session, item.name, places)


def _below(connection: sqlite3.Connection, block: Sequence[Waiting]) -> Iterator[int]:
    """Ids for the texts of older sessions, below all there are; the first leave room for what is still to come."""
    lowest = connection.execute("SELECT min(id) FROM texts").fetchone()[0]
    if lowest is None:
        told = connection.execute("SELECT total(messages + executions) FROM sessions").fetchone()[0]
        lowest = 1 + int(min(told, _MOST))
    # What a save says of its length may be wrong: whose texts find no place here are put on top.
    return iter(range(lowest - sum(min(item.entries, _MOST) for item in block), lowest))


def _index_session(
    connection: sqlite3.Connection, repository: Repository, session: int, name: str, places: Iterator[int] | None
) -> None:
    row = connection.execute(
        "SELECT title, tags, project, timeline, indexed_timeline, indexed_title IS NULL FROM sessions WHERE id = ?",
        (session,),
    ).fetchone()
    if row is None or not row[-1]:
        return  # another process noticed meanwhile that it is deleted, or read it
    title, tags, project, timeline, indexed, _ = row
    connection.execute("DELETE FROM titles WHERE rowid = ?", (session,))
    connection.execute(
        "INSERT INTO titles (rowid, body) VALUES (?, ?)", (session, described(title, labels_of(tags), project, name))
    )
    if timeline != indexed:
        keep = _still_same(repository.objects, indexed, timeline)
        connection.execute("DELETE FROM entries WHERE session = ? AND position >= ?", (session, keep))
        for position, files in _readable(repository.objects, timeline, keep):
            _index_entry(connection, repository.objects, session, position, files, places)
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
    connection: sqlite3.Connection,
    objects: Objects,
    session: int,
    position: int,
    files: EntryFiles,
    places: Iterator[int] | None,
) -> None:
    try:
        entry = read_entry(objects, files)
    except (CorruptObject, CorruptSession, InvalidEntry):
        return
    known = connection.execute("SELECT id FROM texts WHERE key = ?", (files.key,)).fetchone()
    if known is None:
        place = None if places is None else next(places, None)  # SQLite's own are above all others
        text = connection.execute(f"INSERT INTO texts {_COLUMNS}", (place, files.key, *_facts(entry))).lastrowid
        connection.execute("INSERT INTO words (rowid, body) VALUES (?, ?)", (text, segment(entry_text(vars(entry)))))
    else:
        text = known[0]
    kind = entry.role.value if isinstance(entry, Message) else "call"
    connection.execute(
        "INSERT INTO entries (session, position, text, kind, entry) VALUES (?, ?, ?, ?, ?)",
        (session, position, text, kind, storable(entry.id)),
    )


def _facts(entry: Entry) -> tuple[Any, ...]:
    """What is kept of an entry beside its words: moment, agent, tool, whether it failed, tokens, dollars."""
    about = to_micros(entry.timestamp), storable(entry.agent_name or "")
    if isinstance(entry, Message):
        told = usage_of(entry.metadata)
        return *about, None, 0, told.input_tokens, told.output_tokens, told.dollars
    return *about, storable(entry.tool_name), int(not entry.success), None, None, None
