"""What a turn comes to, and what is told while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from superqode.session import ids
from superqode.session.importers.acp import Conversation
from superqode.session.importers.acp.content import text_of
from superqode.session.importers.balance import FileBalance
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.models import Entry, Message, Session, ToolExecution
from superqode.session.models.files import FileTouch

__all__ = ["Mark", "Turn", "Update", "turn_since", "update_of"]

UpdateKind = Literal["text", "thought", "call", "plan", "other"]

_KINDS: Final[dict[str, UpdateKind]] = {
    "agent_message_chunk": "text",
    "agent_thought_chunk": "thought",
    "tool_call": "call",
    "tool_call_update": "call",
    "plan": "plan",
}


@dataclass(frozen=True, slots=True)
class Update:
    """Something the agent tells while it works.

    Attributes:
        kind: `text` and `thought` (the next piece of either), `call`, `plan`, or `other`.
        text: the piece, for `text` and `thought`.
        call: the tool call as it is now, for `call`; its metadata has `unfinished` while it runs.
        plan: the whole plan, for `plan`: objects with `content`, `status` and `priority`.
        raw: the protocol's own object.
    """

    kind: UpdateKind
    text: str
    call: ToolExecution | None
    plan: list[dict[str, Any]]
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt, and everything up to the agent's last word on it.

    Attributes:
        stop_reason: why it ended: `end_turn`, `max_tokens`, `max_turn_requests`, `refusal` or `cancelled`; empty where
            it has no end.
        entries: messages and executions in their order; the first is the prompt.
        files_created, files_modified, files_deleted: paths, relative to the agent's folder where inside it.
        usage: token counts as the agent last told them for the session; empty where it does not.
    """

    stop_reason: str
    entries: tuple[Entry, ...]
    files_created: tuple[str, ...] = ()
    files_modified: tuple[str, ...] = ()
    files_deleted: tuple[str, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was said."""
        return tuple(entry for entry in self.entries if isinstance(entry, Message))

    @property
    def tool_executions(self) -> tuple[ToolExecution, ...]:
        """What was done."""
        return tuple(entry for entry in self.entries if isinstance(entry, ToolExecution))

    def add_to(self, session: Session) -> None:
        """Add the entries to a session's end, under ids that are unique there, and note the files."""
        known = {entry.id for entry in session.timeline}
        touched: list[tuple[FileTouch, tuple[str, ...]]] = [
            ("create", self.files_created),
            ("modify", self.files_modified),
            ("delete", self.files_deleted),
        ]
        # The files first: adding a call guesses its file from the tool's name, where nothing better is known.
        for touch, paths in touched:
            for path in paths:
                session.note_file(touch, path)
        for entry in self.entries:
            session.add(_under_own_id(entry) if isinstance(entry, Message) or entry.id in known else entry)


def _under_own_id(entry: Entry) -> Entry:
    """Give an entry an id that is unique everywhere; the protocol's are unique in its own session."""
    if isinstance(entry, Message):
        return entry.model_copy(update={"id": ids.new_entry_id("msg")})
    told = {**entry.metadata, "original_id": entry.id}
    fresh = entry.to_dict() | {"id": ids.new_entry_id("call"), "metadata": told}
    return ToolExecution.model_validate(fresh)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a conversation had come: how many entries there were, and how many touches of files."""

    entries: int = 0
    touches: int = 0

    @classmethod
    def of(cls, talk: Conversation, agent: str) -> Mark:
        """Mark where a conversation is now."""
        return cls(len(talk.entries(agent)), len(talk.touches))


def turn_since(talk: Conversation, agent: str, mark: Mark, stop_reason: str) -> Turn:
    """Give what a conversation came to since a mark."""
    files = FileBalance(talk.cwd)
    for _, path in talk.touches[: mark.touches]:
        files.take("read", path)  # a file that was seen before this turn is not made in it
    for touch, path in talk.touches[mark.touches :]:
        files.take(touch, path)
    return Turn(
        stop_reason,
        tuple(talk.entries(agent)[mark.entries :]),
        tuple(files.created),
        tuple(files.modified),
        tuple(files.deleted),
        dict(talk.usage),
    )


def update_of(update: Mapping[str, Any], talk: Conversation, agent: str) -> Update:
    """Read the `update` of a `session/update` that the conversation has taken already."""
    told = text_at(update, "sessionUpdate")
    kind = _KINDS.get(told, "other")
    call_id = text_at(update, "toolCallId")
    call = talk.call(call_id, talk.now).entry(agent) if kind == "call" and call_id else None
    text = text_of(mapping_at(update, "content")) if kind in ("text", "thought") else ""
    return Update(kind, text, call, objects_at(update, "entries") if kind == "plan" else [], update)
