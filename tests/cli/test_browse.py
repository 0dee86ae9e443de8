"""`list`, `search`, `tree`: what is there, found in several ways."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]

SUMMARY_KEYS = {
    "id",
    "title",
    "created_at",
    "updated_at",
    "project_path",
    "message_count",
    "execution_count",
    "agents_used",
    "tags",
    "parent_session_id",
    "tip",
    "problem",
}


def _ids(listed: list[dict[str, str]]) -> list[str]:
    return [item["id"] for item in listed]


def test_the_missing_default_store_is_empty(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything was saved, listing says so, makes nothing, and is no error."""
    monkeypatch.chdir(home)
    done = Cli(home / ".superqode" / "sessions").process("sessions", "list")
    assert (done.returncode, done.stdout) == (ExitCode.OK, "")
    assert "no sessions" in done.stderr
    assert not (home / ".superqode").exists()


def test_a_missing_store_that_was_named_is_an_error(cli: Cli) -> None:
    """A mistyped --store is told, and not taken for an empty store."""
    for command in (["list"], ["show", "x"], ["trash"], ["verify"], ["delete", "x"], ["edit", "x", "--title", "y"]):
        told = cli.run("sessions", *command, expect=ExitCode.NO_STORE)
        assert str(cli.store) in told.stderr
        assert not cli.store.exists()


def test_list_is_newest_first_and_stops_at_fifty(cli: Cli, save: Save) -> None:
    """Fifty by default, then a hint; --limit and --all say how many."""
    for number in range(52):
        save(id=f"session-{number:02}")
    told = cli.run("sessions", "list")
    rows = told.stdout.splitlines()
    assert rows[0].split() == ["ID", "TITLE", "CHANGED", "MESSAGES", "AGENTS", "TAGS"]
    assert [row.split()[0] for row in rows[1:]] == [f"session-{number:02}" for number in range(51, 1, -1)]
    assert "--all" in told.stderr
    assert _ids(cli.json("sessions", "list", "--limit", 2)) == ["session-51", "session-50"]
    everything = cli.run("sessions", "list", "--all")
    assert len(everything.stdout.splitlines()) == 53
    assert everything.stderr == ""


def test_list_as_json_has_stable_keys(cli: Cli, save: Save) -> None:
    """The document is an array of summaries, with absolute times."""
    save("hello", "hi", id="a", title="A", project_path="/p", tags=["x"])
    (listed,) = cli.json("sessions", "list")
    assert set(listed) == SUMMARY_KEYS
    assert listed["message_count"] == 2
    assert listed["agents_used"] == ["codex"]
    assert listed["updated_at"].endswith("Z")
    assert "T" in listed["updated_at"]


def test_list_filters(cli: Cli, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each filter keeps what it names; a relative project is the folder here."""
    (tmp_path / "proj").mkdir()
    save("one", id="a", title="Alpha", tags=["x", "y"], project_path=str(tmp_path / "proj"))
    save("one", "two", id="b", title="Beta", tags=["x"], parent_session_id="a", project_path="C:\\src")
    monkeypatch.chdir(tmp_path)
    for options, expected in (
        (["--tag", "x"], ["b", "a"]),
        (["--tag", "x", "--tag", "y"], ["a"]),
        (["--agent", "codex"], ["b"]),
        (["--text", "alph"], ["a"]),
        (["--parent", "a"], ["b"]),
        (["--project", "proj"], ["a"]),
        (["--project", "C:\\src"], ["b"]),
        (["--since", "1h"], ["b", "a"]),
        (["--until", "1h"], []),
        (["--since", "2001-01-01", "--until", "2001-01-02"], []),
    ):
        assert _ids(cli.json("sessions", "list", *options)) == expected, options


def test_a_damaged_session_is_listed_as_such(cli: Cli, save: Save) -> None:
    """One damaged session hides neither itself nor the others, and reading it says that it is damaged."""
    save("hello", id="good")
    broken = save("hello", id="broken")
    with_tip = cli.json("sessions", "list")
    tip = next(item["tip"] for item in with_tip if item["id"] == "broken")
    loose = cli.store / "objects" / tip[:2] / tip[2:]
    loose.chmod(0o600)
    loose.write_bytes(b"garbage")
    (cli.store / "superqode" / "index.sqlite").unlink(missing_ok=True)
    assert set(_ids(cli.json("sessions", "list"))) == {"good", "broken"}
    assert "hello" in cli.run("sessions", "show", "good").stdout
    told = cli.run("sessions", "show", broken.id, expect=ExitCode.CORRUPT)
    assert "broken" in told.stderr


def test_a_hostile_title_stays_text(cli: Cli, save: Save) -> None:
    """Escape sequences, overrides and markup in a title are shown, in lists, trees and the trash, and never sent."""
    save(HOSTILE, id="a", title=HOSTILE, tags=[HOSTILE])
    for command in (["list"], ["tree"], ["search", "owned"], ["show", "a"], ["log", "a"], ["diff", "a"]):
        shown = cli.run("sessions", *command).stdout
        assert not set(shown) & set("\x1b\x07\x9b\u202e\r"), command
    assert "\\x1b]0;owned\\x07" in cli.run("sessions", "list").stdout
    assert "[bold]x[/bold]" in cli.run("sessions", "list").stdout


def test_piped_tables_are_whole(cli: Cli, save: Save) -> None:
    """Without a terminal nothing is cut and nothing is coloured, whatever COLUMNS says, and columns line up."""
    save(id="a", title="说明" * 100)
    save(id="b" * 100, title="short")
    done = cli.process("sessions", "list", env=os.environ | {"COLUMNS": "40", "FORCE_COLOR": "1"})
    assert "\x1b" not in done.stdout
    header, first, second = done.stdout.splitlines()
    assert "说明" * 100 in second
    assert "b" * 100 in first
    assert header.index("TITLE") == first.index("short") == second.index("说")


def test_search_finds_words_and_marks_them(cli: Cli, save: Save) -> None:
    """Hits come with their place and snippet; several words need no quotes."""
    save("Fix the SQL injection in users.py", id="a", title="Security")
    save("Nothing of that", id="b")
    told = cli.run("sessions", "search", "sql", "injection")
    assert "a  Security  user #0" in told.stdout
    assert "Fix the SQL injection in users.py" in told.stdout
    (hit,) = cli.json("sessions", "search", "injection")
    assert set(hit) == {"session_id", "title", "entry_id", "position", "kind", "snippet", "marks", "updated_at"}
    (start, end), *_ = hit["marks"]
    assert hit["snippet"][start:end] == "injection"
    assert cli.json("sessions", "search", "no such words") == []
    assert "nothing found" in cli.run("sessions", "search", "no such words").stderr


def test_search_now_says_what_it_did_not_look_at(cli: Cli, save: Save) -> None:
    """Without waiting for what was never read; a search that waits has it, and then there is nothing to say."""
    save("sql injection", id="a")
    told = cli.run("sessions", "search", "injection", "--now")
    assert "1 session not searched" in told.stderr
    assert "sql" not in told.stdout
    assert len(cli.json("sessions", "search", "injection")) == 1
    told = cli.run("sessions", "search", "injection", "--now")
    assert "sql" in told.stdout
    assert "not searched" not in told.stderr


@pytest.mark.parametrize("query", ['"', "a AND", "(", "*", "NEAR(", "-x", "'; drop table", "\x00", "说明", " "])
def test_any_text_is_a_query(cli: Cli, save: Save, query: str) -> None:
    """Nothing that one types is a syntax error."""
    save("说明 hello", id="a")
    cli.run("sessions", "search", "--", query)


def test_tree_draws_forks_below_their_parents(cli: Cli, save: Save) -> None:
    """Each session stands once, below what it is a fork of; a parent elsewhere is named."""
    save(id="root", title="Root")
    save(id="child", parent_session_id="root")
    save(id="grandchild", parent_session_id="child")
    save(id="second", parent_session_id="root")
    save(id="orphan", parent_session_id="elsewhere")
    drawn = [row.rstrip() for row in cli.run("sessions", "tree").stdout.splitlines()]
    assert drawn == [
        "root  Root",
        "├─ child",
        "│  └─ grandchild",
        "└─ second",
        "orphan    (fork of elsewhere, which is not here)",
    ]
    listed = cli.json("sessions", "tree")
    assert [(item["id"], item["depth"]) for item in listed] == [
        ("root", 0),
        ("child", 1),
        ("grandchild", 2),
        ("second", 1),
        ("orphan", 0),
    ]
    assert set(listed[0]) == {"id", "title", "parent_session_id", "depth"}


def test_tree_ends_where_parents_go_in_a_circle(cli: Cli, save: Save) -> None:
    """Hostile data that names parents in a circle is drawn, each session once."""
    save(id="a", parent_session_id="b")
    save(id="b", parent_session_id="a")
    save(id="self", parent_session_id="self")
    assert sorted(_ids(cli.json("sessions", "tree"))) == ["a", "b", "self"]
