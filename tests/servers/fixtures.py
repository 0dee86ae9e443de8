"""The servers as fixtures: one of each for a test process, started when first asked for.

Where a program is missing a test is skipped with the name of its package; where `SUPERQODE_REQUIRE_SERVERS` is set, as
`.ci/run` does, that is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.daemon import GitDaemon
from servers.process import Server
from servers.ssh import SshServer
from servers.web import WebServer

# Read before a test: tests/conftest.py hides the SUPERQODE_ variables from those.
_REQUIRED = bool(os.environ.get("SUPERQODE_REQUIRE_SERVERS"))


def _running(server: Server):
    obstacles = server.obstacles()
    if obstacles:
        told = f"{server.title}: " + ", ".join(obstacles)
        if _REQUIRED:
            pytest.fail(told)
        pytest.skip(told)
    with server:
        yield server


@pytest.fixture(scope="session")
def ssh_server() -> Iterator[SshServer]:
    """Sshd with gitolite."""
    yield from _running(SshServer())


@pytest.fixture(scope="session")
def web_server() -> Iterator[WebServer]:
    """Nginx with `git http-backend`."""
    yield from _running(WebServer())


@pytest.fixture(scope="session")
def git_daemon() -> Iterator[GitDaemon]:
    """`git daemon` that takes pushes."""
    yield from _running(GitDaemon())


@pytest.fixture(scope="session")
def reading_daemon() -> Iterator[GitDaemon]:
    """`git daemon` that takes no pushes."""
    yield from _running(GitDaemon(writable=False))


@pytest.fixture
def home() -> Path:
    """The empty home of the test, for `Access.use`."""
    return Path(os.environ["HOME"])
