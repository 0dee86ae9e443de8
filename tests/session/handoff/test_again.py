"""The second hand-off: it goes on where the first one was, and writes nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given

import strategies
from superqode.session.handoff.again import items_of, read_state
from superqode.session.handoff.neutral import same_items

from . import scenes

LATER = scenes.NOW + timedelta(hours=3)


def _grow(session, word="more"):
    talk = scenes.Talk()
    talk.session, talk.moment = session, max(session.updated_at, scenes.BEGAN)
    talk.says(f"{word}?").answers(f"{word}, then").calls("shell", f"{word} done", command=word).answers(f"{word}.")


def _go_on(name, home, handoff):
    """Let the agent itself go on: in its own file, as if a person had asked for more."""
    if name == "opencode":
        session = scenes.small()
        _grow(session, "agent")
        scenes.hand(name, session, home, before=handoff.state)
        return
    session = scenes.present(name, home, handoff)
    _grow(session, "agent")
    path = scenes.BY_NAME[name].find(handoff.session_id, scenes.place(home))
    grown = scenes.hand(name, session, project="/elsewhere/for/a/moment")
    told = [line for line in grown.files[-1].content.split(b"\n") if b"agent" in line]
    home.put(
        path,
        home.bytes(path) + b"\n".join(told).replace(grown.session_id.encode(), handoff.session_id.encode()) + b"\n",
    )


@pytest.fixture(params=scenes.NAMES)
def name(request):
    """Each agent."""
    return request.param


@pytest.fixture
def home():
    """An agent's folder with nothing in it."""
    return scenes.Home()


def test_nothing_new_is_nothing_to_write(name, home):
    """The same session again gives the same command and no file."""
    session = scenes.small()
    first = scenes.hand(name, session, home)
    second = scenes.hand(name, session, home, before=first.state, now=LATER)
    assert (second.files, second.command, second.state) == ((), first.command, first.state)
    assert second.receipt.notes == ["The agent has all of it already; nothing is written."]


def test_a_lost_state_is_no_reason_to_write_again(name, home):
    """Where nobody kept the state, the agent's own folder tells that it has the session."""
    first = scenes.hand(name, scenes.small(), home)
    second = scenes.hand(name, scenes.small(), home, now=LATER)
    assert (second.files, second.session_id) == ((), first.session_id)


def test_what_is_new_is_appended(name, home):
    """A session that grew is written on in the same file, with what is new and nothing else, again and again."""
    session = scenes.small()
    handoff = scenes.hand(name, session, home)
    for word in ("one", "two"):
        _grow(session, word)
        added = scenes.hand(name, session, home, before=handoff.state, now=LATER)
        assert added.session_id == handoff.session_id
        assert added.receipt.kept == {"prompts": 1, "answers": 2, "calls": 1, "results": 1}
        (file,) = added.files
        assert file.behind or file.scratch
        handoff = added
    assert same_items(items_of(scenes.present(name, home, handoff)), items_of(session))


def test_the_agent_went_on_alone(name, home):
    """What the agent did meanwhile is left alone, and the same command goes on from there."""
    session = scenes.small()
    first = scenes.hand(name, session, home)
    _go_on(name, home, first)
    second = scenes.hand(name, session, home, before=first.state, now=LATER)
    assert (second.files, second.command) == ((), first.command)


def test_the_session_took_over_what_the_agent_did(name, home):
    """Once the session has what the agent did, nothing is written; what it gets later goes behind that."""
    session = scenes.small()
    first = scenes.hand(name, session, home)
    _go_on(name, home, first)
    present = scenes.present(name, home, first)
    for entry in present.timeline[len(scenes.back(name, first).timeline) :]:
        session.add(entry)
    second = scenes.hand(name, session, home, before=first.state, now=LATER)
    assert second.files == ()
    _grow(session, "later")
    third = scenes.hand(name, session, home, before=second.state, now=LATER)
    assert (third.session_id, third.receipt.kept["prompts"]) == (first.session_id, 1)
    assert same_items(items_of(scenes.present(name, home, third)), items_of(session))


def test_both_went_on(name, home):
    """Where agent and session went different ways, the session becomes another one there; nothing is overwritten."""
    session = scenes.small()
    first = scenes.hand(name, session, home)
    _go_on(name, home, first)
    kept = scenes.said(scenes.present(name, home, first))
    _grow(session, "ours")
    second = scenes.hand(name, session, home, before=first.state, now=LATER)
    assert second.session_id != first.session_id
    assert scenes.said(scenes.present(name, home, first)) == kept
    assert same_items(items_of(scenes.back(name, second)), items_of(session))
    third = scenes.hand(name, session, home, before=second.state, now=LATER)
    assert (third.files, third.session_id) == ((), second.session_id)


def test_a_changed_session_is_another_one(name, home):
    """A session that was rewound or masked since is not mixed with what the agent has."""
    first = scenes.hand(name, scenes.small(), home)
    session = scenes.small()
    session.messages[0] = session.messages[0].model_copy(update={"content": "Another beginning"})
    second = scenes.hand(name, session, home, before=first.state, now=LATER)
    assert second.session_id != first.session_id
    assert "changed since it was last handed over" in second.receipt.notes[0]


def test_a_file_that_is_gone_is_written_again(name, home):
    """What the agent's retention deleted comes back whole, under the same id."""
    session = scenes.small()
    first = scenes.hand(name, session, home)
    del home[scenes.DATABASE if name == "opencode" else first.files[-1].path]
    _grow(session)
    second = scenes.hand(name, session, home, before=first.state, now=LATER)
    assert second.session_id == first.session_id
    assert same_items(items_of(scenes.back(name, second)), items_of(session))


def test_another_folder_is_another_hand_off(name, home):
    """The state of one folder says nothing about another."""
    first = scenes.hand(name, scenes.small(), home)
    second = scenes.hand(name, scenes.small(), home, project=scenes.ELSEWHERE, before=first.state)
    assert second.files
    assert second.session_id != first.session_id


def test_the_agents_own_session_needs_no_copy(name, home):
    """An import of a session that still lies there, in its own folder, is continued there; its file stays as it is."""
    made = scenes.hand(name, scenes.small(), home)
    session = scenes.present(name, home, made)
    session.project_path = scenes.PROJECT
    found = scenes.hand(name, session, home)
    assert (found.files, found.session_id) == ((), made.session_id)
    _grow(session)
    grown = scenes.hand(name, session, home, before=found.state)
    assert grown.session_id != made.session_id
    assert grown.files[-1].behind is None


def test_a_fork_is_a_session_of_its_own(name, home):
    """A fork of an imported session is not the agent's own session, though it says the same."""
    made = scenes.hand(name, scenes.small(), home)
    session = scenes.present(name, home, made)
    session.project_path = scenes.PROJECT
    assert scenes.hand(name, session.fork(), home).session_id != made.session_id


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"session_id": "../x"},
        {"session_id": "--help"},
        {"items": -1},
        {"size": "1"},
        {"digest": "0"},
        {"path": None},
        {"agent": "other"},
        {"project": "/else"},
    ],
    ids=["format", "id", "option", "negative", "text", "digest", "none", "agent", "project"],
)
def test_a_foreign_state_counts_as_none(changes):
    """A state that is damaged, forged or of something else is not believed."""
    handoff = scenes.hand("codex", scenes.small())
    assert read_state(handoff.state, "codex", scenes.PROJECT) is not None
    assert read_state({**handoff.state, **changes}, "codex", scenes.PROJECT) is None


@given(state=strategies.json_objects)
def test_any_state_is_read_or_not(state):
    """No JSON object raises anything."""
    assert read_state(state, "codex", scenes.PROJECT) is None
