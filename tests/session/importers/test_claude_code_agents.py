"""Sub-agents of Claude Code: in the file of their parent, beside it or below it, linked both ways."""

from __future__ import annotations

import io
from functools import partial

import pytest

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Source
from superqode.session.importers.claude_code import ClaudeCodeImporter

from .claude_scripts import CHILD_NAME, NAME, SESSION, Script, call, forked, prompts, run, said, sessions, side_by_side


def test_subagents_in_files_beside_the_parent():
    """The parent's record names the sub-agent; warm-ups give nothing, and an empty file one error."""
    results = run(side_by_side())
    errors = [str(result) for result in results if isinstance(result, TranscriptError)]
    assert errors == [".claude/projects/-p/empty.jsonl was not imported: it is empty"]
    parent, child = (result.session for result in results if isinstance(result, Imported))
    assert child.id == f"claude-code-{SESSION}-agent-a1b2c3"
    assert child.parent_session_id == parent.id
    assert parent.tool_executions[0].metadata["subagent_session_id"] == child.id
    assert child.metadata["subagent"] == {
        "agent_id": "a1b2c3",
        "agent_type": "Explore",
        "description": "Counting",
        "tool_use_id": "task",
    }
    assert (prompts(parent), prompts(child)) == (["count"], ["count them"])


def test_a_subagent_without_its_parent_is_imported_too():
    """Alone, a sub-agent's file still names its parent session, and what it knows of itself."""
    files = side_by_side()
    name = ".claude/projects/-p/agent-a1b2c3.jsonl"
    (child,) = sessions(files[name], name)
    assert child.parent_session_id == f"claude-code-{SESSION}"
    assert child.metadata["subagent"] == {"agent_id": "a1b2c3"}


@pytest.mark.parametrize(
    ("lost", "facts"),
    [(1, {"agent_id": "a1b2c3", "tool_use_id": "task"}), (2, {"agent_id": "a1b2c3"})],
    ids=["the call", "the result"],
)
def test_a_parent_that_has_lost_records_tells_what_it_can(lost, facts):
    """Where the parent's call or its result is damaged, the sub-agent's session says what is left to know."""
    files = side_by_side()
    del files[NAME].records[lost]
    assert run(files)[-1].session.metadata["subagent"] == facts


def test_relatives_that_cannot_be_read_do_not_matter():
    """A file beside this one that is gone or forbidden takes nothing from the import but the link."""
    files = side_by_side()
    name = ".claude/projects/-p/agent-a1b2c3.jsonl"

    def refused():
        raise PermissionError(13, "Permission denied")

    once = iter([forked()[1].bytes()])

    def half():
        return io.BytesIO(next(once, None) or refused())

    names = [name.replace(".jsonl", ".meta.json"), ".claude/projects/-p/other.jsonl"]
    listed = [Source(found, refused) for found in names] + [Source(CHILD_NAME, half)]
    for taken in (name, NAME):
        source = Source(taken, partial(io.BytesIO, files[taken].bytes()), lambda _needle: iter(listed))
        (result,) = ClaudeCodeImporter().read(source)
        assert isinstance(result, Imported)


def test_a_subagent_that_is_named_in_its_parents_file():
    """A sub-agent's records in the file of its parent are found by the id that the result names."""
    script = Script()
    script.says("count")
    main = script.answers(call("ta", "Task", prompt="x", description="Counting"), call("tb", "Task", prompt="x"))
    script.says("resumed words", isSidechain=True, parent=None, agentId="a1")
    script.answers("2", isSidechain=True, agentId="a1", attributionAgent="Explore")
    script.result("ta", "2", {"agentId": "a1"}, parent=main)
    parent, child = sessions(script)
    assert [made.metadata.get("subagent_session_id") for made in parent.tool_executions] == [child.id, None]
    assert child.metadata["subagent"] == {
        "agent_id": "a1",
        "agent_type": "Explore",
        "description": "Counting",
        "tool_use_id": "ta",
    }


def test_parallel_subagents_in_one_file():
    """Version 1.0 mixes the lines of several sub-agents: each goes to its own session and call."""
    script = Script()
    script.says("count twice")
    script.answers(call("ta", "Task", prompt="same words"), call("tb", "Task", prompt="same words"))
    main = script.last
    first = script.says("same words", isSidechain=True, parent=None)
    second = script.says("same words", isSidechain=True, parent=None)
    script.answers("from the first", isSidechain=True, parent=first)
    script.answers("from the second", isSidechain=True, parent=second)
    script.says("Warmup", isSidechain=True, parent=None)
    script.result("ta", parent=main)
    script.result("tb", parent=main)
    (result, *children) = run({NAME: script})
    assert [said(child.session)[1:] for child in children] == [
        [("assistant", "from the first")],
        [("assistant", "from the second")],
    ]
    links = [made.metadata["subagent_session_id"] for made in result.session.tool_executions]
    assert links == [child.session.id for child in children]
    assert prompts(result.session) == ["count twice"]
    assert result.receipt.dropped == {"warm-up of a sub-agent": 1}
    assert result.receipt.lines == result.receipt.mapped + 1
