"""Who said what a save adds: the author of its commit, and the agent that its trailers name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from superqode.session.codec.lines import agent_ident
from superqode.session.git.object_codec import Ident
from superqode.session.models import Entry, Message, MessageRole

__all__ = ["LAST_SECOND", "author_of", "speaker"]

# 9999-12-31T23:59:59Z, the last second that a `datetime` has.
LAST_SECOND: Final = 253_402_300_799


def speaker(added: Sequence[Entry]) -> str:
    """The agent who spoke last; empty where none is named."""
    return next((entry.agent_name for entry in reversed(added) if entry.agent_name), "")


def author_of(added: Sequence[Entry], at: datetime, user: tuple[str, str]) -> Ident:
    """Who wrote a save: the user where the last word is theirs, or there is none; else the agent.

    Args:
        added: the entries that it adds.
        at: when.
        user: the name and address of whoever saves.
    """
    seconds = min(max(0, int(at.timestamp())), LAST_SECOND)
    last = added[-1] if added else None
    if last is None or (isinstance(last, Message) and last.role is MessageRole.USER):
        return Ident(*user, seconds)
    fallback = last.role.value if isinstance(last, Message) else "agent"
    return Ident(*agent_ident(last.agent_name or speaker(added) or fallback), seconds)
