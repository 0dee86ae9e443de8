"""What of a session goes over: everything that every agent understands, in a form that every vendor takes."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given

import strategies
from superqode.session.errors import SessionError
from superqode.session.handoff import HandoffError, Receipt
from superqode.session.handoff.again import begins_with, items_of
from superqode.session.handoff.neutral import NO_ANSWER, NO_RESULT, OPENING, Answer, Call, Prompt, turns_of
from superqode.session.handoff.reading import read_items

from . import scenes

CLEAN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _turns(session):
    receipt = Receipt()
    return turns_of(read_items(session, scenes.NOW, receipt), receipt), receipt


def _shape(turns):
    """Give each turn as its text and the ids of its calls."""
    return [turn.text if isinstance(turn, Prompt) else (turn.text, [call.id for call in turn.calls]) for turn in turns]


def test_calls_stand_with_the_answer_that_asked_for_them():
    """Calls that a message lists stand together; a call after their results is an answer of its own."""
    talk = scenes.Talk().says("go").answers("both", {"id": "a"}, {"id": "b"}).calls(call_id="a").calls(call_id="b")
    talk.answers("", {"id": "c"}).calls(call_id="c").answers("done")
    assert _shape(_turns(talk.session)[0]) == ["go", ("both", ["a", "b"]), ("", ["c"]), ("done", [])]


def test_calls_without_a_message_stand_alone():
    """Where no message lists calls, the first one belongs to the text before it and the next ones come one by one."""
    talk = scenes.Talk().says("go").answers("look").calls(call_id="a").calls(call_id="b").says("more")
    talk.calls(call_id="c").calls(call_id="d").answers("done")
    wanted = ["go", ("look", ["a"]), ("", ["b"]), "more", ("", ["c"]), ("", ["d"]), ("done", [])]
    assert _shape(_turns(talk.session)[0]) == wanted


def test_executions_under_other_ids_stand_for_the_calls_of_their_message():
    """A message lists calls by the vendor's ids, its executions have others: they are not told twice."""
    listed = {"id": "x1", "type": "function", "function": {"name": "sh", "arguments": "{}"}}
    talk = scenes.Talk().says("go").answers("", listed, {**listed, "id": "x2"}).calls(call_id="a").calls(call_id="b")
    talk.says("ok", "tool", tool_call_id="x1").answers("done")
    turns, receipt = _turns(talk.session)
    assert _shape(turns) == ["go", ("", ["a", "b"]), ("done", [])]
    assert receipt.left_out == {"results of no known call": 1}


@pytest.mark.parametrize(
    "block",
    [
        {"id": "x", "type": "function", "function": {"name": "sh", "arguments": '{"cmd": "ls"}'}},
        {"id": "x", "type": "tool_use", "name": "sh", "input": {"cmd": "ls"}},
        {"id": "x", "name": "sh", "args": {"cmd": "ls"}},
        {"call_id": "x", "name": "sh", "arguments": '{"cmd": "ls"}'},
    ],
    ids=["chat", "anthropic", "google", "responses"],
)
def test_calls_that_only_a_message_tells_of_go_over(block):
    """A message's calls in any vendor's shape, with results in messages of the role tool, are real pairs."""
    talk = scenes.Talk().says("go").answers("", block).says("frob.c", "tool", tool_call_id="x").answers("done")
    (_, call, _) = _turns(talk.session)[0]
    (made,) = call.calls
    assert (made.id, made.name, made.arguments, made.result, made.success) == ("x", "sh", {"cmd": "ls"}, "frob.c", True)


def test_every_call_has_a_result():
    """A call that never came to its end gets a result that says so, and has not worked."""
    talk = scenes.Talk().says("go").answers("", {"id": "a", "name": "sh"}, {"id": "b", "name": "sh"})
    talk.calls(call_id="a", result="", success=False, metadata={"unfinished": True})
    turns, receipt = _turns(talk.session)
    assert [(call.id, call.result, call.success) for call in turns[1].calls] == [
        ("a", NO_RESULT, False),
        ("b", NO_RESULT, False),
    ]
    assert receipt.kept == {"prompts": 1, "calls": 2}
    assert receipt.added["results for calls that have none"] == 2


def test_an_empty_result_is_a_result():
    """A tool that gave nothing has done so: nothing is put in its place."""
    turns, receipt = _turns(scenes.Talk().says("go").calls(result="").answers("done").session)
    assert turns[1].calls[0].result == ""
    assert receipt.added == {}


def test_ids_and_names_are_what_vendors_take():
    """Ids and names with anything in them become plain, short and distinct; plain ones stay as they are."""
    talk = scenes.Talk().says("go")
    for raw in ("t 1", "t_1", "t/1", "é" * 90, "x" * 90, "", "ok-1"):
        talk.calls(raw, call_id=raw)
    calls = [item for item in items_of(talk.session) if isinstance(item, Call)]
    assert all(CLEAN.fullmatch(call.id) and CLEAN.fullmatch(call.name) for call in calls)
    assert len({call.id for call in calls}) == len(calls)
    assert (calls[1].id, calls[1].name, calls[-1].id) == ("t_1", "t_1", "ok-1")
    assert [call.name for call in calls if call.name[0] in "0123456789-"] == []


def test_what_is_left_out_is_counted():
    """Thoughts, pictures, injected texts, remarks and empty messages stay behind, each with its reason."""
    talk = scenes.Talk().says("go", metadata={"attachments": [{"type": "image"}], "context": ["<x>"]})
    talk.says("be nice", "system").says("<env>", "system", metadata={"injected": "context"})
    talk.says("/model", "system", metadata={"injected": "command"}).says("x", "system", metadata={"notice": "y"})
    talk.says("in short", "system", metadata={"kind": "compacted"})
    talk.answers("", metadata={"thinking": ["hm"]}).answers(" \n").answers("ok", metadata={"thinking": ["a", "b"]})
    turns, receipt = _turns(talk.session)
    assert _shape(turns) == ["go", ("ok", [])]
    assert receipt.left_out == {
        "pictures and files": 1,
        "context around prompts": 1,
        "system messages": 1,
        "context that programs put in": 1,
        "commands of a person": 1,
        "remarks of the agent": 1,
        "summaries of what was said before": 1,
        "thoughts": 3,
        "answers that were only thoughts": 1,
        "empty messages": 1,
    }


def test_a_conversation_begins_with_a_prompt_and_ends_with_an_answer():
    """What is missing at either end is put there, and counted as added."""
    turns, receipt = _turns(scenes.Talk().answers("hello").says("and now?").session)
    assert _shape(turns) == [OPENING, ("hello", []), "and now?", (NO_ANSWER, [])]
    assert receipt.added == {"prompts before the first answer": 1, "answers after the last prompt or result": 1}


def test_a_sub_agents_task_is_its_prompt():
    """What another agent told a sub-agent at the beginning opens its conversation."""
    talk = scenes.Talk().says("count them", "system", metadata={"kind": "agent_message"}).answers("2")
    assert _shape(_turns(talk.session)[0]) == ["count them", ("2", [])]


def test_nothing_happens_later_than_now():
    """Times of a machine whose clock was ahead are brought back: an agent may wait for the future."""
    talk = scenes.Talk().says("go", timestamp=scenes.NOW.replace(year=2031)).calls().answers("done")
    for name in scenes.NAMES:
        handoff = scenes.hand(name, talk.session)
        assert "2031" not in handoff.files[-1].content.decode()


def test_a_session_without_words_is_refused():
    """With nothing to hand over there is an error that says so."""
    talk = scenes.Talk("silent").says("only a remark", "system")
    for name in scenes.NAMES:
        with pytest.raises(HandoffError, match=r"silent cannot be handed over: it has no prompts") as caught:
            scenes.hand(name, talk.session)
        assert isinstance(caught.value, SessionError)


@pytest.mark.parametrize("name", scenes.NAMES)
@given(session=strategies.sessions(max_entries=12))
def test_any_session_becomes_files_that_an_agent_can_read(name, session):
    """Whatever a session holds: valid records, plain distinct ids, a result for each call, nothing blank, a safe path."""
    session.project_path = scenes.PROJECT
    try:
        handoff = scenes.hand(name, session)
    except HandoffError:
        assert items_of(session) == []
        return
    assert ".." not in handoff.files[-1].path
    turns, receipt = _turns(session)
    answers = [turn for turn in turns if isinstance(turn, Answer)]
    calls = [call for answer in answers for call in answer.calls]
    assert isinstance(turns[0], Prompt)
    assert turns[-1] == answers[-1]
    assert answers[-1].text.strip()
    assert all(turn.text.strip() for turn in turns if isinstance(turn, Prompt))
    assert all(answer.text.strip() or answer.calls for answer in answers)
    assert all(CLEAN.fullmatch(call.id) and CLEAN.fullmatch(call.name) for call in calls)
    assert len({call.id for call in calls}) == len(calls)
    assert handoff.receipt.kept == receipt.kept
    for record in scenes.records(handoff):
        json.dumps(record, ensure_ascii=False).encode()
    known, again = items_of(session), scenes.back(name, handoff)
    if "texts that are not valid Unicode" not in handoff.receipt.changed:
        begins = isinstance(known[0], Call) or known[0].role != "user"
        assert begins_with(items_of(again)[begins:], known)


@pytest.mark.parametrize("name", scenes.NAMES)
@given(session=strategies.sessions(max_entries=6))
def test_the_same_plan_twice(name, session):
    """A plan depends on its arguments alone: a dry run tells what will be done."""
    try:
        one = scenes.hand(name, session)
    except HandoffError:
        return
    assert scenes.hand(name, session) == one
