"""The protocol: damaged, forged, foreign and huge recordings."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.importers.acp import Traffic
from superqode.session.importers.base import Source

from . import folders, fuzzing
from .wires import ACP, Wire, selected, session_of, talking


def everything():
    """Give a connection with a bit of everything."""
    diff = {"type": "diff", "path": "/p/a", "oldText": "x", "newText": "y"}
    wire = (
        talking()
        .thought("hm", messageId="m1")
        .chunk("a", messageId="m1")
        .call(rawInput={"command": "ls"}, kind="execute")
    )
    wire.permission(selected("no"), content=[diff]).more(
        content=[diff], rawOutput={"output": "x", "metadata": {"exit": 1}}
    )
    wire.read("/p/a").write("/p/a").update("plan", entries=[{"content": "x"}]).update("usage_update", used=1)
    wire.ask(
        "terminal/output",
        {"sessionId": "s1", "terminalId": "t"},
        {"output": "x", "exitStatus": {"exitCode": 1}},
        by_agent=True,
    )
    wire.end("max_tokens", usage={"totalTokens": 1}).ask("session/fork", {"sessionId": "s1"}, {"sessionId": "s2"})
    wire.send({"id": "load", "method": "session/load", "params": {"sessionId": "s1", "cwd": "/p"}}, by_agent=False)
    wire.chunk("go", "user_message_chunk").call("c9").more("c9").send({"id": "load", "result": {}}, by_agent=True)
    return wire.prompt("more").send({"id": "turn", "error": {"code": 1, "message": "x", "data": {}}}, by_agent=True)


SEED = everything().lines


@given(fuzzing.altered(SEED))
def test_values_of_any_kind_anywhere_raise_nothing(lines):
    """Whatever stands in place of what is expected, the answer is sessions or a TranscriptError."""
    raw = "".join(json.dumps(line) + "\n" for line in lines).encode()
    folders.run(ACP, [folders.one(raw, "traffic.jsonl")])


@given(fuzzing.damaged("".join(json.dumps(line) + "\n" for line in SEED).encode()))
def test_bytes_of_any_kind_anywhere_raise_nothing(raw):
    """Whatever the disk did to the recording, the answer is ours and the receipt adds up."""
    folders.run(ACP, [folders.one(raw, "traffic.jsonl")])


@given(st.lists(st.tuples(st.sampled_from(SEED), st.booleans()), max_size=30))
def test_messages_in_any_order_raise_nothing(messages):
    """A live connection may send anything at any time."""
    traffic = Traffic()
    for number, (line, from_agent) in enumerate(messages):
        traffic.take(line["msg"], from_agent=from_agent, time=datetime.fromtimestamp(number, UTC))
    traffic.finish()
    for talk in traffic.conversations.values():
        ids = [entry.id for entry in talk.entries(traffic.agent_name)]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda raw: raw[:-30], "torn last line"),
        (lambda raw: raw + b"garbage\n", "damaged"),
        (lambda raw: raw.replace(b"\n", b"", 3), ""),
        (lambda raw: raw.replace(b"\n", b"\n\n", 3), "blank lines"),
        (lambda raw: raw + b'{"t": 1, "dir": "agent->client", "raw": "not JSON"}\n', "no messages"),
        (lambda raw: raw + b'{"t": 1, "dir": "sideways", "msg": {}}\n', "no messages"),
        (
            lambda raw: raw + b'{"t": 1, "dir": "agent->client", "msg": {"id": 99, "result": {}}}\n',
            "answers to nothing",
        ),
    ],
    ids=["torn", "garbage", "glued", "empty lines", "no JSON", "no direction", "no question"],
)
def test_the_rest_of_a_damaged_recording_is_imported(change, told):
    """What can be read is there, and what is left out has a reason."""
    whole = talking().chunk("a").end().prompt("more").chunk("b").end()
    found = folders.only(ACP, [folders.one(change(whole.data), "traffic.jsonl")])
    assert folders.said(found.session) == folders.said(session_of(whole))
    assert not told or found.receipt.dropped[told]


def test_a_recording_without_words_is_an_error():
    """Setting up a connection is no conversation."""
    _, (problem,) = folders.run(ACP, [folders.one(Wire().new().data, "traffic.jsonl")])
    assert "no conversation" in problem.reason


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"jsonrpc": "2.0", "id": 1, "method": "initialize"}\n',
        b'{"t": 1, "dir": "up", "msg": {}}\n',
        b'{"dir": "agent->client"}\n',
        b'{"sessionId": "s", "type": "user", "uuid": "u"}\n',
    ],
)
def test_other_files_are_not_taken(data):
    """A recording says which way a message went."""
    assert not ACP.recognises(folders.one(data), data)


def test_a_first_line_may_be_long():
    """An agent may tell a lot of itself at once."""
    wire = Wire(agent="x" * 200_000).new().prompt("go").end()
    source = folders.one(wire.data, "x")
    assert ACP.recognises(source, source.head())


def test_made_up_updates_cannot_fill_the_receipt():
    """Reasons are few and short."""
    wire = talking()
    for number in range(300):
        wire.update(f"kind{number}").update("\n" * 5000 + str(number))
    found = folders.only(ACP, [folders.one(wire.end().data, "traffic.jsonl")])
    assert len(found.receipt.dropped) <= 102
    assert max(map(len, found.receipt.dropped)) < 60


def test_many_calls_take_no_time():
    """A long session with thousands of calls is followed as quickly as it is long."""
    wire = talking()
    for number in range(4000):
        wire.chunk("x", messageId=f"m{number}").call(f"c{number}", kind="edit", rawInput={"path": "/p/a"})
        wire.more(f"c{number}").write(f"/p/f{number}")
    session = session_of(wire.end())
    assert (len(session.tool_executions), len(session.files_created)) == (4000, 4000)


def test_a_long_recording_is_not_held_in_memory():
    """What does not become part of the session takes no memory, however long the recording is."""
    wire = talking().chunk("a")
    line = json.dumps(
        {
            "t": 1,
            "dir": "agent->client",
            "msg": {
                "method": "session/update",
                "params": {
                    "sessionId": "s1",
                    "update": {"sessionUpdate": "available_commands_update", "availableCommands": ["x" * 200_000]},
                },
            },
        }
    ).encode()
    data = wire.data + (line + b"\n") * 200
    source = Source("traffic.jsonl", lambda: io.BytesIO(data))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        (found,) = ACP.read(source)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert found.receipt.dropped["lists of commands"] == 200
    assert peak < 5_000_000 < len(data)


def test_only_so_many_sessions_are_followed():
    """An agent that names a new session with every message fills no memory."""
    traffic = Traffic()
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x"}}
    reasons = [
        traffic.take(
            {"method": "session/update", "params": {"sessionId": f"s{number}", "update": update}},
            from_agent=True,
            time=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for number in range(10_001)
    ]
    assert len(traffic.conversations) == 10_000
    assert set(reasons[:-1]) == {""}
    assert reasons[-1] == "messages about no session"
