"""`import`: transcripts become sessions, again and again without harm; and the notice about the old store."""

from __future__ import annotations

import gzip
import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from superqode.cli.exit_codes import ExitCode

from .conftest import Cli

OUTCOME_KEYS = {"source", "session_id", "status", "messages", "executions", "reason", "title"}


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """A session that Codex wrote, in a hidden folder of a home."""
    folder = tmp_path / "someone" / ".codex" / "sessions" / "2026"
    folder.mkdir(parents=True)
    target = folder / "rollout-2026-11-22T09-47-29-aa7e42db-c3f1-4aad-ad87-b466dda44b66.jsonl"
    shutil.copyfile(str(files("superqode.cli") / "demo_session.jsonl"), target)
    return target


def _old_session(number: int) -> dict[str, object]:
    said = {"id": f"m{number}", "role": "user", "content": f"hello {number}", "timestamp": "2025-01-15T10:00:00"}
    return {
        "id": f"session-{number}",
        "title": f"Old {number}",
        "created_at": "2025-01-15T10:00:00",
        "updated_at": "2025-01-15T10:30:00",
        "messages": [said],
        "tool_executions": [],
    }


@pytest.fixture
def old_store(cli: Cli) -> Path:
    """A folder as superqode 2.25 kept it: a compressed session, a plain one, a damaged one, an index."""
    cli.store.mkdir()
    (cli.store / "session-1.json.gz").write_bytes(gzip.compress(json.dumps(_old_session(1)).encode()))
    (cli.store / "session-2.json").write_text(json.dumps(_old_session(2)))
    (cli.store / "session-3.json.gz").write_bytes(gzip.compress(json.dumps(_old_session(3)).encode())[:-20])
    (cli.store / "index.json").write_text("{}")
    return cli.store


def test_a_whole_home_is_searched(cli: Cli, transcript: Path, tmp_path: Path) -> None:
    """A folder is searched with its hidden folders, and what is no transcript is counted, not an error."""
    (transcript.parent / "notes.json").write_text('{"a": 1}')
    told = cli.run("sessions", "import", tmp_path / "someone").stdout.splitlines()
    assert told[0].split()[0] == "new"
    assert told[-1] == "Imported from 2 files (1 of them no transcripts): 1 new, 0 updated, 0 unchanged, 0 failed"
    (listed,) = cli.json("sessions", "list")
    assert listed["message_count"] == 7
    assert listed["execution_count"] == 7


def test_the_same_file_again_changes_nothing(cli: Cli, transcript: Path) -> None:
    """Importing twice makes no second session and no further save; more of a file goes on with its session."""
    whole = transcript.read_text()
    transcript.write_text("".join(whole.splitlines(keepends=True)[:12]))
    (first,) = cli.json("sessions", "import", transcript)["sessions"]
    assert set(first) == OUTCOME_KEYS
    assert first["status"] == "new"
    saves = cli.json("sessions", "log", first["session_id"])
    assert cli.json("sessions", "import", transcript)["sessions"][0]["status"] == "unchanged"
    assert cli.json("sessions", "log", first["session_id"]) == saves
    transcript.write_text(whole)
    assert cli.json("sessions", "import", transcript)["sessions"][0]["status"] == "updated"
    assert len(cli.json("sessions", "list")) == 1
    later = cli.json("sessions", "log", first["session_id"])
    assert later[-len(saves) :] == saves
    assert len(later) > len(saves)
    assert later[0]["messages"] == 7


def test_dry_run_writes_nothing(cli: Cli, transcript: Path) -> None:
    """It tells what would be imported, and no store is made."""
    told = cli.run("sessions", "import", "--dry-run", transcript).stdout
    assert "Would import from 1 file: 1 new" in told
    assert not cli.store.exists()


def test_what_is_damaged_is_named_and_the_rest_imported(cli: Cli, transcript: Path, tmp_path: Path) -> None:
    """Some failed: exit code 3, each named on stderr, the others are there. All failed: exit code 1."""
    bad = tmp_path / "bad\x1b[2J.jsonl"
    bad.write_text("no transcript at all")
    told = cli.run("sessions", "import", transcript, bad, expect=ExitCode.PARTLY)
    assert "bad\\x1b[2J.jsonl: " in told.stderr
    assert "1 new" in told.stdout
    assert "1 failed" in told.stdout
    report = cli.json("sessions", "import", transcript, bad, expect=ExitCode.PARTLY)
    assert {"files_seen", "sessions"} <= set(report)
    assert sorted(outcome["status"] for outcome in report["sessions"]) == ["failed", "unchanged"]
    cli.run("sessions", "import", bad, expect=ExitCode.ERROR)


def test_what_to_import_must_be_said(cli: Cli, tmp_path: Path) -> None:
    """No path, a path that is not there, or a mix with --old-store is a usage error."""
    for args in ([], [tmp_path / "missing"], ["--old-store", tmp_path], ["--old-store", "--dry-run"]):
        cli.run("sessions", "import", *args, expect=ExitCode.USAGE)
    assert not cli.store.exists()


def test_the_old_store_is_noticed_until_it_is_imported(cli: Cli, old_store: Path) -> None:
    """Every command says in one line that old sessions wait, but not in JSON; importing ends that, files stay."""
    before = {path.name: path.read_bytes() for path in old_store.iterdir()}
    cli.run("sessions", "new", "--id", "mine")
    told = cli.run("sessions", "list").stderr
    assert "superqode sessions import --old-store" in told
    assert len(told.splitlines()) == 1
    assert [item["id"] for item in cli.json("sessions", "list")] == ["mine"]
    imported = cli.run("sessions", "import", "--old-store", expect=ExitCode.PARTLY)
    assert "session-3.json.gz" in imported.stderr
    assert "2 new" in imported.stdout
    assert cli.run("sessions", "list").stderr == ""
    assert "hello 1" in cli.run("sessions", "show", "session-1").stdout
    assert {name: (old_store / name).read_bytes() for name in before} == before


def test_progress_is_drawn_on_a_terminal_only(cli: Cli, transcript: Path, tmp_path: Path) -> None:
    """In pipes stderr stays empty; a quick import draws nothing on a terminal either."""
    assert cli.process("sessions", "import", transcript).stderr == ""
    code, told = cli.terminal("sessions", "import", tmp_path / "someone")
    assert code == ExitCode.OK
    assert "Importing" not in told
    impatient = "import superqode.cli.progress as drawn; drawn._PATIENCE = 0.0; "
    for command, label in ((["import", tmp_path / "someone"], "Importing"), (["verify"], "Verifying")):
        code, told = cli.terminal("sessions", *command, before=impatient)
        assert code == ExitCode.OK
        assert label in told
        assert "100%" in told
        code, told = cli.terminal("sessions", *command, "--json", before=impatient)
        assert label not in told


def test_provenance_is_told(cli: Cli, transcript: Path) -> None:
    """`show --provenance` names file, format, digest, what was kept, and where each line went; JSON has the same."""
    cli.run("sessions", "import", transcript)
    told = cli.json("sessions", "show", "@latest", "--provenance")
    receipt = told["imported"]["receipt"]
    assert receipt["lines"] == receipt["mapped"] + receipt["kept"] + sum(receipt["dropped"].values())
    assert told["original"] == {
        "files": [
            {
                "name": transcript.as_posix(),
                "bytes": transcript.stat().st_size,
                "sha256": told["imported"]["source_sha256"],
            }
        ],
        "dropped": None,
    }
    shown = cli.run("sessions", "show", "@latest", "--provenance").stdout
    for part in ("codex, importer version", transcript.name, told["imported"]["source_sha256"], "lines read"):
        assert part in shown
    for reason in receipt["dropped"]:
        assert reason in shown


def test_provenance_of_a_session_of_ones_own(cli: Cli) -> None:
    """A session that nobody imported says so."""
    made = cli.run("sessions", "new", "--title", "mine").stdout.strip()
    assert "was not imported" in cli.run("sessions", "show", made, "--provenance").stdout
    assert cli.json("sessions", "show", made, "--provenance")["imported"] is None
    for option in (["--at", "~1"], ["--last", 1], ["--tools"]):
        assert "leave --at" in cli.run("sessions", "show", made, "--provenance", *option, expect=ExitCode.USAGE).stderr


def test_reimport_tells_as_import_does(cli: Cli, transcript: Path) -> None:
    """Originals are mapped again by name or all of them; what has none is named, with exit code 1 or 3."""
    cli.run("sessions", "import", transcript)
    transcript.unlink()
    for which in ("@latest", "--all"):
        told = cli.run("sessions", "reimport", which).stdout.splitlines()
        assert told == ["Mapped again from 1 file: 0 new, 0 updated, 1 unchanged, 0 failed"]
    made = cli.run("sessions", "new", "--title", "mine").stdout.strip()
    failed = cli.run("sessions", "reimport", made, expect=ExitCode.ERROR)
    assert f"{made}: no original of it is kept" in failed.stderr
    report = cli.json("sessions", "reimport", "--all", "--dry-run")
    assert {frozenset(outcome) for outcome in report["sessions"]} == {frozenset(OUTCOME_KEYS)}
    cli.run("sessions", "reimport", expect=ExitCode.USAGE)
