"""What a listing and a search give for each session and place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from superqode.session.store.results.record import Record

__all__ = ["ListChanges", "SearchHit", "SessionSummary"]


@dataclass(frozen=True, slots=True)
class SessionSummary(Record):
    """One line of a listing."""

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    project_path: str
    message_count: int
    execution_count: int
    agents_used: tuple[str, ...]
    tags: tuple[str, ...]
    parent_session_id: str | None
    tip: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ListChanges(Record):
    """What changed in the store since a listing of all sessions.

    Attributes:
        generation: what the next question about changes is asked with.
        changed: the ids of the sessions that are new, changed or gone.
        summaries: those of them that are there.
    """

    generation: int
    changed: tuple[str, ...]
    summaries: tuple[SessionSummary, ...]


@dataclass(frozen=True, slots=True)
class SearchHit(Record):
    """One entry (or title) that a search found.

    Attributes:
        session_id: the session it is in.
        title: that session's title.
        entry_id: the entry, or empty where title or tags matched.
        position: the entry's place in the timeline, from 0; -1 where title or tags matched.
        kind: `user`, `assistant`, `system`, `tool`, `call`, or `title`.
        snippet: the text around the match.
        marks: where in the snippet the matches are, as (start, end) in characters.
        updated_at: when the session last changed.
    """

    session_id: str
    title: str
    entry_id: str
    position: int
    kind: str
    snippet: str
    marks: tuple[tuple[int, int], ...]
    updated_at: datetime
