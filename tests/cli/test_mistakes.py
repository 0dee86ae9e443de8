"""The likeliest mistakes, each with a message that says what to do instead."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]


def _told(cli: Cli, *words: object, code: ExitCode) -> str:
    """The one line that a command ends with."""
    (line,) = cli.run(*words, expect=code).stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["undelete", "x"], "`superqode sessions undelete`"),
        (["list"], "`superqode sessions list`, `superqode share list` or `superqode remote list`"),
        (["fork", "x"], "`superqode sessions fork` or `superqode share fork`"),
        (["sesions", "list"], "sessions"),
        (["share", "add"], "`superqode share passwords add`"),
    ],
)
def test_a_command_without_its_group(words: list[str], meant: str) -> None:
    """The whole command is named, in every group that has one."""
    told = CliRunner().invoke(main, words, prog_name="superqode")
    assert told.exit_code == ExitCode.USAGE
    assert f"did you mean {meant}?" in told.stderr


def test_a_title_instead_of_an_id(cli: Cli, save: Save) -> None:
    """A whole title works, whatever its case, where only one session has it; ids come first."""
    save(id="s-1", title="Fix SQL injection")
    save(id="s-2", title="Dessert")
    save(id="s-3", title="s-2")
    assert cli.json("sessions", "show", "fix sql INJECTION")["id"] == "s-1"
    assert cli.json("sessions", "show", "s-2")["id"] == "s-2"
    save(id="s-4", title="Dessert")
    told = _told(cli, "sessions", "show", "Dessert", code=ExitCode.NOT_FOUND)
    assert "s-2" in told
    assert "s-4" in told


def test_a_part_of_a_title_instead_of_an_id(cli: Cli, save: Save) -> None:
    """It could be many, so none is taken: those that have it are named, safely."""
    save(id="s-1", title=f"Fix SQL injection {HOSTILE}")
    told = _told(cli, "sessions", "delete", "sql inj", code=ExitCode.NOT_FOUND)
    assert "These have it in their title: s-1 (Fix SQL injection" in told
    assert "\x1b" not in told


def test_an_id_in_the_wrong_case(cli: Cli, save: Save) -> None:
    """The id as it is spelt here is named."""
    save(id="Session-ABC")
    assert "Did you mean Session-ABC?" in _told(cli, "sessions", "show", "session-abc", code=ExitCode.NOT_FOUND)


def test_an_agents_own_id(cli: Cli, save: Save) -> None:
    """The id that the agent shows is found inside of ours; one of another machine is nowhere."""
    save(id="codex-01a202a3-6c61-7be2")
    told = _told(cli, "sessions", "show", "01a202a3-6c61", code=ExitCode.NOT_FOUND)
    assert "Did you mean codex-01a202a3-6c61-7be2?" in told
    told = _told(cli, "sessions", "show", "ffffffff-0000", code=ExitCode.NOT_FOUND)
    assert "`superqode sessions list` shows all" in told


@pytest.mark.parametrize("typed", ["latest", "last", "@last"])
def test_latest_without_its_sign(cli: Cli, save: Save, typed: str) -> None:
    """`@latest` is named; a session that is really called so is taken."""
    save(id="a")
    assert "Did you mean @latest?" in _told(cli, "sessions", "show", typed, code=ExitCode.NOT_FOUND)
    save(id="latest")
    assert cli.json("sessions", "show", "latest")["id"] == "latest"


def test_a_folder_without_transcripts(cli: Cli, tmp_path: Path) -> None:
    """It is no error, but somebody who expected sessions is told where to look."""
    (tmp_path / "thesis").mkdir()
    told = cli.run("sessions", "import", tmp_path / "thesis")
    assert "there are no transcripts" in told.stderr
    assert "sessions import ~" in told.stderr


def test_a_store_that_is_none(tmp_path: Path, save: Save, cli: Cli) -> None:
    """A file, another folder, the folder above the store, a path that is not there: each is told as what it is."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    (tmp_path / "above").mkdir()
    Cli(tmp_path / "above" / "sessions").run("sessions", "new")
    for name, part in {
        "file": "it is, or is below, a file",
        "full": "the folder holds other files (thesis.tex)",
        "above": f"There is one at {tmp_path / 'above' / 'sessions'}",
        "missing": "Saving a session there makes one",
    }.items():
        assert part in _told(Cli(tmp_path / name), "sessions", "list", code=ExitCode.NO_STORE)


@pytest.mark.parametrize("typed", ["22.11.2026", "11/22/2026", "last week", "2026-13-01", "7 days"])
def test_a_time_in_another_notation(cli: Cli, typed: str) -> None:
    """What can be written is shown; what people mean by today and yesterday is understood."""
    told = _told(cli, "sessions", "list", "--since", typed, code=ExitCode.USAGE)
    for way in ("2026-11-22", "2026-11-22T10:00", "yesterday", "7d"):
        assert way in told


def test_today_and_yesterday(cli: Cli, save: Save) -> None:
    """They are days here: what was saved just now was today, and not before yesterday's end."""
    save(id="a")
    assert len(cli.json("sessions", "list", "--since", "today")) == 1
    assert len(cli.json("sessions", "list", "--since", "Yesterday")) == 1
    assert cli.json("sessions", "list", "--until", "yesterday") == []


def test_a_link_that_was_cut(cli: Cli, save: Save, tmp_path: Path) -> None:
    """A link without its token, or without its secret: told that the whole link is needed, and nothing of it repeated."""
    save("hello", id="a")
    link = cli.run("share", "create", "a").stdout.strip()
    told = _told(cli, "share", "open", link.partition("#")[0], code=ExitCode.USAGE)
    assert "Give the whole link" in told
    other = Cli(tmp_path / "other")
    told = _told(other, "share", "open", link.rpartition(".")[0], code=ExitCode.WRONG_PASSWORD)
    assert "the link lacks its secret" in told


def test_nobody_to_ask_for_a_password(cli: Cli, save: Save) -> None:
    """Without a terminal the other ways to give it are named."""
    save("hello", id="a")
    told = _told(cli, "share", "create", "a", "--visibility", "private", code=ExitCode.USAGE)
    for way in ("--password-stdin", "--generate", "$SUPERQODE_SHARE_PASSWORD"):
        assert way in told


def test_exporting_over_a_file(cli: Cli, save: Save, tmp_path: Path) -> None:
    """The file stays, and the option that replaces it is named."""
    save("hello", id="a")
    (tmp_path / "talk.html").write_text("mine")
    told = _told(cli, "sessions", "export", "a", "-o", tmp_path / "talk.html", code=ExitCode.ERROR)
    assert "--force replaces it" in told
    assert (tmp_path / "talk.html").read_text() == "mine"


def test_no_git(cli: Cli, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs it says so, which version, and what works without."""
    save("hello", id="a")
    monkeypatch.setenv("PATH", str(tmp_path))
    told = _told(cli, "sessions", "backup", tmp_path / "all.backup", code=ExitCode.ERROR)
    assert "git program (2.31 or newer)" in told
    assert "saving and reading sessions work without it" in told
    assert "hello" in cli.run("sessions", "show", "a").stdout


def test_a_title_without_quotes(cli: Cli) -> None:
    """Words too many are told with the reason they mostly have."""
    assert "needs quotes" in _told(cli, "sessions", "new", "Fix", "SQL", code=ExitCode.USAGE)


def test_an_old_store_that_waits(cli: Cli) -> None:
    """Every command says in one line how its sessions come in."""
    cli.store.mkdir()
    (cli.store / "session-1.json").write_text(json.dumps({"id": "session-1"}))
    cli.run("sessions", "new")
    assert "superqode sessions import --old-store" in cli.run("sessions", "list").stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a store to somebody else")
def test_a_store_of_another_user(cli: Cli, save: Save) -> None:
    """Whose it is, why that is refused, and how sessions are handed over."""
    save("hello", id="a")
    os.chown(cli.store, 12345, -1)
    told = _told(cli, "sessions", "list", code=ExitCode.FORBIDDEN)
    assert "belongs to user 12345" in told
    assert "superqode share" in told


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--store", "~no-such-user/x", "sessions", "show", "a"], {}),
        (["sessions", "list"], {"SUPERQODE_CONFIG": "~no-such-user/x"}),
        (["hooks", "status", "--server", "~no-such-user/x"], {}),
        (["sessions", "rescue"], {"CLAUDE_CONFIG_DIR": "~no-such-user/x"}),
        (["hooks", "status", "--agent", "claude-code"], {"CLAUDE_CONFIG_DIR": "~no-such-user/x"}),
        (["qe", "run", "~no-such-user/x"], {}),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_a_home_that_nobody_has(words: list[str], variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`~name` of somebody unknown is a path that is not there, as in a shell."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(main, words)
    assert "this should not have happened" not in told.stderr
    assert told.exception is None or isinstance(told.exception, SystemExit)
