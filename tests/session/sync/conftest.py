"""What the tests of sync have in common: machines around one bare repository."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from session.sync.circle import Machine


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository, as a host has it."""
    path = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


@pytest.fixture
def machine(tmp_path: Path, remote: Path) -> Iterator[Callable[[str], Machine]]:
    """Makes machines by name; their stores are closed at the end."""
    made: list[Machine] = []

    def make(name: str) -> Machine:
        made.append(Machine(tmp_path / name, str(remote)))
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
