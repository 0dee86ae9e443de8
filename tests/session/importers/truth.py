"""Compares imported sessions with what really happened: the `expected.json` beside each real transcript.

The truth comes from the model server's own record and from Git, not from the transcript, so a transcript may
hold less of it. Such a gap is named in the test (`unseen`); then the session must not hold the field at all.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Source

TRANSCRIPTS = Path(__file__).parents[4] / "shared" / "data" / "transcripts"


def folders(agent):
    """Give an agent's recorded sessions as parameters; one that skips where the recordings are not there."""
    found = sorted((TRANSCRIPTS / agent).glob("*/*/expected.json"))
    if not found:
        reason = "the recorded transcripts are not beside this checkout (../shared/data/transcripts)"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="absent")]
    return [pytest.param(path.parent, id="/".join(path.parent.parts[-2:])) for path in found]


def expected(folder):
    """Give the truth about a recorded session."""
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def sources(folder):
    """Give every file an agent left, each knowing the others, as the command line does."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent != folder]
    listed = []

    def related(needle):
        return (source for source in listed if needle in source.name)

    listed.extend(Source(path.relative_to(folder).as_posix(), partial(path.open, "rb"), related) for path in files)
    return listed


def import_folder(importer, folder):
    """Import every file the importer recognises; gives the imported sessions and the errors."""
    results = [
        result
        for source in sources(folder)
        if importer.recognises(source, source.head())
        for result in importer.read(source)
    ]
    return (
        [result for result in results if isinstance(result, Imported)],
        [result for result in results if isinstance(result, TranscriptError)],
    )


def check(session, truth, *, subagents=(), unseen=(), arguments=lambda call: call.arguments):
    """Compare a session, and those of its sub-agents, with the truth field by field.

    Args:
        session: the main session.
        truth: the content of `expected.json`.
        subagents: sessions that hold the calls marked as `sidechain`.
        unseen: fields of the truth that the transcript does not hold.
        arguments: gives a call's arguments in the truth's shape.
    """
    said = {
        "prompts": [message.content for message in session.messages if message.role == "user"],
        "assistant_texts": texts(session, "assistant"),
        "assistant_responses": sum(message.role == "assistant" for message in session.messages),
        "thinking": [text for message in session.messages for text in message.metadata.get("thinking", ())],
        "files_created": sorted(session.files_created),
        "files_modified": sorted(session.files_modified),
        "files_deleted": sorted(session.metadata.get("files_deleted", ())),
    }
    changed = _changed(truth)
    for field, found in said.items():
        known = changed[field] if field in changed else truth[field]
        assert found == ([] if field in unseen else known), field
    assert len(said["prompts"]) == truth["user_messages"]
    if "assistant_texts" not in unseen:
        assert len(said["assistant_texts"]) == truth["assistant_messages_with_text"]
    own = [call for call in truth["tool_calls"] if not call.get("sidechain", False)]
    assert sum(not call.success for call in session.tool_executions) == sum(not call["ok"] for call in own)
    _check_calls([session], truth, arguments, sidechain=False)
    _check_calls(subagents, truth, arguments, sidechain=True)
    _check_flags([session, *subagents], truth)
    answers = [message for child in subagents for message in child.messages if message.role == "assistant"]
    assert len(answers) == truth.get("sidechain_responses", 0)


def _changed(truth):
    """Give what became of the files: the script's account, which Git's own bears out; a rename is one less, one more."""
    files = truth["files"]
    changed = {
        "files_created": sorted(files["created"]),
        "files_modified": sorted(files["modified"]),
        "files_deleted": sorted(files["deleted"]),
    }
    kinds = {"A": "files_created", "M": "files_modified", "D": "files_deleted"}
    seen = {field: [] for field in changed}
    for line in truth["git_name_status"]:
        status, *paths = line.split("\t")
        for kind, path in zip("DA" if status[0] == "R" else status[0], paths, strict=True):
            seen[kinds[kind]].append(path)
    assert {field: sorted(paths) for field, paths in seen.items()} == changed
    assert [truth["files_created"], truth["files_modified"]] == [files["created"], files["modified"]]
    return changed


def _check_flags(sessions, truth):
    """Compare calls with what their agent noted of each: its name, how its command ended, and that it failed."""
    calls = {call.id: call for session in sessions for call in session.tool_executions}
    for noted in truth.get("as_recorded_by_the_agent", ()):
        call, flag = calls[noted["id"]], noted["flag"]
        assert call.tool_name == noted["name"]
        if ended := re.search(r"exit[ =](\d+)", flag):
            assert call.metadata["exit_code"] == int(ended[1]), flag
        if flag in ("is_error=True", "isError=True", "status=error", "error-text"):
            assert not call.success, flag


def texts(session, role):
    """Give what one side said, without the messages that only call tools."""
    return [message.content for message in session.messages if message.role == role and message.content]


def _check_calls(sessions, truth, arguments, *, sidechain):
    """Compare the calls of sessions with those the truth knows, in their order; some truths know no ids."""
    known = [call for call in truth["tool_calls"] if call.get("sidechain", False) == sidechain]
    wanted = [{name: call[name] for name in ("id", "name", "arguments", "ok") if name in call} for call in known]
    calls = [call for session in sessions for call in session.tool_executions]
    found = [
        {"id": call.id, "name": call.tool_name, "arguments": arguments(call), "ok": call.success} for call in calls
    ]
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert {name: ours[name] for name in theirs} == theirs
