"""Codex: what its recorded sessions hold, compared with what really happened."""

from __future__ import annotations

import pytest

from . import truth
from .rollouts import CODEX, source_of

# 0.20 changes files only through shell commands; what a script in one of them edits is recorded nowhere.
UNSEEN = {"0.20.0/tools": ("files_modified",)}


def recorded(folder):
    """Give the main session of a folder (the newest fork of it) and those of its sub-agents."""
    imported, errors = truth.import_folder(CODEX, folder)
    assert errors == []
    sessions = [found.session for found in imported]
    subagents = [session for session in sessions if session.metadata.get("relation") == "subagent"]
    return [session for session in sessions if session not in subagents][-1], subagents


def without_nested(session):
    """Give a session without the commands its scripts ran, which the truth lists elsewhere."""
    asked = [call for call in session.tool_executions if "within" not in call.metadata]
    return session.model_copy(update={"tool_executions": asked})


def as_recorded(call):
    """Give arguments as the truth has them: a patch or a script as bare text."""
    return call.arguments["input"] if call.arguments.keys() == {"input"} else call.arguments


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_a_recorded_session_is_imported_as_it_happened(folder):
    """Prompts, answers, thoughts, calls, their success and the files are those of the truth."""
    session, subagents = recorded(folder)
    truth.check(
        without_nested(session),
        truth.expected(folder),
        subagents=subagents,
        unseen=UNSEEN.get("/".join(folder.parts[-2:]), ()),
        arguments=as_recorded,
    )


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_code_mode_shows_the_commands_its_scripts_ran(folder):
    """Each command of a script is an execution of its own, with its own success, and knows its script."""
    session, _ = recorded(folder)
    ran = {}
    for call in session.tool_executions:
        ran.setdefault(call.metadata.get("within"), []).append((call.tool_name, call.success))
    for call in truth.expected(folder)["tool_calls"]:
        nested = [(inner["name"], inner["ok"]) for inner in call.get("nested", ())]
        assert ran.get(call["id"], []) == nested
    commands = [call.arguments["cmd"] for call in session.tool_executions if call.tool_name == "exec_command"]
    assert all(not command.startswith("/bin/bash") for command in commands)


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_every_record_of_a_recorded_session_is_accounted_for(folder):
    """Read is mapped, kept or dropped with a reason; nothing is lost in silence."""
    for found in truth.import_folder(CODEX, folder)[0]:
        receipt = found.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert receipt.problems == []
        assert found.session.metadata["imported"]["receipt"] == receipt.to_dict()


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_a_longer_file_keeps_the_ids_of_what_was_there(folder):
    """However much of a file is written yet, its entries have the ids they have in the end, in the same order."""
    for source in truth.sources(folder):
        if not CODEX.recognises(source, source.head()):
            continue
        (whole,) = CODEX.read(source)
        final = [entry.id for entry in whole.session.timeline]
        with source.open() as stream:
            lines = stream.read().splitlines(keepends=True)
        for count in range(1, len(lines)):
            part = source_of(b"".join(lines[:count]), source.name, source.related(""))
            (grown,) = CODEX.read(part)
            begun = [entry.id for entry in grown.session.timeline]
            assert grown.session.id == whole.session.id
            assert begun == final[: len(begun)]


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_importing_again_gives_the_same(folder):
    """The same bytes give the same session, to the last id and time."""
    first, second = (truth.import_folder(CODEX, folder)[0] for _ in range(2))
    assert [found.session.to_dict() for found in first] == [found.session.to_dict() for found in second]
