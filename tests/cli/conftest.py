"""The command line on real stores: an empty home, a store of its own, and few ways to run a command."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from superqode.cli import main
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command
from superqode.session import Session, SessionStore

HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\r[bold]x[/bold]\x9b31m"


@pytest.fixture(autouse=True)
def _ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal with colours, and no wishes about them."""
    for name in ("NO_COLOR", "FORCE_COLOR", "LESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def home() -> Path:
    """The empty home."""
    return Path.home()


def _named(args: Sequence[object]) -> click.Command:
    """The command that these words name, as far as they name one."""
    command: click.Command = main
    for word in map(str, args):
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        command = found
    return command


class Cli:
    """Runs `superqode` on one store, in this process or in one of its own."""

    def __init__(self, store: Path) -> None:
        self.store = store

    def run(self, *args: object, expect: ExitCode = ExitCode.OK, given: str | None = None) -> Result:
        """Run a command here and check its exit code."""
        result = CliRunner().invoke(main, ["--store", str(self.store), *map(str, args)], input=given)
        assert result.exit_code == expect, (result.exit_code, result.stdout, result.stderr)
        command = _named(args)
        assert not isinstance(command, Command) or expect in command.codes, f"the help of {args} has no {expect!r}"
        return result

    def json(self, *args: object, expect: ExitCode = ExitCode.OK) -> Any:
        """Run a command with --json; give the document it prints, and see that it prints nothing else."""
        result = self.run(*args, "--json", expect=expect)
        assert result.stderr == ""
        return json.loads(result.stdout)

    def _command(self, args: tuple[object, ...], before: str = "") -> list[str]:
        call = [sys.executable, "-c", f"{before}from superqode.cli import main; main()"]
        return [*call, "--store", str(self.store), *map(str, args)]

    def process(self, *args: object, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command as a process of its own, its output in pipes."""
        return subprocess.run(
            self._command(args), capture_output=True, text=True, encoding="utf-8", check=False, timeout=60, **options
        )

    def terminal(self, *args: object, typed: bytes = b"", before: str = "", **variables: str) -> tuple[int, str]:
        """Run a command as a process of its own on a terminal; give its exit code and what the terminal got.

        Args:
            args: the command.
            typed: what to type when it asks.
            before: Python to run first in that process.
            variables: additions to its environment.
        """
        ours, theirs = pty.openpty()
        environment = os.environ | {"COLUMNS": "100", "LINES": "50", "PAGER": "cat"} | variables
        # Its controlling terminal, so that a typed Ctrl-C is the signal.
        command = self._command(args, before=f"import os; os.login_tty(0); {before}")
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        told = b""
        try:
            while True:
                if select.select([ours], [], [], 0.5)[0]:
                    told += os.read(ours, 65536)
                elif b"[y/N]" in told:
                    # Only now that it waits: a Ctrl-C between prompt and read would be seen after the read alone.
                    os.write(ours, typed)
        except OSError:  # how Linux says that the other side is closed
            pass
        finally:
            os.close(ours)
        return process.wait(timeout=60), told.decode()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line on a store that is not there yet."""
    return Cli(tmp_path / "store")


@pytest.fixture
def save(cli: Cli) -> Callable[..., Session]:
    """Saves a session of some messages with the library; keywords are its fields."""

    def make(*messages: str, **fields: Any) -> Session:
        session = Session(**fields)
        with SessionStore(cli.store) as store:
            store.save(session)
            for number, message in enumerate(messages):
                session.add_message(
                    "assistant" if number % 2 else "user", message, agent_name="codex" if number % 2 else None
                )
                store.save(session)
        return session

    return make
