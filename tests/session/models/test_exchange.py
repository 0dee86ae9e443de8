"""Sessions as plain values: there and back without loss, old shapes read, hostile ones refused in one way."""

import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import json_values, sessions
from superqode.session import Session
from superqode.session.errors import InvalidSession
from superqode.session.models import Message, ToolExecution

OLD = {
    "id": "session-123",
    "title": "Fix SQL injection",
    "created_at": "2025-01-15T10:00:00",
    "updated_at": "2025-01-15T10:30:00",
    "project_path": "/path/to/project",
    "messages": [
        {"id": "m1", "role": "user", "content": "Fix it", "timestamp": "2025-01-15T10:00:01"},
        {
            "id": "m2",
            "role": "assistant",
            "content": "Done",
            "timestamp": "2025-01-15T10:00:03",
            "agent_name": "security_tester",
            "tool_calls": [{"id": "t1"}],
            "tool_call_id": None,
            "metadata": {},
        },
    ],
    "tool_executions": [
        {
            "id": "t1",
            "tool_name": "edit_file",
            "arguments": {"path": "src/api/users.py"},
            "result": "ok",
            "success": True,
            "timestamp": "2025-01-15T10:00:02",
            "duration_ms": 45,
            "agent_name": "security_tester",
        }
    ],
    "files_modified": ["src/api/users.py"],
    "files_created": [],
    "agents_used": ["security_tester"],
    "tags": ["security"],
    "parent_session_id": None,
    "snapshots": [],
}


def _with_snapshot(**fields):
    return OLD | {"snapshots": [{"id": "snap-1", "created_at": "2025-01-15T10:15:00", "description": "d"} | fields]}


@given(sessions())
def test_plain_values_there_and_back(session):
    """Any session comes back from its dict and from its JSON as it was, order and all."""
    assert Session.from_dict(session.to_dict()) == session
    assert Session.from_dict(json.loads(session.to_json())) == session
    assert Session.from_dict(json.loads(session.to_json(indent=None))) == session


@given(sessions(max_entries=4))
def test_snapshots_travel_too(session):
    """Snapshots of states that the session has left come back with their whole state."""
    session.create_snapshot("first", snapshot_id="first")
    session.add_message("user", "then gone")
    session.create_snapshot("second", snapshot_id="second")
    session.restore_snapshot("first")

    twin = Session.from_dict(json.loads(session.to_json()))

    assert twin == session
    assert [snapshot.state for snapshot in twin.snapshots] == [snapshot.state for snapshot in session.snapshots]


def test_json_text_is_utf8_with_escapes_only_where_needed():
    """Text reads as text; what no encoding can hold stands as an escape."""
    text = Session(id="s", title="測試 \ud800").to_json()

    assert '"測試 \\ud800"' in text
    assert text.encode()


def test_the_contracts_shape_has_the_contracts_names():
    """The keys of the session format in the contract are all there."""
    assert {
        "id",
        "title",
        "created_at",
        "updated_at",
        "project_path",
        "messages",
        "tool_executions",
        "files_modified",
        "files_created",
        "agents_used",
        "tags",
        "snapshots",
    } <= set(Session(id="s").to_dict())


def test_what_superqode_2_25_wrote_is_read():
    """The old shape without a timeline: the order comes from the times, naive times are local ones."""
    session = Session.from_dict(OLD)

    assert [entry.id for entry in session.timeline] == ["m1", "t1", "m2"]
    assert session.created_at == datetime(2025, 1, 15, 10).astimezone(UTC)
    assert session.files_modified == ["src/api/users.py"]
    assert session.tool_executions[0].duration_ms == 45


def test_missing_and_empty_fields_get_their_defaults():
    """Only an id is needed; `null` is as good as missing."""
    session = Session.from_dict({"id": "s", "title": None, "tags": None, "messages": None, "snapshots": None})

    assert (session.title, session.tags, session.timeline) == ("", [], [])
    assert Session.from_dict({"id": "s", "unknown": 1}).id == "s"


def test_a_snapshot_may_count_messages():
    """The old store kept a number: the state is everything before the next message, files and agents replayed."""
    session = Session.from_dict(_with_snapshot(message_count=1))
    state = session.snapshots[0].state

    assert [entry.id for entry in state.entries] == ["m1", "t1"]
    assert state.files_modified == ("src/api/users.py",)
    assert state.agents_used == ("security_tester",)
    assert Session.from_dict(_with_snapshot(message_count=0)).snapshots[0].state.entries == ()
    assert len(Session.from_dict(_with_snapshot(message_count=99)).snapshots[0].state.entries) == 3


def test_a_snapshot_may_hold_its_state():
    """The contract's snapshot format: messages and executions of its own, which need not be the session's."""
    state = {
        "files_modified": ["x"],
        "messages": [{"id": "other", "role": "user", "content": "o", "timestamp": "2025-01-15T10:00:00"}],
        "tool_executions": [],
    }
    session = Session.from_dict(_with_snapshot(state=state))

    assert [entry.id for entry in session.snapshots[0].state.entries] == ["other"]
    assert session.snapshots[0].state.files_modified == ("x",)


def test_a_snapshots_name_is_its_description():
    """Where an old snapshot has a name and no description, the name is it."""
    data = copy.deepcopy(_with_snapshot(message_count=1))
    del data["snapshots"][0]["description"]
    data["snapshots"][0]["name"] = "named"

    assert Session.from_dict(data).snapshots[0].description == "named"


def test_an_order_that_does_not_fit_is_not_followed():
    """A timeline that names other entries than there are is somebody's mistake: the times decide."""
    assert [entry.id for entry in Session.from_dict(OLD | {"timeline": ["m1", "t1"]}).timeline] == ["m1", "t1", "m2"]
    assert [entry.id for entry in Session.from_dict(OLD | {"timeline": ["m2", "t1", "m1"]}).timeline] == [
        "m2",
        "t1",
        "m1",
    ]


@pytest.mark.parametrize(
    "data",
    [
        None,
        5,
        "text",
        [],
        {},
        {"id": None},
        {"id": 5},
        {"id": "s", "messages": 5},
        {"id": "s", "messages": [5]},
        {"id": "s", "messages": [{}]},
        {"id": "s", "messages": {"a": 1}},
        {"id": "s", "tool_executions": [{"id": "x"}]},
        {"id": "s", "created_at": "soon"},
        {"id": "s", "tags": [5]},
        {"id": "s", "metadata": [1]},
        {"id": "s", "timeline": "x"},
        {"id": "s", "timeline": [5]},
        {"id": "s", "snapshots": "x"},
        {"id": "s", "snapshots": [5]},
        {"id": "s", "snapshots": [{}]},
        _with_snapshot(),
        _with_snapshot(state=5),
        _with_snapshot(state=[]),
        _with_snapshot(state={"timeline": ["nobody"]}),
        _with_snapshot(state={"timeline": [5]}),
        _with_snapshot(state={"messages": 5}),
        _with_snapshot(state={"messages": [], "files_modified": 5}),
        _with_snapshot(message_count=None),
        _with_snapshot(message_count=[]),
        _with_snapshot(message_count=1, id="../x"),
        _with_snapshot(message_count=1, created_at=None),
        {"id": "s", "messages": [{"id": "a", "role": "user", "content": "x"}] * 2, "timeline": []},
    ],
    ids=lambda data: str(data)[:50],
)
def test_hostile_values_are_refused_in_one_way(data):
    """Whatever is handed in as a session is one, or raises InvalidSession with a reason."""
    with pytest.raises(InvalidSession, match=r".{20}"):
        Session.from_dict(data)


KEYS = st.sampled_from([*OLD, "timeline", "metadata", "state", "message_count"])


@given(st.dictionaries(KEYS, json_values, max_size=6), st.booleans())
def test_garbage_is_a_session_or_invalid(garbage, fill):
    """Random JSON under the right names never raises anything but InvalidSession."""
    data = OLD | garbage if fill else garbage
    try:
        session = Session.from_dict(data)
    except InvalidSession:
        return
    assert isinstance(session, Session)
    assert all(isinstance(entry, Message | ToolExecution) for entry in session.timeline)
