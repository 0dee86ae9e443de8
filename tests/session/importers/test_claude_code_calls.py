"""The calls in a transcript of Claude Code: whether they worked, and which files they touched."""

from __future__ import annotations

import pytest

from .claude_scripts import Script, call, prompts, sessions


def execution(result=None, told=None, name="Bash", arguments=None, **block):
    """Import one call with its result; gives the execution."""
    script = Script()
    script.says("go")
    script.answers(call("t1", name, **(arguments or {"command": "x"})))
    if result is not None:
        script.result("t1", result, told, **block)
    (session,) = sessions(script)
    return session.tool_executions[0]


@pytest.mark.parametrize(
    ("result", "told", "block", "worked", "details"),
    [
        ("done", {"stdout": "done", "interrupted": False}, {"is_error": False}, True, {}),
        ("done", None, {}, True, {}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], None, {}, True, {}),
        ("Exit code 2\nboom", "Error: Exit code 2", {"is_error": True}, False, {"exit_code": 2}),
        ("Exit code 2 is what I expect", None, {}, True, {}),
        ("<tool_use_error>no such file</tool_use_error>", None, {}, False, {}),
        ("half", {"stdout": "half", "interrupted": True}, {"is_error": False}, False, {"interrupted": True}),
        (
            "",
            {"stdout": "", "returnCodeInterpretation": "No matches found"},
            {},
            False,
            {"exit_note": "No matches found"},
        ),
        ("The user doesn't want to proceed", "User rejected tool use", {"is_error": True}, False, {}),
        ("gone", {"status": "killed"}, {}, False, {}),
        ("bad cell", {"error": "no such cell"}, {}, False, {}),
        ("ran", {"exitCode": 1}, {}, False, {}),
        ("no skill", {"success": False}, {}, False, {}),
    ],
)
def test_success_means_that_it_worked(result, told, block, worked, details):
    """An error, an exit code, a refusal, an interruption: any of them means the call did not work."""
    found = execution(result, told, **block)
    assert (found.success, dict(found.metadata)) == (worked, details)
    assert found.result == (result if isinstance(result, str) else "a\nb")


def test_a_refused_call_did_not_work():
    """A call that was not permitted is marked as refused."""
    script = Script()
    script.says("go")
    script.answers(call("t1", command="rm -r /"))
    content = [{"type": "tool_result", "tool_use_id": "t1", "content": "denied"}]
    script.says(content, permissionDecision={"decision": "reject", "source": "user_reject"})
    (session,) = sessions(script)
    assert (session.tool_executions[0].success, session.tool_executions[0].metadata) == (
        False,
        {"refused": True},
    )
    assert prompts(session) == ["go"]


def test_a_call_without_result_is_unfinished():
    """A call that nothing answers did not work, and says why."""
    found = execution()
    assert (found.success, found.result, found.metadata) == (False, "", {"unfinished": True})


def test_time_and_agent_of_a_call():
    """A call lasts from the model's line to the result's, and is recorded when the result came."""
    found = execution("ok")
    assert (found.id, found.duration_ms, found.agent_name) == ("t1", 1000, "claude-code")
    assert found.timestamp.isoformat() == "2026-11-22T10:00:03+00:00"


def test_a_repeated_call_id_stays_apart():
    """Some servers number their calls anew each time: every call has its own result and a unique id."""
    script = Script()
    script.says("go")
    for number in range(3):
        script.answers(call("call_0", command=f"echo {number}"))
        if number != 1:
            script.result("call_0", f"{number}")
    (session,) = sessions(script)
    found = [(made.id, made.result, made.success) for made in session.tool_executions]
    assert found == [("call_0", "0", True), ("call_0~2", "", False), ("call_0~3", "2", True)]
    assert session.tool_executions[2].metadata == {"original_id": "call_0"}


def test_a_result_without_call_is_kept():
    """Where the call was lost, its result stays as a message of the tool."""
    script = Script()
    script.says("go")
    script.result("lost", "the answer")
    (session,) = sessions(script)
    assert [(message.role, message.content, message.tool_call_id) for message in session.messages[1:]] == [
        ("tool", "the answer", "lost")
    ]


def test_odd_calls_are_kept():
    """A call without id, name or proper input is still a call."""
    script = Script()
    script.says("go")
    script.answers(
        {"type": "tool_use", "input": "text"},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
    )
    script.answers(
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": [{"type": "web_search_result", "title": "T", "url": "U"}],
        }
    )
    (session,) = sessions(script)
    found = [(made.tool_name, made.arguments, made.result, made.success) for made in session.tool_executions]
    assert found == [
        ("unknown", {"input": "text"}, "", False),
        ("web_search", {}, "[web_search_result] T U", True),
    ]


@pytest.mark.parametrize(
    ("name", "path", "told", "created", "modified"),
    [
        ("Write", "/p/a.py", {"type": "create", "filePath": "/p/a.py"}, ["a.py"], []),
        ("Write", "/p/a.py", {"type": "update", "filePath": "/p/a.py"}, [], ["a.py"]),
        ("Write", "/p/a.py", None, ["a.py"], []),
        (
            "Edit",
            "/p/sub/a.py",
            {"filePath": "/p/sub/a.py", "oldString": "x", "originalFile": "x"},
            [],
            ["sub/a.py"],
        ),
        ("Edit", "/p/a.py", {"filePath": "/p/a.py", "oldString": "", "originalFile": None}, ["a.py"], []),
        ("Edit", "/p/a.py", {"filePath": "/p/a.py", "oldString": "x", "originalFile": None}, [], ["a.py"]),
        ("MultiEdit", "/elsewhere/a.py", None, [], ["/elsewhere/a.py"]),
        ("Read", "/p/a.py", {"type": "text", "file": {"filePath": "/p/a.py"}}, [], []),
    ],
)
def test_files_a_call_touched(name, path, told, created, modified):
    """The result says whether a file is new; paths inside the project are relative to it."""
    script = Script()
    script.says("go")
    script.answers(call("t1", name, file_path=path))
    script.result("t1", "ok", told)
    (session,) = sessions(script)
    assert (session.files_created, session.files_modified) == (created, modified)


def test_files_over_a_session():
    """A file made and then edited is created; one that was read is not made by writing it; failures touch nothing."""
    steps = [
        ("Write", "/p/new.py", {"type": "create", "filePath": "/p/new.py"}, False),
        ("Edit", "/p/new.py", {"filePath": "/p/new.py", "oldString": "a", "originalFile": "a"}, False),
        ("Read", "/p/old.py", None, False),
        ("Write", "/p/old.py", None, False),
        ("Edit", "/p/failed.py", "Error: no match", True),
    ]
    script = Script()
    script.says("go")
    for number, (name, path, told, failed) in enumerate(steps):
        script.answers(call(f"t{number}", name, file_path=path))
        script.result(f"t{number}", "x", told, is_error=failed)
    script.answers(call("nb", "NotebookEdit", notebook_path="/p/n.ipynb"))
    script.result("nb")
    (session,) = sessions(script)
    assert (session.files_created, session.files_modified) == (["new.py"], ["old.py", "n.ipynb"])
    assert session.project_path == "/p"


@pytest.mark.parametrize(
    ("commands", "created", "deleted"),
    [
        (["rm old.txt"], [], ["old.txt"]),
        (["git mv old.txt new.txt && git status"], ["new.txt"], ["old.txt"]),
        (["mv old.txt new.txt", "rm new.txt"], [], ["old.txt"]),
        (["rm -rf build", "rm *.o"], [], []),
    ],
)
def test_files_a_command_took_away(commands, created, deleted):
    """What a command surely removed or renamed is told as deleted; what its line leaves open is not."""
    script = Script()
    script.says("go")
    for number, command in enumerate(commands):
        script.answers(call(f"t{number}", "Bash", command=command))
        script.result(f"t{number}", "")
    (session,) = sessions(script)
    assert (session.files_created, session.metadata.get("files_deleted", [])) == (created, deleted)
