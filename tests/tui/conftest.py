"""The terminal app on real stores, driven as by a person."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from at_the_screen import HOSTILE, Tui
from superqode.session import Session
from superqode.tui.settings import Agent

SCRIPTED = Path(__file__).resolve().parents[1] / "acp" / "scripted_agent.py"


@pytest.fixture(autouse=True)
def _same_place(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Times are told in UTC, and nothing is known of the terminal the tests run in."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES", "TEXTUAL", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def tui(tmp_path: Path) -> Tui:
    """The app on a store that is not there yet."""
    return Tui(tmp_path / "store")


@pytest.fixture
def scripted() -> Agent:
    """A real agent that does what its prompt says (tests/acp/scripted_agent.py)."""
    return Agent("scripted", (sys.executable, str(SCRIPTED)))


@pytest.fixture
def library_of_sessions(tui: Tui, still_clock: Any, same_chance: None) -> Tui:
    """A store as people have them: a repair with calls and a snapshot, its fork, and others; one of them hostile."""
    with tui.open_store() as store:
        session = Session(
            id="fix-sql", title="Fix SQL injection", project_path="/home/ada/shop", tags=["security", "bug-fix"]
        )
        session.add_message("user", "There is an **SQL injection** in `users.py`:\n\n1. parametrise it\n2. add a test")
        store.save(session)
        still_clock.advance(minutes=1)
        session.add_message("assistant", "I'll look at the file first.", agent_name="security_tester")
        store.save(session)
        still_clock.advance(minutes=1)
        old, new = 'run(f"… {name}")\n', 'run("… ?", name)\n'
        session.add_tool_execution("read_file", {"path": "/home/ada/shop/users.py"}, old, True, 12, "security_tester")
        edit = {"path": "/home/ada/shop/users.py", "old_string": old, "new_string": new}
        session.add_tool_execution("edit_file", edit, "ok", True, 45, "security_tester")
        session.add_tool_execution("bash", {"command": "pytest -q"}, "F\n1 failed", False, 1250, "security_tester")
        store.save(session)
        session.create_snapshot("Before the test", snapshot_id="before-the-test")
        store.save(session)
        still_clock.advance(minutes=1)
        made = {"path": "/home/ada/shop/test_users.py", "content": "def test_quotes(): ...\n"}
        session.add_tool_execution("write_file", made, "ok", True, 20, "security_tester")
        done = "## Done\n\n```python\nrun('… ?', name)\n```\n\n| file | what |\n|---|---|\n| users.py | a parameter |\n"
        session.add_message("assistant", done, agent_name="security_tester")
        store.save(session)
        fork = store.fork("fix-sql", title="With an ORM instead", new_id="with-orm")
        still_clock.advance(minutes=1)
        fork.add_message("user", "What if we used an ORM?")
        store.save(fork)
        for number, (title, project, agent, tags) in enumerate(
            [
                ("Add a rate limiter to the login", "/home/ada/shop", "codex", ["feature"]),
                ("Port the parser to Rust", "/home/ada/parser", "gemini-cli", ["rust"]),
                (HOSTILE, "/home/ada/x", "codex", ["[red]tag"]),
            ]
        ):
            still_clock.advance(minutes=1)
            other = Session(id=f"other-{number}", title=title, project_path=project, tags=tags)
            other.add_message("user", f"{title}?")
            other.add_message("assistant", "Yes.", agent_name=agent)
            store.save(other)
        still_clock.advance(minutes=5)
    return tui
