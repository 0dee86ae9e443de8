"""Codex: which calls really worked, what they gave, and which files they changed."""

from __future__ import annotations

import json

import pytest

from .rollouts import CHILD, Rollout, executed, session_of


@pytest.mark.parametrize(
    ("output", "worked", "text"),
    [
        (
            "Chunk ID: a1\nWall time: 0.5 seconds\nProcess exited with code 0\nOriginal token count: 1\nOutput:\nok\n",
            True,
            "ok\n",
        ),
        ("Chunk ID: a1\nWall time: 0.5 seconds\nProcess exited with code 1\nOutput:\nno\n", False, "no\n"),
        ("Wall time: 0.5 seconds\nProcess running with session ID 7\nOutput:\n…", True, "…"),
        ("Exit code: 2\nWall time: 0.5 seconds\nOutput:\n", False, ""),
        ('{"output": "ok", "metadata": {"exit_code": 0, "duration_seconds": 0.5}}', True, "ok"),
        ('{"output": "", "metadata": {"exit_code": 127, "duration_seconds": 0.5}}', False, ""),
        ({"content": "refused", "success": False}, False, "refused"),
        ({"content": "fine", "success": True}, True, "fine"),
        (
            [{"type": "input_text", "text": "a\n"}, {"type": "input_image", "image_url": "data:"}],
            True,
            "a\n[input_image]",
        ),
        ('{"agent_id": "x", "nickname": "Hubble"}', True, '{"agent_id": "x", "nickname": "Hubble"}'),
        ("exec command rejected by user", False, "exec command rejected by user"),
        ("apply_patch verification failed: no", False, "apply_patch verification failed: no"),
        ("aborted by user after 1.2s", False, "aborted by user after 1.2s"),
        ("failed to parse function arguments: EOF", False, "failed to parse function arguments: EOF"),
        ("unsupported call: foo", False, "unsupported call: foo"),
        ("Plan updated", True, "Plan updated"),
        ("2 failed tests were listed", True, "2 failed tests were listed"),
        ("", True, ""),
    ],
)
def test_success_is_what_really_happened(output, worked, text):
    """Exit codes count, then states, then what the result says; the wrapping around a result is taken off."""
    (call,) = session_of(Rollout().prompt("go").call("c1", output=output)).tool_executions
    assert (call.success, call.result) == (worked, text)


def test_a_call_without_a_result_is_unfinished():
    """What never came back did not work, and says so."""
    (call,) = session_of(Rollout().prompt("go").call("c1", output=None)).tool_executions
    assert (call.success, call.metadata["unfinished"], call.result) == (False, True, "")


def test_what_an_event_tells_of_a_call_counts_wherever_it_stands():
    """A completed item before, after or between the call's records sets its exit code and duration."""
    rollout = Rollout().prompt("go")
    early = {"id": "c1", "command": ["bash", "-lc", "x"], "exit_code": 3, "aggregated_output": "boom"}
    rollout.done("CommandExecution", **early).call("c1", output="…")
    late = {"exit_code": 0, "status": "completed", "duration": {"secs": 2, "nanos": 500_000_000}}
    rollout.call("c2", output="still running").done("CommandExecution", id="c2", **late)
    rollout.call("c3", output="…").event("exec_command_end", call_id="c3", exit_code=1, stdout="")
    session = session_of(rollout)
    assert executed(session) == {"c1": False, "c2": True, "c3": False}
    assert session.tool_executions[1].duration_ms == 2500
    assert [call.result for call in session.tool_executions] == ["…", "still running", "…"]


def test_duration_is_as_recorded_or_from_asking_to_the_result():
    """The recorded time counts; without one it is what passed between the two records."""
    rollout = Rollout().prompt("go").call("c1").call("c2", name="update_plan", output="Plan updated")
    assert [call.duration_ms for call in session_of(rollout).tool_executions] == [1000, 1000]
    silent = Rollout().prompt("go").item("function_call", name="wait", arguments="{}", call_id="c1")
    silent.event("token_count", info=None).item("function_call_output", call_id="c1", output="ok")
    assert session_of(silent).tool_executions[0].duration_ms == 2000


def test_arguments_are_objects_whatever_stands_there():
    """JSON objects are parsed; any other text stands under `input`; nothing gives nothing."""
    rollout = Rollout().prompt("go")
    for number, raw in enumerate(['{"a": 1}', "not json", "[1]", "", None, 7]):
        rollout.call(f"c{number}", arguments=raw)
    arguments = [call.arguments for call in session_of(rollout).tool_executions]
    assert arguments == [{"a": 1}, {"input": "not json"}, {"input": "[1]"}, {}, {}, {}]


def test_tools_of_every_kind_of_record_are_executions():
    """Local shells, web searches, generated pictures, MCP servers and tool searches are calls like others."""
    rollout = Rollout().prompt("go")
    rollout.item("local_shell_call", call_id="c1", status="completed", action={"type": "exec", "command": ["ls"]})
    rollout.item("function_call_output", call_id="c1", output='{"output": "a", "metadata": {"exit_code": 0}}')
    rollout.item("web_search_call", id="ws1", status="completed", action={"type": "search", "query": "git"})
    rollout.event("web_search_end", call_id="ws1", query="git")
    rollout.item("image_generation_call", id="ig1", status="completed", revised_prompt="a cat", result="QUJD" * 999)
    rollout.call("c2", name="mcp__files__read", output="text")
    rollout.event("mcp_tool_call_end", call_id="c2", result={"Ok": {"content": [], "isError": True}})
    rollout.item("tool_search_call", call_id="c3", execution="client", arguments={"query": "git"})
    rollout.item("tool_search_output", call_id="c3", status="completed", tools=[{"name": "git_log"}])
    calls = session_of(rollout).tool_executions
    assert [(call.tool_name, call.arguments, call.success) for call in calls] == [
        ("local_shell", {"command": ["ls"]}, True),
        ("web_search", {"query": "git"}, True),
        ("image_generation", {"prompt": "a cat"}, True),
        ("mcp__files__read", {"cmd": "ls"}, False),
        ("tool_search", {"query": "git"}, True),
    ]
    assert all("QUJD" not in call.result for call in calls)
    assert "git_log" in calls[-1].result


def test_ids_a_server_gives_twice_make_two_calls():
    """Some model servers number their calls anew in each turn; no call and no result is lost."""
    rollout = Rollout().prompt("go").call("call_0", output="one").prompt("on").call("call_0", output="two")
    calls = session_of(rollout).tool_executions
    assert [(call.id, call.result) for call in calls] == [("call_0", "one"), ("call_0~2", "two")]


def test_files_come_from_what_was_recorded_else_from_the_patch():
    """Events count, then the patch; only what worked; created, changed, moved and removed on balance."""
    rollout = Rollout().prompt("go")
    rollout.patch("c1", "*** Begin Patch\n*** Add File: new.py\n+x\n*** Update File: /p/old.py\n@@\n*** End Patch")
    rollout.patch(
        "c2", "*** Begin Patch\n*** Add File: failed.py\n*** End Patch", output="apply_patch verification failed: x"
    )
    rollout.item("custom_tool_call", name="exec", input="tools.apply_patch(x)", call_id="c3")
    changes = {"/p/by_event.py": {"type": "add", "content": ""}, "/p/a.py": {"type": "update", "move_path": "/p/b.py"}}
    rollout.done("FileChange", id="exec-1", status="completed", changes=changes)
    rollout.done("FileChange", id="exec-2", status="failed", changes={"/p/no.py": {"type": "add"}})
    rollout.call(
        "c4",
        name="shell",
        arguments=json.dumps({"command": ["apply_patch", "*** Begin Patch\n*** Add File: sh.py\n"], "workdir": "sub"}),
    )
    rollout.event("patch_apply_end", call_id="c5", success=True, changes={"/elsewhere/x": {"type": "update"}})
    rollout.patch(
        "c6",
        "*** Begin Patch\n*** Add File: brief.py\n*** Delete File: brief.py\n*** Delete File: gone.py\n*** End Patch",
    )
    session = session_of(rollout)
    assert session.files_created == ["new.py", "by_event.py", "b.py", "sub/sh.py"]
    assert session.files_modified == ["old.py", "/elsewhere/x"]
    assert session.metadata["files_deleted"] == ["a.py", "gone.py"]


def test_a_file_removed_and_made_again_was_only_changed():
    """What was there before is never called created."""
    rollout = Rollout().prompt("go").patch("c1", "*** Begin Patch\n*** Delete File: a\n*** Add File: a\n*** End Patch")
    session = session_of(rollout)
    assert (session.files_created, session.files_modified) == ([], ["a"])


def test_what_a_command_line_surely_does_to_files_is_told():
    """Versions that record nothing of a file are read by what their commands say for sure."""
    rollout = Rollout().prompt("go")
    for number, (command, output) in enumerate(
        [
            ("git mv a.txt b.txt", "Exit code: 0\nWall time: 1 seconds\nOutput:\n"),
            ("mv c d", "Exit code: 1\nWall time: 1 seconds\nOutput:\n"),
            ("rm e.txt", "Exit code: 0\nWall time: 1 seconds\nOutput:\n"),
            ("cat > f.txt <<'END'\nx\nEND", "Exit code: 0\nWall time: 1 seconds\nOutput:\n"),
        ]
    ):
        rollout.call(
            f"c{number}", name="shell", arguments=json.dumps({"command": ["bash", "-lc", command]}), output=output
        )
    session = session_of(rollout)
    assert session.files_created == ["b.txt", "f.txt"]
    assert session.metadata["files_deleted"] == ["a.txt", "e.txt"]


def test_what_a_script_does_besides_commands_is_shown_too():
    """In code mode searches, started agents and extensions have no other record; elsewhere they repeat a call."""
    rollout = Rollout().prompt("go").done("WebSearch", id="ws0", query="git", action={"type": "search", "query": "git"})
    rollout.item("custom_tool_call", name="exec", input="…", call_id="c1")
    rollout.done("WebSearch", id="ws1", query="git", action={"type": "search", "query": "git"})
    rollout.done("CollabAgentToolCall", id="x1", tool="spawn_agent", prompt="count", receiver_thread_ids=[CHILD])
    rollout.done("Extension", id="x2", kind="web.open", url="https://git-scm.com", status="failed")
    rollout.item("custom_tool_call_output", call_id="c1", output="Script completed")
    session = session_of(rollout)
    told = [
        (call.tool_name, call.arguments, call.success, call.metadata.get("within")) for call in session.tool_executions
    ]
    assert told == [
        ("exec", {"input": "…"}, True, None),
        ("web_search", {"query": "git"}, True, "c1"),
        ("spawn_agent", {"message": "count"}, True, "c1"),
        ("web.open", {"url": "https://git-scm.com"}, False, "c1"),
    ]
    assert session.tool_executions[2].metadata["subagent_session_id"] == f"codex-{CHILD}"


def test_a_command_the_person_ran_is_not_the_agents():
    """What was typed with `!` is an execution without an agent, outside any script."""
    rollout = Rollout().prompt("go").item("custom_tool_call", name="exec", input="…", call_id="c1")
    rollout.done("CommandExecution", id="u1", command=["bash", "-lc", "ls"], exit_code=0, source="user_shell")
    _, call = session_of(rollout).tool_executions
    assert (call.agent_name, call.metadata) == (None, {"exit_code": 0, "by": "user"})
