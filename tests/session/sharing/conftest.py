"""What the tests of sharing have in common: a team, and the detector's rules, compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from session.sharing import team as teams


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The detector's rules, compiled: every new store would compile them again."""
    return teams.compile_rules(tmp_path_factory.mktemp("rules"))


@pytest.fixture
def team(tmp_path: Path, rules: Path) -> teams.Team:
    """Ann with a session of three messages and a snapshot, Bob with an empty store, and a bare repository."""
    return teams.gather(tmp_path, rules)
