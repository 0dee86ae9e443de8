"""`Session`: made, filled, copied, forked; what cannot be stored is refused before it is in."""

import copy
import os
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from pydantic import ValidationError

from strategies import sessions
from superqode.session import MessageRole, Session, create_session
from superqode.session.errors import DuplicateEntry, InvalidEntry
from superqode.session.models import FrozenDict, Message


def test_add_message_gives_the_message():
    """Every argument of the contract stands in the message that comes back, and the session holds that very one."""
    session = Session(id="s")

    message = session.add_message(
        role=MessageRole.USER,
        content="Fix the bug",
        agent_name="security_tester",
        tool_calls=[{"id": "call-123"}],
        tool_call_id="call-123",
        metadata={"k": 1},
    )

    assert session.messages[0] is message
    assert (message.role, message.content, message.agent_name) == ("user", "Fix the bug", "security_tester")
    assert (message.tool_calls, message.tool_call_id, message.metadata) == ([{"id": "call-123"}], "call-123", {"k": 1})


def test_add_tool_execution_gives_the_execution():
    """Every argument of the contract stands in the execution that comes back."""
    session = Session(id="s")

    call = session.add_tool_execution(
        tool_name="read_file",
        arguments={"path": "src/api/users.py"},
        result="file content...",
        success=True,
        duration_ms=45,
        agent_name="security_tester",
    )

    assert session.tool_executions[0] is call
    assert (call.tool_name, call.arguments, call.result) == (
        "read_file",
        {"path": "src/api/users.py"},
        "file content...",
    )
    assert (call.success, call.duration_ms, call.agent_name) == (True, 45, "security_tester")


def test_roles_may_be_given_as_text():
    """`"assistant"` is as good as the enum."""
    assert Session(id="s").add_message("assistant", "x").role is MessageRole.ASSISTANT


def test_agents_are_listed_once_in_order():
    """Agents of messages and of executions stand in `agents_used` in order of appearance."""
    session = Session(id="s")
    session.add_message("user", "x")
    session.add_message("assistant", "x", "b")
    session.add_tool_execution("t", {}, "", False, agent_name="a")
    session.add_message("assistant", "x", "b")

    assert session.agents_used == ["b", "a"]


def test_adding_brings_the_time_forward(still_clock):
    """`updated_at` is the time of the last change, and an older entry does not turn it back."""
    session = Session(id="s")
    assert session.created_at == session.updated_at == still_clock.moment
    still_clock.advance(minutes=1)
    session.add_message("user", "x")
    assert session.updated_at == still_clock.moment
    session.add(Message(role="user", content="old", timestamp=still_clock.moment - timedelta(days=1)))
    assert session.updated_at == still_clock.moment


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "narrator"},
        {"content": None},
        {"content": b"bytes"},
        {"tool_calls": [float("nan")]},
        {"tool_calls": [{1: 2}]},
        {"metadata": {"x": float("inf")}},
        {"metadata": {"x": 10**5000}},
        {"agent_name": 5},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_messages_that_cannot_be_stored_are_refused(fields):
    """The error is ours, names the session and the field, and the session is as it was."""
    session = Session(id="s")
    with pytest.raises(InvalidEntry, match=f"cannot be stored in session s: {next(iter(fields))}"):
        session.add_message(**({"role": "user", "content": "x"} | fields))
    assert session.timeline == []


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_name": None},
        {"arguments": {"x": float("nan")}},
        {"arguments": "x"},
        {"result": None},
        {"success": "perhaps"},
        {"duration_ms": -5},
        {"duration_ms": 10**30},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_executions_that_cannot_be_stored_are_refused(fields):
    """The error is ours, names the session and the field, and the session is as it was."""
    session = Session(id="s")
    usual = {"tool_name": "t", "arguments": {}, "result": "", "success": True}
    with pytest.raises(InvalidEntry, match=f"cannot be stored in session s: {next(iter(fields))}"):
        session.add_tool_execution(**(usual | fields))
    assert session.timeline == []


def test_assigning_is_checked():
    """Fields of the wrong type and fields there are none of are refused at once."""
    session = Session(id="s")
    for name, value in (("title", 5), ("tags", "x"), ("created_at", "soon"), ("titel", "typo"), ("snapshots", [1])):
        with pytest.raises(ValidationError):
            setattr(session, name, value)
    with pytest.raises(ValidationError):
        Session(id="s", titel="typo")


def test_paths_may_be_paths():
    """`project_path` takes anything that is a path, and holds text."""
    assert Session(project_path=Path("/p/q")).project_path == "/p/q"
    assert create_session(project_path=Path("/p")).project_path == "/p"
    assert create_session().project_path == ""


def test_create_session_names_itself(still_clock):
    """A session made without a title is named after the time."""
    assert create_session().title.startswith("Session 2026-11-22 ")
    assert create_session("Mine", "/p").title == "Mine"
    assert create_session().id.startswith("20261122-100000-")


def test_sessions_compare_by_content():
    """Equal content is equal, another order of the same entries is not, and a session is no key of a dict."""
    one = Session(id="s")
    one.add_message("user", "a")
    one.add_tool_execution("t", {}, "", True)
    twin = one.model_copy()
    turned = one.model_copy()
    turned._set_order(reversed(turned.timeline))

    assert one == twin
    assert one != turned
    assert one != "s"
    with pytest.raises(TypeError):
        hash(one)


@pytest.mark.parametrize(
    "make",
    [Session.model_copy, copy.copy, copy.deepcopy, lambda session: session.model_copy(deep=True), Session.fork],
    ids=["model_copy", "copy", "deepcopy", "deep", "fork"],
)
def test_copies_share_nothing_one_can_edit(make):
    """Every list and dict of a copy is its own; the entries, which never change, are the same objects."""
    session = Session(id="s", tags=["t"], metadata={"deep": {"list": [1]}})
    session.add_message("user", "x", "agent", metadata={"a": 1})
    session.add_tool_execution("write_file", {"path": "f"}, "", True)
    session.create_snapshot("one")
    before = session.to_dict()
    copied = make(session)

    copied.add_message("user", "y", "other")
    copied.messages.clear()
    copied.tool_executions.pop()
    copied.tags.append("u")
    copied.files_created.clear()
    copied.files_modified.append("g")
    copied.agents_used.clear()
    copied.snapshots.clear()
    copied.metadata["deep"]["list"].append(2)
    copied.title = "other"

    assert session.to_dict() == before
    assert make(session).messages[0] is session.messages[0]


def test_a_fork_goes_on_from_here(still_clock):
    """A fork has the conversation, a new id, a parent, a title of its own, and begins now."""
    session = Session(id="s", title="Fix")
    session.add_message("user", "x")
    still_clock.advance(hours=1)

    forked = session.fork()

    assert forked.id != "s"
    assert forked.parent_session_id == "s"
    assert forked.title == "Fork of Fix"
    assert session.fork("Mine").title == "Mine"
    assert Session(id="untitled").fork().title == "Fork of untitled"
    assert forked.created_at == forked.updated_at == still_clock.moment
    assert forked.timeline == session.timeline


def test_copies_of_frozen_metadata_can_be_edited():
    """Metadata that came frozen from an entry is plain again in a copy."""
    session = Session(id="s", metadata={"from": FrozenDict({"a": 1})})

    copied = session.model_copy()
    copied.metadata["from"]["a"] = 2

    assert session.metadata == {"from": {"a": 1}}


@given(sessions())
def test_sessions_survive_pickle(session):
    """A pickled session is the same session, ready to go on."""
    twin = pickle.loads(pickle.dumps(session))  # noqa: S301 - our own

    assert twin == session
    twin.add_message("user", "on")
    assert len(twin.timeline) == len(session.timeline) + 1


def test_updates_go_through_the_checks():
    """`model_copy(update=…)` checks what it sets."""
    assert Session(id="s").model_copy(update={"title": "new"}).title == "new"
    with pytest.raises(ValidationError):
        Session(id="s").model_copy(update={"tags": 5})


def test_ready_made_entries_are_tracked_too():
    """`add` notes agents and files of an entry made elsewhere, and refuses an id that is taken."""
    session = Session(id="s")
    entry = Message(id="m", role="assistant", content="x", agent_name="a", timestamp=datetime(2020, 1, 1, tzinfo=UTC))
    session.add(entry)

    assert session.agents_used == ["a"]
    with pytest.raises(DuplicateEntry):
        session.add(entry)


def test_path_like_objects_are_asked_for_their_path():
    """Any object with a path of its own will do."""

    class Place(os.PathLike):
        def __fspath__(self):
            return "/place"

    assert Session(project_path=Place()).project_path == "/place"
