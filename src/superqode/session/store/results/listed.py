"""What a listing gives for each session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from superqode.session.store.results.record import Record

__all__ = ["SessionSummary"]


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
