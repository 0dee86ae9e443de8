"""A session as JSON Lines for pipelines: one object a line, first the session, then its entries in their order.

    superqode sessions export ID --format jsonl | jq -r 'select(.type == "call") | .tool_name'

FORMAT.md beside this file documents the lines; importers/exported_lines.py reads them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from superqode.session import clock
from superqode.session.exporters.reading import json_text
from superqode.session.models import Session, thaw

__all__ = ["FORMAT", "render"]

FORMAT: Final = "superqode-lines-1"


def render(session: Session) -> Iterator[str]:
    r"""Give the lines, each with its `\n`; nothing in one is a control or breaks a line, whoever counts them."""
    yield _line(_session(session))
    for number, entry in enumerate(session.timeline):
        yield _line({"type": entry.kind, "position": number, **entry.to_dict()})


def _session(session: Session) -> dict[str, Any]:
    known = {entry.id: entry for entry in session.timeline}
    return {
        "type": "session",
        "format": FORMAT,
        "id": session.id,
        "title": session.title,
        "created_at": clock.format_time(session.created_at),
        "updated_at": clock.format_time(session.updated_at),
        "project_path": session.project_path,
        "files_modified": list(session.files_modified),
        "files_created": list(session.files_created),
        "agents_used": list(session.agents_used),
        "tags": list(session.tags),
        "parent_session_id": session.parent_session_id,
        "snapshots": [
            {
                "id": one.id,
                "created_at": clock.format_time(one.created_at),
                "description": one.description,
                "state": one.state.to_reference(known),
            }
            for one in session.snapshots
        ],
        "messages": len(session.messages),
        "executions": len(session.tool_executions),
        "metadata": thaw(session.metadata),
    }


def _line(value: dict[str, Any]) -> str:
    return json_text(value, indent=None) + "\n"
