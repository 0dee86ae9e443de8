"""Whatever goes wrong ends in one line and an exit code; no traceback reaches a user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session, SessionStore

from .conftest import Cli

Save = Callable[..., Session]


def test_usage_errors_are_one_line(cli: Cli) -> None:
    """What is wrong, and which help to read; nothing on stdout."""
    for args in (
        ["sessions", "list", "--bogus"],
        ["sessions", "show"],
        ["bogus"],
        ["sessions", "list", "--limit", "x"],
    ):
        told = cli.run(*args, expect=ExitCode.USAGE)
        assert told.stdout == ""
        assert len(told.stderr.splitlines()) == 1
        assert told.stderr.startswith("superqode: ")
        assert "--help`" in told.stderr


@pytest.mark.parametrize(
    ("args", "name", "code"),
    [
        (["sessions", "show", "nope"], "StoreNotFound", ExitCode.NO_STORE),
        (["sessions", "list", "--bogus"], "UsageError", ExitCode.USAGE),
        (["sessions", "new", "--id=../x"], "InvalidSessionId", ExitCode.USAGE),
    ],
)
def test_errors_as_json(cli: Cli, args: list[str], name: str, code: ExitCode) -> None:
    """With --json, wherever it stands, an error is one document on stderr and stdout is empty."""
    told = cli.run(*args[:2], "--json", *args[2:], expect=code)
    assert told.stdout == ""
    error = json.loads(told.stderr)
    assert set(error) == {"error"}
    assert set(error["error"]) == {"type", "message", "exit_code"}
    assert (error["error"]["type"], error["error"]["exit_code"]) == (name, code)


def test_json_after_the_end_of_options_is_a_word(cli: Cli, save: Save) -> None:
    """`-- --json` asks for a session of that name, so its error is for people."""
    save(id="a")
    told = cli.run("sessions", "show", "--", "--json", expect=ExitCode.NOT_FOUND)
    assert told.stderr.startswith("superqode: ")


def test_an_unforeseen_error_asks_for_a_report(cli: Cli, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is one line that says how to report it; SUPERQODE_DEBUG=1 adds the traceback."""
    save("hello", id="a")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division\nby zero\x1b[2J")

    monkeypatch.setattr(SessionStore, "history", broken)
    told = cli.run("sessions", "log", "a", expect=ExitCode.ERROR).stderr
    assert len(told.splitlines()) == 1
    assert "ZeroDivisionError: division by zero\\x1b[2J" in told
    assert "SUPERQODE_DEBUG=1" in told
    monkeypatch.setenv("SUPERQODE_DEBUG", "1")
    told = cli.run("sessions", "log", "a", expect=ExitCode.ERROR).stderr
    assert "Traceback (most recent call last)" in told
    assert "\x1b" not in told


def test_a_reader_that_had_enough_is_no_error(cli: Cli, save: Save) -> None:
    """`| head -1` ends quietly, however much there was to print."""
    save(*["x" * 2000] * 40, id="a")
    for command in (["show", "a"], ["log", "a"], ["show", "a", "--json"]):
        call = [sys.executable, "-c", "from superqode.cli import main; main()", "--store", str(cli.store), "sessions"]
        with subprocess.Popen([*call, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(1)
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == ExitCode.OK


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_told_once(cli: Cli, save: Save) -> None:
    """Output that cannot be written is an error, told in one line."""
    save("hello", id="a")
    with Path("/dev/full").open("w") as full:
        call = [sys.executable, "-c", "from superqode.cli import main; main()", "--store", str(cli.store)]
        done = subprocess.run([*call, "sessions", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == ExitCode.ERROR
    assert done.stderr == "superqode: No space left on device\n"


def test_closed_output_is_no_crash(cli: Cli, save: Save) -> None:
    """A process started without stdout and stderr (as from cron) still does its work."""
    save("hello", id="a")
    script = (
        f'"{sys.executable}" -c "from superqode.cli import main; main()" --store "{cli.store}" sessions undo a >&- 2>&-'
    )
    assert subprocess.run(["sh", "-c", script], check=False).returncode == ExitCode.OK
    assert cli.json("sessions", "log", "a")[0]["action"] == "undo"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_store_is_told(cli: Cli, tmp_path: Path) -> None:
    """A folder without write permission is named."""
    tmp_path.chmod(0o500)
    try:
        told = cli.run("sessions", "new", expect=ExitCode.ERROR)
    finally:
        tmp_path.chmod(0o700)
    assert "should not have happened" not in told.stderr
