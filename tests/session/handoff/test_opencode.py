"""Hand-offs to opencode: an export that its import takes, read back from its database as it lies there."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from functools import partial

import pytest

from session.importers.opencode_scripts import Talk, text, tool
from superqode.session.handoff.again import begins_with, imported_sessions, items_of
from superqode.session.handoff.neutral import same_items
from superqode.session.handoff.opencode import ids
from superqode.session.importers.base import Source

from . import scenes

WRITER = scenes.BY_NAME["opencode"]


def _export(handoff):
    return json.loads(handoff.files[0].content)


def _messages(handoff):
    return _export(handoff)["messages"]


def _talk(name="one", **info):
    talk = Talk(name, directory="/home/ann/proj", **info)
    talk.user("look at /home/ann/proj/a.py", agent="build", model={"providerID": "v", "modelID": "m"})
    talk.assistant(text("Looking"), tool("c1", output="x = 1"), finish="tool-calls")
    talk.assistant(text("Done"), finish="stop")
    return talk


def _import(content):
    return imported_sessions(content, "x.json", "opencode")[0]


def test_no_message_is_of_the_future():
    """Times are the session's own where they can be, each later than the one before, the last one over for a second."""
    talk = scenes.Talk()
    talk.says("go", timestamp=scenes.NOW - timedelta(days=1))
    for number in range(5):
        talk.answers(f"step {number}", timestamp=scenes.NOW + timedelta(days=1))
    times = [message["info"]["time"]["created"] for message in _messages(scenes.hand("opencode", talk.session))]
    now = int(scenes.NOW.timestamp() * 1000)
    assert times[0] == now - 24 * 3600 * 1000
    assert times == sorted(set(times))
    assert times[-1] == now - 1000


def test_it_is_no_fork_for_being_older():
    """The session is as old as its first message: opencode takes messages that are older than theirs for a fork's."""
    handoff = scenes.hand("opencode", scenes.small())
    export = _export(handoff)
    assert export["info"]["time"]["created"] == export["messages"][0]["info"]["time"]["created"]
    assert "relation" not in scenes.back("opencode", handoff).metadata


def test_ids_stand_in_the_order_of_the_conversation():
    """Messages and parts sort as they were said, whatever their number, and all ids are opencode's kind of ids."""
    talk = scenes.Talk().says("go")
    talk.answers("many")
    for number in range(30):
        talk.calls("shell", f"done {number}")
    messages = _messages(scenes.hand("opencode", talk.answers("ok").session))
    own = [message["info"]["id"] for message in messages]
    parts = [part["id"] for message in messages for part in message["parts"]]
    assert (own, parts) == (sorted(set(own)), sorted(set(parts)))
    assert all(len(name) == 30 and name.isascii() for name in (*own, *parts))


def test_thousands_of_parts_have_an_order():
    """Also behind the number that an id's time leaves room for."""
    made = [ids.part_id(1_795_340_000_000, number, "m") for number in range(6000)]
    assert made == sorted(set(made))


@pytest.mark.parametrize("prompt", ['"all of it quoted"', "ends with a newline\n", "plain", '"one"'])
def test_a_prompt_is_read_back_as_it_was(prompt):
    """`opencode run` puts quotes around prompts; one that has its own keeps them."""
    session = scenes.Talk().says(prompt).answers("ok").session
    assert scenes.said(scenes.back("opencode", scenes.hand("opencode", session)))[0][0] == ("user", prompt)


@pytest.mark.parametrize(
    ("chosen", "used", "own", "expected"),
    [
        ("a/b", "c/d", "e/f", "a/b"),
        ("", "c/d", "e/f", "c/d"),
        ("", "", "e/f/g", "e/f/g"),
        ("", "", "", "opencode/big-pickle"),
    ],
    ids=["chosen", "used here", "the session's", "none"],
)
def test_the_next_prompt_goes_to_a_model_that_is_there(chosen, used, own, expected):
    """The one that was chosen, else the one last used here, else the session's: an unknown one is never answered."""
    home = scenes.Home()
    if used:
        provider, model = used.split("/")
        talk = Talk("used").user("x", agent="build", model={"providerID": provider, "modelID": model})
        home.put(scenes.DATABASE, scenes.opencode_import(b"", talk.export))
    session = scenes.small()
    if own:
        provider, _, model = own.partition("/")
        talk = Talk().user("look", agent="build").assistant(text("ok"), providerID=provider, modelID=model)
        session = _import(talk.export)
    place = scenes.Place(scenes.ELSEWHERE, scenes.NOW, home, chosen)
    handoff = WRITER.plan(session, place)
    provider, _, model = expected.partition("/")
    asked = [message["info"]["model"] for message in _messages(handoff) if message["info"]["role"] == "user"]
    assert asked == [{"providerID": provider, "modelID": model}] * len(asked)
    assert f"It goes on with the model {expected}; another can be named with -m." in handoff.receipt.notes


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"no database"], ids=["empty", "cut", "other"])
def test_a_database_that_cannot_be_read_is_none(content):
    """The session is written then; opencode itself will say what is wrong with its own."""
    home = scenes.Home({scenes.DATABASE: content})
    handoff = WRITER.plan(scenes.small(), scenes.place(home))
    assert len(handoff.files) == 1


def test_its_own_session_goes_back_under_new_ids():
    """Everything said and called goes over; ids, folder, model and times are this machine's."""
    talk = _talk()
    reasoning = {"type": "reasoning", "text": "hm", "time": {"start": 1, "end": 2}}
    bound = {**reasoning, "metadata": {"openai": {"reasoningEncryptedContent": "Z2F0"}}}
    talk.assistant(reasoning, bound, {"type": "snapshot", "snapshot": "0a"}, text("And more"), finish="stop")
    session = _import(talk.export)
    handoff = scenes.hand("opencode", session, original=talk.export, project=scenes.ELSEWHERE)
    assert handoff.receipt.notes[0] == "Carried over from the agent's own transcript."
    export = _export(handoff)
    assert (export["info"]["id"], export["info"]["directory"]) == (handoff.session_id, scenes.ELSEWHERE)
    assert export["info"]["title"] == "A title"
    told = handoff.files[0].content.decode()
    assert talk.id not in told
    assert not any(message["info"]["id"] in told for message in talk.messages)
    assert "/home/ann" not in told
    assert export["messages"][1]["info"]["parentID"] == export["messages"][0]["info"]["id"]
    kinds = [part["type"] for part in export["messages"][-1]["parts"]]
    assert kinds == ["step-start", "reasoning", "text"]
    assert handoff.receipt.left_out == {
        "states of files of the other machine": 1,
        "thoughts, which only their own account may send again": 1,
    }


def test_what_the_session_got_since_is_behind_its_own():
    """Entries added after the import stand behind the carried ones, later than those."""
    talk = _talk()
    session = _import(talk.export)
    more = scenes.Talk()
    more.session, more.moment = session, session.updated_at
    more.says("and b.py?").answers("That, too")
    handoff = scenes.hand("opencode", session, original=talk.export, project="/home/ann/proj")
    messages = _messages(handoff)
    times = [message["info"]["time"]["created"] for message in messages]
    assert (len(messages), times) == (5, sorted(set(times)))
    assert messages[-1]["info"]["parentID"] == messages[-2]["info"]["id"]
    assert same_items(items_of(scenes.back("opencode", handoff)), items_of(session))


def test_fields_that_older_versions_did_not_write_are_there():
    """A message of before 1.0 gets what today's import asks for."""
    talk = Talk().user("go").add("assistant", text("ok"), modelID="m", providerID="v")
    handoff = scenes.hand("opencode", _import(talk.export), original=talk.export)
    asked, answered = (message["info"] for message in _messages(handoff))
    assert (asked["agent"], asked["model"].keys()) == ("build", {"providerID", "modelID"})
    assert {"parentID", "mode", "agent", "path", "cost", "tokens"} <= answered.keys()


@pytest.mark.parametrize(
    ("talk", "why"),
    [
        (_talk(revert={"messageID": "msg_one0003"}), "taken back"),
        (Talk().user("go").assistant(text("x"), tool("c1", status="running")), "no result"),
    ],
    ids=["taken back", "running"],
)
def test_it_is_written_anew_where_it_cannot_go_as_it_is(talk, why):
    """What was taken back does not come back, and no call is without a result."""
    session = _import(talk.export)
    handoff = scenes.hand("opencode", session, original=talk.export, project=session.project_path)
    assert why in handoff.receipt.notes[0]
    assert begins_with(items_of(scenes.back("opencode", handoff)), items_of(session))


def test_a_storage_of_small_files_goes_back_too():
    """A session of many files is as good an original as an export."""
    talk = _talk()
    files = talk.files()
    openers = {name: partial(_open_one, content) for name, content in files.items()}
    sources = {source.name: source for source in scenes.sources_of(openers)}
    original: Source = sources[f"storage/session/p1/{talk.id}.json"]
    handoff = scenes.hand("opencode", _import(talk.export), original=original)
    assert handoff.receipt.notes[0] == "Carried over from the agent's own transcript."
    assert len(_messages(handoff)) == 3


def _open_one(content, ending=""):
    if ending:
        raise FileNotFoundError(ending)
    return io.BytesIO(content)
