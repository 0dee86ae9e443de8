"""Gemini CLI, Qwen Code and Pi: what their recorded sessions hold, compared with what really happened."""

from __future__ import annotations

import io
import json

import pytest

from superqode.session.importers import IMPORTERS as EVERY
from superqode.session.importers.base import Imported, Source

from . import truth
from .chats import IMPORTERS, adds_up, ids, run

RECORDED = [
    pytest.param(agent, *found.values, marks=found.marks, id=f"{agent}-{found.id}")
    for agent in IMPORTERS
    for found in truth.folders(agent)
]


def imported(agent, folder):
    """Import a folder that gives no errors."""
    found, errors = truth.import_folder(IMPORTERS[agent], folder)
    assert errors == []
    return found


def told(agent, folder):
    """The truth, as the agent could know it: Gemini CLI trims the end of each answer before it writes it."""
    known = truth.expected(folder)
    if agent == "gemini-cli":
        known["assistant_texts"] = [text.rstrip() for text in known["assistant_texts"]]
    return known


@pytest.mark.parametrize(("agent", "folder"), RECORDED)
def test_a_recorded_session_is_imported_as_it_happened(agent, folder):
    """Prompts, answers, thoughts, calls, their success and the files are those of the server's and Git's record."""
    found = [item.session for item in imported(agent, folder)]
    children = [session for session in found if session.metadata.get("relation") == "subagent"]
    newest = max((session for session in found if session not in children), key=lambda session: session.updated_at)
    truth.check(newest, told(agent, folder), subagents=children)


@pytest.mark.parametrize(("agent", "folder"), RECORDED)
def test_every_record_is_accounted_for(agent, folder):
    """Read is mapped, kept or dropped with a reason, nothing is damaged, and the session says so."""
    for item in imported(agent, folder):
        adds_up(item.receipt)
        assert item.receipt.problems == []
        stored = item.session.metadata["imported"]
        assert stored["receipt"] == item.receipt.to_dict()
        assert (stored["format"], stored["title"]) == (agent, item.session.title)


@pytest.mark.parametrize(("agent", "folder"), RECORDED)
def test_a_longer_file_keeps_the_ids_of_what_was_there(agent, folder):
    """However much of a file is written yet, its entries have the ids they have in the end, in the same order."""
    for source in truth.sources(folder):
        if not IMPORTERS[agent].recognises(source, source.head()):
            continue
        with source.open() as stream:
            data = stream.read()
        final = {found.session.id: ids(found.session) for found in run({source.name: data}, IMPORTERS[agent])}
        for part in shorter(data):
            for found in run({source.name: part}, IMPORTERS[agent]):
                if isinstance(found, Imported):
                    begun = ids(found.session)
                    assert begun == final[found.session.id][: len(begun)]


def shorter(data):
    """Give what a file was before: fewer lines, or where it is one object fewer messages."""
    if data.startswith(b"{\n"):
        chat = json.loads(data)
        for count in range(len(chat["messages"])):
            yield json.dumps({**chat, "messages": chat["messages"][:count]}, indent=2).encode()
        return
    whole = data.splitlines(keepends=True)
    for count in range(1, len(whole)):
        yield b"".join(whole[:count])


@pytest.mark.parametrize(("agent", "folder"), RECORDED)
def test_importing_again_gives_the_same(agent, folder):
    """The same bytes give the same sessions, to the last id and time."""
    first, second = (imported(agent, folder) for _ in range(2))
    assert [found.session.to_dict() for found in first] == [found.session.to_dict() for found in second]


@pytest.mark.parametrize(("agent", "folder"), RECORDED)
def test_only_its_own_importer_takes_a_file(agent, folder):
    """No other importer takes a file of these agents, under whatever name."""
    taken = 0
    for source in truth.sources(folder):
        with source.open() as stream:
            data = stream.read()
        renamed = Source("notes.txt", lambda data=data: io.BytesIO(data))
        known = [importer.name for importer in EVERY if importer.recognises(renamed, renamed.head())]
        assert known in ([], [agent]), source.name
        taken += bool(known)
    assert taken


@pytest.mark.parametrize("other", ["claude-code", "codex", "opencode", "aider", "superqode", *IMPORTERS])
def test_other_agents_files_are_not_recognised(other):
    """No file that another agent wrote is taken for one of these."""
    folders = [folder for folder in (truth.TRANSCRIPTS / other).glob("*/*") if folder.is_dir()]
    if not folders:
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    for source in (source for folder in folders for source in truth.sources(folder)):
        for importer in (importer for agent, importer in IMPORTERS.items() if agent != other):
            assert not importer.recognises(source, source.head()), source.name


def test_a_file_that_was_only_begun_gives_nothing():
    """Over ACP Gemini CLI begins a second file that nothing is ever said in; that is no session, and no error."""
    folder = truth.TRANSCRIPTS / "acp-gemini" / "0.61.0" / "tools"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    (found,) = imported("gemini-cli", folder)
    known = truth.expected(folder)
    assert [message.content for message in found.session.messages if message.role == "user"] == known["prompts"]
    assert sum(message.role == "assistant" for message in found.session.messages) == known["assistant_responses"]
    asked = [(call.tool_name, call.arguments) for call in found.session.tool_executions]
    assert asked == [(call["name"], call["arguments"]) for call in known["tool_calls"]]
    assert found.session.files_modified == known["files_modified"]


def test_a_recorded_fork_holds_its_parents_history():
    """Pi's recorded fork begins with its parent's entries, under the same ids, and names it."""
    folder = truth.TRANSCRIPTS / "pi" / "0.73.1" / "fork"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    parent, child = sorted((found.session for found in imported("pi", folder)), key=lambda found: len(found.timeline))
    assert (parent.parent_session_id, child.parent_session_id) == (None, parent.id)
    assert child.metadata["relation"] == "fork"
    assert child.timeline[: len(parent.timeline)] == parent.timeline
