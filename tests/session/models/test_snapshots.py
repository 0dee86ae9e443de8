"""Snapshots in memory: a name for a state, and the way back to it."""

import pickle
from datetime import UTC, datetime

import pytest

from superqode.session import Session
from superqode.session.errors import InvalidSession, InvalidSessionId, SnapshotNotFound
from superqode.session.models import Message, Snapshot, SnapshotState


@pytest.fixture
def session(still_clock):
    """One message, one file, one agent."""
    session = Session(id="s", title="T", tags=["t"], metadata={"m": 1})
    session.add_message("assistant", "first", "a")
    session.add_tool_execution("write_file", {"path": "f"}, "", True)
    return session


def test_a_snapshot_names_the_present_state(session, still_clock):
    """It stands in `snapshots`, has the description, the time in whole seconds, and the contract's shape."""
    still_clock.advance(microseconds=5)
    snapshot = session.create_snapshot("Before fix")

    assert session.snapshots == [snapshot]
    assert snapshot.description == "Before fix"
    assert snapshot.created_at == still_clock.moment.replace(microsecond=0)
    told = snapshot.to_dict()
    assert set(told) == {"id", "created_at", "description", "state"}
    assert told["state"]["messages"] == [session.messages[0].to_dict()]
    assert told["state"]["tool_executions"] == [session.tool_executions[0].to_dict()]
    assert told["state"]["files_created"] == ["f"]
    assert snapshot.state["files_created"] == ["f"]


def test_what_comes_later_is_not_in_it(session):
    """A snapshot's state does not move with the session."""
    snapshot = session.create_snapshot("one")
    session.add_message("user", "later")
    session.messages.clear()

    assert [message.content for message in snapshot.state.messages] == ["first"]


def test_restoring_goes_back_with_timeline_files_and_agents(session):
    """Timeline, files and agents are those of the snapshot; title, tags and metadata stay as they are."""
    snapshot = session.create_snapshot("one")
    session.add_message("assistant", "second", "b")
    session.add_tool_execution("edit_file", {"path": "g"}, "", True)
    session.title, session.tags = "New", ["u"]
    session.metadata["m"] = 2

    session.restore_snapshot(snapshot.id)

    assert [message.content for message in session.messages] == ["first"]
    assert len(session.tool_executions) == 1
    assert (session.files_created, session.files_modified, session.agents_used) == (["f"], [], ["a"])
    assert (session.title, session.tags, session.metadata) == ("New", ["u"], {"m": 2})
    assert session.snapshots == [snapshot]


def test_one_can_go_back_and_forth(session):
    """Restoring an older snapshot does not take the newer ones."""
    session.create_snapshot("one", snapshot_id="one")
    session.add_message("user", "second")
    session.create_snapshot("two", snapshot_id="two")

    session.restore_snapshot("one")
    assert len(session.messages) == 1
    session.restore_snapshot("two")
    assert len(session.messages) == 2
    session.add_message("user", "third")
    assert [message.content for message in session.messages] == ["first", "second", "third"]


def test_a_snapshot_that_is_not_there_is_an_error(session):
    """The error names the snapshots there are."""
    session.create_snapshot("one", snapshot_id="one")
    with pytest.raises(SnapshotNotFound, match=r"Session s has no snapshot 'two'\. It has: one"):
        session.restore_snapshot("two")
    with pytest.raises(SnapshotNotFound, match="It has no snapshots"):
        Session(id="e").restore_snapshot("one")


@pytest.mark.parametrize("snapshot_id", ["../x", "-x", "a/b", "a.lock", "x" * 300])
def test_hostile_snapshot_ids_are_refused(session, snapshot_id):
    """A snapshot's id becomes part of a ref, so it is checked like a session's."""
    with pytest.raises(InvalidSessionId):
        session.create_snapshot("x", snapshot_id=snapshot_id)
    assert session.snapshots == []


def test_snapshot_ids_are_taken_once_whatever_the_case(session):
    """Two snapshots whose ids differ in case only would be one file on some disks."""
    session.create_snapshot("x", snapshot_id="One")
    with pytest.raises(InvalidSession, match="has a snapshot one already"):
        session.create_snapshot("x", snapshot_id="one")


def test_states_are_loaded_when_asked_for():
    """A stored snapshot reads its state once, when somebody wants it; one without any says so."""
    asked = []

    def load():
        asked.append(1)
        return SnapshotState(())

    snapshot = Snapshot("x", "", datetime(2026, 1, 1, tzinfo=UTC), load=load)
    assert asked == []
    assert snapshot.state is snapshot.state
    assert asked == [1]
    with pytest.raises(AttributeError, match="without a state"):
        _ = Snapshot("x", "", datetime(2026, 1, 1, tzinfo=UTC)).state


def test_snapshots_compare_and_travel(session):
    """Snapshots are equal by id, description and time; a pickled one carries its state along."""
    snapshot = session.create_snapshot("one")
    twin = pickle.loads(pickle.dumps(snapshot))  # noqa: S301 - our own

    assert twin == snapshot
    assert hash(twin) == hash(snapshot)
    assert twin.state == snapshot.state
    assert snapshot != "one"
    assert "one" in repr(snapshot)


def test_references_name_what_is_there_and_hold_the_rest():
    """In an export a state names entries by id where the session has them, and holds the others whole."""
    kept = Message(id="kept", role="user", content="k")
    gone = Message(id="gone", role="user", content="g")
    changed = Message(id="changed", role="user", content="before")
    state = SnapshotState((kept, gone, changed))

    told = state.to_reference({"kept": kept, "changed": Message(id="changed", role="user", content="after")})

    assert told["timeline"] == ["kept", gone.to_dict(), changed.to_dict()]
