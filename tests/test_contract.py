"""Every Python block of the contract (session-management.md) runs as written.

The blocks take names for granted and hold `...` where something real belongs; the table gives each block both.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from superqode.qe import QESession
from superqode.session import (
    ExportedSession,
    MessageRole,
    Session,
    SessionSharingManager,
    SessionStore,
    ShareConfig,
)
from superqode.session.entropy import set_entropy

CONTRACT = Path(__file__).resolve().parents[2] / "shared" / "spec" / "session-management.md"


def _blocks() -> list[tuple[str, str]]:
    """The Python blocks, each with the heading it stands under and a number where there are several."""
    if not CONTRACT.exists():
        return []
    found: list[tuple[str, str]] = []
    heading = ""
    for match in re.finditer(
        r"^#+ ([^\n]+)$|^```python\n(.*?)^```$", CONTRACT.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        if match[1] is not None:
            heading = match[1]
            continue
        number = sum(1 for name, _ in found if name.partition(" #")[0] == heading)
        found.append((heading if number == 0 else f"{heading} #{number + 1}", match[2]))
    return found


def _saved(names: dict[str, Any]) -> None:
    session = names["session"]
    session.add_message(MessageRole.USER, "Fix the SQL injection vulnerability")
    names["store"].save(session)


def _old(names: dict[str, Any]) -> None:
    names["store"].save(Session(id="old-session-id"))


def _snapshot(names: dict[str, Any]) -> None:
    _saved(names)
    names["snapshot"] = names["session"].create_snapshot("Before fix")


def _forked(names: dict[str, Any]) -> None:
    names["forked"] = Session(id="fork")


def _shared(names: dict[str, Any]) -> None:
    """A share whose id begins with the contract's `abc123`: the owner may shorten ids."""
    _saved(names)
    names["sharing"] = SessionSharingManager(names["store"])
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    wanted = bytes(alphabet.index(letter) for letter in "abc123".ljust(26, "0"))

    def entropy_of(count: int) -> bytes:
        set_entropy(None)
        return wanted[:count]

    set_entropy(entropy_of)
    names["sharing"].create_share("session-123", names.get("config"))


def _locked(names: dict[str, Any]) -> None:
    names["config"] = ShareConfig(visibility="private", password="optional-password")
    _shared(names)


def _about_to_share(names: dict[str, Any]) -> None:
    _saved(names)
    names["sharing"] = SessionSharingManager(names["store"])
    names["session_id"] = "session-123"


def _linked(names: dict[str, Any]) -> None:
    _about_to_share(names)
    names["share_token"] = names["sharing"].create_share("session-123").share_token


def _exported(names: dict[str, Any]) -> None:
    _about_to_share(names)
    exported = names["sharing"].export_session("session-123")
    Path("session.json").write_text(exported.to_json())
    names["json_string"] = exported.to_json()
    names["b64_str"] = exported.to_base64()
    names["ExportedSession"] = ExportedSession


def _project(names: dict[str, Any]) -> None:
    Path("project").mkdir()
    Path("project", "works.py").write_text("works = True\n")
    names["QESession"] = QESession


def _checked(names: dict[str, Any]) -> bool:
    """The session is in the store once the run began; nothing had to save it."""
    with names["qe_session"] as qe:
        qe.run()
    stored = SessionStore().load_latest(Path("project").resolve())
    return bool(stored == names["qe_session"].session and stored.tool_executions)


def _nothing(_names: dict[str, Any]) -> None:
    return


# heading -> what to do first, what to put for `...`.
TABLE: dict[str, tuple[Callable[[dict[str, Any]], None], dict[str, str]]] = {
    "Create Session": (_nothing, {}),
    "Load Session": (_saved, {}),
    "Update Session": (_saved, {}),
    "Message Format": (_nothing, {"tool_calls=[...]": "tool_calls=[{'id': 'call-123', 'type': 'function'}]"}),
    "Tool Execution Tracking": (_nothing, {}),
    "Execution History": (_saved, {}),
    "File Tracking": (_nothing, {}),
    "Create Snapshot": (_saved, {}),
    "Restore Snapshot": (_snapshot, {}),
    "Snapshot Format": (_nothing, {}),
    "Create Share": (_about_to_share, {}),
    "Access Share": (_locked, {}),
    "Fork Session": (_shared, {}),
    "Export Session": (_about_to_share, {}),
    "Import Session": (_exported, {}),
    "Options": (_nothing, {}),
    "Tags": (_nothing, {}),
    "Agents Used": (_nothing, {}),
    "Parent Session": (_forked, {}),
    "1. Regular Saves": (_nothing, {"session.add_message(...)": "session.add_message(MessageRole.USER, 'hello')"}),
    "2. Meaningful Titles": (_nothing, {}),
    "3. Create Snapshots": (_nothing, {}),
    "4. Clean Up Old Sessions": (_old, {}),
    "5. Secure Sharing": (_nothing, {}),
    "1. Resume Work": (_saved, {}),
    "2. Share Solutions": (_about_to_share, {}),
    "3. Fork and Experiment": (_linked, {}),
    "4. Session History": (_saved, {}),
    "With QE Sessions": (_project, {"QESession(...)": "QESession('project')"}),
    "Session Not Found": (_saved, {}),
    "Share Expired": (_about_to_share, {}),
    "Import Failed": (_exported, {}),
}


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract lies beside the checkout, and is not there")
def test_every_block_has_its_place() -> None:
    """No block of the contract is forgotten, and the table names none that is not there."""
    assert sorted(TABLE) == sorted(name for name, _ in _blocks())


@pytest.mark.parametrize(("name", "code"), _blocks(), ids=[name for name, _ in _blocks()])
def test_block_runs(name: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block runs as it stands in the contract."""
    prepare, replacements = TABLE[name]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for old, new in replacements.items():
        assert old in code
        code = code.replace(old, new)
    with SessionStore() as store:
        names: dict[str, Any] = {
            "MessageRole": MessageRole,
            "Session": Session,
            "SessionStore": SessionStore,
            "ShareConfig": ShareConfig,
            "session": Session(id="session-123", title="Fix SQL injection"),
            "store": store,
            "timedelta": timedelta,
        }
        prepare(names)

        # The contract awaits where it stands, as a notebook does.
        ran = eval(compile(code, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307
        if inspect.iscoroutine(ran):
            asyncio.run(ran)

    assert CONTRACTED.get(name, lambda _names: True)(names)


# What a block must have brought about, beyond not failing.
CONTRACTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "Create Session": lambda names: SessionStore().load("session-123") == names["session"],
    "Load Session": lambda names: [found["id"] for found in names["sessions"]] == ["session-123"],
    "Update Session": lambda names: SessionStore().load("session-123").messages[-1].content == "I'll fix that...",
    "Message Format": lambda names: names["message"].tool_call_id == "call-123",
    "Tool Execution Tracking": lambda names: names["session"].tool_executions == [names["execution"]],
    "Create Snapshot": lambda names: names["snapshot"] in names["session"].snapshots,
    "Create Share": lambda names: names["share"].share_url.startswith("file:") and names["share"].sealed,
    "Access Share": lambda names: names["shared_session"].messages == names["session"].messages,
    "Fork Session": lambda names: SessionStore().load(names["forked"].id).title == "My Fork",
    "Export Session": lambda names: ExportedSession.from_base64(names["b64"]).to_session() == names["session"],
    "Import Session": lambda names: SessionStore().load("session-123").messages == names["session"].messages,
    "2. Share Solutions": lambda names: not names["share"].sealed,
    "3. Fork and Experiment": lambda names: names["forked"].parent_session_id == "session-123",
    "Share Expired": lambda names: names["share"].expires_at is None,
    "Import Failed": lambda names: names["exported"].session_id == "session-123",
    "4. Clean Up Old Sessions": lambda _names: not SessionStore().exists("old-session-id"),
    "With QE Sessions": _checked,
    "Parent Session": lambda names: names["forked"].parent_session_id == "session-123",
}
