"""Claude Code's transcripts: what was really said and done, by whom, in which conversation."""

from __future__ import annotations

import io
import json
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superqode.session import Session
from superqode.session.errors import TranscriptError
from superqode.session.ids import is_session_id
from superqode.session.importers.base import Imported, Source
from superqode.session.importers.claude_code import ClaudeCodeImporter

from . import truth

SESSION = "3f0c9a52-7d1e-4a3b-9c55-0123456789ab"
NAME = f".claude/projects/-p/{SESSION}.jsonl"

# What the transcripts do not hold: 1.0 writes no thoughts, and what a shell command does to files is in no record.
UNSEEN = {"1.0.128/tools": {"thinking"}, "2.1.330/moves": {"files_created"}}


class Script:
    """Writes a transcript as Claude Code would, one record after the other."""

    def __init__(self, session=SESSION, **envelope):
        self.records = []
        self.last = None
        self.envelope = {
            "sessionId": session,
            "cwd": "/p",
            "version": "2.1.330",
            "gitBranch": "main",
            **envelope,
        }

    def add(self, kind, *, parent="last", **fields):
        count = len(self.records) + 1
        record = {
            "parentUuid": self.last if parent == "last" else parent,
            "isSidechain": False,
            "type": kind,
            "uuid": f"u{count}",
            "timestamp": f"2026-11-22T10:{count // 60:02}:{count % 60:02}.000Z",
            **self.envelope,
            **fields,
        }
        self.records.append(record)
        self.last = record["uuid"]
        return self.last

    def raw(self, **fields):
        self.records.append(fields)

    def says(self, content, **fields):
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def answers(self, *blocks, message_id=None, **fields):
        content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        message = {
            "id": message_id or f"msg{len(self.records) + 1}",
            "role": "assistant",
            "model": "claude-x",
            "content": content,
            "usage": {"output_tokens": len(self.records)},
        }
        return self.add("assistant", message={**message, **fields.pop("message", {})}, **fields)

    def result(self, call_id, content="ok", told=None, *, parent="last", **block):
        content = [{"type": "tool_result", "tool_use_id": call_id, "content": content, **block}]
        fields = {} if told is None else {"toolUseResult": told}
        return self.add("user", parent=parent, message={"role": "user", "content": content}, **fields)

    def bytes(self):
        return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in self.records)


def call(call_id, name="Bash", **arguments):
    """Give a `tool_use` block."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def run(files, importer=None):
    """Import files given as name → script or bytes; gives the results in order."""
    importer = importer or ClaudeCodeImporter()
    listed = []

    def related(needle):
        return (source for source in listed if needle in source.name)

    for name, content in files.items():
        data = content.bytes() if isinstance(content, Script) else content
        listed.append(Source(name, partial(io.BytesIO, data), related))
    return [result for source in listed for result in importer.read(source)]


def sessions(content, name=NAME):
    """Import one file that gives no errors; gives its sessions."""
    results = run({name: content})
    assert all(isinstance(result, Imported) for result in results), results
    return [result.session for result in results]


def said(session):
    """Give the conversation as pairs of role and text."""
    return [(str(message.role), message.content) for message in session.messages]


def prompts(session):
    """Give what the person said."""
    return [message.content for message in session.messages if message.role == "user"]


def ids(session):
    """Give the ids of all entries in order."""
    return [entry.id for entry in session.timeline]


# -- what agents really wrote -----------------------------------------------------------------------------------


def _asked(execution):
    """What the model asked for: 2.1 writes one default of its own into the arguments of Edit."""
    return {name: value for name, value in execution.arguments.items() if (name, value) != ("replace_all", False)}


@pytest.mark.parametrize("folder", truth.folders("claude-code") + truth.folders("acp-claude"))
def test_recorded_sessions_are_what_really_happened(folder):
    """Prompts, answers, thoughts, calls with their outcome, and files are those of the server's and Git's record."""
    imported, errors = truth.import_folder(ClaudeCodeImporter(), folder)
    assert errors == []
    children = [item.session for item in imported if item.session.metadata.get("relation") == "subagent"]
    others = [item.session for item in imported if item.session not in children]
    newest = max(others, key=lambda session: session.updated_at)
    unseen = UNSEEN.get("/".join(folder.parts[-2:]), ())
    truth.check(newest, truth.expected(folder), subagents=children, unseen=unseen, arguments=_asked)


@pytest.mark.parametrize("folder", truth.folders("claude-code") + truth.folders("acp-claude"))
def test_recorded_files_are_accounted_for(folder):
    """Every line of a file is mapped, kept or dropped for a reason, and none is damaged."""
    for item in truth.import_folder(ClaudeCodeImporter(), folder)[0]:
        receipt = item.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert receipt.problems == []
        stored = item.session.metadata["imported"]
        assert stored["receipt"] == receipt.to_dict()
        assert (stored["format"], stored["title"]) == ("claude-code", item.session.title)


@pytest.mark.parametrize("folder", truth.folders("claude-code"))
def test_recorded_files_grow_without_changing_ids(folder):
    """Cut after any line, a file gives entries with the ids they have in the whole file, in the same order."""
    for source in truth.sources(folder):
        if not ClaudeCodeImporter().recognises(source, source.head()):
            continue
        with source.open() as stream:
            whole = stream.read().splitlines(keepends=True)
        full = {session.id: ids(session) for session in sessions(b"".join(whole), source.name)}
        for cut in range(len(whole)):
            for result in run({source.name: b"".join(whole[:cut])}):
                if isinstance(result, Imported):
                    known = ids(result.session)
                    assert known == full[result.session.id][: len(known)]


@pytest.mark.parametrize("agent", ["codex", "gemini-cli", "opencode", "pi", "qwen-code", "aider", "superqode"])
def test_other_agents_files_are_not_recognised(agent):
    """No file that another agent wrote is taken for Claude Code's, some of which look much like it."""
    folders = [folder for folder in (truth.TRANSCRIPTS / agent).glob("*/*") if folder.is_dir()]
    if not folders:
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    for folder in folders:
        for source in truth.sources(folder):
            assert not ClaudeCodeImporter().recognises(source, source.head()), source.name


@pytest.mark.parametrize(
    ("head", "ours"),
    [
        (b'{"type":"file-history-snapshot","messageId":"u1"}\n{"sessionId":"s","type":"user"}\n', True),
        (b'{"type":"summary","summary":"Old","leafUuid":"u1"}\n', True),
        (b'not JSON\n{"sessionId":"s","uuid":"u1"}\n', True),
        (b'{"parentUuid":null,"sessionId":"s","message":{"content":"a very long first li', True),
        (b'{"sessionId":"s","projectHash":"h","type":"user"}\n', False),
        (b'{"sessionId":"s","type":"user","message":{"role":"user","parts":[]}}\n', False),
        (b'{"display":"hi","sessionId":"s","timestamp":1}\n', False),
        (b'{"timestamp":"t","type":"session_meta","payload":{"sessionId":"s"}}\n', False),
        (b'# notes\n> {"parentUuid":null,"sessionId":"s" quoted by somebody\n', False),
        (b"[]", False),
        (b"", False),
    ],
)
def test_content_decides_what_is_recognised(head, ours):
    """The records tell, not the name: Gemini's and Qwen's have the same fields and one more."""
    source = Source("notes.txt", lambda: io.BytesIO(head))
    assert ClaudeCodeImporter().recognises(source, source.head()) is ours


# -- messages ---------------------------------------------------------------------------------------------------


def test_the_lines_of_one_answer_become_one_message():
    """Text, thoughts and calls of one API message stand together, with the usage of its last line."""
    script = Script()
    script.says("go")
    script.answers({"type": "thinking", "thinking": "hm", "signature": "xx"}, message_id="m")
    script.answers("On it.", message_id="m")
    script.answers(call("t1", command="ls"), message_id="m")
    script.result("t1", "a.py")
    script.answers(call("t2", command="pwd"), message_id="m", message={"stop_reason": "tool_use"})
    script.result("t2", "/p")
    script.answers("Done.")
    (session,) = sessions(script)
    assert said(session) == [("user", "go"), ("assistant", "On it."), ("assistant", "Done.")]
    assert ids(session) == ["u1", "m", "t1", "t2", "msg8"]
    answer = session.messages[1]
    assert answer.tool_calls == [call("t1", command="ls"), call("t2", command="pwd")]
    assert answer.metadata == {
        "model": "claude-x",
        "stop_reason": "tool_use",
        "thinking": ["hm"],
        "usage": {"output_tokens": 5},
    }
    assert session.metadata["claude_code"]["models"] == ["claude-x"]
    assert session.agents_used == ["claude-code"]


def test_one_id_for_all_messages_does_not_make_them_one():
    """Where a server gives all its messages one id, what the person says still parts them; ids stay unique."""
    script = Script()
    for number in (1, 2):
        script.says(f"prompt {number}")
        script.answers(f"answer {number}", message_id="same")
    (session,) = sessions(script)
    assert [text for role, text in said(session) if role == "assistant"] == ["answer 1", "answer 2"]
    assert ids(session) == ["u1", "same", "u3", "same~2"]
    assert session.messages[3].metadata["original_id"] == "same"


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("Base directory for this skill: /s", {"isMeta": True}),
        ("The conversation so far: …", {"isCompactSummary": True, "isVisibleInTranscriptOnly": True}),
        ("<task-notification>\n<task-id>a1</task-id></task-notification>\nRead the output.", {}),
        ("finished", {"origin": {"kind": "task-notification"}}),
        ("from a channel", {"origin": {"kind": "channel", "server": "x"}}),
        ("from the program", {"promptSource": "system"}),
        ("<command-name>/model</command-name>\n<command-args>opus</command-args>", {}),
        ("<command-message>init</command-message>\n<command-name>/init</command-name>", {}),
        ("<local-command-stdout>Set model</local-command-stdout>", {}),
        ("<local-command-caveat>Caveat</local-command-caveat>", {}),
        ("Caveat: The messages below were generated by the user while running local commands. DO NOT…", {}),
        ("<bash-input>ls</bash-input>", {}),
        ("<bash-stdout>a</bash-stdout><bash-stderr></bash-stderr>", {}),
        ("<system-reminder>\nBe brief.\n</system-reminder>", {}),
        ("[Request interrupted by user for tool use]", {}),
        ([{"type": "text", "text": "[Request interrupted by user]"}], {}),
        ("This session is being continued from a previous conversation that ran out of context. …", {}),
    ],
)
def test_what_programs_write_is_never_a_prompt(content, fields):
    """Text that was put in the person's place is kept as a system message."""
    script = Script()
    script.says("a real prompt")
    script.says(content, **fields)
    (session,) = sessions(script)
    text = content if isinstance(content, str) else content[0]["text"]
    assert said(session) == [("user", "a real prompt"), ("system", text)]
    assert session.messages[1].metadata["injected"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<div> does not close", "<div> does not close"),
        ("  [Request] indented\n", "  [Request] indented\n"),
        ("<system-reminder>x</system-reminder>\nfix it", "fix it"),
        (
            [{"type": "text", "text": "<ide_selection>a</ide_selection>"}, {"type": "text", "text": "why?"}],
            "why?",
        ),
        ([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], "one\ntwo"),
        ([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}], ""),
    ],
)
def test_a_persons_words_stay_a_prompt(content, words):
    """What a person typed is a prompt, without the context around it, however it begins."""
    script = Script()
    script.says(content)
    (session,) = sessions(script)
    assert said(session) == [("user", words)]


def test_pictures_are_described_and_not_kept():
    """Of a picture its type and size stay; the megabytes do not."""
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 5000}}
    script = Script()
    script.says([picture, {"type": "text", "text": "what is this?"}])
    script.answers(call("t1", "Read", file_path="/p/a.png"))
    script.result("t1", [picture])
    (session,) = sessions(script)
    shown = [{"type": "image", "media_type": "image/png", "base64_length": 5000}]
    assert session.messages[0].metadata == {"attachments": shown}
    assert (session.tool_executions[0].result, session.tool_executions[0].metadata["attachments"]) == (
        "[image]",
        shown,
    )
    assert "AAAA" not in session.to_json()


def test_a_prompt_typed_meanwhile_counts_once():
    """A prompt queued while the model works stands in an attachment; the queue's own records repeat it."""
    script = Script()
    script.says("first")
    script.answers(call("t1", command="ls"))
    script.raw(type="queue-operation", operation="enqueue", content="and tests", sessionId=SESSION)
    script.result("t1")
    script.add("attachment", attachment={"type": "queued_command", "prompt": "and tests", "commandMode": "prompt"})
    note = "<task-notification>done</task-notification>"
    script.add(
        "attachment",
        attachment={"type": "queued_command", "prompt": note, "commandMode": "task-notification"},
    )
    script.answers("Both done.")
    (session,) = sessions(script)
    assert prompts(session) == ["first", "and tests"]
    assert said(session)[3:] == [("system", note), ("assistant", "Both done.")]


def test_what_claude_code_says_itself_is_a_notice():
    """An error of the API and other remarks in the model's place are none of the model's answers."""
    script = Script()
    script.says("hello")
    script.answers("API Error: 529", message={"model": "<synthetic>"}, isApiErrorMessage=True)
    script.add(
        "system",
        subtype="compact_boundary",
        content="Conversation compacted",
        parent=None,
        logicalParentUuid="u2",
    )
    script.add("system", subtype="turn_duration", durationMs=12)
    (result,) = run({NAME: script})
    assert said(result.session)[1:] == [("system", "API Error: 529"), ("system", "Conversation compacted")]
    assert result.receipt.dropped == {"system: turn_duration": 1}


@pytest.mark.parametrize(
    ("records", "title"),
    [
        ([], "Please fix the greeting"),
        ([{"type": "summary", "summary": "Fixes", "leafUuid": "u1"}], "Fixes"),
        (
            [{"type": "summary", "summary": "Something else", "leafUuid": "elsewhere"}],
            "Please fix the greeting",
        ),
        ([{"type": "summary", "summary": "Fixes"}, {"type": "ai-title", "aiTitle": "Fix it"}], "Fix it"),
        (
            [{"type": "custom-title", "customTitle": "Mine\nown"}, {"type": "ai-title", "aiTitle": "Fix it"}],
            "Mine own",
        ),
        ([{"type": "ai-title", "aiTitle": "x" * 200}], "x" * 79 + "…"),
    ],
)
def test_titles(records, title):
    """A title the person gave comes first, then Claude's, then a summary of this conversation, then the prompt."""
    script = Script()
    script.says("<command-name>/clear</command-name>")
    script.says("Please  fix\nthe greeting")
    for record in records:
        script.raw(**record)
    assert [session.title for session in sessions(script)] == [title]


def test_a_session_of_commands_is_named_after_the_first():
    """Where nobody prompted, what the person did names the session."""
    script = Script()
    script.says(
        "<command-message>review</command-message><command-name>/review</command-name><command-args>12</command-args>"
    )
    assert [session.title for session in sessions(script)] == ["/review 12"]


# -- calls ------------------------------------------------------------------------------------------------------


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


# -- files ------------------------------------------------------------------------------------------------------


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


# -- branches ---------------------------------------------------------------------------------------------------


def rewound():
    """Two prompts, and then the second one in other words."""
    script = Script()
    script.says("first")
    turning_point = script.answers("one", call("t1", command="a"), call("t2", command="b"))
    script.result("t2", parent=turning_point)
    script.result("t1", parent=turning_point)
    ended = script.answers("both done")
    script.says("second, badly put")
    script.answers("misunderstood", call("t3", "Write", file_path="/p/wrong.py"))
    script.result("t3")
    script.says("second, better put", parent=ended)
    script.answers("understood")
    return script


def test_a_rewound_prompt_becomes_a_session_of_its_own():
    """The conversation goes the way the person chose last; what they left is kept beside it, with its history."""
    main, left = sessions(rewound())
    assert prompts(main) == ["first", "second, better put"]
    assert prompts(left) == ["first", "second, badly put"]
    assert left.id == f"claude-code-{SESSION}-branch-u6"
    assert (left.parent_session_id, left.title, left.metadata["relation"]) == (
        main.id,
        "second, badly put",
        "branch",
    )
    assert [made.id for made in main.tool_executions] == ["t1", "t2"]
    assert [made.id for made in left.tool_executions] == ["t1", "t2", "t3"]
    assert (main.files_created, left.files_created) == ([], ["wrong.py"])
    assert main.parent_session_id is None
    shared = len(ids(main)) - 2
    assert main.timeline[:shared] == left.timeline[:shared]


def test_going_back_to_the_very_first_prompt():
    """A prompt that follows nothing leaves the whole conversation before it."""
    script = Script()
    script.says("first")
    script.answers("one")
    script.says("first again", parent=None)
    script.answers("two")
    main, left = sessions(script)
    assert said(main) == [("user", "first again"), ("assistant", "two")]
    assert said(left) == [("user", "first"), ("assistant", "one")]


def test_branches_of_branches():
    """Every way that was left is one session, with exactly what came before it."""
    script = Script()
    root = script.says("a")
    script.says("b1")
    inner = script.answers("in b1")
    script.says("c1")
    script.says("c2", parent=inner)
    script.says("b2", parent=root)
    script.says("b3", parent=root)
    found = {tuple(prompts(session)) for session in sessions(script)}
    assert found == {("a", "b3"), ("a", "b1", "c2"), ("a", "b1", "c1"), ("a", "b2")}
    assert prompts(sessions(script)[0]) == ["a", "b3"]


def test_a_rewind_to_a_command_is_one_too():
    """Typing a command at an older place leaves the newer prompts as a prompt would."""
    script = Script()
    root = script.says("a")
    script.says("b")
    script.says("<command-name>/compact</command-name>", parent=root)
    script.says("c")
    main, left = sessions(script)
    assert (prompts(main), prompts(left)) == (["a", "c"], ["a", "b"])


def test_growing_branches_are_no_rewinds():
    """Replies that hang beside a hook, and prompts beside a late result, lose nothing (a walk up would)."""
    script = Script()
    asked = script.says("go")
    script.answers("an answer nobody follows")
    script.add("system", subtype="stop_hook_summary", parent=asked)
    script.says("second")
    called = script.answers(call("t1", command="a"), call("t2", command="b"))
    script.result("t1", parent=called)
    script.add("progress", parent=called)
    script.result("t2", parent=called)
    script.says("third", parent="u6")
    script.answers("last")
    (session,) = sessions(script)
    assert prompts(session) == ["go", "second", "third"]
    assert said(session)[1] == ("assistant", "an answer nobody follows")
    assert all(made.success for made in session.tool_executions)


def test_a_compacted_conversation_goes_on():
    """The boundary follows nothing on paper; the prompts before it stay in the conversation."""
    script = Script()
    script.says("before")
    last = script.answers("one")
    script.add(
        "system",
        subtype="compact_boundary",
        content="Conversation compacted",
        parent=None,
        logicalParentUuid=last,
    )
    script.says("a summary", isCompactSummary=True)
    script.says("after")
    (session,) = sessions(script)
    assert prompts(session) == ["before", "after"]


def test_a_lost_record_does_not_split_the_conversation():
    """Where a record's parent is gone, or no record names one, the order of the file tells."""
    script = Script()
    for number in range(6):
        script.says(f"prompt {number}")
    del script.records[2]
    assert prompts(sessions(script)[0]) == [f"prompt {number}" for number in (0, 1, 3, 4, 5)]
    for record in script.records:
        del record["parentUuid"]
    assert len(sessions(script)) == 1


def test_very_many_rewinds_are_bounded():
    """A file with more rewinds than anybody makes gives the last 256, and counts the others."""
    script = Script()
    root = script.says("a")
    for number in range(400):
        script.says(f"b{number}", parent=root)
    results = run({NAME: script})
    assert len(results) == 257
    assert results[0].receipt.dropped == {"rewound conversations before the last 256": 143}
    assert results[0].receipt.mapped == 401 - 143
    assert len({result.session.id for result in results}) == 257


# -- forks ------------------------------------------------------------------------------------------------------

CHILD = "9b2d7c11-5e4f-4f6a-8d3c-ba9876543210"
CHILD_NAME = f".claude/projects/-p/{CHILD}.jsonl"


def forked(**marks):
    """A session and its fork, which has copied everything and then went on; `marks` stand on what was copied."""
    script = Script()
    script.says("first")
    script.answers("one")
    fork = Script(session=CHILD)
    fork.records = [{**record, "sessionId": CHILD, **marks} for record in script.records]
    fork.last = script.last
    fork.says("in the fork", uuid="f1")
    fork.answers("two", uuid="f2")
    return script, fork


@pytest.mark.parametrize(
    "marks",
    [
        {"forkedFrom": {"sessionId": SESSION, "messageUuid": "u1"}},
        {"requestSessionId": SESSION},
        {"sessionId": SESSION},
    ],
    ids=["branched", "forked", "copied under its own id"],
)
def test_a_fork_that_says_so_is_linked_on_its_own(marks):
    """The copied records tell where they come from, also when that file is gone."""
    (child,) = sessions(forked(**marks)[1], CHILD_NAME)
    assert child.id == f"claude-code-{CHILD}"
    assert child.parent_session_id == f"claude-code-{SESSION}"
    assert child.metadata["relation"] == "fork"
    assert ids(child)[:2] == ["u1", "msg2"]
    assert prompts(child) == ["first", "in the fork"]


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_silent_fork_is_found_among_its_relatives(goes_on):
    """Where nothing is said, shared records tell, and which file was copied: also when both went on."""
    script, fork = forked()
    if goes_on:
        for _ in range(10):
            script.says("later, in the parent", timestamp="2026-11-22T11:00:00Z")
    other = Script(session="0b2d7c11-5e4f-4f6a-8d3c-ba9876543210")
    other.records = [{**record, "uuid": f"x{record['uuid']}"} for record in script.records]
    files = {".claude/projects/-p/other.jsonl": other, NAME: script, CHILD_NAME: fork}
    for listing in (files, dict(reversed(files.items()))):
        found = {result.session.id: result.session.parent_session_id for result in run(listing)}
        assert found[f"claude-code-{CHILD}"] == f"claude-code-{SESSION}"
        assert found[f"claude-code-{SESSION}"] is None


def test_a_recorded_fork_holds_its_parents_history():
    """The recorded fork begins with its parent's entries, under the same ids, and names it."""
    folder = truth.TRANSCRIPTS / "claude-code" / "2.1.330" / "fork"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    found = [item.session for item in truth.import_folder(ClaudeCodeImporter(), folder)[0]]
    parent, child = sorted(found, key=lambda session: len(session.timeline))
    assert (parent.parent_session_id, child.parent_session_id) == (None, parent.id)
    assert child.timeline[: len(parent.timeline)] == parent.timeline


# -- sub-agents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0.128", "2.1.330"])
def test_recorded_subagents_are_linked_both_ways(version):
    """The call names the sub-agent's session, and that names the call, whether it is in the same file or not."""
    folder = truth.TRANSCRIPTS / "claude-code" / version / "subagent"
    if not folder.exists():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    found = [item.session for item in truth.import_folder(ClaudeCodeImporter(), folder)[0]]
    parent, child = sorted(found, key=lambda session: session.metadata.get("relation", ""))
    (made,) = parent.tool_executions
    assert made.metadata["subagent_session_id"] == child.id
    assert child.id.startswith(f"{parent.id}-agent-")
    assert child.parent_session_id == parent.id
    facts = child.metadata["subagent"]
    assert (facts["tool_use_id"], facts["agent_type"]) == (made.id, "general-purpose")
    assert child.title == "Count Python files"


def side_by_side():
    """Version 2.0: a sub-agent's file lies beside its parent's, with a warm-up and an empty file."""
    script = Script()
    script.says("count")
    script.answers(call("task", "Task", prompt="count them", subagent_type="Explore", description="Counting"))
    script.result("task", [{"type": "text", "text": "2"}], {"status": "completed", "agentId": "a1b2c3"})
    files = {NAME: script, ".claude/projects/-p/empty.jsonl": b""}
    for agent_id, prompt in (("a1b2c3", "count them"), ("d4e5f6", "Warmup")):
        agent = Script(isSidechain=True, agentId=agent_id)
        agent.says(prompt)
        agent.answers("2")
        files[f".claude/projects/-p/agent-{agent_id}.jsonl"] = agent
    return files


def test_subagents_in_files_beside_the_parent():
    """The parent's record names the sub-agent; warm-ups give nothing, and an empty file one error."""
    results = run(side_by_side())
    errors = [str(result) for result in results if isinstance(result, TranscriptError)]
    assert errors == [".claude/projects/-p/empty.jsonl was not imported: it is empty"]
    parent, child = (result.session for result in results if isinstance(result, Imported))
    assert child.id == f"claude-code-{SESSION}-agent-a1b2c3"
    assert child.parent_session_id == parent.id
    assert parent.tool_executions[0].metadata["subagent_session_id"] == child.id
    assert child.metadata["subagent"] == {
        "agent_id": "a1b2c3",
        "agent_type": "Explore",
        "description": "Counting",
        "tool_use_id": "task",
    }
    assert (prompts(parent), prompts(child)) == (["count"], ["count them"])


def test_a_subagent_without_its_parent_is_imported_too():
    """Alone, a sub-agent's file still names its parent session, and what it knows of itself."""
    files = side_by_side()
    name = ".claude/projects/-p/agent-a1b2c3.jsonl"
    (child,) = sessions(files[name], name)
    assert child.parent_session_id == f"claude-code-{SESSION}"
    assert child.metadata["subagent"] == {"agent_id": "a1b2c3"}


@pytest.mark.parametrize(
    ("lost", "facts"),
    [(1, {"agent_id": "a1b2c3", "tool_use_id": "task"}), (2, {"agent_id": "a1b2c3"})],
    ids=["the call", "the result"],
)
def test_a_parent_that_has_lost_records_tells_what_it_can(lost, facts):
    """Where the parent's call or its result is damaged, the sub-agent's session says what is left to know."""
    files = side_by_side()
    del files[NAME].records[lost]
    assert run(files)[-1].session.metadata["subagent"] == facts


def test_relatives_that_cannot_be_read_do_not_matter():
    """A file beside this one that is gone or forbidden takes nothing from the import but the link."""
    files = side_by_side()
    name = ".claude/projects/-p/agent-a1b2c3.jsonl"

    def refused():
        raise PermissionError(13, "Permission denied")

    def half(data=iter([forked()[1].bytes()])):
        return io.BytesIO(next(data, None) or refused())

    names = [name.replace(".jsonl", ".meta.json"), ".claude/projects/-p/other.jsonl"]
    listed = [Source(found, refused) for found in names] + [Source(CHILD_NAME, half)]
    for taken in (name, NAME):
        source = Source(taken, partial(io.BytesIO, files[taken].bytes()), lambda _needle: iter(listed))
        (result,) = ClaudeCodeImporter().read(source)
        assert isinstance(result, Imported)


def test_a_subagent_that_is_named_in_its_parents_file():
    """A sub-agent's records in the file of its parent are found by the id that the result names."""
    script = Script()
    script.says("count")
    main = script.answers(call("ta", "Task", prompt="x", description="Counting"), call("tb", "Task", prompt="x"))
    script.says("resumed words", isSidechain=True, parent=None, agentId="a1")
    script.answers("2", isSidechain=True, agentId="a1", attributionAgent="Explore")
    script.result("ta", "2", {"agentId": "a1"}, parent=main)
    parent, child = sessions(script)
    assert [made.metadata.get("subagent_session_id") for made in parent.tool_executions] == [child.id, None]
    assert child.metadata["subagent"] == {
        "agent_id": "a1",
        "agent_type": "Explore",
        "description": "Counting",
        "tool_use_id": "ta",
    }


def test_parallel_subagents_in_one_file():
    """Version 1.0 mixes the lines of several sub-agents: each goes to its own session and call."""
    script = Script()
    script.says("count twice")
    script.answers(call("ta", "Task", prompt="same words"), call("tb", "Task", prompt="same words"))
    main = script.last
    first = script.says("same words", isSidechain=True, parent=None)
    second = script.says("same words", isSidechain=True, parent=None)
    script.answers("from the first", isSidechain=True, parent=first)
    script.answers("from the second", isSidechain=True, parent=second)
    script.says("Warmup", isSidechain=True, parent=None)
    script.result("ta", parent=main)
    script.result("tb", parent=main)
    (result, *children) = run({NAME: script})
    assert [said(child.session)[1:] for child in children] == [
        [("assistant", "from the first")],
        [("assistant", "from the second")],
    ]
    links = [made.metadata["subagent_session_id"] for made in result.session.tool_executions]
    assert links == [child.session.id for child in children]
    assert prompts(result.session) == ["count twice"]
    assert result.receipt.dropped == {"warm-up of a sub-agent": 1}
    assert result.receipt.lines == result.receipt.mapped + 1


# -- damage and hostility ---------------------------------------------------------------------------------------


def test_damage_costs_only_itself():
    """Glued and torn lines, garbage, separators of Unicode and a lost end leave the rest whole and are counted."""
    script = Script()
    script.says("line\u2028separator")
    script.answers("one")
    script.says("two")
    script.answers("three")
    first, second, third, fourth = script.bytes().splitlines(keepends=True)
    torn = first[:40]
    data = first + b"garbage \xff\n" + second.rstrip() + third + torn + fourth + b"[1]\n" + b'{"sessionId": 1}\n' + torn
    (result,) = run({NAME: data})
    assert said(result.session) == [
        ("user", "line\u2028separator"),
        ("assistant", "one"),
        ("user", "two"),
        ("assistant", "three"),
    ]
    assert result.receipt.dropped == {"damaged": 3, "torn last line": 1, "unknown records": 1}
    assert result.receipt.lines == 4 + 5


def test_repeated_records_count_once_and_different_ones_stay():
    """The same record again is dropped, counted; another one under the same id is kept under a new id."""
    script = Script()
    script.says("first")
    script.answers("one")
    script.records.append(script.records[0])
    script.records.append({**script.records[0], "message": {"role": "user", "content": "another"}, "parentUuid": "u2"})
    (result,) = run({NAME: script})
    assert prompts(result.session) == ["first", "another"]
    assert ids(result.session) == ["u1", "msg2", "u1~2"]
    assert result.session.messages[2].metadata == {"original_id": "u1"}
    assert result.receipt.dropped == {"repeated records": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it holds no messages"),
        (b"garbage\n\xff\xfe\n", "it holds no messages"),
        (b'{"type":"summary","summary":"Old","leafUuid":"u1"}\n', "it holds no messages"),
        (b'{"type":"user","sessionId":"s","uuid":"u1"}\n', "it holds no messages"),
        (b'{"type":"user","sessionId":"s","uuid":"u1","message":{"content":[]}}\n', "it holds no messages"),
    ],
)
def test_what_holds_no_conversation_is_one_error(data, reason):
    """A file without a message gives one error that says so."""
    (error,) = run({NAME: data})
    assert isinstance(error, TranscriptError)
    assert (error.source, error.reason) == (NAME, reason)


def test_an_unreadable_file_is_an_error():
    """What the system says about a file is told, not raised."""

    def refused():
        raise PermissionError(13, "Permission denied")

    (error,) = ClaudeCodeImporter().read(Source(NAME, refused))
    assert isinstance(error, TranscriptError)
    assert error.reason == "it cannot be read (Permission denied)"


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", "x" * 300, "refs/heads/main.lock", "\ud800", "\0", "é"])
def test_forged_ids_never_reach_a_session_id(hostile):
    """Whatever stands where an id should, the sessions' ids are valid, different, and the same each time."""
    script = Script(session=hostile)
    root = script.says("first", uuid=hostile + "1")
    script.says("second", uuid=hostile + "2")
    script.says("third", uuid=hostile + "3", parent=root)
    script.says("agent", isSidechain=True, agentId=hostile, uuid=hostile + "4")
    data = b"".join(json.dumps(record).encode() + b"\n" for record in script.records)
    found = [session.id for session in sessions(data, "anything")]
    assert all(map(is_session_id, found))
    assert len(set(found)) == 3
    assert found == [session.id for session in sessions(data, "anything")]


def test_times_may_be_missing_or_wrong():
    """A record without a proper time has that of the one before; at the beginning, that of the next."""
    script = Script()
    for moment in (
        None,
        "yesterday",
        "2026-11-22T10:00:00+02:00",
        "0001-01-01T00:00:00+14:00",
        12,
        "2026-11-22T09:00:00Z",
    ):
        script.says("x", timestamp=moment)
    (session,) = sessions(script)
    assert [message.timestamp.hour for message in session.messages] == [8, 8, 8, 8, 8, 9]
    assert (session.created_at.hour, session.updated_at.hour) == (8, 9)


def _base():
    """A transcript with a bit of everything."""
    script = rewound()
    script.says("agent", isSidechain=True, parent=None)
    script.answers("hm", call("t9"), isSidechain=True)
    script.raw(type="ai-title", aiTitle="A title", sessionId=SESSION)
    script.says([{"type": "image", "source": {"data": "AA"}}, {"type": "text", "text": "look"}], parent="u10")
    script.add("attachment", attachment={"type": "queued_command", "prompt": "queued"})
    return script


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        ["u1", "u2", "u6", "t1", "user", "assistant", SESSION, "tool_use", "tool_result", "text", "\ud800"]
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


@st.composite
def _changed_records(draw):
    """The transcript with values replaced, records repeated, lost and in another order."""
    records = json.loads(json.dumps(_base().records))
    for _ in range(draw(st.integers(0, 6))):
        record = draw(st.sampled_from(records))
        path = draw(st.sampled_from([place for place in _places(record) if place]))
        holder = record
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = draw(_VALUES)
    order = draw(st.lists(st.sampled_from(records), max_size=20)) if draw(st.booleans()) else records
    return b"".join(json.dumps(record).encode() + b"\n" for record in order)


@st.composite
def _changed_bytes(draw):
    """The transcript cut, and with bytes taken out and put in."""
    data = bytearray(_base().bytes())
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        data[start : start + draw(st.integers(0, 400))] = draw(st.binary(max_size=20))
    return bytes(data[: draw(st.integers(0, len(data)))])


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.one_of(_changed_records(), _changed_bytes()))
def test_no_damage_raises_anything_raw(data):
    """However a file is changed or cut, it gives sessions that can be stored, errors, or nothing; and counts right."""
    importer = ClaudeCodeImporter()
    source = Source(NAME, lambda: io.BytesIO(data))
    importer.recognises(source, source.head())
    for result in importer.read(source):
        if isinstance(result, TranscriptError):
            continue
        receipt = result.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
        assert is_session_id(result.session.id)
        assert Session.from_dict(json.loads(result.session.to_json())) == result.session


@given(st.integers(1, 200))
def test_any_cut_keeps_the_ids_that_were_there(cut):
    """A file cut anywhere gives entries whose ids the whole file has too."""
    script = Script()
    script.says("first")
    for number in range(10):
        script.answers(f"step {number}", call("call_0"), message_id="same" if number % 2 else None)
        script.result("call_0", parent=script.last)
        script.says(f"prompt {number}", uuid="u-same" if number % 3 else f"v{number}")
    data = script.bytes()
    (whole,) = sessions(data)
    for result in run({NAME: data[: len(data) * cut // 200]}):
        if isinstance(result, Imported):
            known = ids(result.session)
            assert known == ids(whole)[: len(known)]
