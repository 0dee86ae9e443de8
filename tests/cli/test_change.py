"""`new`, `edit`, `fork`, `rename`: sessions and what they are called; and where `--store` may stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]

SAVE_KEYS = {
    "session_id",
    "commits",
    "tip",
    "messages_added",
    "executions_added",
    "merged",
    "snapshots",
    "notice",
}


def test_new_prints_the_id_alone(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`$(superqode sessions new)` is the id of a session that is there, with what was asked for."""
    monkeypatch.chdir(tmp_path)
    made = cli.run(
        "sessions", "new", "--title", "Fix it", "--tag", "a", "--tag", "b", "--project", ".", "--id", "fix"
    ).stdout
    assert made == "fix\n"
    with SessionStore(cli.store) as store:
        session = store.load("fix")
    assert (session.title, session.tags, session.project_path) == ("Fix it", ["a", "b"], str(tmp_path))
    saved = cli.json("sessions", "new")
    assert set(saved) == SAVE_KEYS
    assert len(saved["commits"]) == 1


@pytest.mark.parametrize("hostile", ["../x", "-x", "a.lock", "CON", "x" * 300, "superqode-x", "HEAD", "a/b", "é"])
def test_a_new_id_that_is_none_is_refused(cli: Cli, save: Save, hostile: str) -> None:
    """An id that must not become a ref is a usage error for every command that makes one, and nothing is made."""
    save("hello", id="a")
    for command in (["new", f"--id={hostile}"], ["fork", "a", f"--id={hostile}"], ["rename", "a", "--", hostile]):
        told = cli.run("sessions", *command, expect=ExitCode.USAGE)
        assert "is no session id" in told.stderr
    assert [item["id"] for item in cli.json("sessions", "list")] == ["a"]


def test_an_id_that_is_taken_is_refused(cli: Cli, save: Save) -> None:
    """No command puts a session over another one, also where only the case differs."""
    save("hello", id="a")
    save("world", id="b")
    for taken, code in (("a", ExitCode.ERROR), ("A", ExitCode.USAGE)):
        cli.run("sessions", "new", "--id", taken, expect=code)
        cli.run("sessions", "fork", "b", "--id", taken, expect=code)
        cli.run("sessions", "rename", "b", taken, expect=code)
    assert "hello" in cli.run("sessions", "show", "a").stdout


def test_edit_changes_what_it_names(cli: Cli, save: Save) -> None:
    """Title, tags and project change, each alone; asking for nothing is a usage error, changing nothing is none."""
    save("hello", id="a", title="Old", tags=["x", "y"])
    cli.run("sessions", "edit", "a", "--title", "New", "--add-tag", "z", "--add-tag", "x", "--remove-tag", "y")
    shown = cli.json("sessions", "show", "a")
    assert (shown["title"], shown["tags"]) == ("New", ["x", "z"])
    cli.run("sessions", "edit", "a", "--project", "/elsewhere")
    assert cli.json("sessions", "show", "a")["project_path"] == "/elsewhere"
    assert cli.json("sessions", "edit", "a", "--title", "New")["commits"] == []
    assert "is like that already" in cli.run("sessions", "edit", "a", "--title", "New").stdout
    cli.run("sessions", "edit", "a", expect=ExitCode.USAGE)
    cli.run("sessions", "edit", "a", "--title", "")
    assert cli.json("sessions", "show", "a")["title"] == ""


def test_edit_takes_any_text(cli: Cli, save: Save) -> None:
    """A hostile title or tag from the command line is stored as it is and shown as text."""
    save(id="a")
    told = cli.run("sessions", "edit", "a", "--title", HOSTILE, "--add-tag", "\udcff")
    assert "\x1b" not in told.stdout
    shown = cli.json("sessions", "show", "a")
    assert (shown["title"], shown["tags"]) == (HOSTILE, ["\udcff"])


def test_fork_goes_on_from_anywhere(cli: Cli, save: Save) -> None:
    """A fork knows its parent, begins where it was told to, and leaves the parent alone."""
    save("one", "two", id="a", title="A")
    assert cli.run("sessions", "fork", "a", "--id", "b", "--title", "B", "--at", "~1").stdout == "b\n"
    forked = cli.json("sessions", "show", "b")
    assert (forked["title"], forked["parent_session_id"], len(forked["messages"])) == ("B", "a", 1)
    told = cli.json("sessions", "fork", "@latest")
    assert set(told) == {"id", "title", "parent_session_id", "project_path", "message_count", "execution_count"}
    assert told["parent_session_id"] == "b"
    assert len(cli.json("sessions", "show", "a")["messages"]) == 2


def test_a_taken_id_is_told_as_the_verb_sees_it(cli: Cli, save: Save) -> None:
    """Nobody who forks or renames can "load it and add to it": what is so, and what to do, on the command line."""
    save("hello", id="a")
    save("hello", id="b")
    commands: list[list[str]] = [["new", "--id", "b"], ["fork", "a", "--id", "b"], ["rename", "a", "b"]]
    for command in commands:
        told = cli.run("sessions", *command, expect=ExitCode.ERROR)
        assert told.stderr == "superqode: There is a session b already. Choose another id\n"
    told = cli.run("sessions", "rename", "b", "b", expect=ExitCode.ERROR)
    assert told.stderr == "superqode: Session b has that id already\n"
    cli.run("sessions", "delete", "b")
    save("other", id="b")
    assert "under another id (--id)" in cli.run("sessions", "undelete", "b", expect=ExitCode.ERROR).stderr


def test_rename_moves_everything(cli: Cli, save: Save) -> None:
    """Snapshots and children follow, and the old id is free."""
    save("hello", id="a")
    made = cli.run("sessions", "snapshot", "a", "Before").stdout.strip()
    cli.run("sessions", "fork", "a", "--id", "child")
    assert cli.json("sessions", "rename", "a", "b") == {"id": "a", "new_id": "b", "left": []}
    assert [item["id"] for item in cli.json("sessions", "snapshots", "b")] == [made]
    assert cli.json("sessions", "show", "child")["parent_session_id"] == "b"
    cli.run("sessions", "show", "a", expect=ExitCode.NOT_FOUND)


def test_the_store_may_be_named_everywhere(cli: Cli, save: Save, tmp_path: Path, home: Path) -> None:
    """--store stands before or after any command, the innermost wins, and over $SUPERQODE_STORE; ~ is the home."""
    save("hello", id="here")
    store = str(cli.store)
    other = SessionStore(home / "other")
    other.save(Session(id="there"))
    other.close()
    runner = CliRunner()
    for args, variables, expected in (
        (["--store", store, "sessions", "list"], {}, "here"),
        (["sessions", "--store", store, "list"], {}, "here"),
        (["sessions", "list", "--store", store], {}, "here"),
        (["--store", str(tmp_path / "nowhere"), "sessions", "list", "--store", store], {}, "here"),
        (["sessions", "list"], {"SUPERQODE_STORE": "~/other"}, "there"),
        (["sessions", "list", "--store", store], {"SUPERQODE_STORE": "~/other"}, "here"),
        (["--store", store, "sessions", "list"], {"SUPERQODE_STORE": "~/other"}, "here"),
        (["sessions", "list", "--store", "~/other"], {}, "there"),
    ):
        told = runner.invoke(main, args, env=variables)
        assert told.exit_code == ExitCode.OK, told.stderr
        assert expected in told.stdout, args


def test_a_file_is_no_store(cli: Cli) -> None:
    """A file where the store should be is told, and stays as it is."""
    cli.store.write_text("hello")
    for command in (["list"], ["new"]):
        assert str(cli.store) in cli.run("sessions", *command, expect=ExitCode.NO_STORE).stderr
    assert cli.store.read_text() == "hello"


def test_a_folder_of_something_else_is_no_store(cli: Cli) -> None:
    """A folder with other things in it is told, and nothing in it is written."""
    cli.store.mkdir()
    (cli.store / "HEAD").write_text("not a head")
    (cli.store / "config").write_text("[core]\n")
    for command in (["list"], ["new"]):
        assert str(cli.store) in cli.run("sessions", *command, expect=ExitCode.NO_STORE).stderr
    assert {path.name: path.read_text() for path in cli.store.iterdir()} == {"HEAD": "not a head", "config": "[core]\n"}
