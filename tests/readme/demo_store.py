"""The store that the README's pictures show: some days of work on a web shop, with clock and chance held still."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

from superqode.session import Session, SessionStore
from superqode.session.clock import set_clock
from superqode.session.entropy import set_entropy

__all__ = ["NOW", "SHOWN", "held_still", "make_demo_store"]

NOW: Final = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
"""When the pictures are taken."""

SHOWN: Final = "fix-search"
"""The session whose page and log are shown."""

_USER: Final = ("Ada Example", "ada@example.invalid")
_PROJECT: Final = "/home/ada/shop"

_BEFORE: Final = """def search_users(db, q):
    sql = f"SELECT id, name FROM users WHERE name LIKE '%{q}%'"
    return db.execute(sql).fetchall()
"""
_AFTER: Final = """def search_users(db, q):
    sql = "SELECT id, name FROM users WHERE name LIKE '%' || ? || '%'"
    return db.execute(sql, (q,)).fetchall()
"""
_TEST: Final = '''from shop.users import search_users


def test_a_quote_is_only_a_quote(db):
    """What people type is never SQL."""
    assert search_users(db, "' OR '1'='1") == []
    assert search_users(db, "O'Brien") == [(7, "Miles O'Brien")]
'''
_ANSWER: Final = """Fixed, and proved by a test that failed before:

- `search_users` hands `q` over as a **parameter**; nothing of it becomes SQL.
- A name with an apostrophe is found, which the old query could not do.

| query | before | now |
|---|---|---|
| `' OR '1'='1` | every user | nothing |
| `O'Brien` | an error | Miles O'Brien |
"""

# What else was done these days: id, how long ago, agent, tags, prompt, answer.
_OTHERS: Final = (
    (
        "checkout-rounding",
        timedelta(hours=3),
        "codex",
        ["payments"],
        "Round the checkout total half to even",
        "Done with `decimal`.",
    ),
    (
        "login-under-attack",
        timedelta(hours=7),
        "security_tester",
        ["qe", "security"],
        "Try to break the login form",
        "Two findings.",
    ),
    (
        "flaky-order-test",
        timedelta(days=1),
        "gemini-cli",
        ["tests"],
        "Why does test_orders fail on Mondays?",
        "It reads the week.",
    ),
    (
        "python-3-13",
        timedelta(days=2),
        "opencode",
        [],
        "Move the shop to Python 3.13",
        "Moved; two dependencies had to follow.",
    ),
    (
        "error-pages",
        timedelta(days=5),
        "qwen-code",
        ["i18n"],
        "Translate the error pages to Chinese 说明",
        "Twelve pages.",
    ),
)


@contextmanager
def held_still(moment: datetime = NOW) -> Iterator[None]:
    """Let the library's clock stand at a moment, and its chance be the same each time."""
    numbers = count()
    set_clock(lambda: moment)
    set_entropy(lambda size: hashlib.shake_128(str(next(numbers)).encode()).digest(size))
    try:
        yield
    finally:
        set_clock(None)
        set_entropy(None)


def make_demo_store(folder: Path) -> None:
    """Make the store in a folder that is not there yet."""
    with held_still(), SessionStore(folder, user=_USER) as store:
        for name, ago, agent, tags, prompt, answer in reversed(_OTHERS):
            _at(NOW - ago)
            session = Session(id=name, title=prompt, tags=tags, project_path=_PROJECT)
            session.add_message("user", prompt)
            session.add_message("assistant", answer, agent_name=agent)
            store.save(session)
        _fill(store)


def _at(moment: datetime) -> None:
    set_clock(lambda: moment)


def _fill(store: SessionStore) -> None:
    """The session that is shown: a commit each for prompt, look, mending and answer; a snapshot, and a fork."""
    begun = NOW - timedelta(minutes=42)
    _at(begun)
    session = Session(id=SHOWN, title="Fix the SQL injection in user search", tags=["security"], project_path=_PROJECT)
    session.add_message(
        "user", "The user search builds its SQL from the query string. Fix it, with a test that proves it."
    )
    store.save(session)
    _look(session, begun)
    looked = store.save(session).commits[-1]
    _mend(session, begun)
    store.save(session)
    _at(begun + timedelta(minutes=4))
    session.add_message("assistant", _ANSWER, agent_name="claude-code")
    session.create_snapshot("Reviewed by Grace", snapshot_id="reviewed")
    store.save(session)
    _at(begun + timedelta(minutes=35))
    other = store.fork(SHOWN, title="The same with the ORM", at=looked, new_id="search-orm")
    _at(begun + timedelta(minutes=37))
    other.add_message("user", "Once more, with the ORM instead of SQL text.")
    store.save(other)
    _at(NOW - timedelta(minutes=2))
    other.add_message("assistant", "`User.name.contains(q)` does it.", agent_name="codex")
    store.save(other)


def _look(session: Session, begun: datetime) -> None:
    _at(begun + timedelta(seconds=9))
    session.add_message(
        "assistant",
        "I'll read the search and see where the query ends up.",
        agent_name="claude-code",
        metadata={
            "thinking": ["The search is in shop/users.py; look for execute() with a string that was put together."]
        },
    )
    _call(session, "Read", {"file_path": f"{_PROJECT}/shop/users.py"}, _BEFORE, took=12)
    _call(
        session, "Bash", {"command": "rg -n 'execute\\(f?' shop"}, "shop/users.py:3:    return db.execute(sql)", took=31
    )


def _mend(session: Session, begun: datetime) -> None:
    _at(begun + timedelta(minutes=2))
    session.add_message(
        "assistant", "`q` goes into the SQL text itself. First the test, to see it fail:", agent_name="claude-code"
    )
    _call(session, "Write", {"file_path": f"{_PROJECT}/tests/test_users.py", "content": _TEST}, "created", took=8)
    _call(session, "Bash", {"command": "pytest -q tests/test_users.py"}, "1 failed in 0.31s", took=1240, worked=False)
    _at(begun + timedelta(minutes=3))
    edit = {"file_path": f"{_PROJECT}/shop/users.py", "old_string": _BEFORE, "new_string": _AFTER}
    _call(session, "Edit", edit, "The file was changed.", took=15)
    _call(session, "Bash", {"command": "pytest -q"}, "48 passed in 2.05s", took=2710)


def _call(
    session: Session, tool: str, arguments: dict[str, str], result: str, *, took: int, worked: bool = True
) -> None:
    session.add_tool_execution(tool, arguments, result, worked, duration_ms=took, agent_name="claude-code")
