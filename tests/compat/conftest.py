"""The gits that these tests run with (the machine's own, and one that `SUPERQODE_OLD_GIT` names), and people."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from compat.share_people import People
from session.sharing.team import compile_rules

_OLD = os.environ.get("SUPERQODE_OLD_GIT", "")


@pytest.fixture(
    params=[
        pytest.param("git", id="git"),
        pytest.param(_OLD, id="old git", marks=pytest.mark.skipif(not _OLD, reason="SUPERQODE_OLD_GIT names none")),
    ]
)
def git_program(request, monkeypatch) -> str:
    """A git, which the library finds first on the PATH, too."""
    program = shutil.which(request.param)
    assert program is not None, f"there is no {request.param}"
    if request.param != "git":
        monkeypatch.setenv("PATH", str(Path(program).parent) + os.pathsep + os.environ["PATH"])
    return program


@pytest.fixture(scope="session")
def rules(tmp_path_factory) -> Path:
    """The detector's rules, compiled once."""
    return compile_rules(tmp_path_factory.mktemp("rules"))


@pytest.fixture
def people(tmp_path, rules, monkeypatch) -> People:
    """Makes people."""
    return People(tmp_path, rules, monkeypatch)
