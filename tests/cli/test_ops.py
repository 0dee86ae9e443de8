"""`superqode ops`: what was done is listed, taken back by number or id, and told in words a person can act on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli
from .sharing import bare

Save = Callable[..., Session]


def test_ops_lists_and_undoes(cli: Cli, save: Save) -> None:
    """A deletion is listed with its title, taken back without a number, and that is an operation, too."""
    save("hello", id="a", title="Fix the login bug")
    deleted = cli.run("sessions", "delete", "a")
    assert "superqode ops undo" in deleted.stderr

    listed = cli.run("ops").stdout
    assert "delete" in listed
    assert "a Fix the login bug" in listed
    done = cli.run("ops", "undo")
    assert "Took back: delete of a" in done.stdout
    assert "  a is back" in done.stdout
    assert "superqode ops undo 1" in done.stderr
    assert "taken back" in cli.run("ops").stdout
    assert [one["verb"] for one in cli.json("ops")] == ["ops-undo", "delete"]
    assert len(cli.json("ops", "-n", 1)) == 1
    assert "  a is in the trash" in cli.run("ops", "undo", "1").stdout


def test_nothing_to_list_or_undo(cli: Cli, save: Save) -> None:
    """Where nothing happened that is said, and taking back is `not found`."""
    save("hello", id="a")
    assert cli.run("ops").stdout == ""
    assert "nothing was moved" in cli.run("ops").stderr
    assert cli.json("ops") == []
    cli.run("ops", "undo", expect=ExitCode.NOT_FOUND)
    cli.run("ops", "undo", "7", expect=ExitCode.NOT_FOUND)
    cli.run("ops", "-n", "0", expect=ExitCode.USAGE)
    cli.run("ops", "undone", expect=ExitCode.USAGE)


def test_every_verb_says_how_it_is_taken_back(cli: Cli, save: Save) -> None:
    """Whoever moves or removes something reads how to undo it; in JSON nothing is added."""
    save("one", id="a")
    cli.run("sessions", "edit", "a", "--title", "Other")
    cli.run("sessions", "snapshot", "a", "Before")
    for words in (
        ["rename", "a", "b"],
        ["delete", "b"],
        ["undelete", "b"],
        ["prune", "--older-than", "0m"],
    ):
        assert "undo it with: superqode ops undo" in cli.run("sessions", *words).stderr, words
    assert "undo it" not in cli.run("sessions", "undelete", "b", "--quiet").stderr
    assert cli.json("sessions", "delete", "b") == {"deleted": ["b"]}


def test_dry_run_by_id(cli: Cli, save: Save) -> None:
    """A dry run tells the same and changes nothing; the beginning of an id is enough."""
    save("hello", id="a")
    cli.run("sessions", "rename", "a", "b")
    (operation,) = cli.json("ops")
    told = cli.json("ops", "undo", operation["id"][:6], "--dry-run")
    assert (told["changes"], told["by"], told["pushed"]) == (["b is a again"], "", False)
    assert "Would take back: rename" in cli.run("ops", "undo", "--dry-run").stdout
    assert [one["id"] for one in cli.json("sessions", "list")] == ["b"]


def test_what_stands_in_the_way_is_an_error_with_a_remedy(cli: Cli, save: Save) -> None:
    """The exit code is `an error`, the message names the command that helps, and nothing changed."""
    save("hello", id="a")
    cli.run("sessions", "delete", "a")
    save("other", id="a")
    refused = cli.run("ops", "undo", expect=ExitCode.ERROR)
    assert "superqode sessions rename a NEW" in refused.stderr
    cli.run("sessions", "delete", "a")
    cli.run("sessions", "purge", "--yes")
    final = cli.run("ops", "undo", expect=ExitCode.ERROR)
    assert "nothing is kept of what was there before" in final.stderr
    assert "final" in cli.run("ops").stdout


def test_titles_from_outside_do_no_harm(cli: Cli, save: Save) -> None:
    """A title cannot speak to the terminal from the log."""
    save("hello", id="a", title=HOSTILE)
    cli.run("sessions", "delete", "a")
    assert "\x1b" not in cli.run("ops").stdout
    assert "\x1b" not in cli.run("ops", "undo").stdout


def _shared(cli: Cli, save: Save, team: Path) -> dict[str, Any]:
    save("hello", id="a")
    cli.run("remote", "add", "team", bare(team))
    share: dict[str, Any] = cli.json("share", "create", "a")
    cli.run("share", "revoke", share["id"], "--yes")
    return share


def test_a_revoked_share_is_pushed_again(cli: Cli, save: Save, tmp_path: Path) -> None:
    """The same link opens it again, on the remote; the log names the share and whose it is, and counts one."""
    share = _shared(cli, save, tmp_path / "team.git")
    assert f"share {share['id'][:8]} of a\n" in cli.run("ops").stdout
    cli.run("share", "open", share["share_url"], expect=ExitCode.NOT_FOUND)
    done = cli.json("ops", "undo")
    assert (done["share"], done["pushed"]) == (share["id"], True)
    assert "hello" in cli.run("share", "open", share["share_url"]).stdout
    assert cli.json("share", "list")[0]["pending"] is False


def test_a_remote_out_of_reach_is_told(cli: Cli, save: Save, tmp_path: Path) -> None:
    """The share is back here, the exit code says partly, and the message how it is sent later."""
    share = _shared(cli, save, tmp_path / "team.git")
    shutil.move(tmp_path / "team.git", tmp_path / "away.git")
    told = cli.run("ops", "undo", expect=ExitCode.PARTLY)
    assert f"superqode share push {share['id']}" in told.stderr
    shutil.move(tmp_path / "away.git", tmp_path / "team.git")
    cli.run("share", "push", share["id"])
    assert "hello" in cli.run("share", "open", share["share_url"]).stdout
