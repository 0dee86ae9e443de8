"""What happened when, by whom and with which tool: sums over the index. An entry that forks share counts once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from superqode.session.store.index.catalogue import Catalogue, Progress
from superqode.session.store.index.filters import Filter
from superqode.session.store.index.moments import from_micros

__all__ = ["Activity", "Sums", "gather"]

# A quarter of an hour in microseconds: in every zone on earth days begin at one.
_QUARTER: Final = 900_000_000

_CHOSEN: Final = "SELECT entries.text FROM entries JOIN sessions ON sessions.id = entries.session"


@dataclass(frozen=True, slots=True)
class Activity:
    """Entries of one kind, agent and tool in one quarter of an hour.

    Attributes:
        start: when the quarter began.
        call: whether they are tool calls, not messages.
        agent: who, or empty.
        tool: which tool, or empty.
        count: how many.
        failed: how many of the calls failed.
    """

    start: datetime
    call: bool
    agent: str
    tool: str
    count: int
    failed: int


@dataclass(frozen=True, slots=True)
class Sums:
    """All that is counted of the wanted sessions.

    Attributes:
        activity: what happened, in no order.
        made: when each session was made.
        agents: how many sessions each agent took part in.
        tags: how many sessions have each tag.
        projects: sessions, messages and tool calls of each project, most sessions first.
        usage: tokens in, tokens out, dollars, and how many sessions told anything.
    """

    activity: list[Activity]
    made: list[datetime]
    agents: dict[str, int]
    tags: dict[str, int]
    projects: list[tuple[str, int, int, int]]
    usage: tuple[int, int, float, int]


def gather(catalogue: Catalogue, wanted: Filter, progress: Progress | None) -> Sums:
    """Count, from an index that is up to date."""

    def ask(connection: sqlite3.Connection) -> Sums:
        return Sums(
            list(_activity(connection, wanted)),
            _made(connection, wanted),
            _labels(connection, wanted, "agent"),
            _labels(connection, wanted, "tag"),
            _projects(connection, wanted),
            _usages(connection, wanted),
        )

    return catalogue.ask(ask, progress)


def _activity(connection: sqlite3.Connection, wanted: Filter) -> Iterator[Activity]:
    """Count the entries of the wanted sessions and time, in no order."""
    rows = connection.execute(
        f"SELECT texts.moment / {_QUARTER}, texts.tool IS NOT NULL, texts.agent, coalesce(texts.tool, ''),"  # noqa: S608 - own text
        f" count(*), sum(texts.failed) FROM texts WHERE texts.id IN ({_CHOSEN}{wanted.where()}){wanted.during}"
        " GROUP BY 1, 2, 3, 4",
        [*wanted.values, *wanted.moments],
    )
    for quarter, call, agent, tool, count, failed in rows:
        yield Activity(from_micros(quarter * _QUARTER), bool(call), agent, tool, count, failed)


def _usages(connection: sqlite3.Connection, wanted: Filter) -> tuple[int, int, float, int]:
    """Sum what agents told: tokens in, tokens out, dollars, and how many sessions told anything.

    What a session as a whole tells counts where none of its messages tells it, and only without limits of time.
    """
    values = [*wanted.values, *wanted.moments]
    told = " AND (texts.input IS NOT NULL OR texts.output IS NOT NULL OR texts.dollars IS NOT NULL)"
    by_entry = connection.execute(
        "SELECT coalesce(sum(input), 0), coalesce(sum(output), 0), coalesce(sum(dollars), 0.0) FROM texts"  # noqa: S608 - own text
        f" WHERE texts.id IN ({_CHOSEN}{wanted.where()}){told}{wanted.during}",
        values,
    ).fetchone()
    speaking = (
        "SELECT entries.session FROM entries JOIN texts ON texts.id = entries.text"  # noqa: S608 - own text
        f" WHERE entries.text IN (SELECT id FROM texts WHERE 1{told}{wanted.during})"
    )
    chosen = f"SELECT sessions.id FROM sessions{wanted.where()}"  # noqa: S608 - own text
    sessions = connection.execute(
        f"SELECT count(DISTINCT entries.session) FROM entries WHERE entries.session IN ({chosen})"  # noqa: S608 - own text
        f" AND entries.session IN ({speaking})",
        values,
    ).fetchone()[0]
    if wanted.during:
        return (*by_entry, sessions)
    whole = connection.execute(
        "SELECT coalesce(sum(input), 0), coalesce(sum(output), 0), coalesce(sum(dollars), 0.0), count(*) FROM sessions"  # noqa: S608 - own text
        f"{wanted.where() or ' WHERE 1'} AND id NOT IN ({speaking})"
        " AND (input IS NOT NULL OR output IS NOT NULL OR dollars IS NOT NULL)",
        values,
    ).fetchone()
    return by_entry[0] + whole[0], by_entry[1] + whole[1], by_entry[2] + whole[2], sessions + whole[3]


def _made(connection: sqlite3.Connection, wanted: Filter) -> list[datetime]:
    """When each of the wanted sessions was made."""
    rows = connection.execute(f"SELECT created FROM sessions{wanted.where()}", wanted.values)  # noqa: S608 - own text
    return [from_micros(created) for (created,) in rows]


def _labels(connection: sqlite3.Connection, wanted: Filter, kind: str) -> dict[str, int]:
    """How many of the wanted sessions have each label (`tag` or `agent`)."""
    rows = connection.execute(
        "SELECT labels.label, count(*) FROM labels JOIN sessions ON sessions.id = labels.session"  # noqa: S608 - own text
        f"{wanted.where() or ' WHERE 1'} AND labels.kind = ? GROUP BY labels.label",
        [*wanted.values, kind],
    )
    return dict(rows.fetchall())


def _projects(connection: sqlite3.Connection, wanted: Filter) -> list[tuple[str, int, int, int]]:
    """Sessions, messages and tool calls of each project, most sessions first."""
    rows = connection.execute(
        "SELECT project, count(*), sum(messages), sum(executions) FROM sessions"  # noqa: S608 - own text
        f"{wanted.where()} GROUP BY project ORDER BY 2 DESC, 3 DESC, project",
        wanted.values,
    )
    return rows.fetchall()
