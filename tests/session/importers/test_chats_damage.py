"""Gemini CLI, Qwen Code and Pi: damaged, forged, foreign and huge files."""

from __future__ import annotations

import copy
import io
import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superqode.session import Session
from superqode.session.errors import TranscriptError
from superqode.session.ids import is_session_id
from superqode.session.importers.base import Imported, Source

from .chats import (
    CHILD,
    IMPORTERS,
    NAMES,
    SESSION,
    Gemini,
    Pi,
    Qwen,
    adds_up,
    function_call,
    ids,
    lines,
    run,
    said,
    sessions,
    tool_call,
)
from .fuzzing import places

AGENTS = pytest.mark.parametrize("agent", IMPORTERS)


def gemini():
    """A Gemini chat with a bit of everything."""
    chat = Gemini(kind="subagent", directories=["/p"], summary="x")
    chat.context()
    chat.says("<hook_context>x</hook_context>", "first", displayContent="first", name="u1")
    thought = {"subject": "a", "description": "b"}
    shown = {"isNewFile": True}
    trailer = "Output: a\nExit Code: 1\nSignal: 0"
    calls = [
        {**chat.call("write_file-1795341027791-6f18", "write_file", shown=shown, file_path="/p/x"), "agentId": CHILD},
        chat.call("run_shell_command-1795341999791-6f18", "run_shell_command", trailer, command="rm a && mv b c"),
    ]
    chat.answers("one", *calls, name="a1", thoughts=[thought])
    chat.message("user", [{"functionResponse": {"id": "c3", "response": {"output": "x"}}}], "r1")
    chat.message("gemini", "", "h", toolCalls=[chat.call("c4")])
    chat.says("Your task is to do a deep investigation of the codebase", name="t1")
    chat.resume()
    chat.rewind("u1")
    chat.message("info", "x")
    chat.message("user", [{"inlineData": {"mimeType": "image/png", "data": "AA"}}], "p1")
    return chat


def qwen():
    """A Qwen chat with a bit of everything."""
    chat = Qwen()
    chat.system("parent_session", {"parentSessionId": CHILD})
    chat.says("first", name="u1", systemPayload={"displayText": "f"}, forkedFrom={"sessionId": CHILD})
    agent = function_call("c2", "agent", prompt="p", description="d", subagent_type="x")
    chat.answers({"text": "t", "thought": True}, "one", function_call("c1", "run_shell_command", command="rm a"), agent)
    chat.event("api_response", f"{SESSION}#x-c2#0", response_text="r", response_id="r1", subagent_name="x")
    chat.event("tool_call", f"{SESSION}#x-c2#0", function_name="t", function_args={"a": 1}, duration_ms=5, success=True)
    chat.event("tool_call", call_id="c1", duration_ms=5)
    chat.result("c1", "Output: a\nExit Code: 1", shown={"type": "shell_result", "exitCode": 1})
    chat.result("c2", "task_id: x-c2", shown={"type": "task_execution", "subagentName": "x"})
    chat.system("slash_command", {"phase": "invocation", "rawCommand": "/x"})
    chat.system("chat_compression", {"info": {"a": 1}})
    chat.system("rewind", {}, parent="u1")
    chat.answers("x", isSidechain=True, agentId="a", agentName="b", agentRound=1)
    chat.answers(function_call("c3"), isSidechain=True, agentId="a")
    chat.system("custom_title", {"customTitle": "x"})
    return chat


def pi():
    """A Pi session with a bit of everything."""
    chat = Pi(parentSession=f"/x/y_{CHILD}.jsonl")
    chat.entry("model_change", parent=None, modelId="x")
    chat.says("first", name="u1")
    usage = {"usage": {"input": 1, "cost": {"total": 0.1}}, "errorMessage": "e"}
    chat.answers({"type": "thinking", "thinking": "t"}, "one", tool_call("c1", command="mv a b"), message=usage)
    chat.result("c1", "x\n\nCommand exited with code 1", failed=True)
    chat.entry("message", message={"role": "bashExecution", "command": "x", "exitCode": 1, "output": "o"})
    chat.entry("compaction", summary="s")
    chat.entry("branch_summary", parent="u1", summary="s", fromId="x")
    chat.entry("custom_message", customType="x", content=[{"type": "image", "data": "AA", "mimeType": "image/png"}])
    chat.entry("label", targetId="u1", label="l")
    chat.entry("session_info", name="i1")
    chat.answers(message={"stopReason": "error", "errorMessage": "x"})
    return chat


MAKE = {"gemini-cli": gemini, "qwen-code": qwen, "pi": pi}


def as_object(chat):
    """Give a Gemini chat as one JSON object, as up to 0.38."""
    messages = [record for record in chat.records if "id" in record]
    return json.dumps({**chat.records[0], "messages": messages, "summary": "x"}, indent=1).encode()


@AGENTS
def test_damage_costs_only_itself(agent):
    """Glued and torn lines, garbage, separators of Unicode and a lost end leave the rest whole and are counted."""
    chat = {"gemini-cli": Gemini, "qwen-code": Qwen, "pi": Pi}[agent]()
    chat.says("line\u2028separator")
    chat.answers("one")
    chat.says("two")
    chat.answers("three")
    whole = chat.data.splitlines(keepends=True)
    first, second, third, fourth = whole[-4:]
    torn = first[:40]
    data = (
        b"".join(whole[:-4]) + first + b"garbage \xff\n" + second.rstrip() + third + torn + fourth + b"[1]\n\n" + torn
    )
    (result,) = run({NAMES[agent]: data}, IMPORTERS[agent])
    assert said(result.session) == [
        ("user", "line\u2028separator"),
        ("assistant", "one"),
        ("user", "two"),
        ("assistant", "three"),
    ]
    assert result.receipt.dropped == {"damaged": 3, "blank lines": 1, "torn last line": 1}
    adds_up(result.receipt)


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.9, 0.99])
def test_an_object_that_was_cut_gives_what_is_whole(cut):
    """Of a chat in one object, of which the end is lost, every whole message is there, and the loss is told."""
    chat = Gemini()
    for number in range(50):
        chat.says(f"prompt {number} ✅", name=f"u{number}")
    data = as_object(chat)
    (result,) = run({"x.json": data[: int(len(data) * cut)]}, IMPORTERS["gemini-cli"])
    assert ids(result.session) == [f"u{number}" for number in range(len(result.session.messages))]
    assert abs(len(result.session.messages) - 50 * cut) < 5
    assert result.receipt.problems
    adds_up(result.receipt)


def test_damage_inside_an_object_costs_only_itself():
    """A message that cannot be read, or is none, is left out and counted."""
    chat = Gemini()
    for name in ("u1", "u2", "u3", "u4"):
        chat.says(f"prompt {name}", name=name)
    whole = as_object(chat)
    data = whole.replace(b'"prompt u2"', b'"prompt" u2"').replace(b'   "id": "u4"', b'   17, "id": "u4"')
    (result,) = run({"x.json": data}, IMPORTERS["gemini-cli"])
    assert ids(result.session) == ["u1", "u3"]
    assert result.receipt.dropped["damaged"] >= 2
    adds_up(result.receipt)


@pytest.mark.parametrize(
    ("agent", "data", "reason"),
    [
        *((agent, b"", "it is empty") for agent in IMPORTERS),
        *((agent, b"\n\n", "it holds no messages") for agent in IMPORTERS),
        *((agent, b"garbage\n\xff\xfe\n", "it holds no messages") for agent in IMPORTERS),
        ("pi", b'{"type":"session","version":3,"id":"x","cwd":"/p"}\n', "it holds no messages"),
        ("qwen-code", b'{"type":"user","sessionId":"s","uuid":"u1"}\n', "it holds no messages"),
        ("gemini-cli", b'{"sessionId":"s","projectHash":"h"}\n{"id":"x", torn\n', "it holds no messages"),
    ],
)
def test_what_holds_no_conversation_is_one_error(agent, data, reason):
    """A file without a message gives one error that says so."""
    (error,) = run({NAMES[agent]: data}, IMPORTERS[agent])
    assert isinstance(error, TranscriptError)
    assert (error.source, error.reason) == (NAMES[agent], reason)


@AGENTS
def test_an_unreadable_file_is_an_error(agent):
    """What the system says about a file is told, not raised."""

    def refused():
        raise PermissionError(13, "Permission denied")

    (error,) = IMPORTERS[agent].read(Source("x.jsonl", refused))
    assert isinstance(error, TranscriptError)
    assert error.reason == "it cannot be read (Permission denied)"


@AGENTS
@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "x" * 300, "refs/main.lock", "\ud800", "\0", "é", ""])
def test_forged_ids_never_reach_a_session_id(agent, hostile):
    """Whatever stands where an id should, the sessions' ids are valid, and the same each time."""
    chat = {"gemini-cli": Gemini, "qwen-code": Qwen, "pi": Pi}[agent](hostile)
    chat.says("first", name=f"{hostile}1")
    chat.says("second", name=f"{hostile}2")
    if agent == "gemini-cli":
        chat.rewind(f"{hostile}2")
        chat.says("third", name=f"{hostile}3")
    else:
        chat.says("third", name=f"{hostile}3", parent=f"{hostile}1")
    data = b"".join(json.dumps(record).encode() + b"\n" for record in chat.records)
    found = [result.session.id for result in run({"anything": data}, IMPORTERS[agent])]
    assert len(set(found)) == 2
    assert all(map(is_session_id, found))
    assert found == [result.session.id for result in run({"anything": data}, IMPORTERS[agent])]


@AGENTS
def test_times_may_be_missing_or_wrong(agent):
    """A record without a proper time has that of the one before."""
    chat = {"gemini-cli": Gemini, "qwen-code": Qwen, "pi": Pi}[agent]()
    for moment in ("2026-11-22T10:00:00+02:00", None, "yesterday", "0001-01-01T00:00:00+14:00", 12):
        chat.says("x")
        chat.records[-1]["timestamp"] = moment
    (session,) = sessions(chat)
    assert [message.timestamp.hour for message in session.messages] == [8] * 5


@AGENTS
def test_reasons_a_file_makes_up_are_few_and_short(agent):
    """Made-up kinds of records cannot fill the receipt."""
    chat = {"gemini-cli": Gemini, "qwen-code": Qwen, "pi": Pi}[agent]()
    chat.says("go")
    for number in range(300):
        kind = f"kind{number}" if number % 2 else "\n" * 5000 + str(number)
        chat.raw({**chat.records[-1], "id": f"i{number}", "uuid": f"i{number}", "type": kind})
    (result,) = run({NAMES[agent]: chat}, IMPORTERS[agent])
    assert len(result.receipt.dropped) <= 101
    assert max(map(len, result.receipt.dropped)) < 60
    adds_up(result.receipt)


@AGENTS
def test_what_cannot_be_stored_costs_only_its_record(agent):
    """Two keys that are one text once joined cannot be stored; the record is damage, the rest is not."""
    chat = {"gemini-cli": Gemini, "qwen-code": Qwen, "pi": Pi}[agent]()
    chat.says("first", name="u1")
    bad = {"\ud83d\ude00": 1, "😀": 2}
    if agent == "gemini-cli":
        call = {**chat.call("c1"), "args": bad}
        chat.answers("one", call)
    else:
        chat.answers(
            "one", {"functionCall": {"id": "c1", "name": "x", "args": bad}} | {"type": "toolCall", "arguments": bad}
        )
    chat.says("second", name="u2")
    data = b"".join(json.dumps(record).encode() + b"\n" for record in chat.records)
    (result,) = run({NAMES[agent]: data}, IMPORTERS[agent])
    assert [text for role, text in said(result.session) if role == "user"] == ["first", "second"]
    adds_up(result.receipt)


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["u1", "a1", "c1", "user", "gemini", "assistant", "message", SESSION, "success", "\ud800", "/p/x"]),
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@st.composite
def _changed_records(draw, agent):
    """A chat with values replaced, records repeated, lost and in another order."""
    chat = MAKE[agent]()
    chat.records = copy.deepcopy(chat.records)
    for _ in range(draw(st.integers(0, 6))):
        holder = draw(st.sampled_from(chat.records))
        path = draw(st.sampled_from([*filter(None, places(holder)), ("new",)]))
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = draw(_VALUES)
    if draw(st.booleans()):
        chat.records = draw(st.lists(st.sampled_from(chat.records), max_size=20))
    if agent == "gemini-cli" and draw(st.booleans()):
        chat.records = chat.records or [{}]
        return as_object(chat)
    return b"".join(json.dumps(record).encode() + b"\n" for record in chat.records)


@st.composite
def _changed_bytes(draw, agent):
    """A chat cut, and with bytes taken out and put in."""
    chat = MAKE[agent]()
    data = bytearray(as_object(chat) if agent == "gemini-cli" and draw(st.booleans()) else chat.data)
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 400))] = draw(st.binary(max_size=20))
    return bytes(data[: draw(st.integers(0, len(data)))])


@AGENTS
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_no_damage_raises_anything_raw(agent, data):
    """However a file is changed or cut, it gives sessions that can be stored, errors, or nothing; and counts right."""
    raw = data.draw(st.one_of(_changed_records(agent), _changed_bytes(agent)))
    source = Source(NAMES[agent], lambda: io.BytesIO(raw))
    IMPORTERS[agent].recognises(source, source.head())
    for result in IMPORTERS[agent].read(source):
        if isinstance(result, TranscriptError):
            continue
        adds_up(result.receipt)
        assert is_session_id(result.session.id)
        assert Session.from_dict(json.loads(result.session.to_json())) == result.session


@AGENTS
@given(cut=st.integers(1, 200))
def test_any_cut_keeps_the_ids_that_were_there(agent, cut):
    """A file cut anywhere gives entries whose ids the whole file has too, in the same order."""
    chat = {"gemini-cli": Gemini, "qwen-code": Qwen, "pi": Pi}[agent]()
    for number in range(10):
        chat.says(f"prompt {number}", name="same" if number % 3 and agent != "gemini-cli" else f"u{number}")
        if agent == "gemini-cli":
            chat.answers(f"step {number}", chat.call("call_0"))
        else:
            chat.answers(f"step {number}", function_call("call_0") | tool_call("call_0"))
            chat.result("call_0")
    data = chat.data
    (whole,) = run({NAMES[agent]: data}, IMPORTERS[agent])
    for result in run({NAMES[agent]: data[: len(data) * cut // 200]}, IMPORTERS[agent]):
        if isinstance(result, Imported):
            known = ids(result.session)
            assert known == ids(whole.session)[: len(known)]


class Endless(io.RawIOBase):
    """Gives lines without holding them."""

    def __init__(self, first, line, count, last=b""):
        super().__init__()
        self._pending = [last, *[line] * count, first]

    def readable(self):
        return True

    def readinto(self, buffer):
        while self._pending and not self._pending[-1]:
            self._pending.pop()
        if not self._pending:
            return 0
        line = self._pending.pop()
        self._pending.append(line[len(buffer) :])
        buffer[: len(line[: len(buffer)])] = line[: len(buffer)]
        return len(line[: len(buffer)])


@pytest.mark.parametrize("agent", [*IMPORTERS, "object"])
def test_a_long_file_is_not_held_in_memory(agent):
    """What does not become part of the session takes no memory, however long the file is."""
    last = b""
    if agent == "qwen-code":
        chat = Qwen()
        chat.says("go", name="u1")
        line = lines(
            [{**chat.records[0], "uuid": "", "type": "system", "subtype": "x", "systemPayload": {"x": "y" * 100_000}}]
        )
    elif agent == "pi":
        chat = Pi()
        chat.says("go", name="u1", parent=None)
        line = lines([{"type": "custom", "id": "", "data": "y" * 100_000}])
    else:
        chat = Gemini()
        chat.says("go", name="u1")
        line = lines([{**chat.records[-1], "resultDisplay": "y" * 100_000}])
    first = chat.data
    if agent == "object":
        agent = "gemini-cli"
        first, line, last = as_object(chat).split(b"]\n ,")[0].rpartition(b"\n ]")[0], b"," + line, b"]}"
    source = Source(NAMES[agent], lambda: io.BufferedReader(Endless(first, line, 300, last)))
    tracemalloc.start()
    try:
        (found,) = IMPORTERS[agent].read(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.receipt.lines >= 301
    assert found.receipt.problems == []
    assert [(entry.role, entry.content) for entry in found.entries()] == [("user", "go")]
    assert peak < 7_000_000 < 300 * len(line)
