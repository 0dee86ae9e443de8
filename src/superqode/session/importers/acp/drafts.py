"""What a conversation is made of while it goes on: prompts, answers, calls, notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from superqode.session.importers.acp.calls import Call
from superqode.session.models import Entry, Message, MessageRole

__all__ = ["Answer", "Draft", "Said", "entry_of"]


@dataclass(slots=True)
class Said:
    """A prompt, or a notice of the agent's program.

    Attributes:
        entry_id: its entry's id.
        role: who speaks.
        text: the words.
        time: when, aware UTC.
        details: metadata, JSON.
    """

    entry_id: str
    role: MessageRole
    text: str
    time: datetime
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """One answer of the model: what it thinks and says, and the calls it asks for.

    Attributes:
        entry_id: its entry's id; the first thing known of an answer, and never changed.
        turn: the id of the prompt it answers.
        time: when it began, aware UTC.
        native_ids: the agent's own ids of it, or of parts of it.
        thinking: its thoughts.
        texts: the pieces of its text.
        calls: its calls.
        details: metadata, JSON.
    """

    entry_id: str
    turn: str
    time: datetime
    native_ids: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(self.texts)

    @property
    def answered(self) -> bool:
        """Whether one of its calls has come to an end; what comes then is the next answer."""
        return any(call.ended is not None for call in self.calls)


Draft = Said | Answer | Call


def entry_of(draft: Draft, agent: str) -> Entry:
    """Make the entry of a draft as it is now."""
    if isinstance(draft, Call):
        return draft.entry(agent)
    if isinstance(draft, Said):
        return Message(
            id=draft.entry_id, role=draft.role, content=draft.text, timestamp=draft.time, metadata=dict(draft.details)
        )
    details = dict(draft.details)
    if draft.thinking:
        details["thinking"] = list(draft.thinking)
    return Message(
        id=draft.entry_id,
        role=MessageRole.ASSISTANT,
        content=draft.text,
        timestamp=draft.time,
        agent_name=agent,
        tool_calls=[call.block() for call in draft.calls] or None,
        metadata=details,
    )
