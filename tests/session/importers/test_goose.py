"""goose: exports and the JSONL files of old, in the shapes its own sources give them."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given

from superqode.session.importers import recognise
from superqode.session.importers.base import Source
from superqode.session.importers.goose import GooseImporter

from . import folders, fuzzing

GOOSE = GooseImporter()
START = 1_771_000_000


def text(words):
    """Give a block of text."""
    return {"type": "text", "text": words}


def asked(call_id="c1", name="developer__shell", **arguments):
    """Give a block that asks for a tool."""
    value = {"name": name, "arguments": arguments or {"command": "ls"}}
    return {"type": "toolRequest", "id": call_id, "toolCall": {"status": "success", "value": value}}


def answered(call_id="c1", words="ok", **more):
    """Give a block with a result, in the newer shape."""
    value = {"content": [text(words)], "isError": False, **more}
    return {"type": "toolResponse", "id": call_id, "toolResult": {"status": "success", "value": value}}


def message(number, role, *blocks, **more):
    """Give a message."""
    return {"role": role, "created": START + number, "content": list(blocks), **more}


def talk():
    """Give a conversation with a call."""
    return [
        message(0, "user", text("add hello.py")),
        message(3, "assistant", {"type": "thinking", "thinking": "hm", "signature": "s"}, text("Writing."), asked()),
        message(4, "user", answered()),
        message(5, "assistant", text("Done.")),
    ]


def export(conversation=None, **more):
    """Give an export."""
    return {
        "id": "20260213_9",
        "working_dir": "/p",
        "name": "add hello",
        "session_type": "user",
        "created_at": "2026-02-13T16:20:37Z",
        "updated_at": "2026-02-13T16:21:00Z",
        "extension_data": {},
        "message_count": 4,
        "usage": {"total_tokens": 940},
        "provider_name": "anthropic",
        "conversation": talk() if conversation is None else conversation,
        **more,
    }


def raw(value, indent=None):
    """Give an export as bytes."""
    return json.dumps(value, indent=indent).encode()


def lines(*records):
    """Give an old file as bytes."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def imported(conversation=None, **more):
    """Import an export; gives its session."""
    return folders.only(GOOSE, [folders.one(raw(export(conversation, **more)), "x.json")]).session


def call_of(request, response, number=4):
    """Import one call with its result."""
    (call,) = imported(
        [message(0, "user", text("go")), message(3, "assistant", request), message(number, "user", response)]
    ).tool_executions
    return call


@pytest.mark.parametrize("data", [raw(export()), raw(export(), indent=2)], ids=["one line", "indented"])
def test_an_export_becomes_a_session(data):
    """Who said what, thoughts, calls with results and times, files, title, folder and tokens."""
    found = folders.only(GOOSE, [folders.one(data, "x.json")])
    session = found.session
    assert folders.said(session) == [("user", "add hello.py"), ("assistant", "Writing."), ("assistant", "Done.")]
    assert session.messages[1].metadata == {"thinking": ["hm"]}
    (call,) = session.tool_executions
    assert (call.id, call.tool_name, call.arguments, call.result) == ("c1", "developer__shell", {"command": "ls"}, "ok")
    assert (call.success, call.duration_ms, call.timestamp.timestamp()) == (True, 1000, START + 4)
    assert (session.title, session.project_path, session.agents_used) == ("add hello", "/p", ["goose"])
    assert session.metadata["goose"]["usage"] == {"total_tokens": 940}
    assert (found.receipt.lines, found.receipt.mapped) == (4, 4)


@pytest.mark.parametrize(
    "first",
    [
        [{"working_dir": "/p", "description": "add hello", "message_count": 4}],
        [{"description": "add hello", "message_count": 4, "total_tokens": None}],
        [],
    ],
    ids=["metadata", "older metadata", "none"],
)
def test_an_old_file_becomes_the_same_session(first):
    """A line of metadata, where there is one, and a message a line: the entries are those of the export."""
    source = folders.one(lines(*first, *talk()), "sessions/20260213_9.jsonl")
    assert recognise(source).name == "goose"
    session = folders.only(GOOSE, [source]).session
    assert (session.id, session.timeline) == (imported().id, imported().timeline)
    assert session.title == ("add hello" if first else "add hello.py")


def test_sessions_of_one_number_are_told_apart():
    """Numbers begin anew each day on each machine; how it begins tells which session it is, and stays."""
    other = imported([message(1, "user", text("else"))])
    assert other.id != imported().id
    assert imported(talk()[:1]).id == imported().id
    unnamed = folders.only(GOOSE, [folders.one(lines(*talk()), "my-session.jsonl")]).session
    assert unnamed.id.startswith("goose-session-")


@pytest.mark.parametrize(
    ("response", "success", "result", "details"),
    [
        (answered(), True, "ok", {}),
        (answered(isError=True), False, "ok", {}),
        (answered(structuredContent={"exit_code": 2}), False, "ok", {"exit_code": 2}),
        (answered(structuredContent={"exit_code": 0}), True, "ok", {"exit_code": 0}),
        (
            {"type": "toolResponse", "id": "c1", "toolResult": {"status": "error", "error": "-32603: no"}},
            False,
            "-32603: no",
            {},
        ),
        (
            {"type": "toolResponse", "id": "c1", "toolResult": {"status": "success", "value": [text("old")]}},
            True,
            "old",
            {},
        ),
        (answered(words="The user has declined to run this tool. DO NOT"), False, None, {"refused": True}),
        (answered("c2"), False, "", {"unfinished": True}),
    ],
    ids=["ok", "isError", "exit 2", "exit 0", "error", "old list", "declined", "no result"],
)
def test_a_call_worked_only_if_it_really_did(response, success, result, details):
    """In the shapes of every version."""
    call = call_of(asked(), response)
    assert (call.success, call.metadata) == (success, details)
    assert result is None or call.result == result


def test_the_result_is_what_the_model_got():
    """Texts that only a person sees are left out where there are others."""
    both = [
        {**text("short"), "annotations": {"audience": ["user"]}},
        {**text("long"), "annotations": {"audience": ["assistant"]}},
    ]
    assert call_of(asked(), answered(content=both)).result == "long"
    assert call_of(asked(), answered(content=both[:1])).result == "short"
    assert call_of(asked(), answered(content=[{"type": "image", "data": "AA"}])).result == "[image]"


def test_a_call_that_could_not_be_read_did_not_work():
    """A model may ask for a tool in a way that goose cannot read."""
    bad = {"type": "toolRequest", "id": "c1", "toolCall": {"status": "error", "error": "-32602: bad JSON"}}
    (call,) = imported([message(0, "user", text("go")), message(1, "assistant", bad)]).tool_executions
    assert (call.success, call.result, call.metadata) == (False, "-32602: bad JSON", {"invalid": True})


@pytest.mark.parametrize(
    ("name", "arguments", "created", "modified"),
    [
        ("developer__text_editor", {"command": "write", "path": "/p/a"}, ["a"], []),
        ("developer__text_editor", {"command": "str_replace", "path": "/p/a"}, [], ["a"]),
        ("developer__text_editor", {"command": "view", "path": "/p/a"}, [], []),
        ("write", {"path": "a", "content": ""}, ["a"], []),
        ("edit", {"path": "a", "before": "x", "after": "y"}, [], ["a"]),
    ],
)
def test_files_of_calls_that_worked(name, arguments, created, modified):
    """The editor of old and the newer tools."""
    session = imported(
        [
            message(0, "user", text("go")),
            message(1, "assistant", asked(name=name, **arguments)),
            message(2, "user", answered()),
        ]
    )
    assert (session.files_created, session.files_modified) == (created, modified)


def test_what_no_person_said_is_no_prompt():
    """Messages for the model only, and notices for people, are system messages; compacted ones say so."""
    hidden = message(0, "user", text("summary so far"), metadata={"userVisible": False, "agentVisible": True})
    notice = message(
        1, "assistant", {"type": "systemNotification", "notificationType": "inlineMessage", "msg": "Compacted"}
    )
    old = message(2, "user", text("before"), metadata={"userVisible": True, "agentVisible": False})
    picture = message(3, "user", text("see"), {"type": "image", "mimeType": "image/png", "data": "AAAA"})
    session = imported([hidden, notice, old, picture])
    assert folders.said(session) == [
        ("system", "summary so far"),
        ("system", "Compacted"),
        ("user", "before"),
        ("user", "see"),
    ]
    assert session.messages[0].metadata == {"injected": "agent only"}
    assert session.messages[2].metadata == {"compacted": True}
    assert session.messages[3].metadata["attachments"][0]["base64_length"] == 4


def test_sub_agents_are_linked_both_ways():
    """An export holds the sub-agents' sessions, and the call that started one names it."""
    spawned = answered(_meta={"subagent_session_id": "20260213_10"})
    child = export([message(9, "user", text("count"))], id="20260213_10", session_type="sub_agent", name="kid")
    conversation = [message(0, "user", text("go")), message(1, "assistant", asked()), message(2, "user", spawned)]
    data = raw(export(conversation, child_sessions=[child]))
    (parent, kid), errors = folders.run(GOOSE, [folders.one(data)])
    assert errors == []
    assert parent.session.tool_executions[0].metadata["subagent_session_id"] == kid.session.id
    assert (kid.session.parent_session_id, kid.session.metadata["relation"]) == (parent.session.id, "subagent")
    alone = imported(conversation)
    assert alone.tool_executions[0].metadata == {"original_subagent_id": "20260213_10"}


def test_outputs_that_were_put_into_files_are_there():
    """The export has them beside the conversation; the path in the result says whose they are, and is not opened."""
    path = "/home/dev/.local/share/goose/spills/1/output.txt"
    conversation = [
        message(0, "user", text("go")),
        message(1, "assistant", asked()),
        message(2, "user", answered(words=f"see {path}")),
    ]
    session = imported(conversation, artifacts=[{"path": path, "sha256": "../../x", "content": "all of it"}])
    assert session.tool_executions[0].metadata["spilled_output"] == "all of it"


@pytest.mark.parametrize("name", ["New session 4", "New Chat", "CLI Session", ""])
def test_an_unnamed_session_is_called_after_its_first_prompt(name):
    """Names that goose gives by itself say nothing."""
    assert imported(name=name).title == "add hello.py"


def test_a_longer_file_keeps_the_ids_of_what_was_there():
    """However much of a file is written yet, its entries have the ids they have in the end."""
    full = folders.ids(imported())
    for count in range(1, 5):
        session = folders.only(GOOSE, [folders.one(lines(*talk()[:count]), "20260213_9.jsonl")]).session
        assert session.id == imported().id
        assert folders.ids(session) == full[: len(session.timeline)]


@pytest.mark.parametrize(
    ("data", "messages", "told"),
    [
        (raw(export())[:-160], 2, "ends in the middle"),
        (raw(export()).replace(b'"Writing."', b'"Writing.'), 2, "ends in the middle"),
        (lines(*talk())[:-20], 2, ""),
        (lines(talk()[0]) + b"garbage\n" + lines(*talk()[1:]), 3, "not readable"),
        (lines(*talk()).replace(b"\n", b"", 1), 3, ""),
        (lines(talk()[0]) + b"\n\n" + lines(*talk()[1:]), 3, ""),
    ],
    ids=["torn export", "broken export", "torn line", "garbage", "glued lines", "empty lines"],
)
def test_the_rest_of_a_damaged_file_is_imported(data, messages, told):
    """What can be read is there, and what cannot is told."""
    found = folders.only(GOOSE, [folders.one(data)])
    assert len(found.session.messages) == messages
    assert any(told in problem for problem in found.receipt.problems) or not told


@pytest.mark.parametrize(
    "data", [raw(export([])), raw(export([message(0, "user")])), lines({"description": "x", "message_count": 0})]
)
def test_a_file_that_says_nothing_is_an_error(data):
    """There is no session in nothing."""
    _, (problem,) = folders.run(GOOSE, [folders.one(data)])
    assert "no messages" in problem.reason


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"working_dir": "/p"}',
        b'{"role": "user", "created": 1}',
        b'{"role": "user", "content": [{"type": "text", "text": "x"}], "timestamp": 1}\n',
        b'{"type": "session", "role": "user", "created": 1, "content": [{"type": "text"}]}\n',
        b"# aider chat started at 2026-11-22 10:00:00\n",
    ],
)
def test_other_files_are_not_taken(data):
    """Other agents' messages look much alike."""
    assert not GOOSE.recognises(folders.one(data), data)


SEED = export(
    [
        *talk(),
        message(9, "assistant", {"type": "frontendToolRequest", "id": "c2"}, {"type": "redactedThinking", "data": "x"}),
    ],
    child_sessions=[export([message(9, "user", text("count"))], id="k")],
    artifacts=[{"path": "/x", "content": "y"}],
)


@given(fuzzing.altered(SEED))
def test_values_of_any_kind_anywhere_raise_nothing(value):
    """Whatever stands in place of what is expected, the answer is a session or a TranscriptError."""
    folders.run(GOOSE, [folders.one(raw(value))])
    conversation = value.get("conversation") if isinstance(value, dict) else None
    folders.run(GOOSE, [folders.one(lines(*(conversation if isinstance(conversation, list) else [])))])


@given(fuzzing.damaged(raw(SEED)))
def test_bytes_of_any_kind_in_an_export_raise_nothing(data):
    """Whatever the disk did to the file, the answer is ours and the receipt adds up."""
    folders.run(GOOSE, [folders.one(data)])


@given(fuzzing.damaged(lines({"working_dir": "/p", "description": "d", "message_count": 4}, *talk())))
def test_bytes_of_any_kind_in_an_old_file_raise_nothing(data):
    """Whatever the disk did to the file, the answer is ours and the receipt adds up."""
    folders.run(GOOSE, [folders.one(data)])


def test_a_long_file_is_not_held_in_memory():
    """What does not become part of the session takes no memory, however long the file is."""
    picture = lines(message(1, "user", {"type": "image", "mimeType": "image/png", "data": "A" * 500_000}))
    data = lines(*talk()) + picture * 100

    class Kept(io.BytesIO):
        pass

    source = Source("x.jsonl", lambda: Kept(data))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        (found,) = GOOSE.read(source)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert len(found.session.messages) == 103
    assert peak < 12_000_000 < len(data)
