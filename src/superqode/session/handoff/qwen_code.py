"""Qwen Code: `projects/<folder>/chats/<session>.jsonl`, records in a chain of `parentUuid`s with Google's parts.

Tried with 0.24.4 and 0.15.10: `parentUuid` has to be there, the first record's `cwd` has to be the project, and an
empty message of the model makes it drop the one beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from superqode.session.handoff.base import Place, Receipt
from superqode.session.handoff.homes import HOMES
from superqode.session.handoff.jsonl import JsonlWriter, Record
from superqode.session.handoff.names import folder_name
from superqode.session.handoff.neutral import Answer, Call, Turn
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.script import Script
from superqode.session.importers.fields import list_at, mapping_at, text_at

__all__ = ["QwenCodeWriter"]

_SHOWN: Final = 2000
_PLAIN: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# System records that the conversation needs: where it was compacted, its title.
_NEEDED: Final = ("chat_compression", "custom_title")


class QwenCodeWriter(JsonlWriter):
    """Writes sessions for Qwen Code."""

    name = "qwen"
    format = "qwen-code"
    home = HOMES["qwen"]
    looks_at = ("projects/*/chats/*.jsonl",)

    def new_path(self, session_id: str, place: Place) -> str:
        """In the folder named after the project."""
        return f"projects/{folder_name(place.project)}/chats/{session_id}.jsonl"

    def find(self, session_id: str, place: Place) -> str:
        """There is but one place for it."""
        path = self.new_path(session_id, place)
        return path if path in place.home else ""

    def commands(self, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """`qwen --resume`."""
        return ("qwen", "--resume", session_id), ("qwen", "--resume", session_id, "-p")

    def begin(self, script: Script) -> Iterator[Record]:
        """Nothing comes before the first message."""
        del script
        return iter(())

    def end(self, script: Script) -> Iterator[Record]:
        """The title."""
        if script.title:
            told = {"subtype": "custom_title", "systemPayload": {"customTitle": script.title}}
            yield self._record(script, script.time, "system", "", **told)

    def records(self, turns: Sequence[Turn], script: Script) -> Iterator[Record]:
        """A record for each prompt, each answer and each result."""
        for turn in turns:
            if not isinstance(turn, Answer):
                yield self._record(script, turn.time, "user", turn.id, message=_message("user", {"text": turn.text}))
                continue
            texts = [{"text": turn.text}] if turn.text else []
            calls = [
                {"functionCall": {"id": call.id, "name": call.name, "args": dict(call.arguments)}}
                for call in turn.calls
            ]
            yield self._record(script, turn.time, "assistant", turn.id, message=_message("model", *texts, *calls))
            for call in turn.calls:
                yield self._record(script, call.ended, "tool_result", "", **_result(call))

    def _record(self, script: Script, time: datetime, kind: str, own_id: str, **fields: Any) -> Record:
        own, before = script.follow(own_id)
        return {
            "uuid": own,
            "parentUuid": before,
            "sessionId": script.session_id,
            "timestamp": script.at(time),
            "type": kind,
            "cwd": script.project,
            **fields,
        }

    def go_on(self, records: Iterable[Record], script: Script) -> None:
        """The next record follows the last one."""
        for record in records:
            script.last = text_at(record, "uuid") or script.last

    def carry(self, records: Iterable[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
        """Everything that was said and called; nothing empty, and no measurements."""
        carried: list[Record] = []
        instead: dict[str, str | None] = {}
        for record in records:
            parent = text_at(record, "parentUuid") or None
            followed = instead.get(parent, parent) if parent else None
            if reason := _reason(record):
                receipt.leave_out(reason)
                instead[text_at(record, "uuid")] = followed
                continue
            moved: Record = {**paths.value(record), "sessionId": script.session_id, "parentUuid": followed}
            if not carried or not text_at(moved, "cwd").startswith(script.project):
                moved["cwd"] = script.project
            script.last = text_at(moved, "uuid") or script.last
            carried.append(moved)
        return carried


def _message(role: str, *parts: Record) -> Record:
    return {"role": role, "parts": list(parts)}


def _result(call: Call) -> Record:
    response = {"output" if call.success else "error": call.result}
    told = {"functionResponse": {"id": call.id, "name": call.name, "response": response}}
    status = "success" if call.success else "error"
    return {
        "message": _message("user", told),
        "toolCallResult": {"callId": call.id, "status": status, "resultDisplay": call.result[:_SHOWN]},
    }


def _reason(record: Record) -> str:
    """Why a record does not go over; empty where it does."""
    kind, subtype = text_at(record, "type"), text_at(record, "subtype")
    if record.get("isSidechain") is True:
        return "records of sub-agents"
    if kind == "system":
        named = subtype if _PLAIN.fullmatch(subtype) else "unknown"
        return "" if subtype in _NEEDED else f"system records: {named}"
    if not list_at(mapping_at(record, "message"), "parts"):
        return "empty messages"
    return ""
