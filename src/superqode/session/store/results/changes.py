"""What a listing gives to whoever has an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

from superqode.session.store.results.listed import SessionSummary
from superqode.session.store.results.record import Record

__all__ = ["ListChanges"]


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
