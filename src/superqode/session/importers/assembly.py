"""Puts the entries of an import together as a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from superqode.session.importers.balance import FileBalance
from superqode.session.models import Entry, Message, MessageRole, Session, ToolExecution

__all__ = ["Parts", "first_prompt", "make_session"]


@dataclass(slots=True)
class Parts:
    """What a session is made of.

    Attributes:
        id: its id.
        title: its title.
        began: when it began, aware UTC.
        ended: when it last changed, aware UTC.
        agent: the agent it was had with.
        project_path: the folder it works in; empty where that is not known.
        parent: the id of the session it comes from.
        metadata: anything else, JSON.
    """

    id: str
    title: str
    began: datetime
    ended: datetime
    agent: str
    project_path: str = ""
    parent: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def make_session(parts: Parts, entries: Sequence[Entry], files: FileBalance) -> Session:
    """Make a session of entries in their order, and of what became of files.

    Raises:
        InvalidSession: two entries have one id, or a value is none that can be stored.
    """
    metadata = dict(parts.metadata)
    if files.deleted:
        metadata["files_deleted"] = files.deleted
    # Taken over as a whole: adding one by one would guess files from tool names.
    return Session.from_dict(
        {
            "id": parts.id,
            "title": parts.title,
            "created_at": parts.began,
            "updated_at": max(parts.began, parts.ended),
            "project_path": parts.project_path,
            "messages": [entry for entry in entries if isinstance(entry, Message)],
            "tool_executions": [entry for entry in entries if isinstance(entry, ToolExecution)],
            "timeline": [entry.id for entry in entries],
            "files_created": files.created,
            "files_modified": files.modified,
            "agents_used": [parts.agent],
            "parent_session_id": parts.parent,
            "metadata": metadata,
        }
    )


def first_prompt(entries: Sequence[Entry]) -> str:
    """Give what a person said first; empty where nobody said anything."""
    said = (entry.content for entry in entries if isinstance(entry, Message) and entry.role is MessageRole.USER)
    return next((text for text in said if text.strip()), "")
