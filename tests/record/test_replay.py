"""Recorded traffic of real agents, played through the tee by a client and an agent: the same bytes, the true session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from session.importers import truth
from session.importers.recordings import asked, recorded, seen, without_headings
from superqode.session import SessionStore

from .player import play
from .recorder import ALARM, RECORD

PLAYER = Path(__file__).with_name("player.py")


def replay(store, recording, *options):
    """Play a recording from both sides of a recorder; fails where either hears anything else."""
    agent = [sys.executable, str(PLAYER), str(recording), "agent->client"]
    call = [*RECORD, "--store", str(store), *map(str, options), "--", *agent]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as recorder:
        assert play(recording, "client->agent", recorder.stdout, recorder.stdin) == 0
        rest, told = recorder.communicate(timeout=ALARM)
    assert (rest, told.decode(), recorder.returncode) == (b"", "", 0)


def content(session):
    """Give what a session says, without where it comes from and when it was saved."""
    told = session.to_dict() | {"updated_at": ""}
    metadata = {name: value for name, value in told.pop("metadata").items() if name not in ("recorded", "imported")}
    return told | {"metadata": metadata}


@pytest.mark.parametrize("folder", recorded())
def test_played_traffic_passes_as_it_is_and_becomes_the_true_session(folder, tmp_path):
    """Byte for byte on both sides; the session is what really happened, over more than one connection too."""
    for recording in sorted(folder.glob("traffic*.jsonl")):
        replay(tmp_path / "store", recording)
    with SessionStore(tmp_path / "store", create=False) as store:
        talked = [store.load(summary.id) for summary in store.list_sessions()]
        last = max(talked, key=lambda session: len(session.timeline))
        truth.check(without_headings(last), seen(folder), arguments=asked(folder))
        prompts = sum(message.role == "user" for message in last.messages)
        assert len(list(store.history(last.id))) == prompts


@pytest.mark.parametrize("folder", recorded())
def test_importing_the_log_afterwards_gives_the_same_session(folder, tmp_path):
    """What was recorded, and what the log of the same run is imported as, are one: importing it adds nothing."""
    log = tmp_path / "log.jsonl"
    replay(tmp_path / "recorded", folder / "traffic1.jsonl", "--log", log)
    assert log.stat().st_mode & 0o777 == 0o600
    with SessionStore(tmp_path / "recorded") as ours, SessionStore(tmp_path / "imported") as theirs:
        theirs.import_sources([log])
        ids = sorted(summary.id for summary in ours.list_sessions())
        assert ids == sorted(summary.id for summary in theirs.list_sessions())
        for session_id in ids:
            assert content(ours.load(session_id)) == content(theirs.load(session_id))
        assert {outcome.status for outcome in ours.import_sources([log]).sessions} == {"unchanged"}
