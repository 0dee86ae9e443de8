"""What a conversation of the protocol comes to as a session: the same from a recording and from a connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from superqode.session.importers.acp.conversation import Conversation
from superqode.session.importers.acp.traffic import Traffic
from superqode.session.importers.assembly import Parts, first_prompt
from superqode.session.importers.balance import FileBalance
from superqode.session.importers.origin import session_id_for, title_of
from superqode.session.models import Entry

__all__ = ["parts_of", "stored_id", "take_touches"]

_PREFIX: Final = "acp-"


def stored_id(agent_session_id: str) -> str:
    """Give the id that a session of the protocol has here: `acp-<the agent's id>`, where that makes an id."""
    return session_id_for(agent_session_id, _PREFIX)


def take_touches(files: FileBalance, talk: Conversation, start: int = 0) -> FileBalance:
    """Add what a conversation did to files, from touch number `start` on; gives the balance."""
    for touch, path in talk.touches[start:]:
        files.take(touch, path)
    return files


def parts_of(traffic: Traffic, talk: Conversation, entries: Iterable[Entry]) -> Parts:
    """Give what a conversation says of itself; its metadata is `acp`, and `relation` where it is a fork.

    Args:
        traffic: the connection.
        talk: one of its conversations.
        entries: the conversation's entries, as they are now.
    """
    began, ended, prompt = talk.began, None, ""
    for entry in entries:
        began, ended = min(began, entry.timestamp), max(ended or entry.timestamp, entry.timestamp)
        prompt = prompt or first_prompt([entry])
    told: dict[str, Any] = {
        "agent": traffic.agent,
        "client": traffic.client,
        "protocol": traffic.protocol,
        "model": talk.model,
        "mode": talk.mode,
        "usage": talk.usage,
        "plan": talk.plan,
    }
    relation = {"relation": "fork"} if talk.parent_id else {}
    return Parts(
        id=stored_id(talk.id),
        title=title_of(talk.title) or title_of(prompt) or f"Session with {traffic.agent_name}",
        began=began,
        ended=ended or talk.now,
        agent=traffic.agent_name,
        project_path=talk.cwd,
        parent=stored_id(talk.parent_id) if talk.parent_id else None,
        metadata={"acp": {name: value for name, value in told.items() if value}, **relation},
    )
