"""The JSONL store of superqode 2.25's agent."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given

from superqode.session.ids import is_session_id
from superqode.session.importers.superqode_agent import AgentStoreImporter

from . import folders, fuzzing
from .olddata import needs_recordings, only, recorded, refused, source_of

AGENT = AgentStoreImporter()


def line(role, content="", **more):
    """Give a message as the agent wrote it."""
    record = {
        "role": role,
        "content": content,
        "timestamp": "2026-11-22T09:58:41.806732",
        "tool_calls": None,
        "tool_name": None,
        "tool_result": None,
        "tool_call_id": None,
        **more,
    }
    return json.dumps(record).encode() + b"\n"


def asks(*calls):
    """Give tool calls as the agent wrote them."""
    return [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": raw}}
        for call_id, name, raw in calls
    ]


def meta(**more):
    """Give a session's metadata."""
    known = {
        "session_id": "abc",
        "created_at": "2026-11-22T09:58:40",
        "message_count": 1,
        "total_tokens": 0,
        "harness_id": "",
    }
    return {**known, **more}


@needs_recordings
def test_the_recorded_store_comes_over():
    """Messages, calls with their results, the fork's parent and the model are there."""
    sources = recorded("agent-jsonl-store")
    assert all(AGENT.recognises(source, source.head()) for source in sources.values())
    results = [result.session for source in sources.values() for result in AGENT.read(source)]
    fork, first = results
    assert (first.id, first.title) == ("37029262", "The greeting in greet.py has a typo. Please fix it 🎉 修正")
    assert (fork.id, fork.title, fork.parent_session_id) == ("37029262-fork-a43a", "Fork of 37029262", "37029262")
    assert fork.metadata["relation"] == "fork"
    for found in results:
        assert [message.role.value for message in found.messages] == ["user", "assistant", "assistant", "assistant"]
        assert [(call.id, call.tool_name, call.arguments, call.success) for call in found.tool_executions] == [
            ("call_1", "read_file", {"path": "greet.py"}, True),
            ("call_2", "bash", {"command": "python3 test_greet.py"}, False),
        ]
        assert found.metadata["model"] == "gpt-5.5"
        assert found.agents_used == ["superqode"]
    assert [entry.id for entry in fork.timeline] == [entry.id for entry in first.timeline]


def test_results_find_their_calls_in_any_order():
    """Parallel calls, ids used again, and calls that never came back are told apart."""
    data = line("user", "go") + line("assistant", tool_calls=asks(("a", "read_file", "{}"), ("b", "bash", "not json")))
    data += line("tool", "second", tool_call_id="b") + line("tool", "Error: first", tool_call_id="a")
    data += line("assistant", tool_calls=asks(("a", "write_file", '{"path": "new.py"}'), ("c", "bash", "{}")))
    data += line("tool", "written", tool_call_id="a") + line("tool", "nobody asked", tool_call_id="x", tool_name="bash")
    found = only(AGENT, source_of(data, "abc.jsonl")).session
    assert [(call.id, call.result, call.success, call.metadata) for call in found.tool_executions] == [
        ("a", "Error: first", False, {}),
        ("b", "second", True, {}),
        ("a~2", "written", True, {}),
        ("c", "", False, {"unfinished": True}),
    ]
    assert found.tool_executions[1].arguments == {"input": "not json"}
    assert found.files_created == ["new.py"]
    orphan = found.messages[-1]
    assert (orphan.role, orphan.content, orphan.tool_call_id) == ("tool", "nobody asked", "x")


def test_without_its_metadata_a_session_is_still_there():
    """Metadata that is absent or damaged costs title and parent only, and that is noted."""
    data = line("user", "fix it")
    alone = only(AGENT, source_of(data, "s/abc.jsonl"))
    damaged = only(AGENT, source_of(data, "s/abc.jsonl", [source_of(b'{"session', "s/abc.meta.json")]))
    for found in (alone, damaged):
        assert (found.session.id, found.session.title, found.session.parent_session_id) == ("abc", "fix it", None)
        assert ".meta.json" in found.receipt.problems[0]
    other = source_of(meta(title="of another"), "t/abc.meta.json")
    assert only(AGENT, source_of(data, "s/abc.jsonl", [other])).session.title == "fix it"


def test_metadata_and_graph_give_no_sessions():
    """Files beside the messages are known, and are no sessions."""
    for value, name in [(meta(), "abc.meta.json"), ({"format": "superqode-session-graph-v1"}, "session_graph.json")]:
        source = source_of(value, name)
        assert AGENT.recognises(source, source.head())
        assert list(AGENT.read(source)) == []


def test_a_longer_file_keeps_the_ids_of_what_was_there():
    """Appending changes no id."""
    lines = [
        line("user", "go"),
        line("user", "go"),
        line("assistant", tool_calls=asks(("a", "bash", "{}"))),
        line("tool", "x", tool_call_id="a"),
    ]
    grown = [
        [entry.id for entry in only(AGENT, source_of(b"".join(lines[:end]), "a.jsonl")).session.timeline]
        for end in (1, 2, 3, 4)
    ]
    assert all(longer[: len(shorter)] == shorter for shorter, longer in pairwise(grown))
    assert len(set(grown[-1])) == len(grown[-1]) == 4


@pytest.mark.parametrize("data", [b"", b"junk\n", b"[]\n", b'{"role": 7, "content": {}}\n'])
def test_a_file_without_messages_is_an_error(data):
    """There is no session in nothing."""
    assert "no messages" in refused(AGENT, source_of(data, "abc.jsonl"))


def test_odd_values_raise_nothing_and_odd_names_are_no_ids():
    """Whatever a line holds, and whatever the file is called, the session is a session."""
    odd = json.dumps(
        {
            "role": "user",
            "content": 7,
            "timestamp": [],
            "tool_calls": [1, {"function": []}],
            "tool_name": {},
            "tool_result": None,
        }
    )
    found = only(AGENT, source_of(odd.encode() + b"\n" + line("robot", "x") + line("user", "go"), "..jsonl"))
    assert is_session_id(found.session.id)
    assert found.session.title == "go"
    assert found.receipt.dropped == {"records without a known role": 1}


SEED = line("user", "go") + line("assistant", "on it", tool_calls=asks(("c1", "bash", '{"command": "ls"}')))
SEED += line("tool", "a.py", tool_name="bash", tool_result="a.py", tool_call_id="c1") + line("assistant", "done")


@given(fuzzing.altered([json.loads(told) for told in SEED.splitlines()]))
def test_values_of_any_kind_anywhere_raise_nothing(records):
    """Whatever stands in place of what is expected, the answer is ours and the receipt adds up."""
    data = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    for result in AGENT.read(folders.one(data, "s.jsonl")):
        folders.check(result)


@given(fuzzing.damaged(SEED) | fuzzing.torn(SEED))
def test_bytes_of_any_kind_anywhere_raise_nothing(data):
    """Whatever the disk did to the file, the answer is ours and the receipt adds up."""
    for result in AGENT.read(folders.one(data, "s.jsonl")):
        folders.check(result)
