"""Sessions whose words are still to be read into the index: the newest first, cut into parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

__all__ = ["Waiting", "blocks", "waiting"]

# How many sessions and entries are read in one transaction: a second of work at the most, and few transactions.
_BLOCK: Final = 1_000


class Waiting(NamedTuple):
    """A session whose words are to be read: its row's id, its name, when it changed, how many entries it has."""

    session: int
    name: str
    updated: int
    entries: int


def waiting(connection: sqlite3.Connection) -> list[Waiting]:
    """The sessions whose words are to be read, newest first."""
    rows = connection.execute(
        "SELECT id, name, updated, messages + executions FROM sessions INDEXED BY sessions_unindexed"
        " WHERE indexed_title IS NULL ORDER BY updated DESC, name"
    )
    return [Waiting(*row) for row in rows]


def blocks(found: Sequence[Waiting]) -> Iterator[Sequence[Waiting]]:
    """Cut the sessions that wait into parts that take about as long each."""
    start = size = 0
    for number, item in enumerate(found):
        size += 1 + item.entries
        if size >= _BLOCK:
            yield found[start : number + 1]
            start, size = number + 1, 0
    if start < len(found):
        yield found[start:]
