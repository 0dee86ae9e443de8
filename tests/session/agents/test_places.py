"""Where agents keep sessions: the documented places, found where they are."""

from pathlib import Path

import pytest

from superqode.session.agents import AGENTS, agent_named, find_places, named_place
from superqode.session.handoff import WRITERS


def _found(agent, home, projects=(), **variables):
    def home_of(rule):
        if rule.variable in variables:
            return Path(variables[rule.variable]) / rule.under
        return home / rule.below if rule.below else None

    return list(find_places(agent_named(agent), home_of, projects))


@pytest.mark.parametrize(
    ("agent", "file"),
    [
        ("claude-code", ".claude/projects/-p/a.jsonl"),
        ("codex", ".codex/sessions/2026/11/22/rollout-x.jsonl"),
        ("codex", ".codex/archived_sessions/rollout-x.jsonl"),
        ("gemini", ".gemini/tmp/slug/chats/session-x.jsonl"),
        ("opencode", ".local/share/opencode/opencode.db"),
        ("opencode", ".local/share/opencode/storage/session/p/ses_1.json"),
        ("opencode", ".local/share/opencode/project/slug/storage/session/info/ses_1.json"),
        ("qwen", ".qwen/projects/-p/chats/a.jsonl"),
        ("pi", ".pi/agent/sessions/--p--/a.jsonl"),
        ("goose", ".local/share/goose/sessions/a.jsonl"),
        ("aider", ".aider.chat.history.md"),
        ("superqode", ".superqode/sessions/session-1.json.gz"),
    ],
)
def test_a_session_is_found_where_its_agent_keeps_it(tmp_path, agent, file):
    """In its folder, or as a file; and no other agent claims it."""
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).touch()
    [place] = _found(agent, tmp_path)
    held = [*place.files, *place.folders]
    assert any((tmp_path / file).is_relative_to(path) for path in held)
    assert [other.name for other in AGENTS if _found(other.name, tmp_path)] == [agent]


def test_an_empty_home_has_nothing(tmp_path):
    """Nobody is found, and nothing is made."""
    home = tmp_path / "home"
    home.mkdir()
    assert [place for agent in AGENTS for place in _found(agent.name, home)] == []
    assert list(home.iterdir()) == []


def test_a_variable_moves_a_home(tmp_path):
    """What the agent's own variable names counts, in the place it means."""
    for variable, agent, file in (
        ("CODEX_HOME", "codex", "sessions/x.jsonl"),
        ("GEMINI_CLI_HOME", "gemini", ".gemini/tmp/slug/chats/x.json"),
        ("OPENCODE_DB", "opencode", ""),
        ("PI_CODING_AGENT_SESSION_DIR", "pi", "x.jsonl"),
        ("QWEN_RUNTIME_DIR", "qwen", "projects/p/chats/x.jsonl"),
        ("GOOSE_PATH_ROOT", "goose", "data/sessions/x.jsonl"),
    ):
        named = tmp_path / variable
        (named / file).parent.mkdir(parents=True, exist_ok=True)
        (named / file).touch()
        assert len(_found(agent, tmp_path / "home", **{variable: str(named)})) == 1, variable


def test_histories_lie_in_projects(tmp_path):
    """Aider's and the old superqode's files of each project that is known, and of no other."""
    for name in ("one", "two", "three"):
        (tmp_path / name / ".superqode" / "sessions").mkdir(parents=True)
        (tmp_path / name / ".aider.chat.history.md").touch()
        (tmp_path / name / ".superqode" / "sessions" / "a.jsonl").touch()
    known = [tmp_path / "one", tmp_path / "two", tmp_path / "gone"]
    assert [place.path for place in _found("aider", tmp_path / "home", known)] == known[:2]
    assert [place.path for place in _found("superqode", tmp_path / "home", known)] == known[:2]


def test_one_folder_is_found_once(tmp_path):
    """Two rules that lead to the same place, also through a link, are one place."""
    (tmp_path / ".claude" / "projects").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / ".claude")
    assert len(_found("claude-code", tmp_path, XDG_CONFIG_HOME=str(tmp_path / "config"))) == 1
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "claude").symlink_to(tmp_path / ".claude")
    assert len(_found("claude-code", tmp_path, XDG_CONFIG_HOME=str(tmp_path / "config"))) == 1


def test_what_cannot_be_read_is_told(tmp_path):
    """Goose's database is named, with what brings its sessions in."""
    (tmp_path / ".local/share/goose/sessions").mkdir(parents=True)
    (tmp_path / ".local/share/goose/sessions/sessions.db").touch()
    [place] = _found("goose", tmp_path)
    assert "goose session export" in place.unread[0]


def test_sessions_are_rescued_from_where_they_are_handed_over_to():
    """Each writer's home is a home of the agent of its name."""
    for writer in WRITERS:
        assert writer.home in [place.home for place in agent_named(writer.name).places], writer.name


def test_a_named_place_is_a_file_or_a_folder(tmp_path):
    """What a user names is looked at as it is."""
    (tmp_path / "x.jsonl").touch()
    assert named_place(tmp_path).folders == (tmp_path,)
    assert named_place(tmp_path / "x.jsonl").files == (tmp_path / "x.jsonl",)
