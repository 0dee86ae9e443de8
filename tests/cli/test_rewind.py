"""`snapshot`, `snapshots`, `restore`, `undo`, `redo`: going back and forth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]


def _said(cli: Cli, session_id: str = "a") -> list[str]:
    return [message["content"] for message in cli.json("sessions", "show", session_id)["messages"]]


@pytest.fixture
def spoken(save: Save) -> None:
    """A session of three messages in four saves."""
    save("one", "two", "three", id="a", title="Title", tags=["x"])


@pytest.mark.usefixtures("spoken")
def test_a_snapshot_is_made_and_listed(cli: Cli) -> None:
    """`snapshot` prints its id; `snapshots` lists it with its commit, and what it is for."""
    made = cli.run("sessions", "snapshot", "a", "Before it all").stdout.strip()
    assert "Before it all" in cli.run("sessions", "snapshots", "a").stdout
    (listed,) = cli.json("sessions", "snapshots", "a")
    assert set(listed) == {"id", "session_id", "created_at", "description", "commit"}
    assert listed["id"] == made
    assert listed["commit"] == cli.json("sessions", "log", "a")[0]["commit"]
    told = cli.json("sessions", "snapshot", "a", HOSTILE)
    assert told["description"] == HOSTILE
    assert len(told["commit"]) == 40
    assert "\x1b" not in cli.run("sessions", "snapshots", "a").stdout


def test_a_session_without_snapshots_says_so(cli: Cli, save: Save) -> None:
    """No snapshots is a note, and an empty array."""
    save(id="a")
    assert "has no snapshots" in cli.run("sessions", "snapshots", "a").stderr
    assert cli.json("sessions", "snapshots", "a") == []


@pytest.mark.usefixtures("spoken")
def test_a_damaged_snapshot_is_not_passed_over(cli: Cli) -> None:
    """It is named with what is wrong, beside those that are whole; there is more than "no snapshots" to say."""
    bad = cli.run("sessions", "snapshot", "a", "Bad").stdout.strip()
    oid = (cli.store / "refs" / "tags" / "a" / bad).read_text().strip()
    path = cli.store / "objects" / oid[:2] / oid[2:]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-4])
    told = cli.run("sessions", "snapshots", "a", expect=ExitCode.CORRUPT)
    assert f"refs/tags/a/{bad}" in told.stderr
    assert "has no snapshots" not in told.stderr
    good = cli.run("sessions", "snapshot", "a", "Good").stdout.strip()
    assert good in cli.run("sessions", "snapshots", "a", expect=ExitCode.CORRUPT).stdout


@pytest.mark.usefixtures("spoken")
def test_restore_goes_back_to_a_snapshot(cli: Cli) -> None:
    """By its id or the beginning of it; the conversation goes back, the title stays, and nothing is lost."""
    made = cli.run("sessions", "snapshot", "a", "Before").stdout.strip()
    cli.run("sessions", "restore", "a", "~2")
    assert _said(cli) == ["one"]
    cli.run("sessions", "edit", "a", "--title", "Later")
    cli.run("sessions", "restore", "a", made[:-2])
    assert _said(cli) == ["one", "two", "three"]
    assert cli.json("sessions", "show", "a")["title"] == "Later"
    assert [item["id"] for item in cli.json("sessions", "snapshots", "a")] == [made]


@pytest.mark.usefixtures("spoken")
def test_restore_goes_back_to_a_save(cli: Cli) -> None:
    """By ~N or a commit; the new save says which one it goes back to, and no snapshot is left behind."""
    target = cli.json("sessions", "log", "a")[1]["commit"]
    saved = cli.json("sessions", "restore", "a", target[:8])
    assert len(saved["commits"]) == 1
    assert _said(cli) == ["one", "two"]
    newest = cli.json("sessions", "log", "a")[0]
    assert (newest["action"], newest["restores"]) == ("restore", target)
    assert cli.json("sessions", "snapshots", "a") == []
    cli.run("sessions", "restore", "a", "~1")
    assert _said(cli) == ["one", "two", "three"]


@pytest.mark.usefixtures("spoken")
def test_restore_refuses_what_is_not_there(cli: Cli) -> None:
    """A point that is none, or could be several snapshots, changes nothing."""
    cli.run("sessions", "snapshot", "a", "One")
    cli.run("sessions", "snapshot", "a", "Two")
    for point in ("nope", "~99", "snap-", "ffffffffffff", "-", "../x"):
        cli.run("sessions", "restore", "a", point, expect=ExitCode.NOT_FOUND)
    assert _said(cli) == ["one", "two", "three"]


@pytest.mark.usefixtures("spoken")
def test_undo_and_redo_walk_the_saves(cli: Cli) -> None:
    """Back and forth by one save, each a new save; at the ends it says so, with exit code 1."""
    for expected in (["one", "two"], ["one"], []):
        assert len(cli.json("sessions", "undo", "a")["commits"]) == 1
        assert _said(cli) == expected
    told = cli.run("sessions", "undo", "a", expect=ExitCode.ERROR)
    assert "nothing to undo" in told.stderr
    for expected in (["one"], ["one", "two"], ["one", "two", "three"]):
        cli.run("sessions", "redo", "a")
        assert _said(cli) == expected
    told = cli.run("sessions", "redo", "a", expect=ExitCode.ERROR)
    assert "nothing to redo" in told.stderr
    assert len(cli.json("sessions", "log", "a")) == 10
