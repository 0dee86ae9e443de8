"""Reads of a session what every agent understands, and counts what it does not.

Importers put a message of the model before the calls it asks for. Sessions of other makes may have calls alone, or
only in their messages (`tool_calls`), with the results in messages of the role `tool`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from superqode.session.handoff.base import Receipt
from superqode.session.handoff.names import call_id, tool_name
from superqode.session.handoff.neutral import NO_RESULT, Call, Item, Role, Said, time_of
from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.fields import list_at, mapping_at, text_at
from superqode.session.models import Message, MessageRole, Session, ToolExecution

__all__ = ["read_items"]


def read_items(session: Session, now: datetime, receipt: Receipt) -> list[Item]:
    """Give what of a session goes over; what does not is counted.

    Args:
        session: the session.
        now: the present moment; nothing is later than that.
        receipt: where to count what is left out, changed and added.
    """
    reader = _Reader(session, now, receipt)
    for entry in session.timeline:
        reader.take(entry)
    return reader.finish()


@dataclass(slots=True)
class _Asking:
    """The answer at hand: what it asked for, and whether the next call may join it.

    Attributes:
        blocks: the calls it lists, by their ids, in the agent's own shape.
        listed: whether the session knows executions by those ids; else those behind the answer stand for them.
        open: whether a call may join what is there of it.
        called: whether an execution did.
    """

    blocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    listed: bool = True
    open: bool = False
    called: bool = False


class _Reader:
    """Takes a session's entries in their order."""

    def __init__(self, session: Session, now: datetime, receipt: Receipt) -> None:
        self._items: list[Item] = []
        self._now = now
        self._receipt = receipt
        self._executed = {_raw_id(call) for call in session.tool_executions}
        self._results: dict[str, Message] = {
            message.tool_call_id: message
            for message in session.messages
            if message.role is MessageRole.TOOL and message.tool_call_id
        }
        self._asking = _Asking()
        self._ids: set[str] = set()
        self._used: set[str] = set()

    def take(self, entry: Message | ToolExecution) -> None:
        if isinstance(entry, ToolExecution):
            self._take_execution(entry)
        elif entry.role is MessageRole.SYSTEM:
            self._take_aside(entry)
        elif entry.role is not MessageRole.TOOL:
            self._end_answer()
            self._take_message(entry)

    def finish(self) -> list[Item]:
        self._end_answer()
        for name, message in self._results.items():
            if name not in self._used:
                told = "results told twice" if name in self._executed else "results of no known call"
                self._receipt.leave_out(told, int(bool(message.content)))
        return self._items

    def _take_aside(self, message: Message) -> None:
        if not self._items and message.metadata.get("kind") == "agent_message" and message.content.strip():
            self._receipt.change("tasks from another agent, told as prompts")
            self._items.append(Said("user", message.content, min(message.timestamp, self._now), message.id))
        else:
            self._receipt.leave_out(_aside(message))

    def _take_message(self, message: Message) -> None:
        self._leave_out_details(message)
        role: Role = "user" if message.role is MessageRole.USER else "assistant"
        said = bool(message.content.strip())
        if said:
            self._items.append(Said(role, message.content, min(message.timestamp, self._now), message.id))
        blocks = [block for block in message.tool_calls or () if isinstance(block, dict)]
        if role == "assistant":
            named = {text_at(block, "id", "call_id", "callId"): block for block in blocks}
            known = any(name in self._executed for name in named)
            self._asking = _Asking(named, known or not named, said)
        if not said and not blocks:
            self._receipt.leave_out(
                "answers that were only thoughts" if "thinking" in message.metadata else "empty messages"
            )

    def _leave_out_details(self, message: Message) -> None:
        about = message.metadata
        images = about.get("images")
        pictures = len(list_at(about, "attachments")) + (images if type(images) is int and images > 0 else 0)
        self._receipt.leave_out("thoughts", len(list_at(about, "thinking")))
        self._receipt.leave_out("pictures and files", pictures)
        self._receipt.leave_out("context around prompts", len(list_at(about, "context")))

    # -- calls ----------------------------------------------------------------------------------------------

    def _take_execution(self, call: ToolExecution) -> None:
        asking = self._asking
        joins = asking.open and (_raw_id(call) in asking.blocks or not asking.listed or "within" in call.metadata)
        # A call behind a text that lists none belongs to it; where several do, each is taken for one of its own.
        joins = joins or (asking.open and not asking.blocks and not asking.called)
        asking.open = asking.called = True
        result, finished = call.result, bool(call.result) or call.metadata.get("unfinished") is not True
        if call.metadata.get("by") == "user":
            self._receipt.change("calls of a person, told as the model's")
        self._receipt.leave_out("pictures and files", len(list_at(call.metadata, "attachments")))
        code = call.metadata.get("exit_code")
        ended = min(call.timestamp, self._now)
        self._add_call(
            call.id,
            call.tool_name,
            call.arguments,
            result if finished else None,
            success=call.success,
            asked=_before(ended, call.duration_ms),
            ended=ended,
            exit_code=code if type(code) is int else None,
            apart=not joins,
        )

    def _end_answer(self) -> None:
        """Take the calls of the answer that no execution stands for: old sessions have them only there."""
        asking, self._asking = self._asking, _Asking()
        if not asking.listed and asking.called:
            return
        for name, block in asking.blocks.items():
            if name in self._executed:
                continue
            told = self._results.get(name)
            function = mapping_at(block, "function") or block
            raw: object = next((function[key] for key in ("arguments", "input", "args") if key in function), {})
            last = time_of(self._items[-1]) if self._items else self._now
            moment = min(told.timestamp if told else last, self._now)
            self._used.add(name)
            self._add_call(
                name,
                text_at(function, "name"),
                arguments_of(raw),
                told.content if told else None,
                success=told is not None,
                asked=moment,
                ended=moment,
                apart=not asking.open,
            )
            asking.open = True

    def _add_call(
        self,
        raw_id: str,
        raw_name: str,
        arguments: Mapping[str, Any],
        result: str | None,
        *,
        success: bool,
        **rest: Any,
    ) -> None:
        name = tool_name(raw_name)
        chosen = call_id(raw_id)
        while chosen in self._ids:
            chosen = call_id(f"{raw_id} {len(self._ids)}")
        self._ids.add(chosen)
        self._receipt.change("names of tools made plain", int(name != raw_name))
        self._receipt.change("ids of calls made plain", int(chosen != raw_id))
        if result is None:
            self._receipt.add("results for calls that have none")
            result, success = NO_RESULT, False
        self._items.append(Call(chosen, name, arguments, result, success, **rest))


def _raw_id(call: ToolExecution) -> str:
    """The id the agent itself gave the call."""
    return text_at(call.metadata, "original_id") or call.id


def _before(moment: datetime, milliseconds: int) -> datetime:
    try:
        return moment - timedelta(milliseconds=milliseconds)
    except OverflowError:
        return moment


def _aside(message: Message) -> str:
    """What a message is that neither a person nor the model said."""
    about = message.metadata
    if about.get("kind") == "agent_message":
        return "messages between agents"
    if about.get("kind") == "compacted" or about.get("injected") == "compact summary":
        return "summaries of what was said before"
    if about.get("injected") == "command":
        return "commands of a person"
    if "injected" in about:
        return "context that programs put in"
    if "notice" in about:
        return "remarks of the agent"
    return "system messages"
