"""What the tests of sync have in common: machines around one bare repository."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from session.sharing import team as teams
from session.sync.circle import Machine, settle


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch):
    """No test gets near the keyring of whoever runs it."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository, as a host has it."""
    path = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detector's rules, compiled: every new store would compile them again."""
    return teams.compile_rules(tmp_path_factory.mktemp("rules"))


@pytest.fixture
def machine(tmp_path: Path, remote: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Machine]]:
    """Makes machines by name; their stores are closed at the end."""
    made: list[Machine] = []

    def make(name: str) -> Machine:
        made.append(Machine(tmp_path / name, str(remote), lambda: request.getfixturevalue("rules")))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


@pytest.fixture
def pair(machine: Callable[[str], Machine]) -> tuple[Machine, Machine]:
    """Two machines that are synced, under one key, and hold nothing yet."""
    one, other = machine("one"), machine("other")
    words = one.begin()
    one.sync()
    other.join(words)
    other.sync()
    return one, other


@pytest.fixture(params=["sealed", "plain"])
def machines(request, machine):
    """Two machines that are synced, sealed or in clear."""
    one, other = machine("one"), machine("other")
    if request.param == "plain":
        one.begin(plain=True)
        other.begin(plain=True)
    else:
        words = one.begin()
        one.sync()
        other.join(words)
    settle([one, other])
    return one, other
