"""The agents' own hooks, in the agents as they are: after a turn the session is in the store, and nobody notices."""

from __future__ import annotations

import sys
import time

import pytest

from agents.model import Step
from agents.programs import PACKAGES
from superqode.session import SessionStore
from superqode.session.agents.hooks import hook_of

SCRIPT = {
    "BEGIN-7": [Step("Let me look.", [("read", "greet.py")]), Step("It says Helo. さようなら")],
    "AGAIN-8": [Step("Still the same.")],
}
# How long a rescue behind an agent's back may take on a machine that is busy, in seconds.
PATIENCE = 60
GO_ON = {
    "claude-code": ("claude", "--continue", "-p"),
    "codex": ("codex", "exec", "resume", "--last"),
    "gemini": ("gemini", "--approval-mode", "yolo", "--resume", "latest", "-p"),
    "opencode": ("opencode", "run", "--continue"),
    "pi": ("pi", "--continue", "-p"),
    "qwen": ("qwen", "--yolo", "--continue", "-p"),
}


def _texts(path, count):
    """Wait until the store holds one session with so many messages of the agent; gives all texts of it."""
    end = time.monotonic() + PATIENCE
    texts = []
    while time.monotonic() < end:
        with SessionStore(path) as store:
            # Qwen Code has sub-agents of its own, which are sessions below this one.
            own = [one.id for one in store.list_sessions() if one.parent_session_id is None]
            texts = [[message.content for message in store.load(name).messages] for name in own]
        if len(texts) == 1 and sum("Helo." in text or "Still" in text for text in texts[0]) == count:
            return texts[0]
        time.sleep(0.2)
    raise AssertionError(texts)


@pytest.mark.parametrize("agent", PACKAGES)
def test_a_turn_is_in_the_store_when_it_is_over(agent, make_machine, make_model):
    """The hook fires after each turn, also of a session that goes on, without an error; taken out, it is gone."""
    machine = make_machine("one", make_model(SCRIPT))
    superqode = [sys.executable, "-c", "from superqode.cli import main; main()"]
    machine.run([*superqode, "hooks", "install", "--agent", agent])
    assert "It says Helo. さようなら" in machine.start(agent, "BEGIN-7: what is in greet.py?")
    path = machine.home / ".superqode" / "sessions"
    assert any("BEGIN-7" in text for text in _texts(path, 1))
    machine.run([*GO_ON[agent], "AGAIN-8: and now?"])
    assert any("AGAIN-8" in text for text in _texts(path, 2))
    assert not (path / "superqode" / "agents" / "log").exists()
    machine.run([*superqode, "hooks", "remove", "--agent", agent])
    # The agents write into their own settings, so these are not what they were; `test_agent_hooks.py` compares bytes.
    rule = hook_of(agent)
    settings = machine.home / rule.home.below / rule.file
    assert not settings.exists() or "superqode-rescue" not in settings.read_text("utf-8")
