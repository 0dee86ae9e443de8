"""Sessions as plain JSON values: the contract's shape, what superqode 2.25 wrote, and nothing executed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from superqode.session import clock
from superqode.session.errors import InvalidSession
from superqode.session.models.entries import Entry

if TYPE_CHECKING:
    from superqode.session.models.session import Session

__all__ = ["session_fields", "session_to_dict"]

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
        "metadata": session.metadata,
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
    order = data.get("timeline")
    snapshots = data.get("snapshots") or []
    listed = order is None or (isinstance(order, list) and all(isinstance(item, str) for item in order))
    if not listed or not isinstance(snapshots, list):
        raise InvalidSession("This is no session: timeline and snapshots must be lists")
    return fields, order, snapshots
