"""`delete`, `undelete`, `trash`, `purge`, `prune`: what is deleted can come back, until it is purged."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]


def _ids(cli: Cli) -> list[str]:
    return [item["id"] for item in cli.json("sessions", "list")]


def test_delete_and_back(cli: Cli, save: Save) -> None:
    """What was deleted is in the trash with its title and snapshots, and comes back with them."""
    save("hello", id="a", title=HOSTILE)
    made = cli.run("sessions", "snapshot", "a", "Before").stdout.strip()
    assert cli.json("sessions", "delete", "a") == {"deleted": ["a"]}
    assert _ids(cli) == []
    (item,) = cli.json("sessions", "trash")
    assert set(item) == {"session_id", "key", "deleted_at", "title", "tip", "snapshots"}
    assert (item["title"], item["snapshots"]) == (HOSTILE, [made])
    assert "\x1b" not in cli.run("sessions", "trash").stdout
    assert cli.json("sessions", "undelete", "a") == {"id": "a"}
    assert [item["id"] for item in cli.json("sessions", "snapshots", "a")] == [made]
    assert "trash is empty" in cli.run("sessions", "trash").stderr


def test_delete_several_or_none(cli: Cli, save: Save) -> None:
    """A wrong name among several stops the command before anything is deleted; a name twice is one."""
    for name in ("a1", "a2", "b1"):
        save(id=name)
    cli.run("sessions", "delete", "a1", "nope", expect=ExitCode.NOT_FOUND)
    cli.run("sessions", "delete", "b1", "a", expect=ExitCode.NOT_FOUND)
    cli.run("sessions", "delete", expect=ExitCode.USAGE)
    assert _ids(cli) == ["b1", "a2", "a1"]
    assert cli.json("sessions", "delete", "a1", "@latest", "b1") == {"deleted": ["a1", "b1"]}
    assert _ids(cli) == ["a2"]


def test_undelete_by_beginning_key_and_other_id(cli: Cli, save: Save) -> None:
    """The beginning of an id is enough; where the id is taken again, another is given."""
    save("first", id="session-1")
    cli.run("sessions", "delete", "session-1")
    (item,) = cli.json("sessions", "trash")
    save("second", id="session-1")
    cli.run("sessions", "undelete", "session-1", expect=ExitCode.ERROR)
    assert cli.json("sessions", "undelete", item["key"], "--id", "session-2") == {"id": "session-2"}
    assert "first" in cli.run("sessions", "show", "session-2").stdout
    cli.run("sessions", "delete", "session-2")
    assert cli.run("sessions", "undelete", "sess").stdout == "session-2 is back\n"
    cli.run("sessions", "undelete", "nope", expect=ExitCode.NOT_FOUND)


def test_purge_refuses_where_nobody_can_be_asked(cli: Cli, save: Save) -> None:
    """Without a terminal, and with --json, purging needs --yes; nothing is forgotten without it."""
    save("hello", id="a")
    cli.run("sessions", "delete", "a")
    told = cli.run("sessions", "purge", expect=ExitCode.USAGE)
    assert "--yes" in told.stderr
    assert cli.process("sessions", "purge", "--json").returncode == ExitCode.USAGE
    assert cli.process("sessions", "purge", input="y\n").returncode == ExitCode.USAGE
    assert len(cli.json("sessions", "trash")) == 1
    purged = cli.json("sessions", "purge", "--yes", "--now")
    assert set(purged) == {"purged", "freed_bytes", "shares", "held_by"}
    assert len(purged["purged"]) == 1
    assert cli.json("sessions", "trash") == []


def test_purge_asks_on_a_terminal(cli: Cli, save: Save) -> None:
    """It names what would go; only `y` is a yes, and anything else, Ctrl-C too, forgets nothing."""
    save("hello", id="a", title="Precious")
    cli.run("sessions", "delete", "a")
    for typed in (b"n\n", b"\n", b"\x03", b"\x04"):
        code, told = cli.terminal("sessions", "purge", typed=typed)
        assert code == ExitCode.CANCELLED
        assert "Precious" in told
        assert "superqode: cancelled" in told
        assert "Traceback" not in told
        assert len(cli.json("sessions", "trash")) == 1
    code, told = cli.terminal("sessions", "purge", typed=b"y\n")
    assert code == ExitCode.OK
    assert "Forgot 1 deleted session" in told
    assert cli.json("sessions", "trash") == []


def test_purge_one_or_what_is_old(cli: Cli, save: Save, still_clock: Any) -> None:
    """One item by its id, or all deleted longer ago than an age; the others stay."""
    for name in ("a", "b", "c"):
        save(id=name)
    cli.run("sessions", "delete", "a", "b")
    still_clock.advance(minutes=1)
    assert cli.json("sessions", "purge", "--older-than", "1d", "--yes")["purged"] == []
    cli.run("sessions", "purge", "a", "--yes")
    assert [item["session_id"] for item in cli.json("sessions", "trash")] == ["b"]
    cli.run("sessions", "purge", "a", "--yes", expect=ExitCode.NOT_FOUND)
    still_clock.advance(days=2)
    cli.run("sessions", "delete", "c")
    assert len(cli.json("sessions", "purge", "--older-than", "1d", "--yes")["purged"]) == 1
    assert [item["session_id"] for item in cli.json("sessions", "trash")] == ["c"]


def test_purge_names_the_shares_that_carry_it(cli: Cli, save: Save) -> None:
    """A share of what is forgotten stands in the store still: that is said, with what to do."""
    save("hello", id="a")
    share = cli.json("share", "create", "a")["id"]
    cli.run("sessions", "delete", "a")
    assert f"carry it still, in this store too: {share}" in cli.run("sessions", "purge", "--now", "--yes").stderr


def test_purge_names_what_keeps_the_bytes(cli: Cli, save: Save, tmp_path: Path) -> None:
    """A work tree keeps what was forgotten: that is exit code 3, and told with what to do; the same for a scrub."""
    save("hello secret-4711", id="a")
    git = ("git", "-C", str(cli.store), "worktree")
    subprocess.run([*git, "add", "-q", "--detach", str(tmp_path / "tree"), "a"], check=True)
    scrubbed = cli.run(
        "sessions", "scrub", "a", "--secret-stdin", "--yes", given="secret-4711\n", expect=ExitCode.PARTLY
    )
    assert f"{tmp_path}/tree keeps old bytes" in scrubbed.stderr
    cli.run("sessions", "delete", "a")
    told = cli.run("sessions", "purge", "--now", "--yes", expect=ExitCode.PARTLY)
    assert "`git worktree remove` it" in told.stderr
    subprocess.run([*git, "remove", "--force", str(tmp_path / "tree")], check=True)
    assert cli.json("sessions", "purge", "--now", "--yes")["held_by"] == []


def test_prune_moves_what_is_old(cli: Cli, save: Save, still_clock: Any) -> None:
    """--dry-run only tells; pruned sessions are in the trash and come back."""
    save(id="old", title="Old")
    still_clock.advance(days=40)
    save(id="young")
    assert [item["id"] for item in cli.json("sessions", "prune", "--older-than", "30d", "--dry-run")] == ["old"]
    assert _ids(cli) == ["young", "old"]
    told = cli.run("sessions", "prune", "--older-than", "30d").stdout
    assert "Old" in told
    assert "Moved 1 session to the trash" in told
    assert _ids(cli) == ["young"]
    cli.run("sessions", "undelete", "old")
    cli.run("sessions", "prune", expect=ExitCode.USAGE)
    cli.run("sessions", "prune", "--older-than", "soon", expect=ExitCode.USAGE)


def test_purge_asks_before_what_was_deleted_by_a_clock_that_was_ahead(cli: Cli, save: Save, still_clock: Any) -> None:
    """What it asks about is what it forgets, whatever the clock says now."""
    save("hello", id="a")
    still_clock.advance(hours=2)
    cli.run("sessions", "delete", "a")
    still_clock.advance(hours=-2)
    assert "--yes" in cli.run("sessions", "purge", expect=ExitCode.USAGE).stderr
    assert len(cli.json("sessions", "trash")) == 1
    cli.run("sessions", "purge", "a", "--older-than", "1d", "--yes")
    assert len(cli.json("sessions", "trash")) == 1


def test_purge_of_an_ambiguous_beginning_asks_nothing(cli: Cli, save: Save) -> None:
    """Two deleted sessions begin so: that is told, not asked."""
    for name in ("session-1", "session-2"):
        save(id=name)
        cli.run("sessions", "delete", name)
    told = cli.run("sessions", "purge", "session", expect=ExitCode.NOT_FOUND).stderr
    assert "session-1" in told
    assert "session-2" in told
