"""The gits that these tests run with: the machine's own, and an old one that `SUPERQODE_OLD_GIT` names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

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
