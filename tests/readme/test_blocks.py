"""Every block of the README does what it says, run as it stands there."""

from __future__ import annotations

import shutil
from pathlib import Path

import superqode.cli
from readme.machine import make_machines
from readme.parts import README, blocks_of

# These make environments, so .ci/run runs them, once and verbatim.
BY_CI = {"install", "tests"}


def lay_codex_session(home: Path) -> None:
    """Put a session of Codex where Codex keeps them."""
    place = home / ".codex" / "sessions" / "2026" / "11" / "22"
    place.mkdir(parents=True)
    transcript = Path(superqode.cli.__file__).with_name("demo_session.jsonl")
    shutil.copy(transcript, place / "rollout-2026-11-22T09-47-29-aa7e42db-c3f1-4aad-ad87-b466dda44b66.jsonl")


def lay_project(home: Path) -> Path:
    """Make a project with a test that fails."""
    project = home / "shop"
    (project / "tests").mkdir(parents=True)
    (project / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n[tool.pytest.ini_options]\n')
    (project / "tests" / "test_total.py").write_text("def test_total():\n    assert 1 + 1 == 3\n")
    return project


def test_every_block_runs(tmp_path: Path) -> None:
    """From top to bottom, on a machine with one Codex session, a colleague's machine and the team's Git server."""
    one, two = make_machines(tmp_path)
    lay_codex_session(one.home)
    (two.home / ".codex").mkdir()  # the colleague uses Codex, too
    python = ""
    for block in blocks_of(README.read_text("utf-8")):
        if block.name in BY_CI:
            continue
        if block.language == "python":
            python += block.text
        elif block.name == "project":
            one.shell(block.text, lay_project(one.home))
        elif block.name == "elsewhere":
            two.shell(block.text)
        else:
            assert (block.name, block.language) == ("", "sh")
            one.shell(block.text)
    told = one.python(python)
    assert "Fix the SQL injection vulnerability" in told
    assert "#" in told.splitlines()[-1]
    assert (one.home / "talk.html").read_text("utf-8").startswith("<!doctype html>")
    assert (one.home / "sessions.bundle").is_file()
    assert "test_total" in (one.home / "shop" / "qe.sarif").read_text("utf-8")


def test_ci_runs_the_others() -> None:
    """The blocks that are not run here are run by .ci/run, taken out of the README."""
    script = (README.parent / ".ci" / "run").read_text("utf-8")
    names = {block.name for block in blocks_of(README.read_text("utf-8"))}
    assert names >= BY_CI
    for name in BY_CI:
        assert f"readme_block {name}" in script
