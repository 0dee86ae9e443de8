"""An agent's own transcript, made a session of this machine: what goes over as it was, and what stays behind."""

from __future__ import annotations

import json

import pytest

from session.importers.claude_scripts import Script, call
from session.importers.rollouts import CHILD, Rollout
from superqode.session.handoff import Receipt
from superqode.session.handoff.again import imported_sessions, items_of
from superqode.session.handoff.neutral import same_items

from . import scenes

CARRIED = ["Carried over from the agent's own transcript."]


def _import(writer, content, name):
    found = imported_sessions(content, name, scenes.BY_NAME[writer].format)
    return next(session for session in found if session.metadata.get("relation") not in ("subagent", "branch"))


def _carry(writer, content, name="x.jsonl", project=scenes.ELSEWHERE, session=None):
    chosen = session or _import(writer, content, name)
    return chosen, scenes.hand(writer, chosen, original=content, project=project)


def _lines(*records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


# -- Claude Code --------------------------------------------------------------------------------------------------


def _claude():
    script = Script(cwd="/home/ann/proj")
    script.says("look at /home/ann/proj/a.py")
    script.add("attachment", attachment={"type": "environment", "cwd": "/home/ann/proj"})
    thinking = {"type": "thinking", "thinking": "in /home/ann/proj", "signature": "c2ln"}
    unsigned = {"type": "thinking", "thinking": "nobody signed this", "signature": ""}
    script.answers(thinking, unsigned, "Looking", call("t1", file_path="/home/ann/proj/a.py"))
    script.result("t1", "x = 1", {"filePath": "/home/ann/proj/a.py"})
    script.add("attachment", attachment={"type": "queued_command", "prompt": "and b.py", "commandMode": "prompt"})
    script.answers("Done")
    script.raw(type="ai-title", aiTitle="A look", sessionId=script.envelope["sessionId"])
    return script


def test_claude_keeps_what_was_said_and_signed():
    """Messages, queued prompts and titles go over under a new id; signed thoughts to the byte; settings do not."""
    session, handoff = _carry("claude-code", _claude().bytes())
    written = scenes.records(handoff)
    assert handoff.receipt.notes == CARRIED
    assert [record["type"] for record in written] == [
        "user",
        "assistant",
        "user",
        "attachment",
        "assistant",
        "ai-title",
    ]
    assert {record["sessionId"] for record in written} == {handoff.session_id}
    assert {record["cwd"] for record in written if "cwd" in record} == {scenes.ELSEWHERE}
    blocks = written[1]["message"]["content"]
    assert blocks[0] == {"type": "thinking", "thinking": "in /home/ann/proj", "signature": "c2ln"}
    assert blocks[2]["input"] == {"file_path": f"{scenes.ELSEWHERE}/a.py"}
    assert written[2]["toolUseResult"] == {"filePath": f"{scenes.ELSEWHERE}/a.py"}
    assert handoff.receipt.left_out == {"attachment records": 1, "thoughts without a signature": 1}
    assert handoff.receipt.kept == {"prompts": 2, "answers": 2, "calls": 1, "results": 1}
    assert [record.get("parentUuid") for record in written[:5]] == [None, "u1", "u3", "u4", "u5"]
    assert scenes.back("claude-code", handoff).title == session.title == "A look"


def test_claude_leaves_sub_agents_behind():
    """Records of a sub-agent in the same file are no part of the conversation that goes on."""
    script = Script(cwd="/home/ann/proj")
    script.says("count")
    script.answers(call("task", "Task", prompt="count them"))
    last = script.last
    script.says("count them", parent=None, isSidechain=True)
    script.answers("two", isSidechain=True)
    script.result("task", "two", parent=last)
    script.answers("There are two")
    _, handoff = _carry("claude-code", script.bytes())
    assert 'isSidechain":true' not in handoff.files[-1].content.decode()
    assert handoff.receipt.left_out == {"sub-agents: user records": 1, "sub-agents: assistant records": 1}


def test_claude_begins_where_it_was_compacted():
    """The record that says where a conversation was compacted stays: what is before it is not sent again."""
    script = Script(cwd="/home/ann/proj")
    script.says("first")
    script.answers("one")
    script.add("system", subtype="compact_boundary", parent=None, logicalParentUuid=script.last)
    script.says("In short: first, one", isCompactSummary=True)
    script.answers("two")
    _, handoff = _carry("claude-code", script.bytes())
    kinds = [(record["type"], record["parentUuid"]) for record in scenes.records(handoff)]
    assert kinds[2:4] == [("system", None), ("user", "u3")]


# -- Codex --------------------------------------------------------------------------------------------------------


def _codex(**meta):
    rollout = Rollout(model_provider="theirs", base_instructions={"text": "x"}, **meta)
    rollout.records[0]["payload"]["cwd"] = "/home/ann/proj"
    rollout.item("message", role="developer", content=[{"type": "input_text", "text": "You are Codex"}])
    rollout.user("<environment_context>\n<cwd>/home/ann/proj</cwd></environment_context>")
    rollout.add("turn_context", cwd="/home/ann/proj", model="gpt")
    rollout.prompt("look at /home/ann/proj/a.py")
    rollout.item("reasoning", summary=[{"type": "summary_text", "text": "hm"}], encrypted_content="Z2F0")
    rollout.assistant("Looking").event("agent_message", message="Looking")
    rollout.call("c1", arguments='{"cmd":"cd /home/ann/proj &&\\n/home/ann/proj/run"}', output="ok")
    rollout.assistant("Done").event("token_count", info={"total_token_usage": {"total_tokens": 9}})
    return rollout


def _bare():
    """A rollout as version 0.20 wrote it: records with nothing around them."""
    payloads = [json.loads(line)["payload"] for line in _codex().data.splitlines()]
    first = {"id": payloads[0]["id"], "timestamp": payloads[0]["timestamp"], "instructions": None}
    return _lines(first, *[payload for payload in payloads if payload.get("type") in ("message", "reasoning")])


def test_codex_keeps_the_conversation_and_numbers_it_anew():
    """What binds a thread to an account, a machine or a model stays behind; the rest has no gaps in its numbers."""
    _, handoff = _carry("codex", _codex().data)
    written = scenes.records(handoff)
    assert handoff.receipt.notes == CARRIED
    assert [record["ordinal"] for record in written] == list(range(len(written)))
    meta = written[0]["payload"]
    assert (meta["id"], meta["cwd"]) == (handoff.session_id, scenes.ELSEWHERE)
    assert meta.keys() & {"model_provider", "base_instructions"} == set()
    assert handoff.receipt.left_out == {
        "instructions and context of the other machine": 2,
        "settings of the other machine": 1,
        "thoughts, which only their own account may send again": 1,
        "token counts": 1,
    }
    asked = next(record["payload"] for record in written if record["payload"].get("type") == "function_call")
    assert json.loads(asked["arguments"]) == {"cmd": f"cd {scenes.ELSEWHERE} &&\n{scenes.ELSEWHERE}/run"}


def test_codex_goes_on_in_its_own_numbers():
    """What the session got since stands behind the transcript, in the same kind of records."""
    content = _codex().data
    session = _import("codex", content, "x.jsonl")
    talk = scenes.Talk()
    talk.session = session
    talk.says("and b.py?").answers("That, too")
    _, handoff = _carry("codex", content, session=session)
    written = scenes.records(handoff)
    assert [record["ordinal"] for record in written] == list(range(len(written)))
    assert [record["payload"]["item"]["type"] for record in written if "item" in record["payload"]] == [
        "UserMessage",
        "AgentMessage",
    ]
    assert scenes.said(scenes.back("codex", handoff))[0][-2:] == [("user", "and b.py?"), ("assistant", "That, too")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (_codex(history_base={"thread_id": CHILD, "end_ordinal_exclusive": 3}).data, "another file"),
        (_codex().item("compaction", encrypted_content="Z2F0").assistant("ok").data, "encrypted for its own account"),
        (_bare(), "cannot be resumed"),
        (b"\n".join(_codex().data.split(b"\n")[1:]), "first record is missing"),
    ],
    ids=["fork", "encrypted", "bare", "headless"],
)
def test_codex_is_written_anew_where_it_cannot_go_as_it_is(content, why):
    """A rollout that needs another file, another account or another version is written anew, and says so."""
    session, handoff = _carry("codex", content)
    assert why in handoff.receipt.notes[0]
    assert len(items_of(scenes.back("codex", handoff))) == len(items_of(session))
    assert "Z2F0" not in handoff.files[-1].content.decode()


# -- Gemini CLI and Qwen Code -------------------------------------------------------------------------------------


def _gemini(**fields):
    chosen = {"id": "c1", "name": "sh", "args": {"p": "/home/ann/proj/a"}, "status": "success", **fields}
    header = {"sessionId": "6c9d991c-99aa-4e62-bb6d-b060b72f9c9d", "projectHash": "x"}
    times = {"startTime": "2026-08-01T00:00:00.000Z", "lastUpdated": "2026-08-01T00:00:00.000Z", "kind": "main"}
    said = {"timestamp": "2026-08-01T00:00:01.000Z"}
    return _lines(
        {**header, **times, "directories": ["/home/ann/proj"]},
        {"id": "1", "type": "user", "content": [{"text": "look"}], **said},
        {"$set": {"lastUpdated": "2026-08-01T00:00:01.000Z"}},
        {
            "id": "2",
            "type": "gemini",
            "content": "Looking",
            "thoughts": [{"description": "hm"}],
            "toolCalls": [chosen],
            **said,
        },
        {"id": "3", "type": "gemini", "content": "Done", **said},
        {"$set": {"summary": "A look", "lastUpdated": "2026-08-01T00:00:01.000Z"}},
    )


RESULT = [{"functionResponse": {"id": "c1", "name": "sh", "response": {"output": "ok"}}}]


def test_gemini_becomes_new_enough_to_live():
    """No time of an update is left that would let the session be deleted at the next start."""
    session, handoff = _carry("gemini", _gemini(result=RESULT))
    written = scenes.records(handoff)
    assert handoff.receipt.notes == CARRIED
    assert session.project_path == "/home/ann/proj"
    assert (written[0]["sessionId"], written[0]["startTime"]) == (handoff.session_id, "2026-11-25T12:00:00.000Z")
    updates = [record.get("$set", record).get("lastUpdated") for record in written]
    assert [moment for moment in updates if moment] == ["2026-11-25T12:00:00.000Z"] * 2
    assert written[2]["thoughts"] == [{"description": "hm"}]
    assert written[2]["toolCalls"][0]["args"] == {"p": f"{scenes.ELSEWHERE}/a"}
    assert scenes.back("gemini", handoff).title == "A look"


def test_gemini_is_written_anew_where_a_call_has_no_result():
    """A call without a result would be sent without one: the session is written anew, with a result that says so."""
    _, handoff = _carry("gemini", _gemini(status="executing"))
    assert "a call in it has no result" in handoff.receipt.notes[0]
    assert handoff.receipt.added == {"results for calls that have none": 1}


def test_qwen_keeps_its_chain_without_measurements():
    """Telemetry and empty messages go, their followers follow what is left; the first record names the project."""
    base = {"sessionId": "s1", "cwd": "/home/ann/proj", "timestamp": "2026-11-22T10:00:00.000Z"}
    content = _lines(
        {"uuid": "0", "parentUuid": None, "type": "system", "subtype": "ui_telemetry", "systemPayload": {}, **base},
        {"uuid": "1", "parentUuid": "0", "type": "user", "message": {"role": "user", "parts": [{"text": "go"}]}, **base},
        {"uuid": "2", "parentUuid": "1", "type": "assistant", "message": {"role": "model", "parts": []}, **base},
        {"uuid": "3", "parentUuid": "2", "type": "assistant", "message": {"role": "model", "parts": [{"text": "ok"}]}, **base},
    )  # fmt: skip
    _, handoff = _carry("qwen", content)
    written = scenes.records(handoff)
    assert handoff.receipt.notes == CARRIED
    assert [(record["uuid"], record["parentUuid"]) for record in written] == [("1", None), ("3", "1")]
    assert {(record["cwd"], record["sessionId"]) for record in written} == {(scenes.ELSEWHERE, handoff.session_id)}
    assert handoff.receipt.left_out == {"system records: ui_telemetry": 1, "empty messages": 1}


# -- Pi -----------------------------------------------------------------------------------------------------------


def _pi(**header):
    about = {
        "type": "session",
        "version": 3,
        "id": "01a2",
        "timestamp": "2026-11-22T10:00:00.000Z",
        "cwd": "/home/ann/proj",
    }
    usage = {"input": 1, "output": 1, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 2, "cost": {"total": 0}}
    thoughts = [
        {"type": "thinking", "thinking": "in /home/ann/proj", "thinkingSignature": "c2ln"},
        {"type": "thinking", "thinking": "nobody signed this"},
        {"type": "thinking", "thinking": "bound", "thinkingSignature": '{"encrypted_content":"Z2F0"}'},
    ]
    call = {"type": "toolCall", "id": "c1", "name": "read", "arguments": {"path": "/home/ann/proj/a.py"}}
    answer = {"role": "assistant", "usage": usage, "api": "a", "provider": "p", "model": "m", "stopReason": "stop"}
    words = [{"type": "text", "text": "Looking"}]
    result = {"role": "toolResult", "toolCallId": "c1", "toolName": "read", "content": [{"type": "text", "text": "x"}]}
    messages = [
        {"role": "user", "content": "look at /home/ann/proj/a.py"},
        {**answer, "content": [*thoughts, *words, call], "stopReason": "toolUse"},
        {**result, "isError": False},
        {**answer, "content": [{"type": "text", "text": "Done"}]},
    ]
    entries = [
        {"type": "message", "id": f"e{place}", "parentId": f"e{place - 1}" if place else None, "message": message}
        for place, message in enumerate(messages)
    ]
    return _lines({**about, **header}, *entries)


def test_pi_keeps_its_tree_and_what_may_be_sent_again():
    """Entries keep their ids, signed thoughts every byte; what would be sent as words or refused stays behind."""
    session, handoff = _carry("pi", _pi(parentSession="/home/ann/.pi/agent/sessions/--x--/y.jsonl"))
    written = scenes.records(handoff)
    assert handoff.receipt.notes == CARRIED
    assert (written[0]["id"], written[0]["cwd"]) == (handoff.session_id, scenes.ELSEWHERE)
    assert "parentSession" not in written[0]
    assert [(record["id"], record["parentId"]) for record in written[1:]] == [
        ("e0", None),
        ("e1", "e0"),
        ("e2", "e1"),
        ("e3", "e2"),
    ]
    assert written[1]["message"]["content"] == f"look at {scenes.ELSEWHERE}/a.py"
    blocks = written[2]["message"]["content"]
    assert blocks[0] == {"type": "thinking", "thinking": "in /home/ann/proj", "thinkingSignature": "c2ln"}
    assert [block["type"] for block in blocks] == ["thinking", "text", "toolCall"]
    assert blocks[2]["arguments"] == {"path": f"{scenes.ELSEWHERE}/a.py"}
    assert handoff.receipt.left_out == {"thoughts that could not be sent again": 2}
    assert scenes.said(scenes.back("pi", handoff))[1] == [("read", {"path": f"{scenes.ELSEWHERE}/a.py"}, "x", True)]
    assert len(items_of(session)) == 4


@pytest.mark.parametrize(
    ("content", "why"),
    [(_pi(version=1), "first version"), (_pi().split(b"\n", 1)[1], "header is missing")],
    ids=["old", "headless"],
)
def test_pi_is_written_anew_where_it_cannot_go_as_it_is(content, why):
    """A file whose entries have no ids, or that does not say what it is, is written anew."""
    session, handoff = _carry("pi", content)
    assert why in handoff.receipt.notes[0]
    assert len(items_of(scenes.back("pi", handoff))) == len(items_of(session)) == 4


# -- all ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["claude-code", "gemini", "opencode", "pi", "qwen"])
def test_a_new_title_goes_with_the_transcript(name):
    """Where a session was renamed, the transcript that is carried over says so."""
    made = scenes.hand(name, scenes.small())
    session = scenes.back(name, made)
    session.title = "Called otherwise"
    handoff = scenes.hand(name, session, original=made.files[-1].content, project=scenes.ELSEWHERE)
    assert handoff.receipt.notes[0] == CARRIED[0]
    assert scenes.back(name, handoff).title == "Called otherwise"


@pytest.mark.parametrize("masked", ["look at ***", ""], ids=["masked", "cut"])
def test_a_transcript_that_says_something_else_is_not_used(masked):
    """What was masked or taken out of the session does not come back through the kept original."""
    content = _claude().bytes()
    session = _import("claude-code", content, "x.jsonl")
    session.messages[0] = session.messages[0].model_copy(update={"content": masked})
    _, handoff = _carry("claude-code", content, session=session)
    assert "does not say what the session says" in handoff.receipt.notes[0]
    assert b"look at /" not in handoff.files[-1].content


def test_a_branch_is_written_anew():
    """Of a file that holds more than the session, only the session goes over."""
    script = Script(cwd="/home/ann/proj")
    script.says("first")
    turning_point = script.answers("one")
    script.says("left behind")
    script.answers("two")
    script.says("gone on", parent=turning_point)
    script.answers("three")
    found = imported_sessions(script.bytes(), "x.jsonl", "claude-code")
    branch = next(session for session in found if session.metadata.get("relation") == "branch")
    handoff = scenes.hand("claude-code", branch, original=script.bytes())
    assert scenes.said(scenes.back("claude-code", handoff)) == scenes.said(branch)
    assert b"gone on" not in handoff.files[-1].content


@pytest.mark.parametrize("name", scenes.NAMES)
@pytest.mark.parametrize(
    "content", [b"", b"\0\xff{", b'{"a":1}\n', b"[]\n" * 9], ids=["empty", "bytes", "json", "lists"]
)
def test_a_damaged_original_is_no_reason_to_fail(name, content):
    """Whatever bytes are given as the original, the session itself goes over."""
    made = scenes.hand(name, scenes.small())
    session = scenes.back(name, made)
    handoff = scenes.hand(name, session, original=content)
    assert same_items(items_of(scenes.back(name, handoff)), items_of(session))
    assert handoff.receipt.to_dict().keys() == Receipt().to_dict().keys()
