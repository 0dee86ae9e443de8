"""The session that FORMAT.md shows, made with a fixed clock, fixed ids and a fixed committer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.clock import set_clock
from superqode.session.entropy import set_entropy
from superqode.session.models import Message, ToolExecution

START = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)


def make_example(folder: Path) -> None:
    """Make the example store in an empty folder."""
    numbers = count()
    set_clock(lambda: START)
    set_entropy(lambda size: bytes(next(numbers) % 256 for _ in range(size)))
    try:
        with SessionStore(folder, user=("Ada Example", "ada@example.invalid")) as store:
            _fill(store)
    finally:
        set_clock(None)
        set_entropy(None)


def _fill(store: SessionStore) -> None:
    session = Session(id="session-123", title="Fix SQL injection", created_at=START, tags=["security"])
    session.project_path = "/path/to/project"
    prompt = "Fix the SQL injection vulnerability"
    session.add(Message(id="msg-1", role=MessageRole.USER, content=prompt, timestamp=START))
    store.save(session)
    later = START + timedelta(minutes=1)
    answer = "I'll fix that…"
    session.add(Message(id="msg-2", role="assistant", content=answer, timestamp=later, agent_name="security_tester"))
    session.add(
        ToolExecution(
            id="call-1",
            tool_name="edit_file",
            arguments={"path": "/path/to/project/src/api/users.py"},
            result="-" * 9000 + "\n",
            success=True,
            duration_ms=45,
            timestamp=later,
            agent_name="security_tester",
        )
    )
    session.create_snapshot("Before review", snapshot_id="before-review", created_at=later)
    store.save(session)
    other = Session(id="session-124", title="Fix the login bug", created_at=START)
    other.add(Message(id="msg-3", role=MessageRole.USER, content="Why can nobody log in?", timestamp=START))
    store.save(other)
    store.delete(other.id)
