"""What agents' hooks report: rescued behind their back, whatever a report holds."""

import json
import os
import subprocess
import sys
import time

import pytest

from session.store.homes import CLAUDE, make_home, places
from superqode.session import SessionStore
from superqode.session.agents.hooks import hook_of
from superqode.session.git import flock
from superqode.session.store import rescue_reports
from superqode.session.store.agent_hooks import AgentHooks
from superqode.session.store.rescue_reports import last_error, work_off


@pytest.fixture
def agents(tmp_path):
    """A home with a session of each of five agents."""
    return make_home(tmp_path / "agents")


@pytest.fixture
def hooks(store, tmp_path):
    """The hooks of a store, one of them installed."""
    made = AgentHooks(store, sys.executable)
    made.install(hook_of("pi"), tmp_path / "settings" / "x.ts")
    return made


def _report(hooks, agent, told, name="1"):
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    (hooks.folder / "inbox" / f"{agent}.{name}.json").write_bytes(data)


def _work(store, agents):
    work_off(store, lambda agent: places(agents, agent))


def _ids(store):
    return {summary.id for summary in store.list_sessions()}


def _inbox(hooks):
    return list((hooks.folder / "inbox").iterdir())


@pytest.mark.parametrize(
    ("agent", "told", "session"),
    [
        (
            "claude-code",
            {"transcript_path": CLAUDE, "hook_event_name": "Stop"},
            "claude-11111111-1111-4111-8111-111111111111",
        ),
        ("codex", {"type": "agent-turn-complete", "thread-id": "00-019e-a"}, "codex-019e-a"),
        ("gemini", {"transcript_path": ".gemini/tmp/slug/chats/session-2026-10-01T10-00-g1.jsonl"}, "gemini-g1"),
        ("opencode", {"session_id": "ses_1"}, "opencode-ses_1"),
        ("pi", {"transcript_path": ".pi/agent/sessions/--p--/2026_pi-1.jsonl"}, "pi-pi-1"),
    ],
)
def test_what_was_reported_comes_in_and_nothing_else(store, hooks, agents, agent, told, session):
    """The one session of that agent; the inbox is empty then, and nothing is complained of."""
    if "transcript_path" in told:
        told = {**told, "transcript_path": str(agents / told["transcript_path"])}
    _report(hooks, agent, told)
    _work(store, agents)
    [found] = _ids(store)
    assert found.split("-")[-1] == session.split("-")[-1]
    assert (_inbox(hooks), last_error(store.path)) == ([], "")


def test_reports_of_one_moment_are_one_piece_of_work(store, hooks, agents, monkeypatch):
    """A hundred of one session, and one of another agent: each agent's place is looked at once."""
    looks = []
    really = SessionStore.rescue
    monkeypatch.setattr(
        SessionStore, "rescue", lambda self, found, **more: looks.append(1) or really(self, found, **more)
    )
    for number in range(100):
        _report(hooks, "claude-code", {"transcript_path": str(agents / CLAUDE)}, str(number))
    _report(hooks, "opencode", {})
    _work(store, agents)
    assert (len(looks), len(_ids(store))) == (2, 2)


def test_one_process_works_and_the_others_leave_it_to_it(store, hooks, agents):
    """While the lock is held nothing is done; whoever holds it looks again after letting go."""
    _report(hooks, "opencode", {})
    with flock.hold(store.path / "superqode" / "locks" / "reports"):
        _work(store, agents)
        assert len(_inbox(hooks)) == 1
    late = {"done": False}

    def find(agent):
        if not late["done"]:
            late["done"] = True
            _report(hooks, "pi", {"transcript_path": str(agents / ".pi/agent/sessions/--p--/2026_pi-1.jsonl")})
        return places(agents, agent)

    work_off(store, find)
    assert (_inbox(hooks), len(_ids(store))) == ([], 2)


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"no json",
        b"[1]",
        b"[" * 100_000,
        {},
        {"transcript_path": 5},
        {"transcript_path": "relative.jsonl"},
        {"transcript_path": "/etc/passwd"},
        {"transcript_path": "/x\0"},
        {"transcript_path": "/" + "x" * 10_000},
        {"transcript_path": "LINK"},
        {"transcript_path": "PIPE"},
        {"transcript_path": "OUTSIDE"},
    ],
)
def test_a_hostile_report_brings_nothing_in(store, hooks, agents, tmp_path, told):
    """Nonsense, and paths that are not the agent's own plain files: a line in the log, and no session."""
    secret = tmp_path / "secret.jsonl"
    secret.write_text((agents / CLAUDE).read_text())
    folder = (agents / CLAUDE).parent
    (folder / "link").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.jsonl")
    named = {
        "LINK": folder / "link" / "secret.jsonl",
        "PIPE": folder / "pipe.jsonl",
        "OUTSIDE": folder / ".." / ".." / ".." / ".." / "secret.jsonl",
    }
    if isinstance(told, dict) and told.get("transcript_path") in named:
        told = {"transcript_path": str(named[told["transcript_path"]])}
    _report(hooks, "claude-code", told)
    _report(hooks, "codex", told)
    _report(hooks, "nobody", told)
    _work(store, agents)
    assert (_ids(store), _inbox(hooks)) == (set(), [])
    log = (hooks.folder / "log").read_text()
    assert all(f" {agent}: " in log for agent in ("claude-code", "codex", "nobody"))
    assert last_error(store.path) == log.splitlines()[-1]


def test_a_report_that_was_cut_means_everything_of_its_agent(store, hooks, agents):
    """One too long to be read whole names nothing, and its session comes in all the same."""
    _report(hooks, "pi", b'{"last": "' + b"x" * 2**20)
    _work(store, agents)
    assert len(_ids(store)) == 1


def test_damage_is_in_the_log_which_stays_short(store, hooks, agents, monkeypatch):
    """What could not be imported is told with its file; only the last lines stay."""
    path = agents / ".pi/agent/sessions/--p--/2026_pi-1.jsonl"
    path.write_text(path.read_text().splitlines()[0] + "\n{broken\n")
    for _ in range(150):
        _report(hooks, "pi", {"transcript_path": str(path)})
        _report(hooks, "codex", {})
        _work(store, agents)
    log = (hooks.folder / "log").read_text()
    assert log.count("\n") == 100
    assert str(path) in last_error(store.path)
    assert "it names no thread" in log


def test_what_cannot_be_taken_out_of_the_inbox_does_not_go_on_for_ever(store, hooks, agents, monkeypatch):
    """A report that stays there ends the work after a while."""
    monkeypatch.setattr(rescue_reports.Path, "unlink", lambda *_args, **_more: None)
    monkeypatch.setattr(rescue_reports, "_ROUNDS", 3)
    _report(hooks, "codex", {})
    _work(store, agents)
    assert len(_inbox(hooks)) == 1


def test_without_a_store_nothing_is_reported(store):
    """Nothing is made, and nothing is wrong."""
    work_off(store, lambda _agent: [])
    assert (store.path.exists(), last_error(store.path)) == (False, "")


# -- the shim, as agents run it ------------------------------------------------------------------------------------


def _shim(hooks, *arguments, given=b"", **more):
    return subprocess.run(
        [str(hooks.shim), *arguments], input=given, capture_output=True, check=False, timeout=60, **more
    )


def _wait(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError


def _runs(store, home):
    return {**os.environ, "HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / ".claude")}


@pytest.mark.parametrize("way", ["stdin", "argument"])
def test_the_shim_answers_at_once_and_the_session_comes_in_later(store, hooks, agents, way):
    """It says nothing, succeeds, and a process of its own does the rest, though its caller is gone."""
    report = json.dumps({"transcript_path": str(agents / CLAUDE)}).encode()
    environment = _runs(store, agents)
    if way == "stdin":
        done = _shim(hooks, "claude-code", given=report, env=environment)
    else:
        done = _shim(hooks, "claude-code", report.decode(), env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    _wait(lambda: len(_ids(store)) == 1)
    assert last_error(store.path) == ""


def test_the_shim_runs_none_of_the_projects_code(store, hooks, agents, tmp_path):
    """Neither a package of our name in the working directory nor Python's variables are listened to."""
    trap = tmp_path / "trap" / "superqode"
    trap.mkdir(parents=True)
    (trap / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    environment = _runs(store, agents) | {"PYTHONPATH": str(trap.parent), "PYTHONSTARTUP": str(trap / "__init__.py")}
    report = json.dumps({"transcript_path": str(agents / CLAUDE)})
    _shim(hooks, "claude-code", report, env=environment, cwd=trap.parent)
    _wait(lambda: len(_ids(store)) == 1)
    assert not (tmp_path / "ran").exists()


def test_the_shim_is_harmless_where_everything_is_gone(store, hooks, tmp_path):
    """Without its interpreter, its inbox, its arguments, or with an endless report it still succeeds, and is silent."""
    for spoil in (
        lambda: None,
        lambda: hooks.shim.write_text(hooks.shim.read_text().replace(sys.executable, "/nowhere/python")),
        lambda: (hooks.folder / "inbox").rename(tmp_path / "inbox"),
    ):
        spoil()
        for arguments, given in (((), b""), (("x/../../y",), b"{}"), (("claude-code",), b"x" * 3_000_000)):
            done = _shim(hooks, *arguments, given=given)
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert all(file.stat().st_size <= 2**20 for file in (tmp_path / "inbox").iterdir())


def test_the_shim_runs_what_was_notified_before(store, hooks, tmp_path):
    """With its own arguments and the report, and its exit code is the agent's to see."""
    script = f"printf '%s|' \"$@\" >'{tmp_path}/told'; exit 7"
    done = _shim(hooks, "codex", "--then", "sh", "-c", script, "name", "{}")
    assert done.returncode == 7
    assert (tmp_path / "told").read_text() == "{}|"
