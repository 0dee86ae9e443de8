"""Shell completion: commands from the table, ids from the store, and never a word on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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


def test_completion_is_silent_where_there_is_nothing(tmp_path: Path) -> None:
    """A missing, strange or damaged store completes nothing, and says nothing."""
    (tmp_path / "file").write_text("x")
    for store in ("nowhere", "file"):
        assert _complete("sessions show s", SUPERQODE_STORE=str(tmp_path / store)) == []
    assert _complete("sessions show s") == []
