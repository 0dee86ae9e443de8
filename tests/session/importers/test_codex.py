"""Codex rollouts: what was really said and done, whoever wrote it down how many times and in which order."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import TranscriptError
from superqode.session.ids import is_session_id
from superqode.session.importers.base import Imported, Source
from superqode.session.importers.codex import CodexImporter

from . import truth

CODEX = CodexImporter()
THREAD = "01a202a3-7530-74a1-b079-529f97e8ef80"
CHILD = "01a202a3-78f2-7733-8828-32d0d0df6667"
# 0.20 changes files only through shell commands, and records nothing of what they change.
UNSEEN = {"0.20.0/tools": ("files_created", "files_modified")}


# -- the recorded sessions ----------------------------------------------------------------------------------------


def recorded(folder):
    """Give the main session of a folder (the newest fork of it) and those of its sub-agents."""
    imported, errors = truth.import_folder(CODEX, folder)
    assert errors == []
    sessions = [found.session for found in imported]
    subagents = [session for session in sessions if session.metadata.get("relation") == "subagent"]
    return [session for session in sessions if session not in subagents][-1], subagents


def without_nested(session):
    """Give a session without the commands its scripts ran, which the truth lists elsewhere."""
    asked = [call for call in session.tool_executions if "within" not in call.metadata]
    return session.model_copy(update={"tool_executions": asked})


def as_recorded(call):
    """Give arguments as the truth has them: a patch or a script as bare text."""
    return call.arguments["input"] if call.arguments.keys() == {"input"} else call.arguments


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_a_recorded_session_is_imported_as_it_happened(folder):
    """Prompts, answers, thoughts, calls, their success and the files are those of the truth."""
    session, subagents = recorded(folder)
    truth.check(
        without_nested(session),
        truth.expected(folder),
        subagents=subagents,
        unseen=UNSEEN.get("/".join(folder.parts[-2:]), ()),
        arguments=as_recorded,
    )
    deleted = truth.expected(folder)["files"]["deleted"]
    assert session.metadata.get("files_deleted", []) == deleted


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_code_mode_shows_the_commands_its_scripts_ran(folder):
    """Each command of a script is an execution of its own, with its own success, and knows its script."""
    session, _ = recorded(folder)
    ran = {}
    for call in session.tool_executions:
        ran.setdefault(call.metadata.get("within"), []).append((call.tool_name, call.success))
    for call in truth.expected(folder)["tool_calls"]:
        nested = [(inner["name"], inner["ok"]) for inner in call.get("nested", ())]
        assert ran.get(call["id"], []) == nested
    commands = [call.arguments["cmd"] for call in session.tool_executions if call.tool_name == "exec_command"]
    assert all(not command.startswith("/bin/bash") for command in commands)


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_every_record_of_a_recorded_session_is_accounted_for(folder):
    """Read is mapped, kept or dropped with a reason; nothing is lost in silence."""
    for found in truth.import_folder(CODEX, folder)[0]:
        receipt = found.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert receipt.problems == []
        assert found.session.metadata["imported"]["receipt"] == receipt.to_dict()


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_a_longer_file_keeps_the_ids_of_what_was_there(folder):
    """However much of a file is written yet, its entries have the ids they have in the end, in the same order."""
    for source in truth.sources(folder):
        if not CODEX.recognises(source, source.head()):
            continue
        (whole,) = CODEX.read(source)
        final = [entry.id for entry in whole.session.timeline]
        with source.open() as stream:
            lines = stream.read().splitlines(keepends=True)
        for count in range(1, len(lines)):
            part = Source(source.name, lambda data=b"".join(lines[:count]): io.BytesIO(data), source.related)
            (grown,) = CODEX.read(part)
            begun = [entry.id for entry in grown.session.timeline]
            assert grown.session.id == whole.session.id
            assert begun == final[: len(begun)]


@pytest.mark.parametrize("folder", truth.folders("codex"))
def test_importing_again_gives_the_same(folder):
    """The same bytes give the same session, to the last id and time."""
    first, second = (truth.import_folder(CODEX, folder)[0] for _ in range(2))
    assert [found.session.to_dict() for found in first] == [found.session.to_dict() for found in second]


# -- rollouts made here -------------------------------------------------------------------------------------------


class Rollout:
    """Writes a rollout as Codex would, one record after the other."""

    def __init__(self, thread=THREAD, **meta):
        self.records = []
        self.thread = thread
        if thread:
            self.add("session_meta", id=thread, cwd="/p", timestamp="2026-11-22T10:00:00.000Z", **meta)

    def add(self, kind, /, **payload):
        second = len(self.records)
        time = f"2026-11-22T10:{second // 60:02}:{second % 60:02}.000Z"
        self.records.append({"timestamp": time, "ordinal": second, "type": kind, "payload": payload})
        return self

    def item(self, kind, /, **fields):
        return self.add("response_item", type=kind, **fields)

    def event(self, kind, /, **fields):
        return self.add("event_msg", type=kind, **fields)

    def done(self, kind, /, **fields):
        return self.event("item_completed", item={"type": kind, **fields})

    def user(self, *texts, **fields):
        return self.item(
            "message", role="user", content=[{"type": "input_text", "text": text} for text in texts], **fields
        )

    def prompt(self, text):
        return self.user(text).event("user_message", message=text)

    def assistant(self, text, **fields):
        return self.item("message", role="assistant", content=[{"type": "output_text", "text": text}], **fields)

    def call(
        self,
        call_id,
        name="exec_command",
        arguments='{"cmd": "ls"}',
        output="Exit code: 0\nWall time: 1 seconds\nOutput:\nok",
    ):
        self.item("function_call", name=name, arguments=arguments, call_id=call_id)
        return self if output is None else self.item("function_call_output", call_id=call_id, output=output)

    def patch(self, call_id, text, output='{"output": "Success.", "metadata": {"exit_code": 0}}'):
        self.item("custom_tool_call", name="apply_patch", input=text, call_id=call_id)
        return self.item("custom_tool_call_output", call_id=call_id, output=output)

    @property
    def data(self):
        return "".join(json.dumps(record) + "\n" for record in self.records).encode()

    @property
    def name(self):
        return f"sessions/2026/11/22/rollout-2026-11-22T10-00-00-{self.thread}.jsonl"


def source_of(data, name="rollout.jsonl", others=()):
    """Give bytes as a source that knows other sources."""
    return Source(name, lambda: io.BytesIO(data), lambda needle: (other for other in others if needle in other.name))


def imported(rollout, *others):
    """Import a rollout in a run with others."""
    relatives = [source_of(other.data, other.name) for other in others]
    (found,) = CODEX.read(source_of(rollout.data, rollout.name, relatives))
    assert isinstance(found, Imported), found
    receipt = found.receipt
    assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
    return found


def session_of(rollout, *others):
    """Import a rollout; gives its session."""
    return imported(rollout, *others).session


def said(session):
    """Give who said what."""
    return [(message.role.value, message.content) for message in session.messages]


def executed(session):
    """Give each call's id and whether it worked."""
    return {call.id: call.success for call in session.tool_executions}


def test_a_message_told_twice_is_one_message_in_any_order_of_the_two():
    """An event may come before its record, after it, or alone; the message is there once."""
    rollout = Rollout()
    rollout.event("user_message", message="first").user("first")
    rollout.event("agent_message", message="one").assistant("one")
    rollout.user("second").event("user_message", message="second")
    rollout.assistant("two").event("token_count", info={"total_token_usage": {"total_tokens": 9}})
    rollout.event("agent_message", message="two")
    rollout.event("user_message", message="only told").event("agent_message", message="only heard")
    assert said(session_of(rollout)) == [
        ("user", "first"),
        ("assistant", "one"),
        ("user", "second"),
        ("assistant", "two"),
        ("user", "only told"),
        ("assistant", "only heard"),
    ]


def test_the_same_prompt_twice_is_two_prompts():
    """Only the two records of one message are one."""
    rollout = Rollout().prompt("again").assistant("ok").prompt("again").assistant("ok")
    session = session_of(rollout)
    assert said(session) == [("user", "again"), ("assistant", "ok")] * 2
    assert len({message.id for message in session.messages}) == 4


def test_what_codex_says_in_the_users_name_is_no_prompt_and_no_title():
    """Environment, AGENTS.md, notices and texts no event confirms are of role system."""
    rollout = Rollout()
    rollout.user("# AGENTS.md instructions for /p\n\n<INSTRUCTIONS>be kind</INSTRUCTIONS>")
    rollout.user("<environment_context>\n  <cwd>/p</cwd>\n</environment_context>")
    rollout.user("text of a kind nobody knows yet")
    rollout.event("user_message", message="<user_instructions>x</user_instructions>", kind="user_instructions")
    rollout.prompt("Fix\nthe  bug" + "!" * 100)
    rollout.user("<subagent_notification>{}</subagent_notification>")
    session = session_of(rollout)
    assert [role for role, _ in said(session)] == ["system", "system", "system", "user", "system"]
    assert session.title == "Fix the bug" + "!" * 68 + "…"
    assert len(session.title) == 80


def test_without_events_a_prompt_is_what_codex_does_not_write():
    """Old rollouts have no events; there the texts alone tell."""
    rollout = Rollout().user("<user_instructions>x</user_instructions>").user("<div> is broken").assistant("ok")
    assert said(session_of(rollout))[1:] == [("user", "<div> is broken"), ("assistant", "ok")]


def test_codex_own_note_on_each_part_of_a_message_decides():
    """Where Codex notes what a text is, its looks do not matter."""
    rollout = Rollout()
    for kind, text in [("user.text", "<skill> is a tag I type"), ("environments.environment_context", "plain words")]:
        rollout.user(text, internal_chat_message_metadata_passthrough={"content_item_kinds": [kind]})
    assert said(session_of(rollout)) == [("user", "<skill> is a tag I type"), ("system", "plain words")]


def test_a_prompt_from_an_editor_is_titled_by_the_prompt():
    """What the editor puts before the prompt stays in the text and out of the title."""
    rollout = Rollout().prompt(
        "# Context from my IDE setup:\n\n## Open tabs: a.py\n\n## My request for Codex:\nFix it\n"
    )
    assert session_of(rollout).title == "Fix it"


def test_pictures_are_counted_and_their_wrapping_is_no_text():
    """A picture in a prompt leaves its number; its data is not kept."""
    content = [
        {"type": "input_text", "text": "<image name=[Image #1]>"},
        {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 9999},
        {"type": "input_text", "text": "</image>"},
        {"type": "input_text", "text": "what is this?"},
    ]
    rollout = Rollout().item("message", role="user", content=content).event("user_message", message="what is this?")
    (message,) = session_of(rollout).messages
    assert (message.role, message.content, message.metadata["images"]) == ("user", "what is this?", 1)


def test_reasoning_goes_with_the_answer_it_led_to_without_its_ciphertext():
    """Summaries stand in the answer's metadata, also of one that only calls a tool; ciphertext is counted."""
    rollout = Rollout().prompt("go")
    rollout.item("reasoning", summary=[{"type": "summary_text", "text": "look first"}], encrypted_content="c2VjcmV0")
    rollout.call("c1").event("token_count", info={"total_token_usage": {"total_tokens": 1}})
    rollout.item("reasoning", summary=[], encrypted_content="c2VjcmV0").assistant("done")
    found = imported(rollout)
    first, second = [message for message in found.session.messages if message.role == "assistant"]
    assert (first.content, first.metadata["thinking"]) == ("", ["look first"])
    assert first.tool_calls == [
        {"type": "function_call", "call_id": "c1", "name": "exec_command", "arguments": '{"cmd": "ls"}'}
    ]
    assert "thinking" not in second.metadata
    assert "c2VjcmV0" not in json.dumps(found.session.to_dict())
    assert found.session.metadata["left_out"] == {"encrypted_content": 2}
    assert found.receipt.dropped["reasoning without a summary"] == 1


def test_results_behind_each_call_do_not_split_a_response():
    """Where token counts stand between responses, calls with their results in between are one answer's."""
    rollout = Rollout().prompt("go").event("token_count", info=None)
    rollout.call("a").call("b").event("token_count", info={"total_token_usage": {"total_tokens": 1}}).call("c")
    answers = [message for message in session_of(rollout).messages if message.role == "assistant"]
    assert [[call["call_id"] for call in answer.tool_calls] for answer in answers] == [["a", "b"], ["c"]]


def test_without_marks_between_responses_a_result_ends_one():
    """Where nothing else tells, what follows a result is the next answer."""
    rollout = Rollout().prompt("go").call("a").call("b")
    answers = [message for message in session_of(rollout).messages if message.role == "assistant"]
    assert [[call["call_id"] for call in answer.tool_calls] for answer in answers] == [["a"], ["b"]]


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


def test_turns_taken_back_are_no_part_of_the_session_but_their_files_are():
    """A rollback removes the last prompts with all that followed; it does not undo what was written."""
    rollout = (
        Rollout()
        .prompt("one")
        .assistant("1")
        .prompt("two")
        .patch("c1", "*** Begin Patch\n*** Add File: a\n*** End Patch")
    )
    rollout.user("<environment_context/>").prompt("three").assistant("3")
    rollout.event("thread_rolled_back", num_turns=2).prompt("four")
    found = imported(rollout)
    assert [text for role, text in said(found.session) if role != "system"] == ["one", "1", "four"]
    assert found.session.tool_executions == []
    assert found.session.files_created == ["a"]
    assert found.receipt.dropped["turns taken back"] == 8


@pytest.mark.parametrize(("turns", "left"), [(0, 2), (1, 1), (2, 0), (99, 0), (-1, 2), ("x", 2), (None, 2)])
def test_a_rollback_of_any_number_takes_back_at_most_all(turns, left):
    """A number that makes no sense takes nothing back."""
    rollout = Rollout().prompt("one").prompt("two").event("thread_rolled_back", num_turns=turns)
    assert len(session_of(rollout).messages) == left


def test_compacted_history_is_a_mark_and_not_said_again():
    """The replaced history is in the file already; the summary is kept as a notice."""
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "one"}]}]
    rollout = Rollout().prompt("one").add("compacted", message="Summary: one", replacement_history=history)
    rollout.event("context_compacted").assistant("on")
    assert said(session_of(rollout)) == [("user", "one"), ("system", "Summary: one"), ("assistant", "on")]


def test_messages_between_agents_are_nobodys_prompt():
    """Agents' messages are notices, in any of their shapes, and title a session only where no person spoke."""
    rollout = Rollout(parent_thread_id=CHILD).add(
        "inter_agent_communication", author="/root", recipient="/root/a", content="count files"
    )
    rollout.item("agent_message", author="/root", content=[{"type": "input_text", "text": "faster"}])
    envelope = {"author": "/root", "recipient": "/root/a", "content": "please", "trigger_turn": True}
    rollout.assistant(json.dumps(envelope)).assistant("2")
    session = session_of(rollout)
    assert said(session) == [("system", "count files"), ("system", "faster"), ("system", "please"), ("assistant", "2")]
    assert session.title == "count files"


# -- threads that come from others --------------------------------------------------------------------------------


def parent_and_fork(end=6):
    """Give a parent and a fork whose file holds only its new records."""
    parent = Rollout().prompt("one").assistant("1", id="msg_1").call("c1").prompt("later").assistant("2")
    base = {"thread_id": THREAD, "end_ordinal_exclusive": end}
    fork = Rollout(CHILD, forked_from_id=THREAD, history_base=base).prompt("other").assistant("3")
    return parent, fork


def test_a_fork_has_its_parents_history_up_to_the_fork_under_the_same_ids():
    """What is shared is the same entries; the receipt counts the fork's own records only."""
    parent, fork = parent_and_fork()
    whole, found = session_of(parent), imported(fork, parent)
    session = found.session
    assert [text for _, text in said(session)] == ["one", "1", "other", "3"]
    assert [entry.id for entry in session.timeline[:3]] == [entry.id for entry in whole.timeline[:3]]
    assert session.timeline[:3] == whole.timeline[:3]
    assert session.parent_session_id == whole.id == f"codex-{THREAD}"
    assert session.metadata["relation"] == "fork"
    assert found.receipt.lines == len(fork.records)


def test_a_fork_without_its_parent_has_what_its_file_holds_and_says_so():
    """A parent that is not in this run is no error; what is missing is noted, and is no damage."""
    _, fork = parent_and_fork()
    found = imported(fork)
    assert [text for _, text in said(found.session)] == ["other", "3"]
    assert found.session.parent_session_id == f"codex-{THREAD}"
    assert found.session.metadata["history_missing"] == f"codex-{THREAD}"
    assert THREAD in found.receipt.problems[0]
    assert "damaged" not in found.receipt.dropped


def test_forks_of_forks_have_the_history_of_them_all():
    """A chain of files that go on from one another gives one history, each part up to its fork."""
    parent, fork = parent_and_fork()
    grandchild = Rollout(
        "01a202a3-9999-7733-8828-32d0d0df6667", forked_from_id=CHILD, history_base={"thread_id": CHILD}
    )
    grandchild.prompt("last")
    assert [text for _, text in said(session_of(grandchild, parent, fork))] == ["one", "1", "other", "3", "last"]


def test_files_that_go_on_from_each_other_end():
    """A forged circle of forks is read once."""
    one = Rollout(THREAD, history_base={"thread_id": CHILD}, forked_from_id=CHILD).prompt("a")
    two = Rollout(CHILD, history_base={"thread_id": THREAD}, forked_from_id=THREAD).prompt("b")
    assert [text for _, text in said(session_of(one, one, two))] == ["b", "a"]


def test_a_fork_that_copied_its_history_keeps_it():
    """Older forks repeat the parent's records, its first record among them; the file's own first one counts."""
    fork = Rollout(CHILD).add("session_meta", id=THREAD, cwd="/other").prompt("one").assistant("1").prompt("two")
    session = session_of(fork)
    assert (session.id, session.parent_session_id) == (f"codex-{CHILD}", f"codex-{THREAD}")
    assert session.metadata["relation"] == "fork"
    assert [text for _, text in said(session)] == ["one", "1", "two"]


def spawned(**more):
    """Give the first record of a sub-agent."""
    spawn = {"parent_thread_id": THREAD, "depth": 1, "agent_nickname": "Hubble"}
    return Rollout(CHILD, session_id=THREAD, source={"subagent": {"thread_spawn": spawn}}, **more)


def test_a_sub_agent_knows_its_parent_and_the_call_knows_the_sub_agent():
    """The two sessions point at each other, and the file's own id is the sub-agent's, not the parent's."""
    parent = Rollout().prompt("go").item("function_call", name="spawn_agent", arguments="{}", call_id="c1")
    parent.done("CollabAgentToolCall", id="c1", tool="spawn_agent", status="completed", receiver_thread_ids=[CHILD])
    child = session_of(spawned().prompt("count"))
    assert (child.id, child.parent_session_id) == (f"codex-{CHILD}", f"codex-{THREAD}")
    assert child.metadata["relation"] == "subagent"
    assert session_of(parent).tool_executions[0].metadata["subagent_session_id"] == child.id


def test_a_sub_agent_does_not_repeat_its_parents_records():
    """Records copied from the parent are the parent's; with the parent absent they stay, and that is noted."""
    parent = Rollout().prompt("go").assistant("1", id="msg_1").call("c1").call("spawn", output=None)
    child = spawned()
    child.add("session_meta", id=THREAD, cwd="/p")
    child.records += parent.records[1:]
    child.add("inter_agent_communication", author="/root", content="count").assistant("2", id="msg_2").call("c2")
    found = imported(child, parent)
    assert said(found.session) == [("system", "count"), ("assistant", "2")]
    assert executed(found.session) == {"c2": True}
    assert found.receipt.dropped["repeats of the parent's records"] == 5
    alone = imported(child)
    assert ("user", "go") in said(alone.session)
    assert THREAD in alone.receipt.problems[0]


# -- damage and malice --------------------------------------------------------------------------------------------


def test_a_lost_first_record_is_replaced_by_the_files_name():
    """Whose thread it is stands in the name, too; a parent's record further down does not become the identity."""
    rollout = spawned().add("session_meta", id=THREAD).prompt("go")
    torn = b'{"timestamp": "2026-11-22T10:00' + b"\n" + rollout.data.split(b"\n", 1)[1]
    (found,) = CODEX.read(source_of(torn, rollout.name))
    assert found.session.id == f"codex-{CHILD}"
    assert found.receipt.dropped["damaged"] == 1
    bare = b"\n".join(rollout.data.split(b"\n")[2:])
    (one,), (two,) = (CODEX.read(source_of(bare, "x.jsonl")) for _ in range(2))
    assert one.session.id == two.session.id
    assert is_session_id(one.session.id)


@pytest.mark.parametrize("thread", ["../../x", "a/b", "", "x" * 500, "é\n", ".lock", "..", "-", "con"])
def test_ids_become_nothing_but_ids(thread):
    """Whatever a file calls its thread and its parent, the sessions' ids are safe, and differ."""
    rollout = Rollout("placeholder").prompt("go")
    rollout.records[0]["payload"] |= {"id": thread, "forked_from_id": "../" + thread}
    session = session_of(rollout)
    assert is_session_id(session.id)
    assert is_session_id(session.parent_session_id)
    assert session.id != session.parent_session_id
    assert session.id.startswith("codex-")


def test_reasons_a_file_makes_up_are_few_and_short():
    """Made-up kinds of records cannot fill the receipt."""
    rollout = Rollout().prompt("go")
    for number in range(300):
        rollout.add(f"kind{number}", x=1).item("\n" * 5000 + str(number))
    dropped = imported(rollout).receipt.dropped
    assert len(dropped) <= 101
    assert max(map(len, dropped)) < 60


@pytest.mark.parametrize("data", [b"", b"\n\n", b"not json\n", b"[1]\n", b"\x00" * 100])
def test_a_file_without_a_record_is_an_error_with_a_reason(data):
    """There is no session in nothing."""
    (problem,) = CODEX.read(source_of(data))
    assert isinstance(problem, TranscriptError)
    assert "no record" in problem.reason


def test_a_file_that_cannot_be_read_is_an_error():
    """What the disk says is said on."""

    def refuse():
        raise PermissionError(13, "Permission denied")

    (problem,) = CODEX.read(Source("x.jsonl", refuse))
    assert isinstance(problem, TranscriptError)
    assert "Permission denied" in problem.reason


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"session","version":3,"id":"x","cwd":"/p"}\n',
        b'{"sessionId":"s","type":"user","message":{},"uuid":"u","timestamp":"t"}\n',
        b'{"session_id":"x","ts":1,"text":"history"}\n',
        b'{"id":"x","thread_name":"name","updated_at":"2026-11-22T10:00:00Z"}\n',
        b'{"role":"user","content":"x","timestamp":"t"}\n',
        b"# aider chat started at 2026-11-22 10:00:00\n",
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_other_files_are_not_taken_for_rollouts(data):
    """Other agents' transcripts, and Codex's own other files, are not recognised."""
    assert not CODEX.recognises(source_of(data), data)


def test_a_rollout_is_recognised_by_what_it_holds():
    """The first record may be long or damaged, and the name says nothing."""
    long = Rollout(base_instructions={"text": "x" * 100_000}).data
    assert CODEX.recognises(source_of(long), long[: 64 * 1024])
    torn = b"garbage\n" + Rollout().prompt("go").data
    assert CODEX.recognises(source_of(torn), torn)
    bare = b'{"id": "x", "timestamp": "2025-08-01T10:00:00Z", "instructions": null}\n'
    assert CODEX.recognises(source_of(bare), bare)


def seed():
    """Give a rollout with a bit of everything."""
    rollout = Rollout(source={"subagent": {"thread_spawn": {"parent_thread_id": CHILD}}}, git={"branch": "main"})
    rollout.add("turn_context", cwd="/p", model="m").prompt("one").assistant("1", id="msg_1").call("c1")
    rollout.patch("c2", "*** Begin Patch\n*** Add File: a\n*** End Patch")
    rollout.done("CommandExecution", id="c1", exit_code=0, duration={"secs": 1, "nanos": 5}, command=["a", "-c", "b"])
    rollout.done("FileChange", id="c2", changes={"/p/a": {"type": "add"}}, status="completed")
    rollout.event(
        "mcp_tool_call_end", call_id="c9", invocation={"server": "s", "tool": "t"}, result={"Ok": {"content": []}}
    )
    rollout.event("thread_rolled_back", num_turns=1).add("compacted", message="m", replacement_history=[])
    return rollout.records


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """Give the path of every value inside a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


@given(st.data())
def test_values_of_any_kind_anywhere_raise_nothing(data):
    """Whatever stands in place of what is expected, the answer is a session or a TranscriptError."""
    records = json.loads(json.dumps(seed()))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from([path for path in places(records) if path]))
        holder = records
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = data.draw(JSON)
    raw = "".join(json.dumps(record) + "\n" for record in records).encode()
    check_any(raw)


@given(st.data())
def test_bytes_of_any_kind_anywhere_raise_nothing(data):
    """Whatever the disk did to the file, the answer is a session or a TranscriptError, and the receipt adds up."""
    raw = bytearray("".join(json.dumps(record) + "\n" for record in seed()).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 200))] = data.draw(st.binary(max_size=20))
    check_any(bytes(raw))


def check_any(raw):
    """Import anything; check what must hold for all of it."""
    source = source_of(raw)
    CODEX.recognises(source, source.head())
    (found,) = CODEX.read(source)
    if isinstance(found, Imported):
        receipt = found.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert is_session_id(found.session.id)
        assert found.session.timeline == list(CODEX.read(source))[0].session.timeline  # noqa: RUF015 - fails if empty
    else:
        assert isinstance(found, TranscriptError)


class Endless(io.RawIOBase):
    """Gives lines without holding them."""

    def __init__(self, first, line, count):
        super().__init__()
        self._pending = [line] * count + [first]

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._pending:
            return 0
        line = self._pending.pop()
        piece, rest = line[: len(buffer)], line[len(buffer) :]
        if rest:
            self._pending.append(rest)
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_long_file_is_not_held_in_memory():
    """What does not become part of the session takes no memory, however long the file is."""
    line = Rollout("").add("world_state", state={"body": "x" * 100_000}).data
    first = Rollout().prompt("go").data
    source = Source("rollout.jsonl", lambda: io.BufferedReader(Endless(first, line, 300)))
    tracemalloc.start()
    try:
        (found,) = CODEX.read(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.receipt.lines == 303
    assert peak < 5_000_000 < 300 * len(line)
