"""Qwen Code: a tree of records, forks, and sub-agents with and without files of their own."""

from __future__ import annotations

import json

import pytest

from superqode.session.importers.base import Imported

from . import folders
from .chats import CHILD, IMPORTERS, NAMES, SESSION, Qwen, executed, function_call, ids, imports, run, said, sessions

QWEN = IMPORTERS["qwen-code"]
NAME = NAMES["qwen-code"]
AGENT = "general-purpose-c1"
AGENT_NAME = f".qwen/projects/-p/subagents/{SESSION}/agent-{AGENT}.jsonl"


def test_a_chat_has_its_words_thoughts_and_calls():
    """An answer's thoughts, words and calls are one message; a call stands where it was made."""
    chat = Qwen()
    chat.says("first", name="u1", provenance="real_user")
    thought = {"text": "Hm.", "thought": True}
    chat.answers(
        thought, "one", function_call("c1"), function_call("c2"), name="a1", usageMetadata={"totalTokenCount": 3}
    )
    chat.event("tool_call", call_id="c2", duration_ms=157, success=True)
    chat.result("c2")
    chat.result("c1", "no such file", "error")
    chat.answers("done", name="a2")
    (found,) = imports(chat)
    session = found.session
    assert ids(session) == ["u1", "a1", "c1", "c2", "a2"]
    assert executed(session) == {"c1": False, "c2": True}
    assert session.tool_executions[0].duration_ms == 3000
    assert session.tool_executions[1].duration_ms == 157
    assert session.messages[1].metadata["thinking"] == ["Hm."]
    assert session.messages[1].metadata["usage"] == {"totalTokenCount": 3}
    assert (session.id, session.project_path, session.title) == (f"qwen-code-{SESSION}", "/p", "first")
    assert session.metadata["qwen_code"] == {"git_branches": ["main"], "models": ["qwen-x"], "versions": ["0.24.4"]}
    assert found.receipt.mapped == 6


@pytest.mark.parametrize(
    ("status", "output", "shown", "code"),
    [
        ("error", "Command: x\nOutput: no\nError: (none)\nExit Code: 1\nSignal: (none)", {"exitCode": 1}, 1),
        ("success", "Command: x\nOutput: no\nError: (none)\nExit Code: 1\nSignal: 0\nProcess Group PGID: 7", "no", 1),
        ("success", "Command: x\nOutput: ok\nError: (none)\nExit Code: 0\nSignal: 0", "ok", 0),
        ("success", "Command: x\nOutput: \nError: (none)\nExit Code: (none)\nSignal: 9", "", None),
    ],
)
def test_a_command_worked_if_its_exit_code_says_so(status, output, shown, code):
    """Up to 0.15 a command with exit code 1 is a success; one that a signal ended has none, and did not work."""
    chat = Qwen()
    chat.answers(function_call("c1", "run_shell_command", command="x"))
    chat.result("c1", output, status, shown)
    (call,) = sessions(chat)[0].tool_executions
    assert call.success is (code == 0)
    assert call.metadata.get("exit_code") == code


def test_a_rewind_leaves_a_conversation_of_its_own():
    """What a rewind took back is a linked session; going on from before it is the conversation."""
    chat = Qwen()
    chat.says("first", name="u1")
    chat.answers("one", name="a1")
    chat.says("badly put", name="u2")
    chat.answers("misunderstood", name="a2")
    chat.system("rewind", {"truncatedCount": 1}, name="w1", parent="a1")
    chat.says("better put", name="u3")
    chat.answers("understood", name="a3")
    main, branch = imports(chat)
    assert ids(main.session) == ["u1", "a1", "u3", "a3"]
    assert ids(branch.session) == ["u1", "a1", "u2", "a2"]
    assert (branch.session.parent_session_id, branch.session.title) == (main.session.id, "badly put")
    assert branch.receipt.mapped == 2
    assert main.receipt.dropped == {"system: rewind": 1}


def test_a_rewind_counts_before_anything_was_said():
    """Right after a rewind the conversation is what is left of it."""
    chat = Qwen()
    chat.says("first", name="u1")
    chat.says("badly put", name="u2")
    chat.system("rewind", {}, parent="u1")
    chat.record("system", subtype="session_artifact_event", systemPayload={}, parent="u2")
    main, branch = sessions(chat)
    assert (ids(main), ids(branch)) == (["u1"], ["u1", "u2"])


def test_a_fork_names_the_session_it_was_copied_from():
    """A fork's records are copies with the same ids, which say where they come from."""
    chat = Qwen()
    chat.says("first", name="u1")
    fork = Qwen(CHILD)
    fork.says("first", name="u1", forkedFrom={"sessionId": SESSION, "messageUuid": "u1"})
    fork.says("in the fork", name="u2")
    parent, child = sessions(chat)[0], sessions(fork)[0]
    assert (child.parent_session_id, child.metadata["relation"]) == (parent.id, "fork")
    assert child.messages[0].id == parent.messages[0].id


def test_a_session_that_another_one_made_names_it():
    """A session made by another one is linked to it."""
    chat = Qwen(CHILD)
    chat.system("parent_session", {"parentSessionId": SESSION})
    chat.says("first")
    chat.system("custom_title", {"customTitle": "A name", "titleSource": "manual"})
    (found,) = imports(chat)
    assert found.session.parent_session_id == f"qwen-code-{SESSION}"
    assert (found.session.metadata["relation"], found.session.title) == ("spawned", "A name")
    assert found.receipt.kept == 2


def test_what_programs_say_is_no_prompt():
    """Notifications, timers and goals speak as users; so do hooks, beside the person's own words."""
    chat = Qwen()
    chat.says("<task-notification>done</task-notification>", subtype="notification", provenance="system")
    chat.says("it is time", subtype="cron")
    chat.says("while you work", subtype="mid_turn_user_message", provenance="real_user")
    chat.says("<system-reminder>be kind</system-reminder>")
    chat.says("see @a\nfile a", systemPayload={"displayText": "see @a"})
    chat.system("slash_command", {"phase": "invocation", "rawCommand": "/about"})
    chat.system("slash_command", {"phase": "result", "rawCommand": "/about"})
    chat.system("chat_compression", {"info": {"originalTokenCount": 9, "x": "y"}, "compressedHistory": [{}]})
    (session,) = sessions(chat)
    assert [message.content for message in session.messages if message.role == "user"] == ["while you work", "see @a"]
    assert [message.metadata for message in session.messages] == [
        {"injected": "notification"},
        {"injected": "cron"},
        {"queued": True},
        {"injected": "context"},
        {"context": ["see @a\nfile a"]},
        {"injected": "command"},
        {"kind": "compacted", "originalTokenCount": 9},
    ]


def delegated():
    """A chat that started a sub-agent, with what the telemetry tells of that one's work."""
    chat = Qwen()
    chat.says("count", name="u1")
    chat.answers(
        function_call("c1", "agent", prompt="count them", description="Counting", subagent_type="general-purpose")
    )
    prompt = f"{SESSION}#{AGENT}#0"
    chat.event("api_response", prompt, response_text="Counting now.", response_id="r1", subagent_name="general-purpose")
    chat.event(
        "tool_call",
        prompt,
        function_name="run_shell_command",
        function_args={"command": "ls"},
        duration_ms=5,
        success=True,
    )
    chat.event("api_response", prompt, response_text="2", response_id="r2", subagent_name="general-purpose")
    return chat


def test_a_subagents_file_is_linked_both_ways():
    """Its answers come piece by piece and are put together; what stands beside the file tells which call it was."""
    chat = delegated()
    chat.result("c1", f"Background agent launched successfully.\ntask_id: {AGENT} (internal ID)")
    agent = Qwen(isSidechain=True, agentId=AGENT, agentName="general-purpose")
    agent.says("count them", name="v1")
    agent.answers("Counting now.", name="b1", agentRound=1)
    agent.answers(function_call("d1"), name="b2")
    agent.answers(function_call("d2"), name="b3")
    agent.result("d1")
    agent.result("d2")
    agent.answers("2", name="b4", agentRound=2)
    meta = {"agentType": "general-purpose", "description": "Counting", "toolUseId": "c1", "parentAgentId": None}
    files = {NAME: chat, AGENT_NAME: agent, AGENT_NAME.removesuffix(".jsonl") + ".meta.json": json.dumps(meta).encode()}
    parent, child = (result.session for result in run(files, QWEN) if isinstance(result, Imported))
    assert parent.tool_executions[0].metadata["subagent_session_id"] == child.id
    assert child.id == f"{parent.id}-agent-{AGENT}"
    assert child.parent_session_id == parent.id
    facts = {"agent_id": AGENT, "agent_type": "general-purpose", "description": "Counting", "tool_use_id": "c1"}
    assert child.metadata["subagent"] == facts
    assert said(child) == [("user", "count them"), ("assistant", "Counting now."), ("assistant", "2")]
    assert [call["id"] for call in child.messages[1].tool_calls] == ["d1", "d2"]
    assert child.title == "Counting"


def test_a_subagent_without_a_file_is_made_of_telemetry():
    """Up to 0.15 only the telemetry tells what a sub-agent did: its answers and calls, without their results."""
    chat = delegated()
    chat.result("c1", "2", shown={"type": "task_execution", "subagentName": "general-purpose", "status": "completed"})
    parent, child = imports(chat)
    assert parent.session.tool_executions[0].metadata["subagent_session_id"] == child.session.id
    assert said(child.session) == [("user", "count them"), ("assistant", "Counting now."), ("assistant", "2")]
    (call,) = child.session.tool_executions
    assert (call.tool_name, call.arguments, call.success, call.duration_ms) == (
        "run_shell_command",
        {"command": "ls"},
        True,
        5,
    )
    assert call.metadata == {"result_not_recorded": True}
    facts = {"agent_id": AGENT, "agent_type": "general-purpose", "description": "Counting", "tool_use_id": "c1"}
    assert child.session.metadata["subagent"] == facts
    assert child.session.parent_session_id == parent.session.id
    assert (child.receipt.mapped, parent.receipt.mapped) == (3, 6)


def test_files_are_what_the_results_say():
    """A written file is new where the result says so; a failed edit changes nothing."""
    chat = Qwen()
    chat.answers(
        function_call("c1", "write_file", file_path="/p/new.py"),
        function_call("c2", "write_file", file_path="/p/old.py"),
        function_call("c3", "edit", file_path="/p/failed.py"),
    )
    chat.result("c1", "Successfully created and wrote to new file: /p/new.py.")
    chat.result("c2", "Successfully overwrote file: /p/old.py.")
    chat.result("c3", "0 occurrences found", "error")
    (session,) = sessions(chat)
    assert (session.files_created, session.files_modified) == (["new.py"], ["old.py"])


@pytest.mark.parametrize(
    ("data", "ours"),
    [
        (b'{"uuid":"u","parentUuid":null,"sessionId":"s","type":"user","message":{"role":"user","parts":[]}}\n', True),
        (b'{"uuid":"u","parentUuid":null,"sessionId":"s","type":"system","systemPayload":{}}\n', True),
        (b'{"uuid":"u","parentUuid":null,"sessionId":"s","message":{"role":"user","parts":[{"text":"a very long', True),
        (b'{"uuid":"u","parentUuid":null,"sessionId":"s","type":"user","message":{"content":"x"}}\n', False),
        (b'{"version":1,"sessionId":"s","timestamp":1,"project":"/p","models":{}}\n', False),
        (b"", False),
    ],
)
def test_content_decides_what_is_recognised(data, ours):
    """The records tell, not the name: Claude Code's look much like them, and Qwen Code has other files."""
    source = folders.one(data, "notes.txt")
    assert QWEN.recognises(source, source.head()) is ours


def test_a_lost_record_does_not_break_the_thread():
    """Where the record that another one follows is lost, that one follows the one before it in the file."""
    chat = Qwen()
    chat.says("first", name="u1")
    chat.answers("lost", name="a1")
    chat.says("second", name="u2")
    del chat.records[1]
    chat.raw(chat.records[0])
    (found,) = imports(chat)
    assert said(found.session) == [("user", "first"), ("user", "second")]
    assert found.receipt.dropped == {"repeated records": 1}


def test_pieces_under_one_id_are_one_answer():
    """An answer may be written in several records with the same id; other records under one id stay, too."""
    chat = Qwen()
    chat.says("first", name="u1")
    chat.answers("one, ", function_call("c1"), name="a1")
    chat.answers("two", function_call("c2"), name="a1", parent="u1")
    chat.says("second", name="u1")
    (session,) = sessions(chat)
    assert said(session) == [("user", "first"), ("assistant", "one, two"), ("user", "second")]
    assert ids(session) == ["u1", "a1", "c1", "c2", "u1~2"]
    assert session.messages[2].metadata == {"original_id": "u1"}
