"""What a conversation is made of while it goes on: prompts, answers, calls, notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from superqode.session.importers.acp.calls import Call
from superqode.session.importers.fields import list_at, text_at
from superqode.session.importers.shelf import Shelf
from superqode.session.models import Entry, Message, MessageRole, ToolExecution, thaw

__all__ = [
    "OPEN",
    "OVER",
    "SPOKEN",
    "Answer",
    "Draft",
    "Drafts",
    "Said",
    "draft_of",
    "entry_of",
    "is_empty",
    "keep",
    "says_more",
    "sort_of",
]


@dataclass(slots=True)
class Said:
    """A prompt, or a notice of the agent's program.

    Attributes:
        entry_id: its entry's id.
        role: who speaks.
        text: the words.
        time: when, aware UTC.
        details: metadata, JSON.
        kept: its entry, once nothing more is to come.
        number: its number on the shelf.
    """

    entry_id: str
    role: MessageRole
    text: str
    time: datetime
    details: dict[str, Any] = field(default_factory=dict)
    kept: Entry | None = None
    number: int = -1


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
        calls: its calls' numbers.
        details: metadata, JSON.
        kept: its entry, once nothing more is to come.
        number: its number on the shelf.
    """

    entry_id: str
    turn: str
    time: datetime
    native_ids: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    kept: Entry | None = None
    number: int = -1

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(self.texts)


Draft = Said | Answer | Call
Drafts = Shelf[Draft]
# What is known of a draft without reading it.
OPEN: Final = 0
OVER: Final = 1
SPOKEN: Final = 2


def sort_of(draft: Draft) -> int:
    """Tell whether a draft is a call that is open, one that is over, or what somebody said."""
    if isinstance(draft, Call):
        return OPEN if draft.ended is None else OVER
    return SPOKEN


def entry_of(draft: Draft, agent: str, drafts: Drafts) -> Entry:
    """Make the entry of a draft as it is now; of one that is kept, give what is kept."""
    if draft.kept is not None:
        return draft.kept
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
        tool_calls=[call.block() for call in map(drafts.peek, draft.calls) if isinstance(call, Call)] or None,
        metadata=details,
    )


def draft_of(entry: Entry, turn: str) -> Draft:
    """Make the draft of an entry that is known already, as far as it takes to know it again.

    Args:
        entry: what is kept, as it is.
        turn: the id of the prompt it belongs to.
    """
    if isinstance(entry, ToolExecution):
        return _call_of(entry, turn)
    if entry.role is not MessageRole.ASSISTANT:
        return Said(entry.id, entry.role, entry.content, entry.timestamp, kept=entry)
    thoughts = [thought for thought in list_at(entry.metadata, "thinking") if isinstance(thought, str)]
    texts = [entry.content] if entry.content else []
    return Answer(entry.id, turn, entry.timestamp, [entry.id], thoughts, texts, kept=entry)


def _call_of(entry: ToolExecution, turn: str) -> Call:
    told = entry.metadata
    call = Call(text_at(told, "original_id") or entry.id, entry.timestamp, turn, entry.id, entry.tool_name, kept=entry)
    call.kind, call.title, call.status = (text_at(told, name) for name in ("kind", "title", "status"))
    call.arguments, call.sure = thaw(entry.arguments), True
    call.locations = [path for path in list_at(told, "locations") if isinstance(path, str)]
    code = told.get("exit_code")
    call.exit_code = code if isinstance(code, int) else None
    call.details = {mark: True for mark in ("refused", "cancelled") if told.get(mark)}
    if not told.get("unfinished"):
        call.ended, call.worked, call.folded = entry.timestamp, entry.success, entry.result
    return call


def keep(draft: Draft, agent: str, drafts: Drafts) -> Entry:
    """Make the entry of a draft to which nothing more is to come; it is made once."""
    draft.kept = entry_of(draft, agent, drafts)
    return draft.kept


def is_empty(draft: Draft) -> bool:
    """Whether an answer says nothing and asks for nothing."""
    return (
        isinstance(draft, Answer)
        and draft.kept is None
        and not (draft.texts or draft.thinking or draft.calls or "attachments" in draft.details)
    )


def says_more(draft: Draft, known: Draft) -> bool:
    """Whether a repeated draft goes on where the known one was cut off."""
    if isinstance(draft, Call) and isinstance(known, Call):
        return draft.ended is not None and known.ended is None
    if isinstance(draft, Answer) and isinstance(known, Answer):
        return len(draft.text) > len(known.text) and draft.text.startswith(known.text)
    return False
