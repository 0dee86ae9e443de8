"""Makes `format-1.bundle` and `format-1.json`: a store of format 1 as it must stay readable for ever.

Run it only to add something to the fixture, never to make a test pass: `python tests/data/make_format_1.py`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from superqode.session import Message, Session, SessionStore, ToolExecution, clock, entropy

HERE = Path(__file__).parent
START = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
USER = ("Ada Example", "ada@example.invalid")


@contextmanager
def fixed_time_and_chance() -> Iterator[None]:
    """Let every look at the clock be a second later, and chance a fixed sequence."""
    looks = iter(range(1_000_000))
    draws = iter(range(1_000_000))
    clock.set_clock(lambda: START + timedelta(seconds=next(looks)))
    entropy.set_entropy(lambda count: hashlib.shake_128(str(next(draws)).encode()).digest(count))
    try:
        yield
    finally:
        clock.set_clock(None)
        entropy.set_entropy(None)


def fill(store: SessionStore) -> None:
    """Put one of everything that format 1 can hold into a store."""
    session = Session(
        id="session-123",
        title="Fix SQL injection — 修正",
        project_path="/path/to/project",
        tags=["security", "bug-fix"],
        metadata={"nested": {"list": [1, 2.5, None, True, "\ud800"]}, "big": 10**40},
    )
    session.add_message("user", "Fix the SQL injection vulnerability\0\u2028")
    store.save(session)
    session.add_message(
        "assistant",
        "I'll fix that… half \ud83d",
        "security_tester",
        [{"id": "call-1", "name": "edit_file"}],
        metadata={"k": "v"},
    )
    session.add(
        ToolExecution(
            id="call-1",
            tool_name="edit_file",
            arguments={"path": "/path/to/project/src/api/users.py", "é": [{}]},
            result="é" * 5_000,
            success=True,
            duration_ms=45,
            agent_name="security_tester",
            metadata={"exit": 0},
        )
    )
    session.create_snapshot("Before review\nsecond line", snapshot_id="before-review")
    store.save(session)
    session.add(Message(id="tool-1", role="tool", content="東" * 700_000, tool_call_id="call-1"))
    session.add(Message(id="sys-1", role="system", content="", timestamp=datetime(1, 1, 2, tzinfo=UTC)))
    session.add_tool_execution("write_file", {"path": "tests/test_users.py"}, "no", False)
    store.save(session)
    session.restore_snapshot("before-review")
    store.save(session)
    store.undo("session-123")
    store.fork("session-123", title="Another way", new_id="another-way", at="before-review")
    for number in range(103):
        session = store.load("another-way") if number == 0 else session
        session.add(Message(id=f"m{number}", role="user", content=str(number)))
    store.save(session)
    store.save(Session(id="empty"))
    store.save(Session(id="gone", title="In the trash"))
    store.delete("gone")


def describe(store: SessionStore) -> dict[str, Any]:
    """Give everything in a store as plain values; long text as its hash."""
    told: dict[str, Any] = {"sessions": {}, "trash": [item.to_dict() for item in store.trash()]}
    for summary in sorted(store.list_sessions(), key=lambda found: found.id):
        session = store.load(summary.id)
        told["sessions"][summary.id] = {
            "summary": summary.to_dict(),
            "session": session.to_dict(),
            "states": {snapshot.id: snapshot.state.to_dict() for snapshot in session.snapshots},
            "history": [save.to_dict() for save in store.history(summary.id)],
        }
    shortened: dict[str, Any] = _short(told)
    return shortened


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 1_000:
        return f"{len(value)} characters, SHA-256 {hashlib.sha256(value.encode()).hexdigest()}"
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return value


def main() -> None:
    """Write both files anew."""
    bundle = HERE / "format-1.bundle"
    bundle.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, fixed_time_and_chance(), SessionStore(folder, user=USER) as store:
        fill(store)
        store.backup(bundle)
        told = describe(store)
    (HERE / "format-1.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", "utf-8")
    sys.stdout.write(f"{bundle}: {bundle.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
