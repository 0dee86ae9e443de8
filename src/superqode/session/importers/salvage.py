"""Sessions out of plain values that an older superqode, another program or a damaged disk wrote.

One bad message does not cost the session: it is left out and noted, and the rest is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from superqode.session import clock, ids
from superqode.session.codec.jsontext import dump_text
from superqode.session.errors import InvalidSession
from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.base import Receipt
from superqode.session.importers.fields import list_at, mapping_at, number_at, parse_time, text_at
from superqode.session.importers.origin import EntryIds, session_id_for, title_of
from superqode.session.models import Message, Session, ToolExecution

__all__ = ["plain_session", "salvaged_session"]

E = TypeVar("E", Message, ToolExecution)

_ROLES: Final = ("user", "assistant", "system", "tool")
_MESSAGE_FIELDS: Final = frozenset(Message.model_fields) - {"kind"}
_CALL_FIELDS: Final = frozenset(ToolExecution.model_fields) - {"kind"}
_SESSION_FIELDS: Final = frozenset(Session.model_fields) | {"timeline"}
_LISTS: Final = ("files_modified", "files_created", "agents_used", "tags")
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MAX_MS: Final = 2**63 - 1


def plain_session(data: Mapping[str, Any]) -> Session | None:
    """Give the session exactly as our own `Session.to_dict` wrote it; None where this is something else."""
    order = data.get("timeline")
    if not isinstance(order, list) or not ids.is_session_id(data.get("id")) or data.keys() - _SESSION_FIELDS:
        return None
    try:
        session = Session.from_dict(data)
    except ValueError:
        return None
    return session if [entry.id for entry in session.timeline] == order else None


def salvaged_session(data: Mapping[str, Any], receipt: Receipt) -> Session:
    """Give the session of superqode 2.25's plain values, with all of it that can be read.

    Raises:
        InvalidSession: there is nothing in it to save.
    """
    if not any(data.get(name) for name in ("title", "messages", "tool_executions")):
        raise InvalidSession("it holds no title, no messages and no tool executions, so there is nothing to save")
    return _Salvage(data, receipt).session()


class _Salvage:
    def __init__(self, data: Mapping[str, Any], receipt: Receipt) -> None:
        self._data = data
        self._receipt = receipt
        self._ids = EntryIds()
        self._began = next(self._times(), _EPOCH)
        # The time of an entry that tells none: that of the one before it.
        self._time = self._began

    def _times(self) -> Iterator[datetime]:
        entries = [*list_at(self._data, "messages"), *list_at(self._data, "tool_executions")]
        told = (entry.get("timestamp") for entry in entries if isinstance(entry, dict))
        for value in (self._data.get("created_at"), *told):
            try:
                yield parse_time(value)
            except ValueError:
                continue

    def session(self) -> Session:
        values = self._values()
        values["snapshots"] = list(self._snapshots())
        try:
            return Session.from_dict(values)
        except InvalidSession:
            # What a snapshot holds cannot be read; the session is worth more than its snapshots.
            left_out = len(values["snapshots"])
            self._receipt.mapped -= left_out
            self._receipt.drop("snapshots", left_out)
            self._receipt.problems.append("its snapshots were left out: one of them cannot be read")
            return Session.from_dict({**values, "snapshots": []})

    def _values(self) -> dict[str, Any]:
        data = self._data
        messages = self._entries("messages", self._message)
        calls = self._entries("tool_executions", self._call)
        last = max([self._began, *(entry.timestamp for entry in [*messages, *calls])])
        parent = text_at(data, "parent_session_id")
        values: dict[str, Any] = {
            "id": session_id_for(text_at(data, "id")),
            "title": text_at(data, "title") or self._first_prompt(messages),
            "created_at": self._began,
            "updated_at": self._time_of(data.get("updated_at"), last),
            "project_path": text_at(data, "project_path"),
            "messages": messages,
            "tool_executions": calls,
            "parent_session_id": session_id_for(parent) if parent else None,
            "metadata": dict(mapping_at(data, "metadata")),
        }
        for name in _LISTS:
            values[name] = [item for item in list_at(data, name) if isinstance(item, str)]
        if isinstance(data.get("timeline"), list):
            values["timeline"] = [item for item in data["timeline"] if isinstance(item, str)]
        if other := _others(data, _SESSION_FIELDS):
            values["metadata"]["other_fields"] = other
        return values

    def _first_prompt(self, messages: list[Message]) -> str:
        prompts = (title_of(message.content) for message in messages if message.role == "user")
        return next(filter(None, prompts), f"Session {self._began:%Y-%m-%d %H:%M}")

    def _time_of(self, value: object, otherwise: datetime) -> datetime:
        try:
            return parse_time(value)
        except ValueError:
            return otherwise

    # -- entries --------------------------------------------------------------------------------------------

    def _entries(self, field: str, make: Callable[[dict[str, Any]], E]) -> list[E]:
        made: list[E] = []
        self._time = self._began
        for number, raw in enumerate(list_at(self._data, field)):
            self._receipt.lines += 1
            try:
                made.append(make(raw if isinstance(raw, dict) else {}))
            except ValueError as problem:
                self._receipt.problem(f"{field}[{number}] was left out: {_plainly(problem)}")
            else:
                self._receipt.mapped += 1
        return made

    def _message(self, raw: dict[str, Any]) -> Message:
        role = raw.get("role")
        if role not in _ROLES:
            raise ValueError(f"{str(role)[:40]!r} is no role")
        content = _text(raw.get("content"))
        return Message(
            id=self._entry_id(raw, "msg", str(role), content),
            role=role,
            content=content,
            tool_calls=list_at(raw, "tool_calls") or None,
            tool_call_id=text_at(raw, "tool_call_id") or None,
            **self._common(raw, _MESSAGE_FIELDS),
        )

    def _call(self, raw: dict[str, Any]) -> ToolExecution:
        name = text_at(raw, "tool_name")
        if not name:
            raise ValueError("it names no tool")
        result = _text(raw.get("result"))
        return ToolExecution(
            id=self._entry_id(raw, "call", name, result),
            tool_name=name,
            arguments=arguments_of(raw.get("arguments")),
            result=result,
            success=raw.get("success") is True,
            duration_ms=min(max(round(number_at(raw, "duration_ms")), 0), _MAX_MS),
            **self._common(raw, _CALL_FIELDS),
        )

    def _entry_id(self, raw: Mapping[str, Any], kind: str, *content: str) -> str:
        own = text_at(raw, "id")
        return self._ids.claim(own) if own else self._ids.derive(kind, *content)

    def _common(self, raw: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
        self._time = self._time_of(raw.get("timestamp"), self._time)
        details = dict(mapping_at(raw, "metadata"))
        if other := _others(raw, known):
            details["other_fields"] = other
        return {
            "timestamp": self._time,
            "agent_name": text_at(raw, "agent_name") or None,
            "metadata": details,
        }

    # -- snapshots ------------------------------------------------------------------------------------------

    def _snapshots(self) -> Iterator[dict[str, Any]]:
        taken: set[str] = set()
        for number, raw in enumerate(list_at(self._data, "snapshots")):
            self._receipt.lines += 1
            values = self._snapshot(raw) if isinstance(raw, dict) else {}
            if not values or values["id"].lower() in taken:
                self._receipt.problem(f"snapshots[{number}] was left out: it has no id of its own, or no state")
                continue
            taken.add(values["id"].lower())
            self._receipt.mapped += 1
            yield values

    def _snapshot(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """A snapshot's values; empty where it names no state."""
        own = text_at(raw, "id")
        count = number_at(raw, "message_count")
        state = mapping_at(raw, "state")
        if not own or (count < 0 and not state):
            return {}
        return {
            "id": session_id_for(own),
            # 2.25 had a name beside the description; here the description is all there is.
            "description": ": ".join(filter(None, (text_at(raw, "name"), text_at(raw, "description")))),
            "created_at": clock.format_time(self._time_of(raw.get("created_at"), self._began)),
            **({"state": state} if state else {"message_count": int(count)}),
        }


def _plainly(problem: ValueError) -> str:
    if not isinstance(problem, ValidationError):
        return str(problem)
    told = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, told['loc']))}: {told['msg']}"


def _others(values: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """What a newer version may have added; it is kept beside the rest."""
    return {name: value for name, value in values.items() if name not in known}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dump_text(value)
