"""opencode: what its recorded sessions hold, in all three storages, compared with what really happened."""

from __future__ import annotations

import contextlib
import json

import pytest

from superqode.session.errors import UnknownTranscript
from superqode.session.importers import recognise
from superqode.session.importers.opencode import OpencodeImporter

from . import folders, truth

OPENCODE = OpencodeImporter()


def kind(source):
    """Say which storage a source is of."""
    return "export" if "export-" in source.name else "database" if source.name.endswith(".db") else "files"


def sessions(folder, storage):
    """Import one storage of a recorded folder; gives the sessions, parents first."""
    wanted = [source for source in folders.at(folder) if "/" in source.name or kind(source) == "export"]
    imported, errors = folders.run(OPENCODE, [source for source in wanted if kind(source) == storage])
    assert errors == []
    return sorted((found.session for found in imported), key=lambda session: bool(session.parent_session_id))


def storages(folder):
    """Say which storages a recorded folder has."""
    return [storage for storage in ("export", "files", "database") if sessions(folder, storage)]


def as_spoken(session):
    """Give a session with the white space gone that opencode 0.5 takes off the ends of texts."""
    messages = [message.model_copy(update={"content": message.content.rstrip("\n")}) for message in session.messages]
    return session.model_copy(update={"messages": messages})


@pytest.mark.parametrize("folder", truth.folders("opencode"))
def test_a_recorded_session_is_imported_as_it_happened(folder):
    """Prompts, answers, thoughts, calls, their success and the files are those of the truth, in every storage."""
    known = truth.expected(folder)
    if folder.parent.name.startswith("0.5"):
        known["assistant_texts"] = [text.rstrip("\n") for text in known["assistant_texts"]]
    assert storages(folder)
    for storage in storages(folder):
        session, *subagents = sessions(folder, storage)
        truth.check(as_spoken(session) if folder.parent.name.startswith("0.5") else session, known, subagents=subagents)


@pytest.mark.parametrize("folder", truth.folders("opencode"))
def test_every_storage_gives_the_same_session(folder):
    """Ids, entries and files are the same wherever a session is read from."""
    first, *others = [
        [(session.id, session.timeline, session.files_created, session.title) for session in sessions(folder, storage)]
        for storage in storages(folder)
    ]
    for other in others:
        assert other == first


@pytest.mark.parametrize("folder", truth.folders("opencode"))
def test_each_recorded_file_is_opencodes_or_nobodys(folder):
    """No other importer takes a file of opencode's, and an empty database beside the files is none."""
    taken = set()
    for source in folders.at(folder):
        if "/" not in source.name and kind(source) != "export":
            continue
        with contextlib.suppress(UnknownTranscript):
            assert recognise(source).name == "opencode", source.name
            taken.add(kind(source))
    assert taken == set(storages(folder))


def test_recorded_subagents_are_linked_both_ways():
    """The call names the sub-agent's session, and that names its parent and what it is for."""
    folder = truth.TRANSCRIPTS / "opencode" / "1.18.33" / "subagent"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    parent, child = sessions(folder, "database")
    (made,) = parent.tool_executions
    assert made.metadata["subagent_session_id"] == child.id
    assert (child.parent_session_id, child.metadata["relation"]) == (parent.id, "subagent")
    assert child.metadata["subagent"] == {"agent_type": "general", "description": "Count Python files"}


@pytest.mark.parametrize("folder", truth.folders("opencode"))
def test_a_longer_session_keeps_the_ids_of_what_was_there(folder):
    """However many messages and parts there are yet, entries have the ids they have in the end, in the same order."""
    for source in folders.at(folder):
        if kind(source) != "export":
            continue
        with source.open() as stream:
            whole = json.load(stream)
        full = folders.ids(folders.only(OPENCODE, [source]).session)
        cuts = [
            {**whole, "messages": [*whole["messages"][:number], {**message, "parts": message["parts"][:count]}]}
            for number, message in enumerate(whole["messages"])
            for count in range(len(message["parts"]) + 1)
        ]
        for cut in cuts[1:]:
            for found in folders.run(OPENCODE, [folders.one(json.dumps(cut).encode())])[0]:
                assert folders.ids(found.session) == full[: len(found.session.timeline)]
