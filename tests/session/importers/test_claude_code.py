"""Claude Code's transcripts: what was really said and done, in the sessions that agents really wrote."""

from __future__ import annotations

import io

import pytest

from superqode.session.importers.base import Imported, Source
from superqode.session.importers.claude_code import ClaudeCodeImporter

from . import truth
from .claude_scripts import ids, run, sessions

# What the transcripts do not hold: 1.0 writes no thoughts.
UNSEEN = {"1.0.128/tools": {"thinking"}}


def _asked(execution):
    """What the model asked for: 2.1 writes one default of its own into the arguments of Edit."""
    return {name: value for name, value in execution.arguments.items() if (name, value) != ("replace_all", False)}


@pytest.mark.parametrize("folder", truth.folders("claude-code") + truth.folders("acp-claude"))
def test_recorded_sessions_are_what_really_happened(folder):
    """Prompts, answers, thoughts, calls with their outcome, and files are those of the server's and Git's record."""
    imported, errors = truth.import_folder(ClaudeCodeImporter(), folder)
    assert errors == []
    children = [item.session for item in imported if item.session.metadata.get("relation") == "subagent"]
    others = [item.session for item in imported if item.session not in children]
    newest = max(others, key=lambda session: session.updated_at)
    unseen = UNSEEN.get("/".join(folder.parts[-2:]), ())
    truth.check(newest, truth.expected(folder), subagents=children, unseen=unseen, arguments=_asked)


@pytest.mark.parametrize("folder", truth.folders("claude-code") + truth.folders("acp-claude"))
def test_recorded_files_are_accounted_for(folder):
    """Every line of a file is mapped, kept or dropped for a reason, and none is damaged."""
    for item in truth.import_folder(ClaudeCodeImporter(), folder)[0]:
        receipt = item.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert receipt.problems == []
        stored = item.session.metadata["imported"]
        assert stored["receipt"] == receipt.to_dict()
        assert (stored["format"], stored["title"]) == ("claude-code", item.session.title)


@pytest.mark.parametrize("folder", truth.folders("claude-code"))
def test_recorded_files_grow_without_changing_ids(folder):
    """Cut after any line, a file gives entries with the ids they have in the whole file, in the same order."""
    for source in truth.sources(folder):
        if not ClaudeCodeImporter().recognises(source, source.head()):
            continue
        with source.open() as stream:
            whole = stream.read().splitlines(keepends=True)
        full = {session.id: ids(session) for session in sessions(b"".join(whole), source.name)}
        for cut in range(len(whole)):
            for result in run({source.name: b"".join(whole[:cut])}):
                if isinstance(result, Imported):
                    known = ids(result.session)
                    assert known == full[result.session.id][: len(known)]


@pytest.mark.parametrize("agent", ["codex", "gemini-cli", "opencode", "pi", "qwen-code", "aider", "superqode"])
def test_other_agents_files_are_not_recognised(agent):
    """No file that another agent wrote is taken for Claude Code's, some of which look much like it."""
    folders = [folder for folder in (truth.TRANSCRIPTS / agent).glob("*/*") if folder.is_dir()]
    if not folders:
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    for folder in folders:
        for source in truth.sources(folder):
            assert not ClaudeCodeImporter().recognises(source, source.head()), source.name


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        (b'{"type":"file-history-snapshot","messageId":"u1"}\n{"sessionId":"s","type":"user"}\n', True),
        (b'{"type":"summary","summary":"Old","leafUuid":"u1"}\n', True),
        (b'not JSON\n{"sessionId":"s","uuid":"u1"}\n', True),
        (b'{"parentUuid":null,"sessionId":"s","message":{"content":"a very long first li', True),
        (b'{"sessionId":"s","projectHash":"h","type":"user"}\n', False),
        (b'{"sessionId":"s","type":"user","message":{"role":"user","parts":[]}}\n', False),
        (b'{"display":"hi","sessionId":"s","timestamp":1}\n', False),
        (b'{"timestamp":"t","type":"session_meta","payload":{"sessionId":"s"}}\n', False),
        (b'# notes\n> {"parentUuid":null,"sessionId":"s" quoted by somebody\n', False),
        (b"[]", False),
        (b"", False),
    ],
)
def test_content_decides_what_is_recognised(head, ours):
    """The records tell, not the name: Gemini's and Qwen's have the same fields and one more."""
    source = Source("notes.txt", lambda: io.BytesIO(head))
    assert ClaudeCodeImporter().recognises(source, source.head()) is ours


def test_a_recorded_fork_holds_its_parents_history():
    """The recorded fork begins with its parent's entries, under the same ids, and names it."""
    folder = truth.TRANSCRIPTS / "claude-code" / "2.1.330" / "fork"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    found = [item.session for item in truth.import_folder(ClaudeCodeImporter(), folder)[0]]
    parent, child = sorted(found, key=lambda session: len(session.timeline))
    assert (parent.parent_session_id, child.parent_session_id) == (None, parent.id)
    assert child.timeline[: len(parent.timeline)] == parent.timeline


@pytest.mark.parametrize("version", ["1.0.128", "2.1.330"])
def test_recorded_subagents_are_linked_both_ways(version):
    """The call names the sub-agent's session, and that names the call, whether it is in the same file or not."""
    folder = truth.TRANSCRIPTS / "claude-code" / version / "subagent"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    found = [item.session for item in truth.import_folder(ClaudeCodeImporter(), folder)[0]]
    parent, child = sorted(found, key=lambda session: session.metadata.get("relation", ""))
    (made,) = parent.tool_executions
    assert made.metadata["subagent_session_id"] == child.id
    assert child.id.startswith(f"{parent.id}-agent-")
    assert child.parent_session_id == parent.id
    facts = child.metadata["subagent"]
    assert (facts["tool_use_id"], facts["agent_type"]) == (made.id, "general-purpose")
    assert child.title == "Count Python files"
