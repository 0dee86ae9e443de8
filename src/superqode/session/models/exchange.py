"""Sessions as plain JSON values: the contract's shape, what superqode 2.25 wrote, and nothing executed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from superqode.session import clock, ids
from superqode.session.errors import InvalidSession
from superqode.session.models.entries import Entry, Message, entry_from_dict
from superqode.session.models.snapshots import Snapshot, SnapshotState
from superqode.session.models.values import UtcTime, thaw

if TYPE_CHECKING:
    from superqode.session.models.session import Session

__all__ = ["read_snapshot", "session_fields", "session_to_dict"]

_PLAIN_FIELDS: Final = (
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
    "parent_session_id",
    "metadata",
)


def session_to_dict(session: Session, order: Sequence[Entry]) -> dict[str, Any]:
    """Give a session as plain JSON values; `timeline` holds the entries' ids in their order."""
    known = {entry.id: entry for entry in order}
    return {
        "id": session.id,
        "title": session.title,
        "created_at": clock.format_time(session.created_at),
        "updated_at": clock.format_time(session.updated_at),
        "project_path": session.project_path,
        "messages": [message.to_dict() for message in session.messages],
        "tool_executions": [call.to_dict() for call in session.tool_executions],
        "timeline": [entry.id for entry in order],
        "files_modified": list(session.files_modified),
        "files_created": list(session.files_created),
        "agents_used": list(session.agents_used),
        "tags": list(session.tags),
        "parent_session_id": session.parent_session_id,
        "snapshots": [
            {
                "id": snapshot.id,
                "created_at": clock.format_time(snapshot.created_at),
                "description": snapshot.description,
                "state": snapshot.state.to_reference(known),
            }
            for snapshot in session.snapshots
        ],
        "metadata": thaw(session.metadata),
    }


def session_fields(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str] | None, list[dict[str, Any]]]:
    """Split plain values into the session's fields, the order of its entries, and its snapshots.

    Raises:
        InvalidSession: the values are not an object.
    """
    if not isinstance(data, Mapping):
        raise InvalidSession(f"This is no session: a {type(data).__name__} is not an object")
    fields = {name: data[name] for name in _PLAIN_FIELDS if name in data}
    if "id" not in fields:
        raise InvalidSession("This is no session: it has no id")
    for name, value in list(fields.items()):
        if value is None and name not in ("parent_session_id", "id"):
            del fields[name]
    if isinstance(fields.get("metadata"), dict):
        fields["metadata"] = thaw(fields["metadata"])
    order = data.get("timeline")
    snapshots = data.get("snapshots") or []
    listed = order is None or (isinstance(order, list) and all(isinstance(item, str) for item in order))
    if not listed or not isinstance(snapshots, list):
        raise InvalidSession("This is no session: timeline and snapshots must be lists")
    return fields, order, snapshots


class _Time(BaseModel):
    at: UtcTime


def read_snapshot(session: Session, data: Mapping[str, Any]) -> Snapshot:
    """Make a snapshot of a session from plain values: ours, the contract's, or a message count of superqode 2.25.

    Raises:
        KeyError, TypeError, ValueError: the values are none.
    """
    state = data.get("state")
    if state is None:
        read = _counted_state(session, int(data["message_count"]))
    else:
        lists = (tuple(map(str, state.get(name, ()))) for name in ("files_modified", "files_created", "agents_used"))
        read = SnapshotState(tuple(_state_entries(session, state)), *lists)
    named, told = str(data.get("name") or ""), str(data.get("description") or "")
    described = f"{named}: {told}" if named and told and named != told else told or named
    created_at = _Time.model_validate({"at": data["created_at"]}).at.replace(microsecond=0)
    return Snapshot(ids.validate_session_id(data["id"]), described, created_at, state=read)


def _state_entries(session: Session, state: Mapping[str, Any]) -> list[Entry]:
    """The entries of a state; those that stand in the session itself are named by their ids."""
    if "timeline" in state and "messages" not in state:
        known = {entry.id: entry for entry in session.timeline}
        return [known[item] if isinstance(item, str) else entry_from_dict(item) for item in state["timeline"]]
    part = {**state, "id": session.id, "created_at": clock.format_time(session.created_at)}
    return type(session).from_dict(part).timeline


def _counted_state(session: Session, message_count: int) -> SnapshotState:
    """The state superqode 2.25 means by a message count: everything before the next message."""
    replay = type(session)(id=session.id, project_path=session.project_path)
    for entry in session.timeline:
        if isinstance(entry, Message):
            if message_count == 0:
                break
            message_count -= 1
        replay.add(entry)
    return SnapshotState(
        tuple(replay.timeline), tuple(replay.files_modified), tuple(replay.files_created), tuple(replay.agents_used)
    )
