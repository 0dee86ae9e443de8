"""Full-text search over titles, tags, messages and tool text, best first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from types import UnionType
from typing import Any, Final, NamedTuple

from superqode.session.codec.plain import plain_entry
from superqode.session.errors import CorruptObject, InvalidEntry
from superqode.session.git.repository import Repository
from superqode.session.store.index.catalogue import Catalogue, Progress
from superqode.session.store.index.filters import Filter, at_most
from superqode.session.store.index.moments import from_micros
from superqode.session.store.index.summaries import check_types, labels_of
from superqode.session.store.index.words import described, entry_text, match_expression, snippet
from superqode.session.store.results import SearchHit
from superqode.session.store.timeline_files import read_files, walk_timeline

__all__ = ["search"]


# Of more hits the best of so many that came last: each takes some microseconds to be weighed.
_WEIGHED: Final = 1_000


def search(
    repository: Repository,
    catalogue: Catalogue,
    query: str,
    wanted: Filter,
    limit: int,
    progress: Progress | None,
    patience: float | None = None,
) -> list[SearchHit]:
    """Give the best hits: titles and tags first, then entries; nothing for a text without words.

    Where very many fit, the best of those that came last. What a session does not have any more is left out, also where
    its words are still to be read.
    """
    expression, limit = match_expression(query), at_most(limit)
    if not expression or not limit:
        return []

    def find(connection: sqlite3.Connection) -> tuple[list[SearchHit], list[tuple[Any, ...]]]:
        found = [_title_hit(row, query) for row in _ask(connection, _TITLES, expression, wanted, limit)]
        titles = [hit for hit in found if hit is not None]
        return titles, _ask(connection, _ENTRIES, expression, wanted, limit - len(titles))

    titles, entries = catalogue.ask(find, progress, patience)
    hits = (_entry_hit(repository, row, query) for row in entries)
    return titles + [hit for hit in hits if hit is not None]


class _Place(NamedTuple):
    """Where words are looked for: a full-text table, what its rows lead to, what is wanted of them, which are equal.

    The first of the columns is when the session changed; `types` are those of all.
    """

    table: str
    joined: str
    columns: str
    types: Sequence[type | UnionType]
    order: str


# CROSS JOIN, for the words are always the first thing to look at.
_TITLES: Final = _Place(
    "titles",
    "titles CROSS JOIN sessions ON sessions.id = titles.rowid",
    "sessions.updated, sessions.name, sessions.title, sessions.tags, sessions.project, titles.body",
    (int, str, str, str, str, str),
    "sessions.updated DESC",
)
_ENTRIES: Final = _Place(
    "words",
    "words CROSS JOIN entries ON entries.text = words.rowid CROSS JOIN sessions ON sessions.id = entries.session",
    "sessions.updated, sessions.name, sessions.title, sessions.timeline, entries.entry, entries.position, entries.kind,"
    " (SELECT key FROM texts WHERE texts.id = entries.text)",
    (int, str, str, str | None, str, int, str, str),
    "sessions.updated DESC, entries.position",
)


def _ask(
    connection: sqlite3.Connection, place: _Place, expression: str, wanted: Filter, limit: int
) -> list[tuple[Any, ...]]:
    if limit <= 0:
        return []
    conditions = [f"{place.table} MATCH ?", *wanted.conditions]
    found = f"FROM {place.joined} WHERE {' AND '.join(conditions)}"
    values = [expression, *wanted.values]
    # The full-text tables give their rows in either order, so what came before these is not looked at.
    rowid = f"{place.table}.rowid"
    number, oldest = connection.execute(
        f"SELECT count(*), min(id) FROM (SELECT {rowid} AS id {found} ORDER BY {rowid} DESC LIMIT ?)",  # noqa: S608 - own text
        [*values, max(limit, _WEIGHED)],
    ).fetchone()
    if not number:
        return []
    rows = connection.execute(
        f"SELECT {place.columns} {found} AND {rowid} >= ? ORDER BY {place.table}.rank, {place.order} LIMIT ?",
        [*values, oldest, limit],
    )
    return [_checked(row, place) for row in rows]


def _checked(row: tuple[Any, ...], place: _Place) -> tuple[Any, ...]:
    """A row with its time; raises one of `files.DAMAGE` where it is none of ours."""
    check_types(row, place.types)
    return from_micros(row[0]), *row[1:]


def _title_hit(row: tuple[Any, ...], query: str) -> SearchHit | None:
    updated, name, title, tags, project, body = row
    if body != described(title, labels_of(tags), project, name):
        return None
    shown, marks = snippet(title, query)
    return SearchHit(name, title, "", -1, "title", shown, marks, updated)


def _entry_hit(repository: Repository, row: tuple[Any, ...], query: str) -> SearchHit | None:
    updated, name, title, timeline, entry_id, position, kind, key = row
    try:
        files = next(walk_timeline(repository.objects, timeline, position), None)
        if files is None or files.key != key:
            return None
        raw = read_files(repository.objects, files)
        text = entry_text(plain_entry(raw.json, raw.side))
    except (CorruptObject, InvalidEntry):
        text = ""  # the word was there; what is left of the entry `verify` tells
    shown, marks = snippet(text, query)
    return SearchHit(name, title, entry_id, position, kind, shown, marks, updated)
