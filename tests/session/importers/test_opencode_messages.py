"""opencode: what messages, parts and calls become."""

from __future__ import annotations

import pytest

from superqode.session.importers.opencode.speech import unquoted

from . import folders
from .opencode_scripts import OPENCODE, START, Talk, call_of, imported, text, tool


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ('"fix it now"', "fix it now"),
        ('"fix it now"\n', "fix it now"),
        ('"say \\"hi\\" to me"', 'say "hi" to me'),
        ("fix it", "fix it"),
        ("fix it\n", "fix it"),
        ('"word"', '"word"'),
        ('"one two" three', '"one two" three'),
        ('"one" and "two"', '"one" and "two"'),
        ('"', '"'),
        ("", ""),
    ],
)
def test_quotes_of_the_command_line_come_off(sent, typed):
    """`opencode run` puts a prompt in quotes; what a person put in quotes themselves stays as it is."""
    assert unquoted(sent) == typed


def test_what_was_sent_is_kept_where_it_was_changed():
    """The words as the model got them stand beside the words as they were typed."""
    (message,) = imported(Talk().user('"fix it now"')).messages
    assert (message.content, message.metadata["as_sent"]) == ("fix it now", '"fix it now"')
    (plain,) = imported(Talk().user("fix it")).messages
    assert "as_sent" not in plain.metadata


def test_what_opencode_adds_to_a_prompt_is_not_the_persons():
    """Files that were read into a prompt stand beside it; a message of nothing else is nobody's prompt."""
    added = {"type": "text", "text": "<file>x</file>", "synthetic": True}
    file = {"type": "file", "mime": "text/plain", "filename": "a.py", "url": "data:text/plain;base64,AAAA"}
    talk = Talk().user("look at @a.py", added, file).add("user", added)
    prompt, note = imported(talk).messages
    assert (prompt.content, prompt.metadata["context"]) == ("look at @a.py", ["<file>x</file>"])
    assert prompt.metadata["attachments"] == [
        {"type": "file", "mime": "text/plain", "filename": "a.py", "url_length": 27}
    ]
    assert (note.role, note.content, note.metadata["injected"]) == ("system", "<file>x</file>", "context")


def test_a_summary_is_no_answer():
    """What opencode wrote to go on with less is a system message, and so is what asked for it."""
    talk = Talk().user().add("user", {"type": "compaction", "auto": True}).assistant(text("all so far"), summary=True)
    assert [(role, words) for role, words in folders.said(imported(talk))] == [
        ("user", "go"),
        ("system", ""),
        ("system", "all so far"),
    ]


def test_each_step_is_an_answer_of_its_own():
    """Before 1.0 one message holds all answers of a turn; later ones begin with a step each."""
    talk = Talk().user().assistant(text("one"), tool("c1"), {"type": "step-finish", "tokens": {"input": 5}, "cost": 0})
    talk.messages[-1]["parts"] += [
        {"id": "prt_s2", "type": "step-start"},
        {"id": "prt_t2", "type": "text", "text": "two"},
        {"id": "prt_r2", "type": "reasoning", "text": "hm"},
    ]
    session = imported(talk)
    assert folders.said(session)[1:] == [("assistant", "one"), ("assistant", "two")]
    assert session.messages[1].metadata["usage"] == {"input": 5}
    assert session.messages[1].tool_calls[0]["callID"] == "c1"
    assert (session.messages[2].id, session.messages[2].metadata["thinking"]) == ("prt_s2", ["hm"])


@pytest.mark.parametrize(
    ("part", "success", "details"),
    [
        (tool("c", metadata={"exit": 0}), True, {"exit_code": 0}),
        (tool("c", metadata={"exit": 1}), False, {"exit_code": 1}),
        (tool("c", metadata={"exit": None}), True, {}),
        (tool("c", metadata={"exit": None}, output="<bash_metadata>\nterminated after timeout"), False, {}),
        (tool("c", status="error", output="no such file"), False, {}),
        (tool("c", status="error", output="The user rejected permission to use this tool"), False, {"refused": True}),
        (tool("c", status="error", output="Tool execution aborted"), False, {"interrupted": True}),
        (tool("c", status="running"), False, {"unfinished": True}),
        (tool("c", status="pending"), False, {"unfinished": True}),
        (tool("c", "invalid", input={"tool": "edit", "error": "x"}), False, {"invalid": True}),
        (tool("c", metadata={"sessionId": "ses_kid"}), True, {"subagent_session_id": "opencode-ses_kid"}),
    ],
    ids=lambda value: None if isinstance(value, bool | dict) else str(value),
)
def test_a_call_worked_only_if_it_really_did(part, success, details):
    """The exit code counts more than the status; refused, stopped and unfinished calls say so."""
    call, _ = call_of(part)
    assert (call.success, call.metadata) == (success, details)


def test_a_call_keeps_its_own_id_arguments_result_and_times():
    """What the model asked for and what came back stand as they are."""
    call, session = call_of(tool("call_9", "read", input={"filePath": "/p/a"}, output="text"))
    assert (call.id, call.tool_name, call.arguments, call.result) == ("call_9", "read", {"filePath": "/p/a"}, "text")
    assert (call.duration_ms, call.timestamp.timestamp()) == (5, (START + 5) / 1000)
    assert session.messages[1].tool_calls == [
        {"type": "tool", "callID": "call_9", "tool": "read", "input": {"filePath": "/p/a"}}
    ]


@pytest.mark.parametrize(
    ("part", "created", "modified"),
    [
        (tool("c", "write", input={"filePath": "/p/a"}, metadata={"exists": False}), ["a"], []),
        (tool("c", "write", input={"filePath": "/p/a"}, metadata={"exists": True}), [], ["a"]),
        (tool("c", "edit", input={"filePath": "/p/a", "oldString": "x"}), [], ["a"]),
        (tool("c", "edit", input={"filePath": "/p/a", "oldString": ""}), ["a"], []),
        (tool("c", "edit", "error", input={"filePath": "/p/a", "oldString": "x"}), [], []),
        (tool("c", "apply_patch", input={"patchText": "*** Add File: b\n+x\n*** Update File: a"}), ["b"], ["a"]),
        (tool("c", input={"command": "git mv b c"}, metadata={"exit": 0}), ["c"], []),
    ],
    ids=["new", "overwritten", "edited", "edited from nothing", "failed", "patched", "renamed"],
)
def test_files_of_calls_that_worked(part, created, modified):
    """What opencode found out about a file counts more than the tool's name; failed calls count for nothing."""
    _, session = call_of(part)
    assert (session.files_created, session.files_modified) == (created, modified)


def test_what_a_turn_changed_counts_as_compared():
    """Files that only a command line changed are known from opencode's own comparison; quoted names are read."""
    diffs = [
        {"file": "new.py", "status": "added"},
        {"file": "gone.py", "status": "deleted"},
        {"file": '"docs/\\350\\257\\264.md"', "before": "", "after": "x"},
        {"file": "old.py", "before": "x", "after": "y"},
        {"file": "empty.py", "before": "x", "after": ""},
    ]
    session = imported(Talk().user(summary={"diffs": diffs}).assistant(tool("c", metadata={"exit": 0})))
    assert (session.files_created, session.files_modified) == (["new.py", "docs/说.md"], ["old.py"])
    assert session.metadata["files_deleted"] == ["gone.py", "empty.py"]


def test_an_answer_that_failed_says_why():
    """An error of the model's server is kept, even where nothing was said."""
    failed = imported(Talk().user().assistant(error={"name": "APIError", "data": {"message": "overloaded"}}))
    assert failed.messages[1].metadata["error"] == {"name": "APIError", "message": "overloaded"}


def test_an_unnamed_session_is_called_after_its_first_prompt():
    """The name that opencode gives a session without one says nothing."""
    talk = Talk(title="New session - 2026-11-22T09:49:02.329Z").user("Fix the login")
    assert imported(talk).title == "Fix the login"


def test_a_session_that_says_nothing_is_no_session():
    """An export without messages is an error with a reason."""
    _, (problem,) = folders.run(OPENCODE, [folders.one(Talk().export)])
    assert "no messages" in problem.reason
