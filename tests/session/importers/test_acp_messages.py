"""The protocol: what messages, chunks, calls and decisions become."""

from __future__ import annotations

import pytest

from . import folders
from .wires import ACP, START, Wire, call_of, followed, selected, session_of, talking


def test_chunks_are_one_message():
    """What comes in pieces is joined; thoughts, and what the agent's program adds, stand beside it."""
    wire = talking().thought("let ", messageId="m1").thought("me see", messageId="m1").chunk("I ", messageId="m1")
    wire.chunk("do", messageId="m1").update("usage_update", used=3, size=9).end(usage={"totalTokens": 5})
    session = session_of(wire)
    prompt, answer = session.messages
    assert (prompt.content, answer.id, answer.content) == ("go", "m1", "I do")
    assert answer.metadata == {"thinking": ["let me see"]}
    assert session.metadata["acp"]["usage"] == {"used": 3, "size": 9, "totalTokens": 5}
    assert (session.project_path, session.agents_used, session.title) == ("/p", ["an-agent"], "go")


def test_answers_are_told_apart_by_ids_or_by_calls_that_ended():
    """Where agents give no ids, what comes after a call's end is the next answer; parallel calls are one's."""
    wire = talking().chunk("one").call("c1").call("c2").more("c1").more("c2").call("c3").more("c3").chunk("three").end()
    session = session_of(wire)
    texts = [(message.content, len(message.tool_calls or ())) for message in session.messages[1:]]
    assert texts == [("one", 2), ("", 1), ("three", 0)]
    assert [call["id"] for call in session.messages[1].tool_calls] == ["c1", "c2"]
    named = session_of(talking().chunk("a", messageId="1").chunk("b", messageId="2").chunk("c", messageId="2").end())
    assert [message.content for message in named.messages[1:]] == ["a", "bc"]


def test_token_counts_tell_answers_apart_where_there_are_some():
    """A call that ended early does not end the answer that goes on with another call."""
    count = {"used": 1, "size": 2}
    wire = talking().update("usage_update", **count).chunk("a").call("c1").more("c1", "failed").call("c2").more("c2")
    wire.update("usage_update", **count).call("c3").more("c3").end()
    assert [len(message.tool_calls) for message in session_of(wire).messages[1:]] == [2, 1]


def test_prompts_may_hold_more_than_text():
    """Links are named, files and pictures described; their bytes are not kept."""
    blocks = (
        "look at ",
        {"type": "resource_link", "name": "a.py", "uri": "file:///p/a.py"},
        {"type": "resource", "resource": {"uri": "file:///p/b.py", "text": "x = 1", "mimeType": "text/x-python"}},
        {"type": "image", "mimeType": "image/png", "data": "AAAA"},
    )
    (prompt,) = session_of(Wire().new().prompt(*blocks).end()).messages
    assert prompt.content == "look at [@a.py](file:///p/a.py)[@b.py](file:///p/b.py)"
    assert prompt.metadata["attachments"] == [
        {"type": "resource_link", "uri": "file:///p/a.py", "name": "a.py"},
        {"type": "resource", "uri": "file:///p/b.py", "media_type": "text/x-python", "text": "x = 1"},
        {"type": "image", "media_type": "image/png", "base64_length": 4},
    ]


@pytest.mark.parametrize(
    ("update", "name"),
    [
        ({"_meta": {"claudeCode": {"toolName": "Bash"}}, "title": "Terminal", "kind": "execute"}, "Bash"),
        ({"title": "bash", "kind": "execute", "rawInput": {"cwd": "/p"}}, "bash"),
        ({"title": "ls", "kind": "execute", "rawInput": {"command": "ls"}}, "execute"),
        ({"title": "Read file", "kind": "read"}, "read"),
        ({"toolCallId": "run_shell_command__run_shell_command_1795341627805_0", "title": "ls"}, "run_shell_command"),
        ({"toolCallId": "replace-1795341627805_3", "title": "x y"}, "replace"),
        ({"title": "Something"}, "tool"),
    ],
)
def test_a_tools_name_is_what_the_agent_calls_it(update, name):
    """Agents tell it in several places; where none does, the protocol's kind stands for it."""
    assert (
        call_of(talking().update("tool_call", **{"toolCallId": "c1", "status": "pending", **update}).end()).tool_name
        == name
    )


@pytest.mark.parametrize(
    ("update", "success", "result"),
    [
        ({"rawOutput": "text"}, True, "text"),
        ({"rawOutput": {"output": "text", "metadata": {"exit": 0}}}, True, "text"),
        ({"rawOutput": {"output": "text", "metadata": {"exit": 1}}}, False, "text"),
        ({"rawOutput": {"exit_code": 2, "stdout": "text"}}, False, "text"),
        ({"rawOutput": {"error": "text"}, "status": "failed"}, False, "text"),
        ({"rawOutput": {"other": 1}}, True, '{"other": 1}'),
        ({"content": [{"type": "content", "content": {"type": "text", "text": "text"}}]}, True, "text"),
        ({"rawOutput": [{"type": "text", "text": "text"}]}, True, "text"),
        ({}, True, ""),
        ({"status": "in_progress", "rawOutput": "text"}, False, "text"),
    ],
)
def test_a_call_worked_only_if_it_really_did(update, success, result):
    """The exit code counts more than the status, the raw output more than what a person sees."""
    call = call_of(talking().call().more(**update).end())
    assert (call.success, call.result) == (success, result)
    assert ("unfinished" in call.metadata) is (update.get("status") == "in_progress")


def test_a_call_has_its_own_arguments_times_and_places():
    """What is asked for permission is no more than a stand-in for the arguments the call has itself."""
    wire = talking().call(rawInput={}, kind="edit", title="edit")
    wire.permission(selected("yes"), rawInput={"diff": "---"}, kind="edit")
    wire.more(status="in_progress", rawInput={"path": "/p/a"}, locations=[{"path": "/p/a", "line": 3}])
    call = call_of(wire.permission(selected("yes"), rawInput={"diff": "+++"}).more().end())
    assert (call.id, call.arguments, call.success) == ("c1", {"path": "/p/a"}, True)
    assert call.metadata == {"kind": "edit", "title": "edit", "status": "completed", "locations": ["/p/a"]}
    assert call.duration_ms == 1500
    first = call_of(talking().permission(selected("yes"), rawInput={"command": "ls"}).more().end())
    assert first.arguments == {"command": "ls"}


@pytest.mark.parametrize(
    ("outcome", "mark"),
    [(selected("no"), "refused"), (selected("reject"), "refused"), ({"outcome": "cancelled"}, "cancelled")],
)
def test_what_a_person_refused_did_not_run(outcome, mark):
    """Also where the agent says nothing more of the call, or that it is completed."""
    asked = {
        "title": "rm -rf /",
        "kind": "execute",
        "content": [{"type": "content", "content": {"type": "text", "text": "sure?"}}],
    }
    silent = call_of(talking().permission(outcome, **asked).end())
    assert (silent.success, silent.metadata[mark], silent.result) == (False, True, "")
    assert "unfinished" not in silent.metadata
    told = call_of(talking().call().permission(outcome, **asked).more(rawOutput="no").end())
    assert (told.success, told.metadata[mark], told.result) == (False, True, "no")


def test_a_cancelled_turn_cancels_what_ran():
    """The calls that had not ended say so, and the answer says how the turn ended."""
    wire = (
        talking()
        .chunk("a")
        .call("c1")
        .more("c1")
        .call("c2")
        .send({"method": "session/cancel", "params": {"sessionId": "s1"}}, by_agent=False)
    )
    session = session_of(wire.end("cancelled"))
    assert [call.metadata.get("cancelled") for call in session.tool_executions] == [None, True]
    assert session.messages[-1].metadata["stop_reason"] == "cancelled"


def test_a_turn_that_fails_says_why():
    """The agent's error is a notice; the next turn goes on."""
    wire = talking().send({"id": "turn", "error": {"code": -32603, "message": "overloaded"}}, by_agent=True)
    session = session_of(wire.prompt("again").chunk("ok").end())
    assert folders.said(session) == [("user", "go"), ("system", "overloaded"), ("user", "again"), ("assistant", "ok")]


DIFF = {"type": "diff", "path": "/p/a", "newText": "y"}


@pytest.mark.parametrize(
    ("wire", "created", "modified", "deleted"),
    [
        (talking().call(content=[{**DIFF, "oldText": None}]).more(), ["a"], [], []),
        (talking().call(content=[DIFF]).more(), ["a"], [], []),
        (talking().call(content=[{**DIFF, "oldText": "x"}]).more(), [], ["a"], []),
        (talking().call(content=[{**DIFF, "oldText": "x"}]).more(status="failed"), [], [], []),
        (talking().call(content=[{**DIFF, "_meta": {"kind": "modify"}}]).more(), [], ["a"], []),
        (talking().call(content=[{**DIFF, "oldText": "x", "newText": None}]).more(), [], [], ["a"]),
        (talking().call(kind="delete", locations=[{"path": "/p/a"}]).more(), [], [], ["a"]),
        (talking().write("/p/a"), ["a"], [], []),
        (talking().read("/p/a").write("/p/a"), [], ["a"], []),
        (talking().read("/p/a", error={"code": 1}).write("/p/a"), ["a"], [], []),
        (talking().write("/p/a", error={"code": 1}), [], [], []),
        (talking().permission(selected("yes"), content=[{**DIFF, "oldText": "x"}]).write("/p/a").more(), [], ["a"], []),
        (talking().call(kind="execute", rawInput={"command": "git mv a b"}).more(), ["b"], [], ["a"]),
        (talking().call(title="write", rawInput={}).more(rawInput={"filePath": "/p/a"}), ["a"], [], []),
        (
            talking()
            .call(title="write", rawInput={})
            .more(rawInput={"filePath": "/p/a"}, rawOutput={"metadata": {"exists": True}}),
            [],
            ["a"],
            [],
        ),
    ],
    ids=[
        "new",
        "new without old",
        "changed",
        "failed",
        "told",
        "removed",
        "deleted",
        "written",
        "read and written",
        "not there and written",
        "not written",
        "asked and written",
        "moved",
        "by name",
        "by name and there",
    ],
)
def test_files_are_what_diffs_and_writes_say(wire, created, modified, deleted):
    """Of calls that worked; what was there before is known from diffs, reads, and what agents tell beside."""
    session = session_of(wire.end())
    assert (session.files_created, session.files_modified) == (created, modified)
    assert session.metadata.get("files_deleted", []) == deleted


def test_a_clients_terminal_shows_what_a_command_gave():
    """Agents may leave commands to the client; its output and exit code are the call's."""
    shown = {"sessionId": "s1", "terminalId": "t1"}
    wire = talking().call(kind="execute", content=[{"type": "terminal", "terminalId": "t1"}])
    wire.ask("terminal/output", shown, {"output": "boom", "exitStatus": None}, by_agent=True)
    wire.ask("terminal/wait_for_exit", shown, {"exitCode": 3}, by_agent=True)
    call = call_of(wire.more().end())
    assert (call.success, call.result, call.metadata["exit_code"]) == (False, "boom", 3)


def test_a_loaded_session_is_not_taken_twice():
    """What the agent repeats is known; what only the repetition tells is added where it belongs."""
    wire = talking().chunk("a", messageId="m1").call("c1").more("c1", rawOutput="x").end()
    params = {"sessionId": "s1", "cwd": "/p"}
    wire.send({"id": "load", "method": "session/load", "params": params}, by_agent=False)
    wire.chunk("go", "user_message_chunk").chunk("a", messageId="m1").call("c1").more("c1", rawOutput="x")
    wire.chunk("said elsewhere", "user_message_chunk").chunk("answered elsewhere", messageId="m2")
    wire.send({"id": "load", "result": None}, by_agent=True).prompt("go").chunk("b", messageId="m3").end()
    session = session_of(wire)
    assert folders.said(session) == [
        ("user", "go"),
        ("assistant", "a"),
        ("user", "said elsewhere"),
        ("assistant", "answered elsewhere"),
        ("user", "go"),
        ("assistant", "b"),
    ]
    (call,) = session.tool_executions
    assert (call.result, call.duration_ms) == ("x", 250)


def test_what_only_a_replay_tells_of_files_is_told():
    """A call that another client had made comes with the load; its diff counts as if it had been seen live."""
    wire = talking().chunk("a", messageId="m1").end()
    params = {"sessionId": "s1", "cwd": "/p"}
    wire.send({"id": "load", "method": "session/load", "params": params}, by_agent=False)
    wire.chunk("go", "user_message_chunk").chunk("a", messageId="m1")
    wire.chunk("edit", "user_message_chunk")
    wire.call("c1", kind="edit", content=[{**DIFF, "oldText": "x"}]).more("c1")
    wire.call("c2", kind="edit", content=[{**DIFF, "path": "/p/b", "oldText": "x"}]).more("c2", "failed")
    wire.send({"id": "load", "result": None}, by_agent=True).prompt("go on").write("/p/b").end()
    session = session_of(wire)
    assert (session.files_created, session.files_modified) == ([], ["a", "b"])
    assert [call.duration_ms for call in session.tool_executions] == [0, 0]


def test_answers_repeated_under_other_ids_are_known():
    """Some agents give no ids, or others on load: then the words tell, or the calls."""
    wire = (
        talking()
        .thought("hm", messageId="p1")
        .chunk("a", messageId="m1")
        .call("c1")
        .more("c1")
        .call("c2")
        .more("c2")
        .end()
    )
    wire.send({"id": "load", "method": "session/load", "params": {"sessionId": "s1"}}, by_agent=False)
    wire.chunk("go", "user_message_chunk").chunk("a", messageId="other").call("c1").more("c1").call("c2").more("c2")
    before = session_of(
        talking()
        .thought("hm", messageId="p1")
        .chunk("a", messageId="m1")
        .call("c1")
        .more("c1")
        .call("c2")
        .more("c2")
        .end()
    )
    assert folders.ids(session_of(wire.send({"id": "load", "result": None}, by_agent=True))) == folders.ids(before)


def test_an_echo_of_the_prompt_is_no_prompt():
    """Some agents send back what the person said."""
    wire = talking().chunk("g", "user_message_chunk").chunk("o", "user_message_chunk").chunk("ok").end()
    assert folders.said(session_of(wire)) == [("user", "go"), ("assistant", "ok")]


def test_a_fork_has_what_was_there_and_its_own():
    """The agent makes a session of another; both go on, and the new one names its parent."""
    wire = talking().chunk("a").end()
    wire.ask("session/fork", {"sessionId": "s1", "cwd": "/p"}, {"sessionId": "s2"})
    wire.session = "s2"
    wire.prompt("more").chunk("b").end()
    (origin, fork), errors = folders.run(ACP, [folders.one(wire.data)])
    assert errors == []
    assert (fork.session.parent_session_id, fork.session.metadata["relation"]) == (origin.session.id, "fork")
    assert folders.said(origin.session) == [("user", "go"), ("assistant", "a")]
    assert fork.session.timeline[:2] == origin.session.timeline
    assert folders.said(fork.session)[2:] == [("user", "more"), ("assistant", "b")]


def test_sessions_of_one_connection_are_kept_apart():
    """A client may have several at once."""
    wire = talking()
    other = Wire(agent="", session="s2", start=START + 50)
    wire.lines += other.new("/q").prompt("other").lines
    wire.chunk("a").end()
    found, errors = folders.run(ACP, [folders.one(wire.data)])
    assert errors == []
    assert {item.session.id: item.session.project_path for item in found} == {"acp-s1": "/p", "acp-s2": "/q"}


def test_one_id_may_be_used_for_call_after_call():
    """Some servers count anew in each turn: those are several calls, and the first keeps its result."""
    wire = talking().call("c").more("c", rawOutput="1").end().prompt("more").call("c").more("c", rawOutput="2").end()
    calls = session_of(wire).tool_executions
    assert [(call.id, call.result, call.metadata.get("original_id")) for call in calls] == [
        ("c", "1", None),
        ("c~2", "2", "c"),
    ]


def test_names_titles_models_and_plans_are_kept():
    """What the agent tells of itself and of the session stands in the metadata."""
    state = {"models": {"currentModelId": "m1"}, "modes": {"currentModeId": "plan"}}
    wire = Wire("agent-x").new(**state).prompt("go").chunk("a").update("session_info_update", title="A name")
    wire.update("plan", entries=[{"content": "do it", "status": "pending"}]).end()
    session = session_of(wire)
    told = session.metadata["acp"]
    assert (session.title, told["model"], told["mode"]) == ("A name", "m1", "plan")
    assert told["agent"] == {"name": "agent-x", "version": "1"}
    assert told["plan"] == [{"content": "do it", "status": "pending"}]
    assert session.messages[1].metadata["model"] == "m1"
    assert session_of(Wire(agent="").new().prompt("go").end()).agents_used == ["acp-agent"]


def test_a_live_recorder_gets_what_an_import_gives():
    """Fed one message at a time, what has settled never changes, only grows, and ends as the import."""
    wire = talking().chunk("a").call().more(rawOutput="x").end().prompt("more").chunk("b").chunk("c").end()
    before = []
    for traffic in followed(wire):
        settled = [entry for talk in traffic.conversations.values() for entry in talk.entries("an-agent", settled=True)]
        assert settled[: len(before)] == before
        before = settled
    assert before == session_of(wire).timeline


def test_while_a_turn_goes_on_its_entries_are_there_and_not_settled():
    """A recorder can show what is going on, and save what is over."""
    (*_, traffic) = followed(talking().chunk("a").call())
    (talk,) = traffic.conversations.values()
    assert [entry.id for entry in talk.entries("x")][-1] == "c1"
    assert talk.entries("x", settled=True) == []
