"""`superqode sessions rescue`: the agents of this home, as people see it and as JSON, once and all the time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from session.store.homes import CLAUDE, claude_lines, make_home, old
from superqode.cli.exit_codes import ExitCode


@pytest.fixture
def agents(home):
    """The home, with a session of each of five agents."""
    return make_home(home)


def test_a_home_without_agents_says_so(cli):
    """Nothing is found, and where else to look is said."""
    assert cli.run("sessions", "rescue").stdout == "No agent has sessions here; --path looks elsewhere\n"


def test_every_agent_is_a_row(cli, agents):
    """Agent, place, numbers and their sums; the second time all are unchanged."""
    told = cli.run("sessions", "rescue").stdout.splitlines()
    assert told[0].split() == ["AGENT", "PLACE", "FILES", "SESSIONS", "NEW", "UPDATED", "UNCHANGED", "FAILED"]
    assert told[1].split() == ["claude-code", "~/.claude", "1", "1", "1", "0", "0", "0"]
    assert told[-2].split() == ["total", "5", "5", "5", "0", "0", "0"]
    assert told[-1] == "Rescued 5 new sessions, 0 that went on; 0 were here"
    again = cli.run("sessions", "rescue").stdout.splitlines()
    assert again[-2].split() == ["total", "5", "5", "0", "0", "5", "0"]


def test_the_report_as_json(cli, agents):
    """Places, totals, what changed and what failed, in one document."""
    told = cli.json("sessions", "rescue", "--agent", "pi")
    numbers = {"files": 1, "sessions": 1, "new": 1, "updated": 0, "unchanged": 0, "failed": 0}
    assert told["places"] == [{"agent": "pi", "place": str(agents / ".pi/agent"), **numbers}]
    assert (told["totals"], told["failures"], told["notes"]) == (numbers, [], [])
    assert [outcome["status"] for outcome in told["changed"]] == ["new"]


def test_damage_is_partly_done(cli, agents):
    """The file is named, the others come in, and the exit code says so, every time."""
    broken = agents / CLAUDE
    broken.write_text("{broken\n")
    for _ in range(2):
        told = cli.run("sessions", "rescue", expect=ExitCode.PARTLY)
        assert f"superqode: {broken}: " in told.stderr
        assert "1" in told.stdout.splitlines()[-2].split()[-1]
    assert cli.json("sessions", "rescue", expect=ExitCode.PARTLY)["totals"]["failed"] == 1


def test_a_dry_run_makes_nothing(cli, agents):
    """Not even a store."""
    assert "Would rescue 5 new sessions" in cli.run("sessions", "rescue", "--dry-run").stdout
    assert not cli.store.exists()


def test_agents_and_places_can_be_named(cli, agents, tmp_path, monkeypatch):
    """Only these agents, files and folders besides, and homes that the agents' own variables name."""
    other = tmp_path / "laptop"
    make_home(other)
    (other / CLAUDE).write_text(claude_lines("another", session="33333333-3333-4333-8333-333333333333"))
    told = cli.json("sessions", "rescue", "--agent", "codex", "--path", other / ".claude")
    assert [(place["agent"], place["new"]) for place in told["places"]] == [("codex", 1), ("", 1)]
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PI_CODING_AGENT_DIR", str(other / ".pi/agent"))
    told = cli.json("sessions", "rescue", "--agent", "codex", "--agent", "pi")
    assert [place["place"] for place in told["places"]] == [str(other / ".pi/agent")]


def test_histories_of_known_projects_come_in(cli, home, tmp_path):
    """Aider keeps no list of its projects: those that other agents worked on are looked at, in the same run."""
    project = tmp_path / "app"
    project.mkdir()
    make_home(home, project=str(project))
    history = project / ".aider.chat.history.md"
    history.write_text("\n# aider chat started at 2026-05-22 07:02:20\n\n#### add a function  \n\nDone.\n")
    old(history)
    told = cli.json("sessions", "rescue")
    assert {place["agent"]: place["new"] for place in told["places"]}["aider"] == 1
    assert "aider" in cli.run("sessions", "list").stdout


def test_the_old_store_in_this_folder_needs_no_reminder_then(cli, home):
    """What superqode 2.25 left where the store is now comes in with the rest."""
    cli.store = home / ".superqode" / "sessions"
    cli.store.mkdir(parents=True)
    (cli.store / "session-1.json").write_text(
        '{"id": "session-1", "title": "T", "created_at": "2025-01-01T00:00:00", "updated_at": "2025-01-01T00:00:00",'
        ' "messages": [{"id": "m", "role": "user", "content": "hi", "timestamp": "2025-01-01T00:00:00"}]}'
    )
    old(cli.store / "session-1.json")
    assert cli.json("sessions", "rescue")["totals"]["new"] == 1
    assert cli.run("sessions", "list").stderr == ""


def test_what_cannot_be_read_is_told(cli, home):
    """Goose's database, with the command that brings its sessions in."""
    (home / ".local/share/goose/sessions").mkdir(parents=True)
    (home / ".local/share/goose/sessions/sessions.db").touch()
    assert "goose session export" in " ".join(cli.run("sessions", "rescue").stderr.split())


@pytest.mark.parametrize(
    "options",
    [("--watch", "--json"), ("--watch", "--dry-run"), ("--reported", "--watch"), ("--reported", "--agent", "pi")],
)
def test_options_that_make_no_sense_together_are_refused(cli, options):
    """Said before anything is done."""
    cli.run("sessions", "rescue", *options, expect=ExitCode.USAGE)
    assert not cli.store.exists()


def test_nothing_reported_is_nothing_done(cli):
    """What hooks run says nothing where no store is, and where nothing was reported."""
    (cli.store).parent.mkdir(exist_ok=True)
    cli.run("sessions", "new")
    told = cli.run("sessions", "rescue", "--reported")
    assert (told.stdout, told.stderr) == ("", "")


def test_nothing_of_the_agents_is_opened_for_writing(cli, agents):
    """Nor made, renamed, removed, or given other rights or times; no database of theirs is opened in place."""
    watched = """import os, sys
home = os.environ["HOME"]
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
changing = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.utime", "os.link", "os.symlink", "os.truncate", "sqlite3.connect")
def told(event, arguments):
    path = os.fspath(arguments[0]) if arguments and isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
    path = os.fsdecode(path)
    touched = event in changing or (event == "open" and arguments[2] & writing)
    if touched and path.startswith(home):
        os.write(2, f"{event} {path}\\n".encode())
sys.addaudithook(told)
from superqode.cli import main
main()
"""
    (agents / ".codex" / "sessions" / "probe").touch()
    done = subprocess.run(
        [sys.executable, "-c", watched, "--store", str(cli.store), "sessions", "rescue"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Rescued 5 new sessions" in done.stdout


def test_two_rescues_at_once_are_one_after_the_other(cli, agents):
    """Both succeed; each session came in with one of them."""
    command = [sys.executable, "-c", "from superqode.cli import main; main()", "--store", str(cli.store), "sessions"]
    both = [
        subprocess.Popen([*command, "rescue", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [(process.communicate(timeout=60)[0], process.returncode) for process in both]
    assert [code for _, code in told] == [0, 0]
    assert sorted(json.loads(text)["totals"]["new"] for text, _ in told) == [0, 5]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watching_tells_of_each_session_and_ends_well(cli, agents, number):
    """A line for each session that changes, at once; Ctrl-C and SIGTERM end it, with exit code 0; one is enough."""
    command = [sys.executable, "-c", "from superqode.cli import main; main()", "--store", str(cli.store), "sessions"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "rescue", "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as watcher:
        first = [watcher.stdout.readline() for _ in range(5)]
        assert all("  new  " in line for line in first)
        assert "watching 5 files" in watcher.stderr.readline()
        second = cli.run("sessions", "rescue", "--watch", expect=ExitCode.LOCKED)
        assert "one is enough" in " ".join(second.stderr.split())
        (agents / CLAUDE).write_text(claude_lines("of claude", "more"))
        assert "  updated  " in watcher.stdout.readline()
        time.sleep(0.1)
        watcher.send_signal(number)
        rest, told = watcher.communicate(timeout=60)
    assert (watcher.returncode, rest, told) == (0, "", "superqode: stopped\n")
