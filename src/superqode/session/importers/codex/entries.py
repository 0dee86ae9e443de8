"""Turns the drafts of a Codex rollout into messages and tool executions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from superqode.session.importers.codex.calls import Call
from superqode.session.importers.codex.responses import Draft
from superqode.session.importers.codex.speech import Said
from superqode.session.importers.origin import EntryIds, session_id_for
from superqode.session.models import Entry, Message, MessageRole, ToolExecution

__all__ = ["AGENT", "entry_ids", "entry_of"]

AGENT: Final = "codex"


def entry_ids(drafts: Iterable[Draft], *, compact: bool = False) -> Iterator[str]:
    """Give each draft its id: Codex's own, else from the content. A fork's history gets the parent's ids.

    Args:
        drafts: the drafts, in order.
        compact: there are very many.
    """
    ids = EntryIds(compact=compact)
    return (_id(draft, ids) for draft in drafts)


def _id(draft: Draft, ids: EntryIds) -> str:
    if not isinstance(draft, Said):
        return ids.claim(draft.id)
    if draft.native_id:
        return ids.claim(draft.native_id)
    if not draft.text and draft.calls:
        return ids.claim(f"msg-{draft.asked(0)['call_id']}")
    return ids.derive("msg", draft.role, draft.text)


def entry_of(draft: Draft, entry_id: str, is_prompt: Callable[[Said], bool], prefix: str) -> Entry:
    """Make the entry of a draft.

    Args:
        draft: the draft.
        entry_id: its id.
        is_prompt: says whether a person typed a message.
        prefix: what the ids of imported threads begin with.
    """
    if isinstance(draft, Said):
        return _message(draft, entry_id, is_prompt)
    return _execution(draft, entry_id, prefix)


def _message(said: Said, entry_id: str, is_prompt: Callable[[Said], bool]) -> Message:
    details: dict[str, Any] = dict(said.metadata)
    role = MessageRole.SYSTEM
    if said.role == "assistant":
        role = MessageRole.ASSISTANT
    elif is_prompt(said):
        role = MessageRole.USER
    elif said.role == "user":
        details["injected"] = "context"
    if said.thinking:
        details["thinking"] = said.thoughts()
    return Message(
        id=entry_id,
        role=role,
        content=said.text,
        timestamp=said.time,
        agent_name=AGENT if said.role == "assistant" else None,
        tool_calls=[said.asked(number) for number in range(len(said.calls))] or None,
        metadata=details,
    )


def _execution(call: Call, entry_id: str, prefix: str) -> ToolExecution:
    details: dict[str, Any] = dict(call.metadata)
    if call.within:
        details["within"] = call.within
    if call.exit_code is not None:
        details["exit_code"] = call.exit_code
    if call.ended is None:
        details["unfinished"] = True
    if call.subagent:
        details["subagent_session_id"] = session_id_for(call.subagent, prefix)
    by_agent = call.asked or bool(call.within)
    return ToolExecution(
        id=entry_id,
        tool_name=call.name,
        arguments=call.arguments,
        result=call.result,
        success=call.success,
        timestamp=call.ended or call.time,
        duration_ms=call.duration_ms,
        agent_name=AGENT if by_agent else None,
        metadata=details if by_agent else {**details, "by": "user"},
    )
