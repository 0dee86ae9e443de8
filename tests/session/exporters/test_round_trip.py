"""What is exported and imported again is the same session, in each format that carries a whole one."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given

import strategies
from exported import attack, everything
from superqode.session import Session, SessionStore
from superqode.session.exporters import ExportedSession, jsonlines
from superqode.session.importers import recognise
from superqode.session.importers.base import Source
from superqode.session.importers.exported_lines import ExportedLinesImporter
from superqode.session.store.bundling import bundle_session


def _read_lines(lines: str) -> Session:
    source = Source("lines", lambda: io.BytesIO(lines.encode()))
    (imported,) = ExportedLinesImporter().read(source)
    return imported.session


WRAPPINGS = {
    "json": (
        lambda made: ExportedSession.of(made).to_json(),
        lambda told: ExportedSession.from_json(told).to_session(),
    ),
    "base64": (
        lambda made: ExportedSession.of(made).to_base64(),
        lambda told: ExportedSession.from_base64(told).to_session(),
    ),
    "gzip": (
        lambda made: ExportedSession.of(made).to_bytes(),
        lambda told: ExportedSession.from_bytes(told).to_session(),
    ),
    "jsonl": (lambda made: "".join(jsonlines.render(made)), _read_lines),
}


@pytest.mark.parametrize("name", list(WRAPPINGS))
@given(session=strategies.sessions())
def test_any_session_comes_back_equal(name: str, session: Session) -> None:
    """Every field, entry and snapshot of whatever session is the same after it went out and came in."""
    write, read = WRAPPINGS[name]
    back = read(write(session))
    assert back == session
    assert [snapshot.state for snapshot in back.snapshots] == [snapshot.state for snapshot in session.snapshots]


@pytest.mark.parametrize("name", list(WRAPPINGS))
@pytest.mark.parametrize("make", [everything, attack], ids=["everything", "attack"])
def test_the_importer_finds_it_out_of_a_file(name: str, make) -> None:
    """`import` knows each wrapping by its content, and gives the session that was exported."""
    made = make()
    told = WRAPPINGS[name][0](made)
    data = told if isinstance(told, bytes) else told.encode()
    source = Source("out.txt", lambda: io.BytesIO(data))
    (imported,) = recognise(source).read(source)
    assert imported.session == made


def test_a_bundle_comes_back_equal_with_its_history(store: SessionStore, tmp_path: Path) -> None:
    """A bundle that `git fetch` brings into another store is the session with its saves and snapshots."""
    made = Session(id="a", title="T", tags=["x"])
    store.save(made)
    made.add_message("user", "one")
    made.create_snapshot("Before", snapshot_id="snap-1")
    store.save(made)
    made.add_tool_execution("Bash", {"command": "ls"}, "files", True)
    store.save(made)
    bundle = bundle_session(store, "a", tmp_path / "a.bundle")
    with SessionStore(tmp_path / "other") as other:
        other.save(Session(id="b"))
        subprocess.run(["git", "-C", other.path, "fetch", "-q", bundle, "refs/*:refs/*"], check=True)
        assert other.load("a") == store.load("a") == made
        assert other.history("a") == store.history("a")
