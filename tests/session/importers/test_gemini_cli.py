"""Gemini CLI: logs that are written again as they grow, resumed, rewound, and what sub-agents leave."""

from __future__ import annotations

import pytest

from . import folders
from .chats import (
    CHATS,
    CHILD,
    IMPORTERS,
    NAMES,
    SESSION,
    Gemini,
    adds_up,
    executed,
    function_call,
    ids,
    imports,
    run,
    said,
    sessions,
)

GEMINI = IMPORTERS["gemini-cli"]
NAME = NAMES["gemini-cli"]


def worked():
    """A chat with a call that worked and one that did not."""
    chat = Gemini()
    chat.context()
    chat.says("first", name="u1")
    chat.answers("one", chat.call("c1"), chat.call("c2", status="error", output="no such file"), name="a1")
    chat.answers("done", name="a2")
    return chat


def test_a_message_is_written_again_as_it_grows():
    """The same id again adds what is new, where it came; nothing is there twice."""
    (found,) = imports(worked())
    assert said(found.session) == [
        ("system", "<session_context>\nThis is it.\n- **Workspace Directories:**\n  - /p\n</session_context>"),
        ("user", "first"),
        ("assistant", "one"),
        ("assistant", "done"),
    ]
    assert ids(found.session) == ["context", "u1", "a1", "c1", "c2", "a2"]
    assert executed(found.session) == {"c1": True, "c2": False}
    assert [call["id"] for call in found.session.messages[2].tool_calls] == ["c1", "c2"]
    assert found.session.project_path == "/p"
    assert found.receipt.mapped == 5


def test_resuming_loses_nothing_of_what_was_there():
    """A resumed chat writes all messages anew, as parts and without times; what came before stays as it was."""
    chat = worked()
    before = sessions(chat)[0].timeline
    chat.context()
    chat.resume()
    chat.says("second", name="u2")
    chat.answers("two", name="a3")
    (found,) = imports(chat)
    assert found.session.timeline[: len(before)] == before
    assert said(found.session)[-2:] == [("user", "second"), ("assistant", "two")]
    assert found.receipt.dropped["repeats of other records"] == 2


@pytest.mark.parametrize("lost", [0, 300_000])
def test_a_history_on_one_very_long_line_is_read_message_by_message(lost):
    """A resumed chat's line may hold all of it; what is on it counts by messages, and a lost end costs only itself."""
    chat = Gemini()
    for number in range(20):
        chat.says("p" * 100_000, name=f"u{number}")
    before = sessions(chat)[0].timeline
    chat.resume()
    assert len(chat.data) > 2 * 2_000_000
    (result,) = run({NAME: chat.data[: len(chat.data) - lost]}, GEMINI)
    assert result.session.timeline == before
    repeats = 20 if not lost else 17
    assert abs(result.receipt.dropped["repeats of other records"] - repeats) <= 1
    assert bool(result.receipt.problems) is bool(lost)
    adds_up(result.receipt)
    alone = Gemini()
    alone.raw(chat.records[-1])
    assert ids(sessions(alone)[0]) == [entry.id for entry in before]


def test_a_resumed_file_alone_still_has_the_calls():
    """Where only the file of the resumed chat is left, its calls stand in it as parts, with their results."""
    chat = worked()
    chat.resume()
    alone = Gemini()
    alone.raw(chat.records[-1])
    alone.says("second", name="u2")
    (session,) = sessions(alone)
    assert executed(session) == {"c1": True, "c2": False}
    assert session.tool_executions[1].result == "no such file"
    assert said(session)[1:] == [("user", "first"), ("assistant", "one"), ("assistant", "done"), ("user", "second")]


def test_thoughts_are_read_from_both_of_their_forms():
    """Thoughts have a subject beside them, which a resumed chat puts before them in one text."""
    chat = Gemini()
    thought = {"subject": "Looking", "description": "At the files."}
    chat.answers("one", name="a1", thoughts=[thought, {"subject": "Only a subject"}, "?"])
    chat.set(
        messages=[
            {
                "id": "a2",
                "type": "gemini",
                "content": [{"text": "**Again** and again", "thought": True}, {"text": "two"}],
            }
        ]
    )
    (session,) = sessions(chat)
    assert [message.metadata["thinking"] for message in session.messages] == [
        ["At the files.", "Only a subject"],
        ["and again"],
    ]
    assert [message.metadata["thinking_subjects"] for message in session.messages] == [
        ["Looking", "Only a subject"],
        ["Again"],
    ]


def test_a_rewind_leaves_a_conversation_of_its_own():
    """What was taken back is a linked session that begins with what both share; the files are each one's own."""
    chat = Gemini()
    chat.says("first", name="u1")
    chat.answers("one", name="a1")
    chat.says("badly put", name="u2")
    chat.answers("", chat.call("c1", "write_file", file_path="/p/wrong.py"), name="a2")
    chat.rewind("u2")
    chat.says("better put", name="u3")
    chat.answers("", chat.call("c2", "write_file", file_path="/p/right.py"), name="a3")
    main, branch = imports(chat)
    assert ids(main.session) == ["u1", "a1", "u3", "a3", "c2"]
    assert ids(branch.session) == ["u1", "a1", "u2", "a2", "c1"]
    assert branch.session.parent_session_id == main.session.id
    assert branch.session.id == f"{main.session.id}-branch-u2"
    assert branch.session.metadata["relation"] == "branch"
    assert branch.session.metadata["first_own_entry"] == "u2"
    assert (branch.session.title, main.session.title) == ("badly put", "first")
    assert [main.session.files_created, branch.session.files_created] == [["/p/right.py"], ["/p/wrong.py"]]
    assert branch.receipt.mapped == 3
    assert main.receipt.mapped == 8


def test_a_rewind_to_what_is_not_there_begins_anew():
    """As Gemini CLI does, an unknown target takes everything back; until something is said, all of it stays."""
    chat = worked()
    chat.rewind("nothing")
    (session,) = sessions(chat)
    assert ids(session) == ["context", "u1", "a1", "c1", "c2", "a2"]
    chat.says("anew", name="u9")
    main, left = sessions(chat)
    assert (ids(main), ids(left)) == (["u9"], ["context", "u1", "a1", "c1", "c2", "a2"])


def test_only_the_last_rewinds_are_kept():
    """Of very many conversations that were rewound the last 256 are kept, and the rest is counted."""
    chat = Gemini()
    chat.says("first", name="u")
    for number in range(300):
        chat.says(f"try {number}", name=f"t{number}")
        chat.rewind(f"t{number}")
    main, *branches = imports(chat)
    assert len(branches) == 256
    assert said(branches[-1].session)[-1] == ("user", "try 299")
    assert main.receipt.dropped["rewound conversations before the last 256"] == 44


def test_calls_over_acp_belong_to_the_answers_that_asked_for_them():
    """An editor's chat collects all calls in one message without words; each belongs to the answer before it."""
    chat = Gemini()
    chat.says("first", name="u1")
    chat.answers("one", name="a1")
    holder = chat.message("gemini", "", "h", toolCalls=[chat.call("c1")])
    chat.message("user", [{"functionResponse": {"id": "c1", "response": {"output": "ok"}}}])
    chat.answers("two", name="a2")
    chat.raw({**holder, "toolCalls": [*holder["toolCalls"], chat.call("c2")]})
    (session,) = sessions(chat)
    assert ids(session) == ["u1", "a1", "c1", "a2", "c2"]
    assert [[call["id"] for call in message.tool_calls] for message in session.messages[1:]] == [["c1"], ["c2"]]


@pytest.mark.parametrize(
    ("output", "shown", "code"),
    [
        ("<untrusted_context>\nOutput: no\nExit Code: 1\nProcess Group PGID: 7\n</untrusted_context>", "no", 1),
        ("Output: ok\nProcess Group PGID: 7", "ok", None),
        ("Output: Exit Code: 5\nProcess Group PGID: 7", "Exit Code: 5", None),
        ("Output: Exit Code: 5\nExit Code: 5\nProcess Group PGID: 7", "Exit Code: 5", 5),
        (
            "Command: x\nDirectory: (root)\nOutput: a\nError: (none)\nExit Code: 0\nSignal: 0\nBackground PIDs: (none)",
            "a",
            0,
        ),
        ("Command: x\nDirectory: (root)\nOutput: a\nError: b\nExit Code: 127\nSignal: (none)", "", 127),
    ],
)
def test_a_command_worked_if_its_exit_code_says_so(output, shown, code):
    """Gemini CLI calls a command with exit code 1 a success; the code stands behind its output, and only there."""
    chat = Gemini()
    chat.answers("", chat.call("c1", "run_shell_command", output=output, shown=shown, command="x"))
    (call,) = sessions(chat)[0].tool_executions
    assert call.success is (code in (None, 0))
    assert call.metadata.get("exit_code") == code
    assert call.result == output


@pytest.mark.parametrize(
    ("status", "output", "details"),
    [
        ("error", 'Tool execution for "Shell" denied by policy.', {"refused": True}),
        ("cancelled", "[Operation Cancelled] Reason: User did not allow tool call", {"refused": True}),
        ("cancelled", "[Operation Cancelled] Reason: User cancelled the operation.", {"interrupted": True}),
        ("executing", "", {"unfinished": True}),
    ],
)
def test_calls_that_were_refused_or_stopped_did_not_work(status, output, details):
    """A call that was refused, cancelled or never ended did not work, and says why."""
    chat = Gemini()
    chat.answers("", chat.call("c1", "write_file", output=output, status=status, file_path="/p/x"))
    (session,) = sessions(chat)
    (call,) = session.tool_executions
    assert not call.success
    assert call.metadata == details
    assert session.files_created == []


def test_files_are_what_the_results_say():
    """A written file is new where the result says so, else it was there; a moved one is new under its new name."""
    chat = Gemini()
    chat.context()
    chat.answers(
        "",
        chat.call("c1", "write_file", shown={"isNewFile": True}, file_path="/p/new.py"),
        chat.call("c2", "write_file", shown={"isNewFile": False}, file_path="/p/old.py"),
        chat.call("c3", "write_file", "Successfully overwrote file: x.", file_path="/p/older.py"),
        chat.call("c4", "replace", "Created new file: y with provided content.", file_path="/p/made.py"),
        chat.call("c5", "run_shell_command", command="git mv a.txt b.txt && rm c.txt -- d.txt; rm -rf build; rm *.o"),
        chat.call("c6", "write_file", "failed", "error", file_path="/p/failed.py"),
        name="a1",
    )
    (session,) = sessions(chat)
    assert session.files_created == ["new.py", "made.py", "b.txt"]
    assert session.files_modified == ["old.py", "older.py"]
    assert session.metadata["files_deleted"] == ["a.txt", "c.txt", "d.txt"]


def test_what_programs_say_is_no_prompt():
    """Context, commands, compaction and notices are not the person's words; what they named is put aside."""
    chat = Gemini()
    chat.says("<hook_context>from a hook</hook_context>", "prompt")
    chat.says("/chat save x")
    chat.says("/home/dev/x is broken")
    chat.says("see @a\n--- Content of a ---", displayContent=[{"text": "see @a"}])
    chat.message("info", "Update available")
    chat.set(
        messages=[
            {"id": "s", "type": "user", "content": [{"text": "<state_snapshot>so far</state_snapshot>"}]},
            {"id": "k", "type": "gemini", "content": [{"text": "Got it. Thanks for the additional context!"}]},
        ]
    )
    chat.says("last")
    (session,) = sessions(chat)
    assert [message.content for message in session.messages if message.role == "user"] == [
        "prompt",
        "/home/dev/x is broken",
        "see @a",
        "last",
    ]
    assert not [message for message in session.messages if message.role == "assistant"]
    assert session.messages[0].metadata["context"] == ["<hook_context>from a hook</hook_context>"]
    kinds = [message.metadata for message in session.messages if message.role == "system"]
    assert kinds == [
        {"injected": "command"},
        {"notice": "info"},
        {"kind": "compacted"},
        {"notice": "synthetic"},
    ]


def test_pictures_are_described():
    """A picture's bytes are not kept, but that there was one is."""
    chat = Gemini()
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    chat.message("user", [{"text": "look"}, picture])
    told = chat.call("c1")
    told["result"][0]["functionResponse"]["response"]["parts"] = [picture]
    chat.answers("", told)
    (session,) = sessions(chat)
    described = [{"type": "inlineData", "media_type": "image/png", "base64_length": 4}]
    assert session.messages[0].metadata["attachments"] == described
    assert session.tool_executions[0].metadata["attachments"] == described


def subagent():
    """A chat that started a sub-agent, and that one's file."""
    chat = Gemini()
    chat.says("count", name="u1")
    call = chat.call("call-1", "invoke_agent", agent_name="generalist", prompt="count them")
    chat.answers("I'll delegate.", {**call, "agentId": CHILD}, name="a1")
    child = Gemini(CHILD, kind="subagent", directories=["/p"])
    child.says("count them", name="v1")
    child.answers("2", child.call("d1"), name="b1")
    child.says("You must finish now.", name="v2")
    return {NAME: chat, f"{CHATS}/{SESSION}/{CHILD}.jsonl": child}


def test_subagents_are_linked_both_ways():
    """The call names the sub-agent's session, and that names the call and its parent; only its task is a prompt."""
    child, parent = (result.session for result in run(subagent(), GEMINI))
    assert parent.tool_executions[0].metadata["subagent_session_id"] == child.id
    assert child.id == f"{parent.id}-agent-{CHILD}"
    assert child.parent_session_id == parent.id
    assert child.metadata["relation"] == "subagent"
    assert child.metadata["subagent"] == {"agent_id": CHILD, "agent_type": "generalist", "tool_use_id": "call-1"}
    assert said(child) == [("user", "count them"), ("assistant", "2"), ("system", "You must finish now.")]
    assert (child.title, child.project_path) == ("count them", "/p")


def test_a_subagents_file_alone_has_no_parent():
    """Where a file was moved, nothing is made up about where it comes from."""
    child = list(subagent().values())[1]
    (session,) = sessions(child, "somewhere/else.jsonl")
    assert (session.id, session.parent_session_id) == (f"gemini-cli-{CHILD}", None)
    assert session.metadata["subagent"] == {"agent_id": CHILD}


@pytest.mark.parametrize(
    ("data", "ours"),
    [
        (b'{"sessionId":"s","projectHash":"h","startTime":"t","lastUpdated":"t","kind":"main"}\n', True),
        (b'not JSON\n{"$set":{"lastUpdated":"t"}}\n', True),
        (b'{"id":"x","timestamp":"t","type":"gemini","content":""}\n', True),
        (b'{\n "sessionId": "s",\n "projectHash": "h",\n "messages": [\n  {"id": "a very long', True),
        (b'{"sessionId":"s","projectHash":"h","cwd":"/p"}\n', False),
        (b'[{"sessionId":"s","messageId":0,"type":"user","message":"hi","timestamp":"t"}]', False),
        (b'{"id":"x","timestamp":"t","type":"user","message":{"content":"x"}}\n', False),
        (b'{"projects": {"/p": "proj"}}', False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_content_decides_what_is_recognised(data, ours):
    """The records tell, not the name: Gemini CLI's other files, and other agents', are not chats."""
    source = folders.one(data, "notes.txt")
    assert GEMINI.recognises(source, source.head()) is ours


def test_a_title_is_the_summary_or_the_first_prompt():
    """The latest summary names a chat; without one its first prompt does."""
    chat = Gemini()
    chat.says("first prompt")
    assert sessions(chat)[0].title == "first prompt"
    chat.set(summary="Fixes the typo")
    (found,) = imports(chat)
    assert found.session.title == "Fixes the typo"
    assert found.receipt.kept == 2


def test_parts_without_a_name_or_known_call_are_kept():
    """A result that no call is known for is a message of its own; a message without an id has one made for it."""
    chat = Gemini()
    chat.message("user", [{"functionResponse": {"id": "lost", "name": "t", "response": {"output": "found"}}}])
    chat.message("gemini", [{"text": "one"}, function_call("", "read_file", path="x")], "")
    chat.raw({**chat.records[-1], "id": "", "content": "two"})
    (session,) = sessions(chat)
    assert said(session) == [("tool", "found"), ("assistant", "one"), ("assistant", "two")]
    assert session.messages[0].tool_call_id == "lost"
    assert len(set(ids(session))) == 4
