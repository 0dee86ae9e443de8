"""Sessions whose words are still to be read into the index: the newest first, in parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from superqode.session import clock
from superqode.session.git.repository import Repository
from superqode.session.lazy import lazy_modules
from superqode.session.store.index.database import Database

if TYPE_CHECKING:
    from superqode.session.store.index import texts
else:
    (texts,) = lazy_modules("superqode.session.store.index", "texts")

__all__ = ["Waiting", "read_words"]

# How many sessions and entries are read in one transaction: a second of work at the most, and few transactions.
_BLOCK: Final = 1_000


class Waiting(NamedTuple):
    """A session whose words are to be read: its row's id, its name, when it changed, how many entries it has."""

    session: int
    name: str
    updated: int
    entries: int


def read_words(
    database: Database,
    repository: Repository,
    progress: Callable[[int, int, str], None] | None,
    patience: float | None,
) -> None:
    """Read the words of what changed, the newest first, for so many seconds; cut short, it goes on there next time."""
    if patience is not None and patience <= 0:
        return
    until = None if patience is None else clock.monotonic() + patience
    with database.reading() as connection:
        found = _waiting(connection)
    done = 0
    for block in _blocks(found):
        with database.writing() as connection:
            texts.index_block(connection, repository, block)
        done += len(block)
        if progress is not None:
            progress(done, len(found), "indexing words")
        if until is not None and clock.monotonic() >= until:
            return


def _waiting(connection: sqlite3.Connection) -> list[Waiting]:
    """The sessions whose words are to be read, newest first."""
    rows = connection.execute(
        "SELECT id, name, updated, messages + executions FROM sessions INDEXED BY sessions_unindexed"
        " WHERE indexed_title IS NULL ORDER BY updated DESC, name"
    )
    return [Waiting(*row) for row in rows]


def _blocks(found: Sequence[Waiting]) -> Iterator[Sequence[Waiting]]:
    """Cut the sessions that wait into parts that take about as long each."""
    start = size = 0
    for number, item in enumerate(found):
        size += 1 + item.entries
        if size >= _BLOCK:
            yield found[start : number + 1]
            start, size = number + 1, 0
    if start < len(found):
        yield found[start:]
