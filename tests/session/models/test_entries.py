"""Messages and executions: frozen once made, in the field names of superqode 2.25, refusing what cannot be stored."""

import copy
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from pydantic import ValidationError

from strategies import entries
from superqode.session.models import FrozenDict, FrozenList, Message, MessageRole, ToolExecution, entry_from_dict


def _message(**fields):
    return Message(**({"role": "user", "content": "hello"} | fields))


def _call(**fields):
    given = {"tool_name": "read_file", "arguments": {"path": "a"}, "result": "text", "success": True}
    return ToolExecution(**(given | fields))


def test_four_roles_equal_their_text():
    """There are four roles, and each is its text."""
    assert [role.value for role in MessageRole] == ["user", "assistant", "system", "tool"]
    assert MessageRole.USER == "user"
    assert _message().role is MessageRole.USER


@pytest.mark.parametrize("name", ["id", "role", "content", "timestamp", "metadata", "tool_calls"])
def test_messages_do_not_change(name):
    """No field of a message can be set or deleted."""
    message = _message(metadata={"a": [1]})
    with pytest.raises(ValidationError, match="frozen"):
        setattr(message, name, "other")
    with pytest.raises(ValidationError, match="frozen"):
        delattr(message, name)


def test_what_is_inside_does_not_change_either():
    """Arguments, tool calls and metadata are frozen copies: neither they nor the caller's own change the entry."""
    arguments = {"path": "a", "lines": [1, 2]}
    call = _call(arguments=arguments, metadata={"x": {}})
    message = _message(tool_calls=[{"id": "1"}])
    arguments["lines"].append(3)
    arguments["path"] = "b"

    assert call.arguments == {"path": "a", "lines": [1, 2]}
    assert type(call.arguments) is type(call.metadata["x"]) is FrozenDict
    assert type(call.arguments["lines"]) is type(message.tool_calls) is FrozenList
    with pytest.raises(TypeError):
        call.arguments["lines"].append(3)


@given(entries)
def test_entries_survive_every_kind_of_copy(entry):
    """Pickle, copy, deepcopy, and the plain dict there and back give an equal entry."""
    assert pickle.loads(pickle.dumps(entry)) == entry  # noqa: S301 - our own
    assert copy.copy(entry) == copy.deepcopy(entry) == entry
    assert entry_from_dict(entry.to_dict()) == entry


def test_plain_values_have_the_old_field_names():
    """`to_dict` gives what superqode 2.25 wrote, with times as RFC 3339 text."""
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert _message(id="msg-1", timestamp=moment).to_dict() == {
        "id": "msg-1",
        "role": "user",
        "content": "hello",
        "timestamp": "2026-11-22T10:00:00.000000Z",
        "agent_name": None,
        "tool_calls": None,
        "tool_call_id": None,
        "metadata": {},
    }
    assert _call(id="call-1", timestamp=moment, duration_ms=45).to_dict() == {
        "id": "call-1",
        "tool_name": "read_file",
        "arguments": {"path": "a"},
        "result": "text",
        "success": True,
        "timestamp": "2026-11-22T10:00:00.000000Z",
        "duration_ms": 45,
        "agent_name": None,
        "metadata": {},
    }


def test_ids_and_times_come_by_themselves(still_clock):
    """An entry without id and time gets a fresh id and the present moment."""
    assert _message().timestamp == still_clock.moment
    assert _message().id != _message().id
    assert _message().id.startswith("msg-")
    assert _call().id.startswith("call-")


@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (_message, {"content": None}),
        (_message, {"content": 5}),
        (_message, {"role": "narrator"}),
        (_message, {"tool_calls": "x"}),
        (_message, {"tool_calls": [float("nan")]}),
        (_message, {"metadata": [1]}),
        (_message, {"metadata": {1: 2}}),
        (_message, {"timestamp": "yesterday"}),
        (_message, {"unknown": 1}),
        (_call, {"arguments": "x"}),
        (_call, {"arguments": {"x": float("inf")}}),
        (_call, {"result": None}),
        (_call, {"success": "perhaps"}),
        (_call, {"duration_ms": -1}),
        (_call, {"duration_ms": 2**63}),
        (_call, {"duration_ms": "long"}),
        (_call, {"tool_name": None}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:40]),
)
def test_what_is_no_entry_is_refused(make, fields):
    """Wrong types, wrong values and unknown fields are refused when the entry is made, as a ValueError."""
    with pytest.raises(ValueError):
        make(**fields)


def test_times_are_read_as_they_were_written():
    """Naive ISO text, offsets and aware times are taken; what comes out is UTC."""
    shifted = _message(timestamp="2025-01-15T12:00:00+02:00")

    assert shifted.timestamp == datetime(2025, 1, 15, 10, tzinfo=UTC)
    assert shifted.timestamp.tzinfo is UTC
    assert _message(timestamp=datetime(2025, 1, 15, 10)).timestamp.tzinfo is UTC  # noqa: DTZ001


def test_a_dict_tells_what_it_is():
    """A tool name makes an execution, anything else a message."""
    assert isinstance(
        entry_from_dict({"tool_name": "x", "arguments": {}, "result": "", "success": True}), ToolExecution
    )
    assert isinstance(entry_from_dict({"role": "tool", "content": "x", "tool_call_id": "c"}), Message)
    with pytest.raises(ValidationError):
        entry_from_dict({})
