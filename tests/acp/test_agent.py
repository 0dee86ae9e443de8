"""An agent that is started and talked to: real processes, whose prompts say what they do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from superqode.acp import AcpAgent, allow, refuse
from superqode.acp.permission import permission_of
from superqode.session import Session, ToolExecution, clock
from superqode.session.errors import (
    AcpMissing,
    AgentDied,
    AgentError,
    AgentNotStarted,
    AgentProtocolError,
    AgentRefused,
    AgentTimedOut,
)

from .scripted import ALARM, agent, dies, is_alive, run, said, turn

CLIENT = Path(__file__).with_name("client.py")


def test_an_agent_says_who_it_is(tmp_path):
    """Name, title, version, the session's id and what it can do are known once it is started."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            return (at_hand.agent_name, at_hand.title, at_hand.version, at_hand.can_load), at_hand.session_id

    who, session_id = run(talk())
    assert who == ("scripted", "Scripted Agent", "1.0", True)
    assert session_id.startswith("scripted-1-")


def test_a_turn_has_the_prompt_the_answer_and_the_calls(tmp_path):
    """Chunks are joined, calls have kind, arguments, result and status, in the order they came."""
    seen = turn(tmp_path, "think hm", "say Hello ", "say you", "call c1 a.txt", "done c1 fine", "say Bye")
    assert seen.stop_reason == "end_turn"
    assert [(entry.kind, getattr(entry, "role", "")) for entry in seen.entries] == [
        ("message", "user"),
        ("message", "assistant"),
        ("call", ""),
        ("message", "assistant"),
    ]
    first, last = seen.messages[1:]
    assert (first.content, last.content) == ("Hello you", "Bye")
    assert first.metadata["thinking"] == ["hm"]
    (call,) = seen.tool_executions
    assert (call.id, call.arguments, call.result, call.success) == ("c1", {"path": "a.txt"}, "fine", True)
    assert (call.metadata["kind"], call.metadata["status"], call.agent_name) == ("edit", "completed", "scripted")


def test_updates_come_in_order_and_before_the_turn_is_over(tmp_path):
    """Each piece is told once, as it comes, the last one too."""
    seen = []
    turn(
        tmp_path,
        "think hm",
        "say a",
        "call c1 x",
        "done c1 ok",
        "plan first",
        "title T",
        "say b",
        on_update=seen.append,
    )
    assert [update.kind for update in seen] == ["thought", "text", "call", "call", "plan", "other", "text"]
    assert [update.text for update in seen if update.kind == "text"] == ["a", "b"]
    assert [update.call.metadata.get("unfinished", False) for update in seen if update.call] == [True, False]
    assert seen[4].plan[0]["content"] == "first"
    assert seen[5].raw["title"] == "T"


def test_files_of_a_turn_are_relative_to_the_project(tmp_path):
    """A diff without an old text makes a file; the path is told from the project."""
    seen = turn(tmp_path, "call c1 edit", "diff c1 docs/说明.md")
    assert seen.files_created == ("docs/说明.md",)
    assert seen.files_modified == seen.files_deleted == ()


def test_a_file_that_an_earlier_turn_made_is_changed_by_the_next(tmp_path):
    """Each turn tells what it did itself."""

    async def talk():
        async with agent(tmp_path, files="write") as at_hand:
            return await at_hand.prompt("write a.txt one"), await at_hand.prompt("write a.txt two")

    first, second = run(talk())
    assert (first.files_created, first.files_modified) == (("a.txt",), ())
    assert (second.files_created, second.files_modified) == ((), ("a.txt",))


@pytest.mark.parametrize(
    ("decide", "outcome", "success", "mark"),
    [(allow, "selected", True, ""), (refuse, "selected", False, "refused"), (None, "cancelled", False, "cancelled")],
)
def test_questions_are_answered_by_the_caller(tmp_path, decide, outcome, success, mark):
    """A question goes to the caller's function; without one it is cancelled. The call says what became of it."""
    seen = turn(tmp_path, "call c1 x", "ask c1", ask_permission=decide)
    assert outcome in said(seen)
    (call,) = seen.tool_executions
    assert call.success is success
    assert {name for name in ("refused", "cancelled") if name in call.metadata} == ({mark} if mark else set())
    assert seen.stop_reason == ("cancelled" if outcome == "cancelled" else "end_turn")


def test_a_question_shows_the_call_its_diffs_and_its_options(tmp_path):
    """What a person has to see to decide is there."""
    asked = []

    async def decide(question):
        asked.append(question)
        return question.option("reject_always", "reject_once")

    turn(tmp_path, "call c1 x", "ask c1", ask_permission=decide)
    (question,) = asked
    assert question.call.metadata["title"] == "Do it"
    assert [(diff.path, diff.old, diff.new) for diff in question.diffs] == [("/p/a.txt", "a", "b")]
    assert [(option.id, option.kind) for option in question.options] == [("yes", "allow_once"), ("no", "reject_once")]
    assert question.option("allow_always") is None


def test_no_diff_of_a_question_is_left_out(tmp_path):
    """Whoever approves a change of many files approves what they were shown."""
    content = [{"type": "diff", "path": f"/p/{number}", "newText": ""} for number in range(150)]
    call = ToolExecution(id="c", tool_name="edit", arguments={}, result="", success=True)

    question = permission_of({"toolCall": {"content": content}}, call)

    assert [diff.path for diff in question.diffs] == [f"/p/{number}" for number in range(150)]


@pytest.mark.parametrize("where", ["update", "question"])
def test_what_the_caller_raises_comes_back_from_the_prompt(tmp_path, where):
    """An error in a callback is the caller's own, and the turn is cancelled."""

    def show(_update):
        if where == "update":
            raise KeyError("mine")

    async def decide(_question):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        turn(tmp_path, "ask c1" if where == "question" else "say x", "hang", on_update=show, ask_permission=decide)


def test_a_turn_is_cancelled_from_beside_it(tmp_path):
    """`cancel` ends the prompt with `cancelled`, and what was said before is kept."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            await at_hand.cancel()  # nothing is going on: nothing happens
            cancelling = []

            def show(_update):
                cancelling.append(asyncio.ensure_future(at_hand.cancel()))

            stopped = await at_hand.prompt("say so far\nhang", on_update=show)
            return stopped, await at_hand.prompt("say again")

    stopped, again = run(talk())
    assert (stopped.stop_reason, said(stopped)) == ("cancelled", "so far")
    assert (again.stop_reason, said(again)) == ("end_turn", "again")


def test_cancelling_answers_an_open_question(tmp_path):
    """A question that nobody has answered yet is cancelled with the turn."""

    async def talk():
        async with agent(tmp_path) as at_hand:

            async def decide(_question):
                await at_hand.cancel()
                await asyncio.Event().wait()

            return await at_hand.prompt("ask c1\nsay not reached", ask_permission=decide)

    assert run(talk()).stop_reason == "cancelled"


def test_a_turn_that_takes_too_long_is_cancelled_and_told(tmp_path):
    """The error has what was said before; the agent can be asked again."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            with pytest.raises(AgentTimedOut) as late:
                await at_hand.prompt("say half\nhang", timeout=2)
            return late.value.turn, await at_hand.prompt("say again")

    half, again = run(talk())
    assert (said(half), said(again)) == ("half", "again")


def test_a_cancelled_task_cancels_the_turn(tmp_path):
    """Who gives up waiting, ends the agent's work too."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            begun = asyncio.Event()
            task = asyncio.create_task(at_hand.prompt("say x\nhang", on_update=lambda _update: begun.set()))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await at_hand.prompt("say again")

    assert said(run(talk())) == "again"


def test_one_prompt_at_a_time(tmp_path):
    """A second prompt beside the first is the caller's mistake."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            first = asyncio.create_task(at_hand.prompt("sleep 0.3"))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="one prompt"):
                await at_hand.prompt("say x")
            await first
        with pytest.raises(RuntimeError, match="one prompt"):
            await at_hand.prompt("say x")

    run(talk())


def test_a_session_is_loaded(tmp_path):
    """The agent repeats it, and the repeated turn is told apart from the next."""

    async def talk():
        async with agent(tmp_path, load="s-9") as at_hand:
            return at_hand.session_id, at_hand.replayed, await at_hand.prompt("say more")

    session_id, replayed, more = run(talk())
    assert session_id == "s-9"
    assert [message.content for message in replayed.messages] == ["say before", "before"]
    assert [call.id for call in replayed.tool_executions] == ["c0"]
    assert [message.content for message in more.messages] == ["say more", "more"]


def test_a_refusal_is_a_stop_reason(tmp_path):
    """That the model refuses is an answer, no error."""
    assert turn(tmp_path, "say no", "refuse").stop_reason == "refusal"


def test_an_error_answer_is_told_with_what_came_before(tmp_path):
    """The agent's own words, its details, and the turn so far."""
    with pytest.raises(AgentRefused, match="Internal error: no model") as refused:
        turn(tmp_path, "say half", "error")
    assert refused.value.code == -32603
    assert said(refused.value.turn) == "half"


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (["--login"], AgentRefused, "Log in"),
        (["--version-99"], AgentProtocolError, "version 99"),
        (["--die=3"], AgentDied, "exit code 3.*no key found"),
    ],
)
def test_an_agent_that_cannot_begin_says_why(tmp_path, options, error, told):
    """Each reason is an error of its own kind, and the agent is gone."""

    async def talk():
        async with agent(tmp_path, *options):
            pytest.fail("it began")

    with pytest.raises(error, match=told):
        run(talk())


@pytest.mark.usefixtures("impatient")
def test_an_agent_that_never_begins_is_not_waited_for(tmp_path):
    """After its time it is ended, and the error says how long that was."""

    async def talk():
        async with agent(tmp_path, "--silent", start_timeout=0.5):
            pytest.fail("it began")

    with pytest.raises(AgentTimedOut, match=r"begin a session within 0\.5 s"):
        run(talk())


def test_a_session_is_not_loaded_where_the_agent_cannot(tmp_path):
    """Told before anything is asked of the agent."""

    async def talk():
        async with agent(tmp_path, "--no-load", load="s"):
            pytest.fail("it began")

    with pytest.raises(AgentRefused, match="cannot load"):
        run(talk())


@pytest.mark.parametrize(
    ("command", "reason"), [(("no-such-agent",), "No such file"), ((), "empty"), (("a\0b",), "null byte")]
)
def test_a_command_that_is_none(tmp_path, command, reason):
    """A wrong command names itself."""

    async def talk():
        async with AcpAgent(command, cwd=tmp_path):
            pytest.fail("it began")

    with pytest.raises(AgentNotStarted, match=reason):
        run(talk())


def test_an_agent_that_dies_is_told_with_its_last_words(tmp_path):
    """Its exit code, the end of its stderr, and the turn so far."""
    with pytest.raises(AgentDied, match=r"exit code 7.*out of memory") as died:
        turn(tmp_path, "say half", "call c1 x", "err out of memory", "die 7")
    assert died.value.exit_code == 7
    assert said(died.value.turn) == "half"
    assert died.value.turn.tool_executions[0].metadata["unfinished"] is True


def test_an_agent_that_is_killed_is_told(tmp_path):
    """A signal is an exit code below zero."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            pid = int(at_hand.session_id.rsplit("-", 1)[1])
            asyncio.get_running_loop().call_later(0.2, os.kill, pid, signal.SIGKILL)
            await at_hand.prompt("deaf")

    with pytest.raises(AgentDied) as died:
        run(talk())
    assert died.value.exit_code == -signal.SIGKILL


@pytest.mark.usefixtures("impatient")
def test_an_agent_that_closes_its_output_is_told(tmp_path):
    """It runs on, but says nothing any more."""
    with pytest.raises(AgentDied, match="closed its output") as died:
        turn(tmp_path, "close")
    assert died.value.exit_code is None


def test_lines_that_are_no_messages_are_passed_over(tmp_path):
    """A greeting, binary bytes, and JSON that is no message do no harm."""
    junk = [
        "raw Welcome!",
        "bytes ff00fe0a",
        "raw [1]",
        'raw {"id": []}',
        "raw NaN",
        'raw {"method": 7}',
        "raw " + "[" * 400,
    ]
    assert said(turn(tmp_path, *junk, "say still here")) == "still here"


@pytest.mark.parametrize(
    ("deeds", "told"), [(["long 70000000"], "64 MiB"), (["raw x"] * 1001, "1000 lines")], ids=["long", "many"]
)
def test_output_that_is_no_protocol_ends_it(tmp_path, deeds, told):
    """What is too long, or too much, is refused before it fills the memory."""
    with pytest.raises(AgentProtocolError, match=told):
        turn(tmp_path, *deeds, "hang")


@pytest.mark.usefixtures("impatient")
def test_nothing_stays_behind(tmp_path):
    """Neither the agent, deaf as it is, nor what it started."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            pid = int(at_hand.session_id.rsplit("-", 1)[1])
            child = int(said(await at_hand.prompt("child")))
            with pytest.raises(AgentError):
                await at_hand.prompt("deaf", timeout=0.1)
            assert is_alive(pid)
            assert is_alive(child)
        return pid, child

    assert all(dies(pid) for pid in run(talk()))


def test_nothing_stays_behind_a_client_that_is_killed(tmp_path):
    """Kill -9 ends the client, then the agent, deaf as it is, and what it started."""
    client = subprocess.Popen([sys.executable, str(CLIENT), str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    pids = [int(client.stdout.readline()) for _ in range(2)]
    assert all(is_alive(pid) for pid in pids)
    client.kill()
    client.wait(ALARM)
    client.stdout.close()
    assert all(dies(pid) for pid in pids)


def test_no_guard_stays_behind(tmp_path):
    """An agent that has ended leaves nobody in its group."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            return int(at_hand.session_id.rsplit("-", 1)[1])

    group = run(talk())
    until = clock.monotonic() + ALARM
    with pytest.raises(ProcessLookupError):
        while clock.monotonic() < until:
            os.killpg(group, 0)
            clock.sleep(0.01)


def test_the_end_of_stderr_is_kept(tmp_path):
    """Of much output only the last 64 KiB are."""

    async def talk():
        async with agent(tmp_path) as at_hand:
            await at_hand.prompt("\n".join(["err " + "x" * 10_000] * 20 + ["err the end"]))
            while not at_hand.stderr_tail.endswith("the end\n"):  # noqa: ASYNC110 - a pipe of its own, and nobody tells
                await asyncio.sleep(0.01)
            return at_hand.stderr_tail

    assert len(run(talk())) == 64 * 1024


def test_a_turn_joins_a_session_more_than_once(tmp_path):
    """The same prompt to several agents goes into one session, under ids of its own, files noted."""
    seen = turn(tmp_path, "call c1 x", "diff c1 new.txt", "say done")
    session = Session(project_path=str(tmp_path))
    seen.add_to(session)
    seen.add_to(session)
    assert len({entry.id for entry in session.timeline}) == 2 * len(seen.entries)
    first, second = session.tool_executions
    assert (first.id, second.metadata["original_id"]) == ("c1", "c1")
    assert (session.files_created, session.agents_used) == (["new.txt"], ["scripted"])


def test_a_missing_package_is_told_with_the_command(tmp_path, monkeypatch):
    """One line that says what to install; no agent is started."""
    monkeypatch.setitem(sys.modules, "acp", None)
    with pytest.raises(AcpMissing, match=r"pip install 'agent-client-protocol"):
        turn(tmp_path, "say x")
