"""Recorded traffic of the Agent Client Protocol: what real agents sent, compared with what really happened."""

from __future__ import annotations

import pytest

from superqode.session.importers import recognise
from superqode.session.importers.base import Imported

from . import folders, truth
from .recordings import asked, recorded, seen, traffic, without_headings
from .wires import ACP


@pytest.mark.parametrize("folder", recorded())
def test_recorded_traffic_is_imported_as_it_happened(folder):
    """Prompts, answers, thoughts, calls, their success and the files are those of the truth."""
    imported, errors = folders.run(ACP, traffic(folder))
    assert errors == []
    last = imported[-1].session
    truth.check(without_headings(last), seen(folder), arguments=asked(folder))
    observed = truth.expected(folder)["observed_tool_calls"]
    calls = {call.id: call for call in last.tool_executions}
    assert {call["id"] for call in observed} == set(calls)
    for call in observed:
        ours = calls[call["id"]].metadata
        assert (ours["kind"], ours["title"], ours["status"]) == (call["kind"], call["title"], call["status"])


@pytest.mark.parametrize("folder", recorded())
def test_recorded_traffic_is_nobody_elses(folder):
    """Only this importer takes it, and it says who the agent was."""
    info = truth.expected(folder)["driver"]["agent_info"]
    for source in traffic(folder):
        assert recognise(source).name == "acp"
    for found in folders.run(ACP, traffic(folder))[0]:
        assert found.session.agents_used == [info["name"]]
        assert found.session.metadata["acp"]["agent"]["version"] == info["version"]
        assert found.session.project_path.endswith("/proj")


@pytest.mark.parametrize("folder", recorded())
def test_a_longer_recording_keeps_the_ids_of_what_was_there(folder):
    """Cut after any line, entries have the ids they have in the end, in the same order."""
    for source in traffic(folder)[:1]:
        full = folders.ids(next(ACP.read(source)).session)
        with source.open() as stream:
            whole = stream.read().splitlines(keepends=True)
        for cut in range(len(whole)):
            for found in ACP.read(folders.one(b"".join(whole[:cut]), source.name)):
                if isinstance(found, Imported):
                    assert folders.ids(found.session) == full[: len(found.session.timeline)]


def test_a_resumed_session_is_one_session():
    """The second recording knows the first: what was repeated on load is there once, with its own times."""
    folder = truth.TRANSCRIPTS / "acp-claude" / "0.49.0" / "resumed"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    first, second = (found.session for found in folders.run(ACP, traffic(folder))[0])
    assert second.id == first.id
    assert second.timeline[: len(first.timeline)] == first.timeline


def test_a_resumed_session_can_be_read_from_the_second_recording_alone():
    """What was repeated on load is all there is then; the entries are the same, their times those of loading."""
    folder = truth.TRANSCRIPTS / "acp-claude" / "0.49.0" / "resumed"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    both = folders.run(ACP, traffic(folder))[0][-1].session
    with traffic(folder)[1].open() as stream:
        alone = folders.only(ACP, [folders.one(stream.read(), "traffic2.jsonl")]).session
    assert (alone.id, folders.ids(alone), folders.said(alone)) == (both.id, folders.ids(both), folders.said(both))
    assert (alone.files_created, alone.files_modified) == (both.files_created, both.files_modified)
