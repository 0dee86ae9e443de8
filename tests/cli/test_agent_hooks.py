"""`superqode hooks … --agent`: agents' settings edited, told of, and put back."""

from __future__ import annotations

import json

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session.agents.hooks import HOOKS

FILES = {rule.agent: f"{rule.home.below}/{rule.file}" for rule in HOOKS}


@pytest.mark.parametrize("agent", FILES)
def test_a_hook_is_put_in_told_and_taken_out(cli, home, agent):
    """Each step says what it means, and where."""
    path = home / FILES[agent]
    assert cli.run("hooks", "remove", "--agent", agent).stdout.startswith("Nothing to remove: ")
    told = cli.run("hooks", "install", "--agent", agent).stdout
    assert told.startswith("Installed: ")
    assert str(path) in told
    assert str(cli.store) in path.read_text()
    assert cli.run("hooks", "install", "--agent", agent).stdout.startswith("Installed already: ")
    assert f"{path}: installed\n" in cli.run("hooks", "status").stdout
    assert cli.run("hooks", "remove", "--agent", agent).stdout.startswith("Removed: ")
    assert not path.exists()


def test_several_agents_at_once_as_json(cli):
    """One document with each agent's state."""
    told = cli.json("hooks", "install", "--agent", "codex", "--agent", "pi")
    assert [(hook["agent"], hook["state"]) for hook in told] == [("codex", "installed"), ("pi", "installed")]
    states = {hook["agent"]: hook["state"] for hook in cli.json("hooks", "status")["agents"]}
    assert states == dict.fromkeys(FILES, "not installed") | {"codex": "installed", "pi": "installed"}
    assert [hook["state"] for hook in cli.json("hooks", "remove", "--agent", "pi")] == ["not installed"]


def test_agents_that_are_here_are_told_of_without_a_hook(cli, home, save):
    """With the command that puts one there; of agents that are not here nothing is said."""
    save("hello")
    (home / ".codex").mkdir()
    told = cli.run("hooks", "status").stdout
    assert "no hook. `superqode hooks install --agent codex` puts it there" in told
    assert "Claude" not in told


def test_settings_with_comments_are_left_alone(cli, home, save):
    """Why is said, in one line, and nothing is changed."""
    save("hello")
    path = home / FILES["claude-code"]
    path.parent.mkdir()
    path.write_text("{ // mine\n}")
    told = cli.run("hooks", "install", "--agent", "claude-code", expect=ExitCode.ERROR).stderr
    assert "JSON with comments" in " ".join(told.split())
    assert path.read_text() == "{ // mine\n}"
    assert "cannot be edited" in cli.run("hooks", "status").stdout


def test_the_last_error_is_told(cli):
    """What went wrong behind an agent's back is found where people look."""
    cli.run("hooks", "install", "--agent", "pi")
    inbox = cli.store / "superqode" / "agents" / "inbox"
    (inbox / "pi.1.json").write_text(json.dumps({"transcript_path": "/etc/passwd"}))
    cli.run("sessions", "rescue", "--reported")
    assert "not below the agent's own folder" in " ".join(cli.run("hooks", "status").stderr.split())
    assert "not below" in cli.json("hooks", "status")["last_error"]


def test_an_agent_and_a_server_are_two_places(cli, tmp_path):
    """Naming both is a mistake."""
    cli.run("hooks", "install", "--agent", "pi", "--server", tmp_path, expect=ExitCode.USAGE)
    cli.run("hooks", "remove", "--agent", "nobody", expect=ExitCode.USAGE)
