"""Recorded traffic of the Agent Client Protocol: what real agents sent, compared with what really happened."""

from __future__ import annotations

import re

import pytest

from superqode.session.importers import recognise
from superqode.session.importers.base import Imported

from . import folders, truth
from .wires import ACP

# What the wire does not show, by agent: Gemini CLI sends no arguments, and of a command that fails only that it ended.
UNSEEN_ARGUMENTS = frozenset(("acp-gemini",))
# What agents add to a call's arguments for the client to show.
ADDED = {"acp-claude": ("replace_all", False), "acp-opencode": "cwd"}


def recorded():
    """Give every recorded folder of every agent."""
    return [parameter for agent in ("acp-claude", "acp-gemini", "acp-opencode") for parameter in truth.folders(agent)]


def traffic(folder):
    """Give the recordings of a folder as the sources of one run."""
    return [source for source in folders.at(folder) if source.name.startswith("traffic")]


def seen(folder):
    """Give the truth as far as the wire shows it."""
    known = truth.expected(folder)
    for call in known["tool_calls"]:
        if folder.parts[-3] in UNSEEN_ARGUMENTS:
            call["arguments"] = {}
            call["ok"] = call["ok"] or call.get("why_not", "").startswith("command exits")
            # It failed to write, whatever the script expected.
            call["ok"] = call["ok"] and call["name"] != "write_file"
    return known


def asked(folder):
    """Give what takes off a call's arguments what its agent added."""
    added = ADDED.get(folder.parts[-3])

    def arguments(call):
        return {name: value for name, value in call.arguments.items() if added not in (name, (name, value))}

    return arguments


def without_headings(session):
    """Give a session without the headings that Gemini CLI puts before thoughts."""
    messages = []
    for message in session.messages:
        thoughts = [re.sub(r"^\*\*[^*]+\*\*\n", "", thought) for thought in message.metadata.get("thinking", ())]
        messages.append(message.model_copy(update={"metadata": {**message.metadata, "thinking": thoughts}}))
    return session.model_copy(update={"messages": messages})


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
