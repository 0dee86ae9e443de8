"""As a new user would: sessions of four agents on one machine, found, read, shared, and gone on with on another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from readme.machine import TEAM, Machine, make_machines
from session.importers.truth import TRANSCRIPTS

# What lies in a home as each agent laid it there.
RECORDED = {
    "claude-code": "claude-code/2.1.330/tools",
    "codex": "codex/0.169.0/tools",
    "gemini-cli": "gemini-cli/0.61.0/tools",
    "opencode": "opencode/1.18.33/tools",
}
PROMPT = "The greeting in greet.py has a typo."

pytestmark = pytest.mark.skipif(
    not TRANSCRIPTS.is_dir(), reason="the recorded sessions are not beside this checkout (../shared/data/transcripts)"
)


def listed(machine: Machine) -> list[dict[str, Any]]:
    """What `sessions list --json` gives."""
    return json.loads(machine.shell("superqode sessions list --json"))


def test_found_read_shared_and_gone_on_with(tmp_path: Path) -> None:
    """One command finds every agent's sessions; they are listed, found and read alike; a link takes one elsewhere."""
    one, two = make_machines(tmp_path)
    for recorded in RECORDED.values():
        shutil.copytree(TRANSCRIPTS / recorded / "home", one.home, dirs_exist_ok=True)

    assert "Rescued 4 new sessions" in one.shell("superqode sessions rescue")
    found = listed(one)
    assert {tuple(session["agents_used"]) for session in found} == {(agent,) for agent in RECORDED}
    assert all("greet" in session["title"] for session in found)
    assert "Rescued 0 new sessions" in one.shell("superqode sessions rescue")
    assert "4 unchanged" in one.shell("superqode sessions import ~")

    hits = json.loads(one.shell("superqode sessions search --json typo"))
    assert {hit["session_id"] for hit in hits} == {session["id"] for session in found}
    for agent in RECORDED:
        shown = one.shell(f"superqode sessions show {agent}")
        for told in (PROMPT, "Done ✅", "→", "failed", "modified: greet.py", "created: docs/说明.md"):
            assert told in shown, (agent, told)

    one.shell(f"superqode remote add team {TEAM}\nlink=$(superqode share create claude-code --expires 7d)")
    assert PROMPT in two.shell('superqode share open "$link"')
    assert listed(two) == []  # looking keeps nothing
    two.shell('superqode share fork "$link" --title "Mine now"')
    (mine,) = listed(two)
    (theirs,) = (session for session in found if session["agents_used"] == ["claude-code"])
    assert (mine["title"], mine["parent_session_id"]) == ("Mine now", theirs["id"])
    assert mine["message_count"] == theirs["message_count"]
    assert PROMPT in two.shell("superqode sessions show @latest")

    (two.home / ".codex").mkdir()  # Codex is used there
    told = json.loads(two.shell("superqode sessions resume @latest --agent codex --project ~ --json"))
    assert told["command"][0] == "codex"
    (written,) = (two.home / ".codex").rglob("*.jsonl")
    assert PROMPT in written.read_text("utf-8")
