"""The tree in a transcript of Claude Code: rewound prompts and forks, each in a session of its own."""

from __future__ import annotations

import pytest

from .claude_scripts import (
    CHILD,
    CHILD_NAME,
    NAME,
    SESSION,
    Script,
    call,
    forked,
    ids,
    prompts,
    rewound,
    run,
    said,
    sessions,
)


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
    other.answers("something else", uuid="x1", message_id="another")
    files = {".claude/projects/-p/other.jsonl": other, NAME: script, CHILD_NAME: fork}
    for listing in (files, dict(reversed(files.items()))):
        found = {result.session.id: result.session.parent_session_id for result in run(listing)}
        assert found[f"claude-code-{CHILD}"] == f"claude-code-{SESSION}"
        assert found[f"claude-code-{SESSION}"] is None


@pytest.mark.parametrize("marks", [{}, {"sessionId": SESSION}], ids=["silent", "under the old id"])
def test_a_fork_without_the_calls_beside_others_is_the_fork(marks):
    """A fork that leaves out one of two parallel calls did not come first: neither is the other's both ways."""
    script = Script()
    script.says("first")
    first = script.answers(call("t1", "Read", file_path="/p/a"), message_id="m")
    left_out = len(script.records)
    script.answers(call("t2", "Read", file_path="/p/b"), parent=first, message_id="m")
    script.result("t2", "b")
    copied = len(script.records)
    script.result("t1", "a", parent=first)
    script.answers("one")
    fork = Script(session=CHILD)
    kept = [*script.records[:left_out], *script.records[copied:]]
    fork.records = [{**record, "sessionId": CHILD, **marks} for record in kept]
    fork.last = script.last
    fork.says("in the fork", uuid="f1", timestamp="2026-11-22T11:00:00Z")
    results = run({NAME: script, CHILD_NAME: fork})
    found = {result.session.id: result.session.parent_session_id for result in results}
    assert found == {f"claude-code-{SESSION}": None, f"claude-code-{CHILD}": f"claude-code-{SESSION}"}


def test_a_session_resumed_in_a_file_of_its_own_is_linked():
    """Version 1.0 copies all under other ids and at another time; the ids of the model's messages stay."""
    script = Script()
    script.says("first")
    script.answers("one")
    copy = Script(session=CHILD)
    moment = "2026-11-22T11:00:00.000Z"
    copy.records = [
        {**record, "uuid": f"x{record['uuid']}", "sessionId": CHILD, "timestamp": moment} for record in script.records
    ]
    copy.last = f"x{script.last}"
    copy.says("second", timestamp="2026-11-22T11:00:01.000Z")
    results = run({NAME: script, CHILD_NAME: copy})
    found = {result.session.id: result.session.parent_session_id for result in results}
    assert found == {f"claude-code-{SESSION}": None, f"claude-code-{CHILD}": f"claude-code-{SESSION}"}
