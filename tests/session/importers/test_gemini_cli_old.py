"""Gemini CLI: chats that are one JSON object, as up to 0.38, and the project's folder, which they do not name."""

from __future__ import annotations

import hashlib
import json

import pytest

from superqode.session.importers.base import Imported

from .chats import CHILD, IMPORTERS, NAMES, SESSION, Gemini, run, said, sessions

GEMINI = IMPORTERS["gemini-cli"]
NAME = NAMES["gemini-cli"]


def old(*messages, **header):
    """Give a chat as one object."""
    start = {"sessionId": SESSION, "projectHash": "ab12", "startTime": "2026-11-22T09:50:27.617Z", **header}
    return json.dumps({**start, "messages": list(messages)}, indent=2).encode()


def old_call(asked, ended, name="run_shell_command", **args):
    """Give a call asked for and ended at these milliseconds."""
    response = {"functionResponse": {"response": {"output": "ok"}}}
    told = {"id": f"{name}-1795341{asked:06}-6f1836e20e224", "name": name, "args": args, "result": [response]}
    return {**told, "status": "success", "timestamp": f"2026-11-22T09:50:{ended / 1000:06.3f}Z"}


def old_answer(name, text, *calls, time=20_000, **fields):
    """Give an answer."""
    fields = {"thoughts": [], "tokens": {"input": time}, **fields}
    moment = f"2026-11-22T09:50:{time / 1000:06.3f}Z"
    return {"id": name, "type": "gemini", "timestamp": moment, "content": text, "toolCalls": list(calls), **fields}


def test_answers_without_words_are_found_by_when_their_calls_were_asked_for():
    """0.21 puts the calls of the next answers into the last message with words; the times in their ids tell."""
    # 1795341000 is 09:50:00; two calls in parallel, then one that was asked for after both had ended.
    calls = [old_call(21_000, 21_500), old_call(21_001, 21_600), old_call(22_000, 22_500)]
    person = {"id": "u1", "type": "user", "timestamp": "2026-11-22T09:50:19.000Z", "content": "go"}
    (result,) = run({NAME.removesuffix("l"): old(person, old_answer("a1", "one", *calls))}, GEMINI)
    answers = [message for message in result.session.messages if message.role == "assistant"]
    assert [(message.content, len(message.tool_calls)) for message in answers] == [("one", 2), ("", 1)]
    assert [call.duration_ms for call in result.session.tool_executions] == [500, 599, 500]


def test_answers_of_the_early_qwen_code_are_answers():
    """Qwen Code 0.1 calls them `qwen`; the rest is Gemini CLI's."""
    person = {"id": "u1", "type": "user", "timestamp": "2026-11-22T09:50:19.000Z", "content": "go"}
    data = old(person, old_answer("a1", "one", type="qwen", model="m"))
    (result,) = run({NAME.removesuffix("l"): data}, GEMINI)
    assert said(result.session) == [("user", "go"), ("assistant", "one")]
    assert result.receipt.dropped == {}


def test_a_subagent_of_old_is_taken_out_of_its_callers_file():
    """0.21 writes what a sub-agent says into its caller's file; it becomes a session of its own, linked to the call."""
    task = "Your task is to do a deep investigation of the codebase to find it.\n<objective>\nfind\n</objective>"
    call = old_call(21_000, 25_000, "codebase_investigator", objective="find")
    person = {"id": "u1", "type": "user", "timestamp": "2026-11-22T09:50:19.000Z", "content": "find it"}
    told = {"id": "u2", "type": "user", "timestamp": "2026-11-22T09:50:21.500Z", "content": task}
    inner = old_answer("s1", "looking", time=22_000)
    end = old_answer("a3", "found", time=26_000)
    data = old(person, old_answer("a1", "I'll delegate."), told, inner, old_answer("a2", "", call, time=25_000), end)
    main, child = (result.session for result in run({NAME.removesuffix("l"): data}, GEMINI))
    assert said(main) == [("user", "find it"), ("assistant", "I'll delegate."), ("assistant", "found")]
    assert said(child) == [("user", task), ("assistant", "looking")]
    assert main.tool_executions[0].metadata["subagent_session_id"] == child.id
    assert (child.parent_session_id, child.metadata["relation"]) == (main.id, "subagent")


def test_an_object_that_a_newer_version_copied_gives_nothing():
    """Resumed by a newer version, a chat goes on in a file of the new form; the old one would bring it back."""
    message = {"id": "u1", "type": "user", "content": "first"}
    chat = Gemini()
    chat.raw({**message, "timestamp": chat.time})
    chat.says("second")
    files = {NAME.removesuffix("l"): old(message), NAME: chat}
    (result,) = run(files, GEMINI)
    assert [text for _, text in said(result.session)] == ["first", "second"]
    other = Gemini(CHILD)
    other.says("another chat under its name")
    assert len(run({**files, NAME: other}, GEMINI)) == 2


@pytest.mark.parametrize(
    ("files", "folder", "guessed"),
    [
        ({".gemini/tmp/proj/.project_root": b"/home/dev/p"}, "/home/dev/p", False),
        ({".gemini/projects.json": b'{"projects": {"/home/dev/p": "proj"}}'}, "/home/dev/p", False),
        ({".gemini/projects.json": b'{"projects": {"/home/dev/q": "other"}}'}, "/w/p/src", True),
        ({".gemini/projects.json": b'{"projects": [', "elsewhere/.project_root": b"/x"}, "/w/p/src", True),
    ],
)
def test_the_project_is_found_by_what_stands_beside_the_chat(files, folder, guessed):
    """Where the chat does not tell, the markers do; else the folder that holds all files is only a guess."""
    chat = Gemini()
    chat.says("first")
    chat.answers(
        "",
        chat.call("c1", "read_file", file_path="/w/p/src/a.py"),
        chat.call("c2", "read_file", file_path="/w/p/src/sub/b.py"),
    )
    (result,) = (result for result in run({**files, NAME: chat}, GEMINI) if isinstance(result, Imported))
    assert result.session.project_path == folder
    assert result.session.metadata["gemini_cli"].get("project_path_guessed", False) is guessed


def test_the_project_is_found_by_its_hash():
    """The hash in the chat is that of the folder: one above a file that was worked on is sure."""
    chat = Gemini(projectHash=hashlib.sha256(b"/w/p").hexdigest())
    chat.answers("", chat.call("c1", "read_file", file_path="/w/p/src/a.py"))
    (session,) = sessions(chat)
    assert session.project_path == "/w/p"
    assert "project_path_guessed" not in session.metadata["gemini_cli"]
