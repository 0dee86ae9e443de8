"""`superqode record`: what its options and its help promise; the tee itself is tested in tests/record."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from record.recorder import AGENT, Recorder
from superqode.session import SessionStore

from .conftest import Cli


@pytest.mark.parametrize("given", [[], ["--title", "x"], ["--"]])
def test_a_command_has_to_be_named(cli: Cli, given: list[str]) -> None:
    """Without one it is the command line that is wrong."""
    result = cli.run("record", *given, expect=2)
    assert "COMMAND" in result.stderr
    assert result.stdout == ""


def test_options_say_what_the_session_is_called_and_where_it_belongs(tmp_path: Path) -> None:
    """A title, a project, and a log that imports as the same session; the agent's own options are the agent's."""
    (tmp_path / "project").mkdir()
    options = ("--title", "Asked for", "--project", tmp_path / "project", "--log", tmp_path / "log.jsonl")
    with Recorder(tmp_path / "store", (*AGENT, "--no-load", "--title"), *options) as recorder:
        session_id = recorder.begin()
        recorder.prompt(session_id, "say x")
        assert recorder.end() == (0, "")
    with SessionStore(tmp_path / "store") as store:
        session = store.load(f"acp-{session_id}")
        assert (session.title, session.project_path) == ("Asked for", str(tmp_path / "project"))
        assert [outcome.status for outcome in store.import_sources([tmp_path / "log.jsonl"]).sessions] == ["unchanged"]


def test_the_command_may_stand_without_two_dashes(tmp_path: Path) -> None:
    """What follows the program is its own, whatever it looks like."""
    with Recorder(tmp_path / "store", (*AGENT, "--help", "--log", "x"), dashes=False) as recorder:
        assert recorder.begin().startswith("scripted-")
        assert recorder.end() == (0, "")


def test_recording_needs_no_extra_package(tmp_path: Path) -> None:
    """Neither the protocol's package nor anything it brings is loaded; the core records."""
    code = "import sys; sys.modules['acp'] = None; from superqode.cli import main; main()"
    call = [sys.executable, "-c", code, "record", "--store", str(tmp_path / "store"), "--", "cat"]
    done = subprocess.run(call, input=b"{}\n", capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"{}\n", b"")
