"""A stored session that goes on: what its source tells, beside what people did to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superqode.session import Message, MessageRole, Session
from superqode.session.store.growing import Told, grow, lined_up


def entry(name, text=""):
    """Give a message with this id."""
    return Message(id=name, role=MessageRole.USER, content=text or name)


def session(*names, **fields):
    """Give a session of messages with these ids."""
    made = Session(id="s", **fields)
    for name in names:
        made.add(entry(name))
    return made


IDS = st.lists(st.sampled_from([f"t{number}" for number in range(6)]), unique=True)


@given(IDS, IDS, st.lists(st.integers(0, 8), max_size=4))
def test_the_source_decides_the_order_of_its_own(stored_ids, told_ids, places):
    """Its entries stand in its order, each other stored entry is there once, behind what it followed."""
    stored = [entry(name) for name in stored_ids if name in told_ids]
    for number, place in enumerate(places):
        stored.insert(place, entry(f"own{number}"))
    told = [entry(name) for name in told_ids]
    lined = lined_up(stored, told)
    assert [one for one in lined if not one.id.startswith("own")] == told
    assert sorted(one.id for one in lined) == sorted({one.id for one in (*stored, *told)})
    for before, own in zip(stored, stored[1:], strict=False):
        if own.id.startswith("own"):
            at = next(place for place, one in enumerate(lined) if one.id == own.id)
            assert lined[at - 1].id == before.id


def test_what_the_source_tells_anew_is_taken_and_the_rest_stays():
    """Entries, files, agents, title and metadata of the source; everything else is people's."""
    stored = session("t1", "own", title="First", files_created=["a", "mine"], metadata={"acp": 1, "note": "mine"})
    stored.tags = ["keep"]
    before = Told("First", files_created=("a",), metadata={"acp": 1, "gone": 1})
    told = session("t1", "t2", title="Better", files_created=["b"], project_path="/p", metadata={"acp": 2})
    grow(stored, told, before)
    assert [one.id for one in stored.timeline] == ["t1", "own", "t2"]
    assert (stored.title, stored.tags, stored.project_path) == ("Better", ["keep"], "/p")
    assert stored.files_created == ["mine", "b"]
    assert stored.metadata == {"acp": 2, "note": "mine"}


def test_a_title_that_people_gave_stays():
    """The source's later title is not taken over it."""
    stored = session(title="Mine")
    grow(stored, session(title="Better"), Told("First"))
    assert stored.title == "Mine"


def test_an_entry_that_has_grown_replaces_the_stored_one():
    """By its id; the others are the same objects, which costs the next save nothing."""
    stored = session("t1", "t2")
    first = stored.timeline[0]
    told = Session(id="s")
    told.add(first)
    told.add(entry("t2", "longer"))
    grow(stored, told, Told())
    assert stored.timeline[0] is first
    assert stored.timeline[1].content == "longer"
