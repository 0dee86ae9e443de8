"""`superqode tui`: a terminal is needed, what is missing is said, and what was said is there after a kill."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import SessionStore


def test_without_a_terminal_it_says_so(cli):
    """In a pipe it is a usage error that names what prints instead."""
    done = cli.run("tui", expect=ExitCode.USAGE)

    assert "needs a terminal" in done.stderr


def test_a_missing_package_is_named(cli):
    """Where Textual is not installed one line says what to install."""
    code, told = cli.terminal("tui", before="import sys; sys.modules['textual'] = None; ")

    assert code == ExitCode.ERROR
    assert "pip install 'textual" in told
    assert "Traceback" not in told


def test_an_agent_nobody_configured_is_a_usage_error(cli, home):
    """The agents of the config file are named where another one is asked for."""
    config = home / ".superqode" / "config.toml"
    config.parent.mkdir()
    config.write_text('[agents.gemini]\ncommand = ["gemini", "--experimental-acp"]\n')

    code, told = cli.terminal("tui", "--agent", "codex")

    assert code == ExitCode.USAGE
    assert "gemini" in told


def test_a_session_that_is_not_there_is_told_before_anything_is_drawn(cli, save):
    """An id that fits nothing has its exit code, and no screen is begun."""
    save("hello", id="one")

    code, told = cli.terminal("tui", "two")

    assert code == ExitCode.NOT_FOUND
    assert "two" in told


def test_the_app_runs_where_cycles_are_looked_for_rarely(cli):
    """Before the app runs its modules are taken out of what the collector looks at, and it looks rarely."""
    seen = "App.run = lambda app: print('seen', gc.get_threshold()[0] > 10_000, gc.get_freeze_count() > 10_000)"

    code, told = cli.terminal("tui", before=f"import gc; from superqode.tui.app import SessionsApp as App; {seen}; ")

    assert code == ExitCode.OK
    assert "seen True True" in told


class _Terminal:
    """The app in a process of its own, on a terminal."""

    def __init__(self, store: Path) -> None:
        self.ours, theirs = pty.openpty()
        call = "import os; os.login_tty(0); from superqode.cli import main; main()"
        command = [sys.executable, "-c", call, "--store", str(store), "tui"]
        environment = os.environ | {"COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color"}
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.told = b""

    def until(self, text: bytes) -> None:
        """Read on until a text came."""
        ends = time.monotonic() + 90
        while text not in self.told:
            assert time.monotonic() < ends, self.told[-2000:]
            if select.select([self.ours], [], [], 0.2)[0]:
                self.told += os.read(self.ours, 65536)

    def type(self, text: bytes) -> None:
        """Type."""
        os.write(self.ours, text)

    def end(self) -> int:
        """Read it out, and give its exit code."""
        try:
            while os.read(self.ours, 65536):
                pass
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(self.ours)
        return self.process.wait(timeout=60)


@pytest.mark.skipif(sys.platform != "linux", reason="a pty that is read as Linux closes it")
def test_what_was_said_is_there_after_a_kill(cli, save):
    """Start, write, kill -9, start again: the last session is open, with what was sent; Ctrl+Q leaves in peace."""
    save("hello", id="one", title="The first one")
    first = _Terminal(cli.store)
    first.until(b"enter sends")
    first.type(b"remember this\r")
    ends = time.monotonic() + 60
    with SessionStore(cli.store) as store:
        while len(store.load("one").messages) < 2:
            assert time.monotonic() < ends
            first.until(b"")
            time.sleep(0.05)
    first.process.send_signal(signal.SIGKILL)
    assert first.end() == -signal.SIGKILL

    again = _Terminal(cli.store)
    again.until(b"remember")
    again.type(b"\x11")

    assert again.end() == ExitCode.OK
