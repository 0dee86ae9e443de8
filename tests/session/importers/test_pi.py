"""Pi: a tree of entries with branches, forks, and what people and extensions put in."""

from __future__ import annotations

import pytest

from . import folders
from .chats import CHILD, IMPORTERS, NAMES, SESSION, Pi, executed, ids, imports, lines, run, said, sessions, tool_call

PI = IMPORTERS["pi"]
PATH = f"/home/dev/.pi/agent/sessions/--p--/2026-11-22T09-56-46-124Z_{SESSION}.jsonl"


def test_a_session_has_its_words_thoughts_and_calls():
    """An answer's thoughts, words and calls are one message; a call stands where it was made."""
    chat = Pi()
    chat.entry("model_change", name="e1", parent=None, provider="x", modelId="pi-x")
    chat.says("first", name="u1")
    thought = {"type": "thinking", "thinking": "Hm.", "thinkingSignature": "s"}
    usage = {"input": 3, "output": 4, "cacheRead": 0, "cost": {"total": 0.5}}
    chat.answers(thought, "one", tool_call("c1"), tool_call("c2", "read"), name="a1", message={"usage": usage})
    chat.result("c1", "no\n\nCommand exited with code 1", failed=True)
    chat.result("c2", "text")
    chat.answers("done", name="a2")
    (found,) = imports(chat)
    session = found.session
    assert ids(session) == ["u1", "a1", "c1", "c2", "a2"]
    assert executed(session) == {"c1": False, "c2": True}
    assert session.tool_executions[0].metadata == {"exit_code": 1}
    assert session.messages[1].metadata["thinking"] == ["Hm."]
    assert session.messages[1].metadata["usage"] == {"input": 3, "output": 4, "cacheRead": 0, "cost": 0.5}
    assert (session.id, session.project_path, session.title) == (f"pi-{SESSION}", "/p", "first")
    assert session.metadata["pi"] == {"models": ["pi-x"], "version": 3}
    assert (found.receipt.mapped, found.receipt.kept) == (5, 2)


def test_a_branch_that_was_left_is_a_session_of_its_own():
    """The last entry tells which branch Pi is on; the others begin with what they share with it."""
    chat = Pi()
    chat.says("first", name="u1", parent=None)
    chat.answers("one", name="a1")
    chat.says("this way", name="u2")
    chat.answers("", tool_call("c1", "write", path="/p/this.py"), name="a2")
    chat.result("c1")
    chat.entry("branch_summary", name="s1", parent="a1", fromId="a2", summary="It went this way.")
    chat.says("that way", name="u3")
    chat.answers("", tool_call("c2", "write", path="/p/that.py"), name="a3")
    chat.result("c2")
    main, branch = imports(chat)
    assert ids(main.session) == ["u1", "a1", "s1", "u3", "a3", "c2"]
    assert ids(branch.session) == ["u1", "a1", "u2", "a2", "c1"]
    assert branch.session.id == f"{main.session.id}-branch-u2"
    assert (branch.session.parent_session_id, branch.session.title) == (main.session.id, "this way")
    assert [main.session.files_created, branch.session.files_created] == [["that.py"], ["this.py"]]
    assert main.session.messages[2].metadata == {"kind": "branch_summary", "from": "a2"}
    assert branch.receipt.mapped == 3


def test_a_new_beginning_in_the_same_file_leaves_the_old_one():
    """Going back to before the first prompt begins a second tree; the first one is a branch that shares nothing."""
    chat = Pi()
    chat.says("first", name="u1", parent=None)
    chat.says("again", name="u2", parent=None)
    main, branch = sessions(chat)
    assert (ids(main), ids(branch)) == (["u2"], ["u1"])


def test_going_back_and_forth_keeps_every_branch():
    """Whichever branch Pi is on at the end, each way through the tree is one session, and each id the same."""
    chat = Pi()
    chat.says("root", name="u1", parent=None)
    for name in ("x", "y", "z"):
        chat.says(name, name=name, parent="u1")
    chat.says("on from x", name="x2", parent="x")
    main, *branches = sessions(chat)
    assert ids(main) == ["u1", "x", "x2"]
    assert [ids(branch) for branch in branches] == [["u1", "y"], ["u1", "z"]]
    assert len({session.id for session in (main, *branches)}) == 3


def test_labels_and_names_are_kept_and_do_not_branch():
    """Bookmarks and a name given to the session are no messages; an entry without words at an end is no branch."""
    chat = Pi()
    chat.says("first", name="u1", parent=None)
    chat.entry("label", name="l1", targetId="u1", label="here")
    chat.entry("label", name="l2", targetId="u1", label="there")
    chat.entry("session_info", name="i1", parent="u1")
    chat.records[-1]["name"] = " A name "
    chat.entry("custom", name="k1", customType="x", data={})
    chat.answers("one", name="a1", parent="u1")
    (found,) = imports(chat)
    assert ids(found.session) == ["u1", "a1"]
    assert (found.session.title, found.session.metadata["pi"]["labels"]) == ("A name", {"u1": "there"})
    assert (found.receipt.kept, found.receipt.dropped) == (4, {"custom entries": 1})


def test_what_is_no_talk_is_a_notice_and_what_a_person_ran_is_theirs():
    """Commands a person ran, summaries, extensions' words and failed answers are told from prompts and answers."""
    chat = Pi()
    run_by_hand = {"role": "bashExecution", "command": "ls", "output": "a", "exitCode": 0, "cancelled": False}
    chat.entry("message", name="b1", parent=None, message=run_by_hand)
    chat.entry("message", name="b2", message={**run_by_hand, "exitCode": 2, "truncated": True})
    chat.entry("compaction", name="k1", summary="So far.", firstKeptEntryId="b1", tokensBefore=5)
    chat.entry("custom_message", name="x1", customType="hook", content="do", display=True)
    chat.entry("message", name="x2", message={"role": "hookMessage", "customType": "old", "content": "did"})
    chat.answers(name="f1", message={"stopReason": "error", "errorMessage": "429"})
    chat.answers("half", name="f2", message={"stopReason": "aborted"})
    chat.entry(
        "message", name="r1", message={"role": "toolResult", "toolCallId": "lost", "toolName": "t", "content": "x"}
    )
    (session,) = sessions(chat)
    assert [(call.id, call.success, call.agent_name) for call in session.tool_executions] == [
        ("b1", True, None),
        ("b2", False, None),
    ]
    assert session.tool_executions[1].metadata == {"by": "user", "exit_code": 2, "truncated": True}
    assert said(session) == [
        ("system", "So far."),
        ("system", "do"),
        ("system", "did"),
        ("system", "429"),
        ("assistant", "half"),
        ("tool", "x"),
    ]
    assert session.messages[3].metadata == {"notice": "api error"}


def test_a_fork_names_its_parent_without_opening_a_path():
    """The header holds the parent file's path; its name tells the session, or a file of that name in this run does."""
    fork = Pi(CHILD, parentSession=PATH)
    fork.says("first", name="u1", parent=None)
    (session,) = sessions(fork)
    assert (session.parent_session_id, session.metadata["relation"]) == (f"pi-{SESSION}", "fork")
    renamed = Pi(CHILD, parentSession="C:\\chats\\renamed.jsonl")
    renamed.says("first", name="u1", parent=None)
    parent = Pi()
    parent.says("first", name="u1", parent=None)
    found = [result.session for result in run({"chats/renamed.jsonl": parent, "x.jsonl": renamed}, PI)]
    assert found[1].parent_session_id == found[0].id
    (alone,) = sessions(renamed)
    assert alone.parent_session_id is None
    assert alone.metadata["pi"]["forked_from"] == "C:\\chats\\renamed.jsonl"


def test_the_first_version_has_no_ids():
    """Up to version 1 entries follow one another; their ids are made of what they hold, and stay as the file grows."""
    chat = Pi()
    del chat.records[0]["version"]
    for message in (
        {"role": "user", "content": "first", "timestamp": 1_795_341_406_145},
        {"role": "assistant", "content": [{"type": "text", "text": "one"}, tool_call("c1")]},
        {"role": "toolResult", "toolCallId": "c1", "content": "ok", "isError": False},
        {"role": "user", "content": "first"},
    ):
        chat.raw({"type": "message", "message": message})
    (session,) = sessions(chat)
    assert said(session) == [("user", "first"), ("assistant", "one"), ("user", "first")]
    assert len(set(ids(session))) == 4
    assert session.messages[0].timestamp.year == 2026
    (grown,) = run({NAMES["pi"]: lines(chat.records[:-1])}, PI)
    assert ids(grown.session) == ids(session)[:-1]


def test_pictures_are_described():
    """A picture's bytes are not kept, but that there was one is."""
    chat = Pi()
    picture = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
    chat.entry("message", parent=None, message={"role": "user", "content": [{"type": "text", "text": "look"}, picture]})
    chat.answers(tool_call("c1", "read"))
    chat.entry("message", message={"role": "toolResult", "toolCallId": "c1", "content": [picture], "isError": False})
    (session,) = sessions(chat)
    described = [{"type": "image", "media_type": "image/png", "base64_length": 4}]
    assert session.messages[0].metadata["attachments"] == described
    assert session.tool_executions[0].metadata["attachments"] == described
    assert session.tool_executions[0].result == "[image]"


@pytest.mark.parametrize(
    ("data", "ours"),
    [
        (b'{"type":"session","version":3,"id":"x","timestamp":"t","cwd":"/p"}\n', True),
        (b'{"type":"session","id":"x","cwd":"/p","provider":"x"}\n', True),
        (b'torn\n{"type":"message","id":"a","parentId":null,"timestamp":"t","message":{"role":"user"}}\n', True),
        (b'{"type":"session","data":{"id":"ses_1"}}\n', False),
        (b'{"type":"message","id":"a","message":{"role":"user"}}\n', False),
        (b'{"type":"message","id":"a","parentId":null,"message":"x"}\n', False),
        (b"", False),
    ],
)
def test_content_decides_what_is_recognised(data, ours):
    """The header tells, not the name; behind a damaged one the entries do."""
    source = folders.one(data, "notes.txt")
    assert PI.recognises(source, source.head()) is ours


def test_a_lost_header_is_replaced_by_the_files_name():
    """Whose session it is stands in the name, too; without that the first entry stands for it."""
    chat = Pi()
    chat.says("first", name="u1", parent=None)
    torn = b'{"type":"session","ver\n' + lines(chat.records[1:])
    (named,) = run({NAMES["pi"]: torn}, PI)
    (other,) = run({"x.jsonl": torn}, PI)
    assert (named.session.id, other.session.id) == (f"pi-{SESSION}", "pi-u1")
    assert named.receipt.dropped == {"damaged": 1}


def test_a_repeated_entry_counts_once_and_a_different_one_stays():
    """The same entry again is dropped, counted; another one under the same id is kept under a new id."""
    chat = Pi()
    chat.says("first", name="u1", parent=None)
    chat.raw(chat.records[1])
    chat.says("second", name="u1")
    (found,) = imports(chat)
    assert ids(found.session) == ["u1", "u1~2"]
    assert found.receipt.dropped == {"repeated entries": 1}
