"""What every test stands on: a machine without settings, a store of its own, real git, time and chance held still."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pygit2
import pytest

from agents.fixtures import agent_programs, make_machine, make_model
from servers.fixtures import git_daemon, home, reading_daemon, ssh_server, web_server
from superqode.session import SessionStore, clock, entropy

# One set of servers and of agents for each worker, started when a test asks for one.
__all__ = [
    "agent_programs",
    "git_daemon",
    "home",
    "make_machine",
    "make_model",
    "reading_daemon",
    "ssh_server",
    "web_server",
]

_PATIENT = [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large]
hypothesis.settings.register_profile(
    "ci", max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=_PATIENT
)
hypothesis.settings.register_profile("full", max_examples=500, deadline=None, suppress_health_check=_PATIENT)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A shell's background job ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# As on a new machine: nothing of the user's, the system's or the caller's settings reaches git.
_SETTINGS = ("XDG_CONFIG_HOME", "SSH_ASKPASS", "EDITOR", "VISUAL", "PAGER")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_for_libgit2():
    """libgit2 looks for settings once, before a test can hide them: point it nowhere."""
    levels = pygit2.enums.ConfigLevel
    for level in (levels.PROGRAMDATA, levels.SYSTEM, levels.XDG, levels.GLOBAL):
        pygit2.settings.search_path[level] = ""


@pytest.fixture(autouse=True)
def _new_machine(tmp_path, monkeypatch):
    """An empty home, and none of the caller's `GIT_*` and `SUPERQODE_*` variables but those meant for the tests."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "SUPERQODE_")) and not name.startswith(("SUPERQODE_TEST", "SUPERQODE_OLD_GIT")):
            monkeypatch.delenv(name)
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / ".home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


class Git:
    """A real git on one repository.

    Args:
        path: the repository.
        program: the git to run.
    """

    def __init__(self, path: Path, program: str = "git") -> None:
        self.path = path
        self.program = program

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run git, whatever comes of it."""
        ident = ("-c", "user.name=Plain Git", "-c", "user.email=git@example.invalid")
        return subprocess.run(
            [self.program, *ident, "-C", str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=120,
        )

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run git, which must succeed; gives its standard output without the last newline."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)
        return done.stdout.removesuffix("\n")

    def fsck(self) -> None:
        """Check every object, as strictly as git can; the repository must be without fault."""
        done = self.run("fsck", "--strict", "--full", "--no-dangling")
        assert (done.returncode, done.stdout) == (0, ""), (done.stdout, done.stderr)


@pytest.fixture
def store_path(tmp_path) -> Path:
    """Where the store is made with the first save."""
    return tmp_path / "store"


@pytest.fixture
def store(store_path):
    """A store that is made with the first save, and closed at the end."""
    with SessionStore(store_path) as opened:
        yield opened


@pytest.fixture
def git_program() -> str:
    """The git to run; tests/compat runs its tests with others, too."""
    return "git"


@pytest.fixture
def git(store_path, git_program) -> Git:
    """Real git on the store: `git("log", "--oneline", "session")` gives what it prints."""
    return Git(store_path, git_program)


class StillClock:
    """A clock that stands still until it is told to go on (or back)."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **amount: float) -> None:
        """Go on by so much, as `timedelta` counts it; negative amounts go back."""
        self.moment += timedelta(**amount)


@pytest.fixture
def still_clock():
    """The library's clock, standing at 2026-11-22 10:00:00 UTC."""
    standing = StillClock(datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC))
    clock.set_clock(standing)
    yield standing
    clock.set_clock(None)


@pytest.fixture
def same_chance():
    """The library's randomness, the same in every run."""
    calls = iter(range(1_000_000))
    entropy.set_entropy(lambda count: hashlib.shake_128(str(next(calls)).encode()).digest(count))
    yield
    entropy.set_entropy(None)
