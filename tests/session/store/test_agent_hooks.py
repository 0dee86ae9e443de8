"""Agents' settings with our hook and without it again: byte for byte, with mode and links, and never more than ours."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from superqode.session import SessionStore
from superqode.session.agents.hooks import HOOKS, hook_of
from superqode.session.errors import AgentSettingsError
from superqode.session.store.agent_hooks import AgentHooks
from superqode.session.store.hooks import HookState

BEFORE = {
    "settings.json": '{"model": "x",\n   "hooks": { },\t"z": 1.0}\r\n',
    "config.toml": 'notify = [ "say" ,"done" ]  # mine\n[a]\nb = 1\n',
}


@pytest.fixture
def hooks(store):
    """The hooks of a store that is not there yet."""
    return AgentHooks(store, sys.executable)


def _path(rule, tmp_path):
    return tmp_path / "home of ann" / rule.file


@pytest.mark.parametrize("rule", HOOKS, ids=lambda rule: rule.agent)
@pytest.mark.parametrize("there", [True, False])
def test_settings_are_what_they_were_afterwards(hooks, rule, there, tmp_path):
    """With a mode of their own, or not there at all; twice in is once, twice out is once."""
    path = _path(rule, tmp_path)
    before = BEFORE.get(path.name) if there else None
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(before.encode())
        path.chmod(0o640)
    assert hooks.status(rule, path).state is HookState.MISSING
    assert hooks.install(rule, path).state is HookState.INSTALLED
    with_ours = path.read_bytes()
    inode = path.stat().st_ino
    assert hooks.install(rule, path).state is HookState.INSTALLED
    assert (path.read_bytes(), path.stat().st_ino) == (with_ours, inode)
    assert path.stat().st_mode & 0o777 == (0o640 if before is not None else 0o600)
    for _ in range(2):
        assert hooks.remove(rule, path).state is HookState.MISSING
    assert (path.read_bytes() if path.exists() else None) == (before.encode() if before is not None else None)
    assert sorted(file.name for file in path.parent.iterdir()) == ([path.name] if before is not None else [])


@pytest.mark.parametrize("agent", ["claude-code", "codex"])
def test_what_was_changed_since_stays(hooks, agent, tmp_path):
    """Only our entry goes from settings that somebody edited meanwhile."""
    rule = hook_of(agent)
    path = _path(rule, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(BEFORE[path.name])
    hooks.install(rule, path)
    more = path.read_text().replace('"z": 1.0', '"z": 2.0').replace("b = 1", "b = 2")
    path.write_text(more)
    hooks.remove(rule, path)
    after = path.read_text()
    assert "superqode" not in after
    if agent == "codex":
        assert after == 'notify = ["say", "done"]\n[a]\nb = 2\n'
    else:
        assert json.loads(after) == {"model": "x", "z": 2.0}


def test_a_link_stays_a_link(hooks, tmp_path):
    """People keep settings with their other files: the real file is edited."""
    rule = hook_of("claude-code")
    path = _path(rule, tmp_path)
    path.parent.mkdir(parents=True)
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    path.symlink_to(real)
    hooks.install(rule, path)
    assert path.is_symlink()
    assert "superqode-rescue" in real.read_text()
    hooks.remove(rule, path)
    assert (path.is_symlink(), real.read_text()) == (True, "{}")


@pytest.mark.parametrize(
    ("agent", "content"),
    [
        ("claude-code", b'{ // comment\n "a": 1 }'),
        ("gemini", b'{"a": 1'),
        ("qwen", b"\xff\xfe"),
        ("codex", b"= nonsense"),
        ("opencode", b"export default 1"),
        ("pi", b"x" * (5 * 1024 * 1024)),
    ],
)
def test_settings_that_cannot_be_edited_are_refused(hooks, agent, content, tmp_path):
    """The file is named, why is said, and nothing is changed; the status says so, too."""
    rule = hook_of(agent)
    path = _path(rule, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for change in (hooks.install, hooks.remove):
        with pytest.raises(AgentSettingsError, match="Nothing was changed") as told:
            change(rule, path)
        assert str(path) in str(told.value)
    assert path.read_bytes() == content
    status = hooks.status(rule, path)
    assert (status.state, bool(status.problem)) == (HookState.FOREIGN, True)
    assert status.to_dict()["problem"] == status.problem


def test_a_pipe_and_a_folder_are_no_settings(hooks, tmp_path):
    """Neither is waited for."""
    rule = hook_of("claude-code")
    path = _path(rule, tmp_path)
    path.mkdir(parents=True)
    with pytest.raises(AgentSettingsError):
        hooks.install(rule, path)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(AgentSettingsError, match="no file"):
        hooks.install(rule, path)


def test_another_stores_hook_is_taken_over(hooks, tmp_path):
    """One report a turn is enough: the last store that was asked for gets it, and the status tells."""
    rule = hook_of("codex")
    path = _path(rule, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(BEFORE["config.toml"])
    hooks.install(rule, path)
    with SessionStore(tmp_path / "other") as other:
        others = AgentHooks(other, sys.executable)
        assert others.status(rule, path).state is HookState.OUTDATED
        others.install(rule, path)
        assert hooks.status(rule, path).state is HookState.OUTDATED
        assert path.read_text().count("superqode-rescue") == 1
        assert '"--then", "say", "done"' in path.read_text()


@pytest.mark.parametrize(
    "spoil", [lambda shim: shim.unlink(), lambda shim: shim.chmod(0o600), lambda shim: shim.write_text("#")]
)
def test_a_shim_that_cannot_run_is_told_and_renewed(hooks, tmp_path, spoil):
    """Gone, without its mode, or changed."""
    rule = hook_of("pi")
    path = _path(rule, tmp_path)
    hooks.install(rule, path)
    spoil(hooks.shim)
    assert hooks.status(rule, path).state is HookState.OUTDATED
    assert hooks.install(rule, path).state is HookState.INSTALLED


def test_codex_runs_the_shim_from_a_store_of_any_name(tmp_path):
    """Quotes, spaces and dollars in the store's path: the command works as it stands in the settings."""
    rule = hook_of("codex")
    path = tmp_path / "config.toml"
    path.write_text(f'notify = ["sh", "-c", "echo \\"$0\\" >{tmp_path}/told"]\n')
    with SessionStore(tmp_path / "st\"o're $HOME `x`") as store:
        AgentHooks(store, "/nowhere/python").install(rule, path)
        import tomllib

        command = tomllib.loads(path.read_text())["notify"]
        done = subprocess.run([*command, '{"thread-id": "1"}'], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "told").read_text() == '{"thread-id": "1"}\n'


@pytest.mark.parametrize("rule", HOOKS, ids=lambda rule: rule.agent)
def test_a_hook_that_was_taken_over_goes_as_well(hooks, rule, tmp_path):
    """Taking a hook out leaves none of ours: not that of the store which had it before either; the user's own stays."""
    path = _path(rule, tmp_path)
    before = BEFORE.get(path.name)
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(before.encode())
    hooks.install(rule, path)
    with SessionStore(tmp_path / "other") as other:
        others = AgentHooks(other, sys.executable)
        others.install(rule, path)
        assert others.remove(rule, path).state is HookState.MISSING
    left = path.read_text() if path.exists() else ""
    assert "superqode" not in left
    if rule.agent == "codex":
        assert tomllib.loads(left) == tomllib.loads(before)
