"""`superqode demo`: runs on a machine with nothing but this package, and what it prints is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.session import SessionStore

from .conftest import Cli


def test_demo_does_what_it_says(cli: Cli) -> None:
    """A session, a snapshot, an undone message and a fork are there afterwards, and git's log shows them."""
    told = cli.run("demo").stdout
    with SessionStore(cli.store, create=False) as store:
        fork, session = store.list_sessions()
        assert fork.parent_session_id == session.id
        undone, added, snapshot, *_ = store.history(session.id)
        assert (undone.action, undone.restores) == ("undo", snapshot.commit)
        assert added.messages_added == 1
        assert len(snapshot.snapshots) == 1
        assert len(store.load(session.id).snapshots) == 1
        assert store.verify().ok
    log = subprocess.run(
        ["git", "-C", str(cli.store), "log", "--format=%h", session.id, fork.id],
        capture_output=True,
        text=True,
        check=True,
    )
    for commit in log.stdout.split():
        assert commit in told
    assert "\x1b" not in told


def test_what_demo_tells_to_type_works(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command it names for the demo's store runs."""
    told = cli.run("demo").stdout.split("Go on with:")[1].split("for your own")[0]
    commands = re.findall(r"superqode (sessions .*)", told)
    assert len(commands) == 7
    for command in commands:
        shown = CliRunner().invoke(main, command.split())
        assert shown.exit_code == ExitCode.OK, (command, shown.stderr)


def test_demo_keeps_away_from_other_stores(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --store it works in a new temporary folder, also where $SUPERQODE_STORE names the store in use."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("SUPERQODE_STORE", str(tmp_path / "precious"))
    call = [sys.executable, "-c", "from superqode.cli import main; main()", "demo"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    (made,) = (tmp_path / "tmp").iterdir()
    assert str(made) in done.stdout
    assert not (tmp_path / "precious").exists()
    assert not (home / ".superqode").exists()


def test_demo_twice_in_one_store(cli: Cli) -> None:
    """The second time finds the session there and goes on with it."""
    cli.run("demo")
    cli.run("demo")
    assert len(cli.json("sessions", "list")) == 3


def test_demo_without_git(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the log needs git: without it everything else is shown, and what is missing is said."""
    monkeypatch.setenv("PATH", str(tmp_path))
    told = cli.run("demo").stdout
    assert "needs the git program" in told
    assert "Go on with:" in told
