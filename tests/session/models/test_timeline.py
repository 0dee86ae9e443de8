"""The order of a session: entries as they were added, lists edited as one likes, and no id twice."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import DuplicateEntry
from superqode.session.models import Message, Session, ToolExecution
from superqode.session.models.timeline import EntryList, common_prefix

START = datetime(2026, 1, 1, tzinfo=UTC)


def _message(name, second=0):
    return Message(id=name, role="user", content=name, timestamp=START + timedelta(seconds=second))


def _call(name, second=0):
    return ToolExecution(
        id=name, tool_name="t", arguments={}, result="", success=True, timestamp=START + timedelta(seconds=second)
    )


def _names(session):
    return [entry.id for entry in session.timeline]


@pytest.fixture
def session():
    """Three messages and three calls in turn, their times all the same."""
    session = Session(id="s")
    for number in range(3):
        session.add(_message(f"m{number}"))
        session.add(_call(f"c{number}"))
    return session


def test_the_order_is_that_of_adding(session):
    """What was added later stands later, whatever its timestamp says."""
    session.add(_message("early", -100))

    assert _names(session) == ["m0", "c0", "m1", "c1", "m2", "c2", "early"]


def test_the_timeline_is_a_copy(session):
    """Editing the list that `timeline` gives changes nothing."""
    session.timeline.clear()

    assert len(session.timeline) == 6


def test_what_is_put_into_a_list_is_placed_by_its_time(session):
    """Entries put into the lists directly come after what is there, among themselves by time, messages first."""
    session.tool_executions.append(_call("late", 30))
    session.messages.append(_message("middle", 20))
    session.tool_executions.append(_call("later", 40))
    session.messages.append(_message("tie", 40))

    assert _names(session)[6:] == ["middle", "late", "tie", "later"]


def test_an_inserted_entry_stands_where_its_neighbours_are(session):
    """An entry inserted into a list stays between its neighbours of that list."""
    session.messages.insert(1, _message("new", -50))

    assert [entry.id for entry in session.messages] == ["m0", "new", "m1", "m2"]
    assert _names(session).index("m0") < _names(session).index("new") < _names(session).index("m1")


def test_reordering_deleting_and_replacing_are_followed(session):
    """The timeline follows every edit of the lists."""
    session.messages.reverse()
    assert [name for name in _names(session) if name[0] == "m"] == ["m2", "m1", "m0"]
    assert [name for name in _names(session) if name[0] == "c"] == ["c0", "c1", "c2"]

    del session.messages[0]
    session.tool_executions.pop(0)
    assert set(_names(session)) == {"m1", "m0", "c1", "c2"}

    session.messages[0] = _message("other")
    assert "m1" not in _names(session)
    assert "other" in _names(session)


def test_a_replaced_entry_of_the_same_id_keeps_its_place(session):
    """An edited message stands where the old one stood."""
    session.messages[1] = Message(id="m1", role="user", content="edited", timestamp=START + timedelta(days=9))

    assert _names(session) == ["m0", "c0", "m1", "c1", "m2", "c2"]
    assert session.timeline[2].content == "edited"


def test_lists_can_be_set_whole(session):
    """A plain list put in place of another is taken over and checked."""
    session.messages = [_message("a"), {"id": "b", "role": "user", "content": "as plain values"}]

    assert [entry.id for entry in session.messages] == ["a", "b"]
    assert isinstance(session.messages[1], Message)
    with pytest.raises(ValueError):
        session.messages = [5]
    with pytest.raises(ValueError):
        session.messages = "text"


@pytest.mark.parametrize(
    "put",
    [
        lambda session: session.messages.append(session.messages[0]),
        lambda session: session.tool_executions.insert(0, session.tool_executions[0]),
        lambda session: session.tool_executions.append(_call("m0")),
        lambda session: session.messages.__imul__(2),
    ],
)
def test_no_id_stands_twice(session, put):
    """Two entries of one id are refused whichever way they come, with the id in the error."""
    put(session)
    with pytest.raises(DuplicateEntry, match=r"Session s would hold two entries with the id '[mc]0'") as caught:
        _names(session)
    assert caught.value.session_id == "s"


def test_a_refused_duplicate_can_be_taken_back(session):
    """After the error the list can be put right, and nothing is lost."""
    session.messages.append(_message("fresh"))
    session.messages.append(_message("m0"))
    for _ in range(2):
        with pytest.raises(DuplicateEntry):
            _names(session)

    session.messages.pop()

    assert _names(session) == ["m0", "c0", "m1", "c1", "m2", "c2", "fresh"]


def test_adding_a_duplicate_changes_nothing(session):
    """A refused `add` leaves lists, files and agents as they were."""
    before = session.to_dict()
    with pytest.raises(DuplicateEntry):
        session.add(ToolExecution(id="m0", tool_name="write", arguments={"path": "x"}, result="", success=True))

    assert session.to_dict() == before


def test_unchanged_beginnings_are_known(session):
    """After a mark, `untouched` counts the entries that are the very same since: what a save need not write."""
    timeline = session._timeline
    session._order()
    timeline.mark()
    session.add(_message("more"))
    assert (timeline.untouched, len(session._order())) == (6, 7)

    session.messages[1] = _message("m1")
    session._order()
    assert timeline.untouched == 2


def test_a_prefix_is_told_by_identity():
    """The common beginning counts the same objects, not equal ones: that is what costs nothing."""
    one, two, twin = _message("a"), _message("b"), _message("b")

    assert common_prefix([one, two], [one, two]) == 2
    assert common_prefix([one, two], [one, twin]) == 1
    assert common_prefix([], [one]) == 0


EDITS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "add",
                "append",
                "insert",
                "delete",
                "replace",
                "reverse",
                "sort",
                "slice",
                "pop",
                "extend",
                "remove",
                "set",
            )
        ),
        st.booleans(),
        st.integers(0, 6),
        st.integers(-3, 3),
        st.booleans(),
    ),
    max_size=25,
)


def _edit(session, kind, of_messages, place, second, number):
    name = f"{'m' if of_messages else 'c'}{number}"
    entry = _message(name, second) if of_messages else _call(name, second)
    listed = session.messages if of_messages else session.tool_executions
    where = min(place, max(0, len(listed) - 1))
    if kind == "add":
        session.add(entry)
    elif kind == "append":
        listed.append(entry)
    elif kind == "extend":
        listed.extend([entry])
    elif kind == "insert":
        listed.insert(place, entry)
    elif kind == "reverse":
        listed.reverse()
    elif kind == "sort":
        listed.sort(key=lambda item: item.id)
    elif kind == "set":
        setattr(session, "messages" if of_messages else "tool_executions", [*reversed(listed), entry])
    elif listed and kind == "delete":
        del listed[where]
    elif listed and kind == "pop":
        listed.pop(where)
    elif listed and kind == "remove":
        listed.remove(listed[where])
    elif listed and kind == "replace":
        listed[where] = entry
    elif kind == "slice":
        listed[place : place + 2] = [entry]


@given(EDITS)
def test_any_edits_keep_both_lists_own_order(edits):
    """Whatever is done to the two lists, the timeline holds exactly their entries, each list in its own order."""
    session = Session(id="s")
    for number, (kind, of_messages, place, second, look) in enumerate(edits):
        _edit(session, kind, of_messages, place, second, number)
        if look:  # looking in between must not matter
            _names(session)
    order = session.timeline

    assert [entry for entry in order if isinstance(entry, Message)] == session.messages
    assert [entry for entry in order if isinstance(entry, ToolExecution)] == session.tool_executions
    assert len(order) == len(session.messages) + len(session.tool_executions)


@given(st.lists(st.tuples(EDITS.filter(lambda edits: len(edits) < 4), st.randoms(), st.booleans()), max_size=4))
def test_an_order_that_is_set_is_the_lists_order(turns):
    """Whatever was done before, after an order is set the lists hold just its entries, and just their ids are known."""
    session = Session(id="s")
    gone = {}
    for turn, (edits, dice, look) in enumerate(turns):
        for number, (kind, of_messages, place, second, _) in enumerate(edits):
            _edit(session, kind, of_messages, place, second, 100 * turn + number)
        if look:
            session._timeline.knows(_message("nobody"))
        order = session.timeline if look else [*session.messages, *session.tool_executions]
        keep = dice.randint(0, len(order))
        wanted = [*order[:keep], *dice.sample(order[keep:], dice.randint(0, len(order) - keep)), _call(f"set-{turn}")]
        gone.update((entry.id, entry) for entry in order)

        session._set_order(wanted)

        assert session.timeline == wanted
        assert session.messages == [entry for entry in wanted if isinstance(entry, Message)]
        assert session.tool_executions == [entry for entry in wanted if isinstance(entry, ToolExecution)]
        there = {entry.id for entry in wanted}
        assert {name for name, entry in gone.items() if session._timeline.knows(entry)} == there & gone.keys()


@given(EDITS)
def test_untouched_is_never_too_much(edits):
    """However the lists are edited, the beginning counted as untouched is the very beginning of the last mark."""
    session = Session(id="s")
    for number in range(4):
        session.add(_message(f"old-m{number}"))
        session.add(_call(f"old-c{number}"))
    marked = session.timeline
    session._timeline.mark()
    for number, (kind, of_messages, place, second, look) in enumerate(edits):
        _edit(session, kind, of_messages, place, second, number)
        if look:
            _names(session)
    order = session._order()
    untouched = session._timeline.untouched

    assert all(now is then for now, then in zip(order[:untouched], marked[:untouched], strict=True))


def test_every_method_that_changes_a_list_is_noticed():
    """A list method that edits is counted, or only appends: a new Python brings none in unseen."""
    appending = {"append", "extend", "__iadd__", "__init__"}
    reading = {name for name in vars(list) if name.startswith("__")} | {"copy", "count", "index"}
    editing = {"__setitem__", "__delitem__", "__imul__"} | set(vars(list)) - reading - appending

    assert editing <= set(vars(EntryList))
