"""Full-text search over titles, tags, messages and tool text, best first."""

from __future__ import annotations

import sqlite3
from typing import Any

from superqode.session.codec.plain import plain_entry
from superqode.session.errors import CorruptObject, InvalidEntry
from superqode.session.git.repository import Repository
from superqode.session.store.index.catalogue import Catalogue, Progress
from superqode.session.store.index.filters import Filter
from superqode.session.store.index.moments import from_micros
from superqode.session.store.index.words import entry_text, match_expression, snippet
from superqode.session.store.results import SearchHit
from superqode.session.store.timeline_files import read_files, walk_timeline

__all__ = ["search"]


def search(
    repository: Repository,
    catalogue: Catalogue,
    query: str,
    wanted: Filter,
    limit: int,
    progress: Progress | None,
) -> list[SearchHit]:
    """Give the best hits: titles and tags first, then entries; nothing for a text without words."""
    expression = match_expression(query)
    if not expression or limit <= 0:
        return []

    def find(connection: sqlite3.Connection) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        found = _ask(connection, _TITLES, expression, wanted, limit)
        return found, _ask(connection, _ENTRIES, expression, wanted, limit - len(found))

    titles, entries = catalogue.ask(find, progress)
    hits = [_title_hit(row, query) for row in titles]
    return hits + [_entry_hit(repository, row, query) for row in entries]


_TITLES = (
    "SELECT sessions.name, sessions.title, sessions.tags, sessions.updated FROM titles"
    " JOIN sessions ON sessions.id = titles.rowid WHERE titles MATCH ?{more}"
    " ORDER BY titles.rank, sessions.updated DESC"
)
_ENTRIES = (
    "SELECT sessions.name, sessions.title, sessions.updated, sessions.timeline, entries.entry, entries.position,"
    " entries.kind FROM words JOIN entries ON entries.text = words.rowid JOIN sessions ON sessions.id = entries.session"
    " WHERE words MATCH ?{more} ORDER BY words.rank, sessions.updated DESC, entries.position"
)


def _ask(
    connection: sqlite3.Connection, query: str, expression: str, wanted: Filter, limit: int
) -> list[tuple[Any, ...]]:
    if limit <= 0:
        return []
    more = "".join(f" AND {condition}" for condition in wanted.conditions)
    rows = connection.execute(query.format(more=more) + " LIMIT ?", [expression, *wanted.values, limit])
    return rows.fetchall()


def _title_hit(row: tuple[Any, ...], query: str) -> SearchHit:
    name, title, _tags, updated = row
    shown, marks = snippet(title, query)
    return SearchHit(name, title, "", -1, "title", shown, marks, from_micros(updated))


def _entry_hit(repository: Repository, row: tuple[Any, ...], query: str) -> SearchHit:
    name, title, updated, timeline, entry_id, position, kind = row
    try:
        files = next(walk_timeline(repository.objects, timeline, position))
        raw = read_files(repository.objects, files)
        text = entry_text(plain_entry(raw.json, raw.side))
    except (CorruptObject, InvalidEntry, StopIteration):
        text = ""  # the word was there; what is left of the entry `verify` tells
    shown, marks = snippet(text, query)
    return SearchHit(name, title, entry_id, position, kind, shown, marks, from_micros(updated))
