"""What a search gives for each place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from superqode.session.store.results.record import Record

__all__ = ["SearchHit"]


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
