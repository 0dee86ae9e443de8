"""Talking to a real agent process: its answer is seen as it comes, its questions are answered, each turn is saved."""

from __future__ import annotations

import asyncio
import sys

import pytest

from superqode.session import Session
from superqode.tui.screens.dialogs.permission import PermissionDialog
from superqode.tui.screens.session.screen import SessionScreen


@pytest.fixture
def begun(tui, scripted):
    """An empty session, and an agent that is chosen."""
    with tui.open_store() as store:
        store.save(Session(id="talk", title="Talk", project_path=str(tui.path.parent)))
    return tui


async def _says(ada, *lines):
    """Send a prompt of several lines; each is a deed of the scripted agent."""
    ada.app.screen.prompt.text = "\n".join(lines)
    await ada.press("enter")


def _saved(tui):
    with tui.open_store() as store:
        return store.load("talk")


def test_an_answer_streams_in_and_is_saved(begun, scripted):
    """The prompt is saved at once; text and calls are seen while the agent works, and saved when its turn is over."""

    async def story(ada):
        await _says(ada, "say Hello", "call c1 a.txt", "sleep 1.5", "done c1 it worked", "say and **bye**")
        await ada.sees("Hello", "a.txt", "scripted answers")
        assert [message.role for message in _saved(begun).messages] == ["user"]
        await ada.until(lambda: len(_saved(begun).messages) == 3)
        saved = _saved(begun)
        assert [message.content for message in saved.messages[1:]] == ["Hello", "and **bye**"]
        assert [(call.id, call.result, call.success) for call in saved.tool_executions] == [("c1", "it worked", True)]
        assert {message.agent_name for message in saved.messages[1:]} == set(saved.agents_used)
        await ada.sees("3 messages, 1 call", "and bye")
        await _says(ada, "say Once more")
        await ada.until(lambda: _saved(begun).messages[-1].content == "Once more")

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_the_agent_is_picked_from_the_configuration(begun, scripted):
    """Without an agent what is typed is a note; Ctrl+G picks one, and the prompt says who listens."""

    async def story(ada):
        await ada.sees("─ note ─")
        await ada.press("ctrl+g")
        await ada.sees("nobody answers", "scripted")
        await ada.type("script")
        await ada.press("enter")
        await ada.sees("to scripted")
        await _says(ada, "say I am here")
        await ada.sees("I am here")
        await ada.press("ctrl+g")
        await ada.type("notes")
        await ada.press("enter")
        await ada.sees("─ note ─")
        await _says(ada, "say nothing")
        await ada.until(lambda: _saved(begun).messages[-1].content == "say nothing")

    begun.run(story, session="talk", agents=(scripted,))


@pytest.mark.parametrize(("key", "told"), [("a", "yes"), ("r", "no"), ("enter", "yes")])
def test_a_call_is_approved_or_refused(begun, scripted, key, told):
    """The agent's question shows the change it would make; `a` approves, `r` refuses, Enter takes the highlighted."""

    async def story(ada):
        await _says(ada, "ask c1")
        await ada.until(lambda: isinstance(ada.app.screen, PermissionDialog))
        await ada.sees("/p/a.txt", "-a", "+b", "Yes", "No", "a approve")
        await ada.press(key)
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
        await ada.until(lambda: _saved(begun).messages[-1].role == "assistant")
        assert f'"{told}"' in _saved(begun).messages[-1].content

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_typing_on_answers_no_question(begun, scripted, monkeypatch):
    """A question that comes while somebody types is not answered by what they type, until the keys were quiet."""
    monkeypatch.setattr("superqode.tui.screens.dialogs.permission._QUIET", 60)

    async def story(ada):
        await _says(ada, "ask c1")
        while not isinstance(ada.app.screen, PermissionDialog):
            await ada.type("banana")
        await ada.type("banana")
        await ada.press("enter", "r", "escape")
        await ada.sees("Yes", "in a moment")
        assert isinstance(ada.app.screen, PermissionDialog)
        monkeypatch.setattr("superqode.tui.screens.dialogs.permission._QUIET", 0)
        await ada.press("a")
        await ada.until(lambda: _saved(begun).messages[-1].role == "assistant")
        assert '"yes"' in _saved(begun).messages[-1].content

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_an_agent_is_stopped_and_what_it_said_stays(begun, scripted):
    """Escape stops the agent, and what it said before is saved."""

    async def story(ada):
        await _says(ada, "say Well", "hang")
        await ada.sees("Well")
        await ada.press("escape")
        await ada.until(lambda: len(_saved(begun).messages) == 2)
        assert _saved(begun).messages[-1].content == "Well"
        await ada.until(lambda: "scripted answers" not in ada.shown)

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_leaving_while_it_answers_keeps_what_it_said(begun, scripted):
    """Quitting ends the agent, and saves what it said so far."""

    async def story(ada):
        await _says(ada, "say Half an ans", "hang")
        await ada.sees("Half an ans")

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")

    assert [message.content for message in _saved(begun).messages[1:]] == ["Half an ans"]


def test_prompts_that_wait_are_kept_when_one_leaves(begun, scripted):
    """Whoever quits while the agent works loses nothing: its answer so far, and after it the prompts that waited."""

    async def story(ada):
        await _says(ada, "say Working", "hang")
        await ada.sees("Working")
        await _says(ada, "second")
        await _says(ada, "third")
        assert len(_saved(begun).messages) == 1

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")

    assert [message.content for message in _saved(begun).messages[1:]] == ["Working", "second", "third"]


def test_prompts_are_kept_when_one_leaves_at_once(begun, scripted):
    """A prompt that was sent is kept, however soon one quits after it."""

    async def story(ada):
        await _says(ada, "first")
        await _says(ada, "second")

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")

    assert [message.content for message in _saved(begun).messages if message.role == "user"] == ["first", "second"]


def test_another_agent_leaves_nothing_of_the_first_behind(begun, scripted):
    """Picking somebody else while an agent works keeps its answer and what waited, and the screen shows both."""

    async def story(ada):
        await _says(ada, "say Working", "hang")
        await ada.sees("Working")
        await _says(ada, "second")
        await ada.press("ctrl+g")
        await ada.type("notes")
        await ada.press("enter")
        await ada.sees("─ note ─", "enter sends", "3 messages")
        assert [message.content for message in _saved(begun).messages[1:]] == ["Working", "second"]
        await ada.sees("Working", "second")

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_a_deaf_agents_answer_is_kept(begun, scripted, monkeypatch):
    """An agent that does not stop when it is asked to is ended, and what it said until then is saved."""
    monkeypatch.setattr("superqode.tui.talk._GRACE", 0.2)
    monkeypatch.setattr("superqode.acp.agent.CANCEL_GRACE", 0.2)

    async def story(ada):
        await _says(ada, "say Half an ans", "call c1 a.txt", "deaf")
        await ada.sees("Half an ans", "a.txt")
        await _says(ada, "second")

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")

    saved = _saved(begun)
    assert [message.content for message in saved.messages[1:]] == ["Half an ans", "second"]
    assert [(call.id, call.metadata["unfinished"]) for call in saved.tool_executions] == [("c1", True)]


def test_one_leaves_while_the_agent_asks(begun, scripted):
    """Quitting cancels an open question, and what was said before it is saved."""

    async def story(ada):
        await _says(ada, "say Before", "ask c1")
        await ada.until(lambda: isinstance(ada.app.screen, PermissionDialog))

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")

    assert "Before" in _saved(begun).messages[1].content


def test_a_question_of_an_agent_that_went_leaves_what_stands_over_it(begun, scripted):
    """Where nobody waits for the answer any more, the question goes, and never what was opened on top of it."""

    async def story(ada):
        await _says(ada, "ask c1")
        await ada.until(lambda: isinstance(ada.app.screen, PermissionDialog))
        session = ada.app.screen_stack[1]
        ada.app.action_command_palette()
        await ada.until(lambda: not isinstance(ada.app.screen, PermissionDialog))
        palette = ada.app.screen
        await session._end_talk()
        assert ada.app.screen is palette
        await ada.press("escape")
        await ada.until(lambda: ada.app.screen is session)

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_an_agent_that_dies_is_told_and_started_anew(begun, scripted):
    """A dead agent is a notice, what it said is saved, and the next prompt starts another."""

    async def story(ada):
        await _says(ada, "say Before", "die 3")
        await ada.until(lambda: ada.told)
        await ada.until(lambda: len(_saved(begun).messages) == 2)
        await _says(ada, "say After")
        await ada.until(lambda: len(_saved(begun).messages) == 4)
        assert [message.content for message in _saved(begun).messages[1::2]] == ["Before", "After"]

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_what_nobody_thought_of_is_told_and_talking_goes_on(begun, scripted, monkeypatch):
    """An exception of no known kind is a notice; what it broke off is over, and prompts that waited are answered."""
    from superqode.acp.agent import AcpAgent

    asked = AcpAgent.prompt

    async def breaks(agent, text, **told):
        if text == "break":
            await asyncio.sleep(0.5)
            raise LookupError("nobody thought of this")
        return await asked(agent, text, **told)

    monkeypatch.setattr(AcpAgent, "prompt", breaks)

    async def story(ada):
        await _says(ada, "break")
        await _says(ada, "say One")
        await ada.until(lambda: "LookupError: nobody thought of this" in ada.told)
        await ada.until(lambda: _saved(begun).messages[-1].content == "One")
        await _says(ada, "break")
        await ada.until(lambda: len(ada.told) == 2)
        await ada.sees("enter sends")
        await _says(ada, "say Two")
        await ada.until(lambda: _saved(begun).messages[-1].content == "Two")
        await ada.sees("enter sends")
        await ada.press("escape")
        assert ada.app.screen.view.has_focus  # nothing is left that could be stopped

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_a_client_that_cannot_be_loaded_is_told_once_for_each_prompt(begun, scripted, monkeypatch):
    """What is broken about the client itself is told, too, and what was written is saved."""
    monkeypatch.setitem(sys.modules, "superqode.acp", None)

    async def story(ada):
        await _says(ada, "first")
        await ada.until(lambda: any("superqode.acp" in told for told in ada.told))
        await _says(ada, "second")
        await ada.until(lambda: len(ada.told) == 2)
        assert [message.content for message in _saved(begun).messages] == ["first", "second"]

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")


def test_an_agent_that_is_not_there_is_told(begun):
    """A command that cannot be started is a notice; the prompt is saved."""
    from superqode.tui.settings import Agent

    async def story(ada):
        await _says(ada, "hello")
        await ada.until(lambda: any("no-such-agent" in told for told in ada.told))
        assert _saved(begun).messages[-1].content == "hello"

    begun.run(story, session="talk", agents=(Agent("gone", ("no-such-agent",)),), agent="gone")


def test_hostile_answers_do_nothing(begun, scripted):
    """Controls in what an agent says stand as escapes, while it streams and afterwards."""

    async def story(ada):
        await _says(ada, "say \x1b[2Jgone\u202etxt.exe [red]x[/red]")
        await ada.sees(r"\x1b[2Jgone\u202etxt.exe [red]x[/red]")
        await ada.until(lambda: len(_saved(begun).messages) == 2)
        assert "\x1b" not in ada.app.export_screenshot()

    begun.run(story, session="talk", agents=(scripted,), agent="scripted")
