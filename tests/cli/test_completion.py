"""Shell completion: commands from the table, ids from the store, and never a word on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]


def _complete(words: str, **variables: str) -> list[str]:
    script = "import sys; sys.argv[0] = 'superqode'; from superqode.cli import main; main(prog_name='superqode')"
    asked = {
        "_SUPERQODE_COMPLETE": "zsh_complete",
        "COMP_WORDS": f"superqode {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=os.environ | asked | variables
    )
    assert done.stderr == ""
    return done.stdout.strip().splitlines()


def test_commands_are_completed() -> None:
    """Names and short help come from the table."""
    assert _complete("ses")[1:] == ["sessions", "Keep, read, search, fork and undo sessions."]
    assert "restore-backup" in _complete("sessions res")
    assert _complete("sessions list --pro")[1] == "--project"


def test_ids_are_completed_with_their_titles(cli: Cli, save: Save) -> None:
    """Newest first, from the store that is named or in the environment; titles are safe."""
    save(id="session-1", title="First")
    save(id="session-2", title=HOSTILE)
    save(id="other")
    told = _complete("sessions show sess", SUPERQODE_STORE=str(cli.store))
    assert [told[place] for place in (1, 4)] == ["session-2", "session-1"]
    assert told[5] == "First"
    assert "\x1b" not in "".join(told)
    assert "other" in _complete(f"--store {cli.store} sessions delete session-1 o")
    assert "@latest" in _complete("sessions show @", SUPERQODE_STORE=str(cli.store))
    cli.run("sessions", "delete", "other")
    assert "other" in _complete(f"--store {cli.store} sessions undelete o")
    (operation,) = cli.json("ops")
    assert operation["id"] in _complete(f"--store {cli.store} ops undo {operation['id'][:2]}")


def test_completion_is_silent_where_there_is_nothing(tmp_path: Path) -> None:
    """A missing, strange or damaged store completes nothing, and says nothing."""
    (tmp_path / "file").write_text("x")
    for store in ("nowhere", "file"):
        assert _complete("sessions show s", SUPERQODE_STORE=str(tmp_path / store)) == []
    assert _complete("sessions show s") == []


def test_an_id_is_found_by_its_title(cli: Cli, save: Save) -> None:
    """Where no id begins so, a word of the title finds it; after two letters, not at every guess."""
    save(id="s-1", title="Fix SQL injection")
    save(id="s-2", title="Dessert")
    told = _complete("sessions show inject", SUPERQODE_STORE=str(cli.store))
    assert told == ["plain", "s-1", "Fix SQL injection"]
    assert _complete("sessions show q", SUPERQODE_STORE=str(cli.store)) == []


def test_revisions_tags_agents_and_projects_are_completed(cli: Cli, save: Save) -> None:
    """Each from what the store has, with a word about it."""
    save("hello", "hi", id="a", title="A", tags=["sweet"], project_path="/code/pie")
    made = cli.run("sessions", "snapshot", "a", "Before it").stdout.strip()
    store = str(cli.store)
    assert _complete("sessions restore a snap", SUPERQODE_STORE=store)[1:] == [made, "Before it"]
    assert "~1" in _complete("sessions show a --at ~", SUPERQODE_STORE=store)
    assert f"a@{made}" in _complete("sessions diff a@sn", SUPERQODE_STORE=store)
    assert _complete("sessions list --tag s", SUPERQODE_STORE=store)[1:] == ["sweet", "1 session"]
    assert _complete("sessions stats --agent c", SUPERQODE_STORE=store)[1:] == ["codex", "1 session"]
    assert "/code/pie" in _complete("sessions list --project /c", SUPERQODE_STORE=store)


def test_remotes_and_shares_are_completed_without_what_opens_them(cli: Cli, save: Save, tmp_path: Path) -> None:
    """Names of remotes, ids of shares; neither credentials nor link secrets."""
    save("hello", id="a", title="A")
    cli.run("remote", "add", "team", "https://me:hunter2@example.invalid/x.git")
    share = cli.run("share", "create", "a", "--remote", str(tmp_path), expect=ExitCode.REMOTE_FAILED)
    assert share.stdout == ""
    told = _complete("share create a --remote t", SUPERQODE_STORE=str(cli.store))
    assert told[1] == "team"
    assert "hunter2" not in " ".join(told)
    assert _complete("share show ", SUPERQODE_STORE=str(cli.store))[2] == "A"
