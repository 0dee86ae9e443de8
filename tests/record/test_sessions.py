"""What a recorder makes of conversations: turns, several sessions, loads, people's own changes, long turns."""

from __future__ import annotations

import json
import os
import threading

import pytest

from session.importers.wires import Wire, selected, talking
from superqode.record.frames import Frame
from superqode.record.keeper import Keeper, Recording
from superqode.session import MessageRole, SessionStore, clock


@pytest.fixture
def place(tmp_path):
    """Where the store is."""
    return tmp_path / "store"


def frames(wire, start=0):
    """Give what was written on a wire since a line as copies of bytes."""
    for line in wire.lines[start:]:
        data = json.dumps(line["msg"], ensure_ascii=False).encode() + b"\n"
        yield Frame(line["dir"] == "agent->client", line["t"], data)


def recorded(place, *wires, **options):
    """Record connections one after the other; gives what was complained of."""
    told = []
    for wire in wires:
        keeper = Keeper(Recording(place, **options), told.append)
        for frame in frames(wire):
            keeper.take(frame)
        keeper.finish()
    return told


def stored(place, session_id="acp-s1"):
    """Give a stored session."""
    with SessionStore(place) as store:
        return store.load(session_id)


def history(place, session_id="acp-s1"):
    """Give how many entries each save added, the first save first."""
    with SessionStore(place) as store:
        saves = list(store.history(session_id))
    return [save.messages_added + save.executions_added for save in reversed(saves)]


def loading(*prompts, session="s1"):
    """Give a connection in which a session of these prompts and answers is loaded."""
    wire = Wire(session=session)
    wire.send({"id": "load", "method": "session/load", "params": {"sessionId": session, "cwd": "/p"}}, by_agent=False)
    for prompt, answer in prompts:
        wire.chunk(prompt, "user_message_chunk")
        wire.chunk(answer)
    return wire.send({"id": "load", "result": None}, by_agent=True)


def test_each_turn_is_one_save(place):
    """Two turns are two commits, each with its prompt, its answer and its calls."""
    wire = talking().thought("hm").chunk("a").call(title="edit").more().end().prompt("again").chunk("b").end()
    assert recorded(place, wire) == []
    assert history(place) == [3, 2]
    session = stored(place)
    assert [message.content for message in session.messages] == ["go", "a", "again", "b"]
    assert (session.title, session.project_path, session.agents_used) == ("go", "/p", ["an-agent"])


def test_sessions_of_one_connection_are_apart(place):
    """Each has its own branch, though their turns are mixed."""
    wire = talking()
    wire.chunk("one").end()
    wire.session = "s2"
    wire.new("/q").prompt("other").chunk("two").end()
    wire.session = "s1"
    wire.prompt("more").chunk("three").end()
    recorded(place, wire)
    assert [message.content for message in stored(place).messages] == ["go", "one", "more", "three"]
    assert [message.content for message in stored(place, "acp-s2").messages] == ["other", "two"]
    assert (history(place), history(place, "acp-s2")) == ([2, 2], [2])


def test_a_fork_is_a_session_of_its_own_with_its_parent(place):
    """It has what was said before, and goes on for itself."""
    wire = talking().chunk("one").end()
    wire.ask("session/fork", {"sessionId": "s1", "cwd": "/p"}, {"sessionId": "s2"})
    wire.session = "s2"
    wire.prompt("fork").chunk("two").end()
    recorded(place, wire)
    fork = stored(place, "acp-s2")
    assert [message.content for message in fork.messages] == ["go", "one", "fork", "two"]
    assert fork.parent_session_id == "acp-s1"
    assert len(stored(place).messages) == 2


def test_refusals_and_cancels_are_recorded(place):
    """A refused call, a cancelled turn and the model's own refusal each leave their mark."""
    wire = talking().call().permission(selected("no")).end()
    wire.prompt("stop").chunk("half").call("c2").send(
        {"method": "session/cancel", "params": {"sessionId": "s1"}}, by_agent=False
    )
    wire.end("cancelled").prompt("bad").chunk("no").end("refusal")
    recorded(place, wire)
    session = stored(place)
    assert [call.metadata.get("refused") or call.metadata.get("cancelled") for call in session.tool_executions] == [
        True,
        True,
    ]
    assert [call.success for call in session.tool_executions] == [False, False]
    reasons = [message.metadata.get("stop_reason") for message in session.messages]
    assert [reason for reason in reasons if reason] == ["cancelled", "refusal"]


def test_files_come_from_diffs_and_from_writes_through_the_client(place):
    """Made, changed, relative to the project; a write that failed is none."""
    diff = [{"type": "diff", "path": "/p/new.py", "oldText": None, "newText": "x"}]
    wire = (
        talking().call(kind="edit").more(content=diff).write("/p/made.txt").write("/p/not.txt", error={"code": 1}).end()
    )
    change = [{"type": "diff", "path": "/p/old.py", "oldText": "a", "newText": "b"}]
    wire.prompt("more").call("c2", kind="edit").more("c2", content=change).end()
    recorded(place, wire)
    session = stored(place)
    assert (session.files_created, session.files_modified) == (["new.py", "made.txt"], ["old.py"])


def test_files_go_on_from_what_is_stored(place):
    """A file made in an earlier connection stays made when it is changed later."""
    diff = [{"type": "diff", "path": "/p/a.py", "oldText": None, "newText": "x"}]
    later = [{"type": "diff", "path": "/p/a.py", "oldText": "x", "newText": "y"}]
    recorded(place, talking().call(kind="edit").more(content=diff).end())
    again = loading(("go", "")).prompt("more").call("c2", kind="edit").more("c2", content=later).end()
    recorded(place, again)
    session = stored(place)
    assert (session.files_created, session.files_modified) == (["a.py"], [])
    assert session.agents_used == ["an-agent"]


def test_what_is_repeated_on_load_is_there_once(place):
    """Loading adds nothing and saves nothing; the next turn comes behind, and keeps the first one's times."""
    recorded(place, talking().chunk("one").end())
    before = stored(place).timeline
    recorded(place, loading(("go", "one")))
    assert history(place) == [2]
    recorded(place, loading(("go", "one")).prompt("more").chunk("two").end())
    after = stored(place)
    assert after.timeline[:2] == before
    assert [message.content for message in after.messages] == ["go", "one", "more", "two"]
    assert history(place) == [2, 2]


def test_a_session_that_is_resumed_without_a_repetition_goes_on(place):
    """`session/resume` repeats nothing, and the same prompt once more is another one."""
    recorded(place, talking().chunk("one").end())
    again = Wire().ask("session/resume", {"sessionId": "s1", "cwd": "/p"}, {}).prompt("go").chunk("two").end()
    recorded(place, again)
    assert [message.content for message in stored(place).messages] == ["go", "one", "go", "two"]


def test_what_happened_elsewhere_comes_where_it_belongs(place):
    """A turn that was had without the recorder is between those it knows."""
    recorded(place, talking().chunk("one").end())
    recorded(place, loading(("go", "one"), ("elsewhere", "two")).prompt("more").chunk("three").end())
    texts = [message.content for message in stored(place).messages]
    assert texts == ["go", "one", "elsewhere", "two", "more", "three"]


def test_a_turn_that_was_cut_off_is_completed_by_the_repetition(place):
    """Half an answer and an unfinished call become whole when the agent repeats them."""
    cut = talking().chunk("It ").call(title="edit", rawInput={"path": "a"})
    recorded(place, cut)
    half = stored(place)
    assert half.messages[-1].metadata["interrupted"] is True
    assert half.tool_executions[0].metadata["unfinished"] is True
    wire = Wire()
    wire.send({"id": "load", "method": "session/load", "params": {"sessionId": "s1", "cwd": "/p"}}, by_agent=False)
    wire.chunk("go", "user_message_chunk").chunk("It works").call(title="edit", rawInput={"path": "a"}).more(
        rawOutput="done"
    )
    recorded(place, wire.send({"id": "load", "result": None}, by_agent=True))
    whole = stored(place)
    assert [message.content for message in whole.messages] == ["go", "It works"]
    (call,) = whole.tool_executions
    assert (call.result, call.success, "unfinished" in call.metadata) == ("done", True, False)


def test_what_people_did_meanwhile_stays(place):
    """A title, a tag, and a note of their own between the turns."""
    recorded(place, talking().chunk("one").end())
    with SessionStore(place) as store:
        session = store.load("acp-s1")
        session.title, session.tags = "Mine", ["keep"]
        session.metadata["note"] = "mine"
        session.add_message(MessageRole.USER, "a note")
        store.save(session)
    recorded(place, loading(("go", "one")).prompt("more").chunk("two").end())
    session = stored(place)
    assert [message.content for message in session.messages] == ["go", "one", "a note", "more", "two"]
    assert (session.title, session.tags, session.metadata["note"]) == ("Mine", ["keep"], "mine")


def test_what_people_do_while_it_is_recorded_stays(place):
    """Both writers' entries are there, and the recorder goes on."""
    told = []
    keeper = Keeper(Recording(place), told.append)
    wire = talking().chunk("one").end()
    for frame in frames(wire):
        keeper.take(frame)
    with SessionStore(place) as store:
        session = store.load("acp-s1")
        session.title = "Mine"
        session.add_message(MessageRole.USER, "a note")
        store.save(session)
    written = len(wire.lines)
    for frame in frames(wire.prompt("more").chunk("two").end(), written):
        keeper.take(frame)
    keeper.finish()
    session = stored(place)
    assert [message.content for message in session.messages] == ["go", "one", "a note", "more", "two"]
    assert (session.title, told) == ("Mine", [])


def test_a_session_that_is_deleted_while_it_is_recorded_stays_deleted(place):
    """It is told once, and the other sessions are recorded."""
    told = []
    keeper = Keeper(Recording(place), told.append)
    wire = talking().chunk("one").end()
    for frame in frames(wire):
        keeper.take(frame)
    with SessionStore(place) as store:
        store.delete("acp-s1")
    written = len(wire.lines)
    wire.prompt("more").chunk("two").end().prompt("more").chunk("two").end()
    wire.session = "s2"
    for frame in frames(wire.new().prompt("other").chunk("three").end(), written):
        keeper.take(frame)
    keeper.finish()
    with SessionStore(place) as store:
        assert [summary.id for summary in store.list_sessions()] == ["acp-s2"]
    assert len(told) == 1


def test_a_title_told_later_is_taken(place):
    """An agent that names the session after its first turn renames it; a title that was asked for stays."""
    recorded(place, talking().chunk("one").end().update("session_info_update", title="A better title"))
    assert stored(place).title == "A better title"
    wire = Wire(session="s2").new().prompt("go").chunk("one").end().update("session_info_update", title="No")
    recorded(place, wire, title="Asked for", project_path="/elsewhere")
    session = stored(place, "acp-s2")
    assert (session.title, session.project_path) == ("Asked for", "/elsewhere")


def test_a_long_turn_is_saved_while_it_goes_on(place):
    """What was said is stored before the turn ends; in the end nothing is there twice."""
    source, sink = os.pipe()
    keeper = Keeper(Recording(place, save_every=0.02), pytest.fail)
    keeping = threading.Thread(target=keeper.run, args=[source])
    keeping.start()
    wire = talking().chunk("half")
    for frame in frames(wire):
        os.write(sink, frame.encode())
    while not (place / "refs/heads/acp-s1").exists():
        clock.sleep(0.01)
    assert [message.content for message in stored(place).messages] == ["go", "half"]
    written = len(wire.lines)
    for frame in frames(wire.chunk(" whole").end(), written):
        os.write(sink, frame.encode())
    os.close(sink)
    keeping.join()
    os.close(source)
    assert [message.content for message in stored(place).messages] == ["go", "half whole"]


def test_lines_of_any_kind_do_no_harm(place):
    """Blank ones, garbage, JSON that is no message, cut in pieces anywhere."""
    wire = talking().chunk("ü").end()
    keeper = Keeper(Recording(place), pytest.fail)
    for frame in frames(wire):
        junk = Frame(frame.from_agent, frame.time, b"\n\xff\xfe\0\n[1]\n{\n{}\n" + b"[" * 3000 + b"\n")
        for piece in (junk, *(Frame(frame.from_agent, frame.time, bytes([byte])) for byte in frame.data)):
            keeper.take(piece)
    keeper.finish()
    assert [message.content for message in stored(place).messages] == ["go", "ü"]


def test_a_session_without_a_word_is_not_stored(place):
    """A client that only looks leaves no store behind."""
    assert recorded(place, Wire().new()) == []
    with SessionStore(place) as store:
        assert store.list_sessions() == []
