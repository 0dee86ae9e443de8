"""Claude Code: `projects/<folder>/<session>.jsonl`, records in a chain of `parentUuid`s.

Tried with 2.1.330, 2.1.197, 2.0.77 and 1.0.128: only records of people and the model matter, a session is found by
its file's name in the project's folder, and a record needs no version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from superqode.session.handoff.base import Place, Receipt
from superqode.session.handoff.homes import HOMES
from superqode.session.handoff.jsonl import JsonlWriter, Record
from superqode.session.handoff.names import folder_name, make_uuid
from superqode.session.handoff.neutral import Answer, Call, Turn
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.script import Script
from superqode.session.importers.fields import mapping_at, text_at

__all__ = ["ClaudeCodeWriter"]

_MESSAGE_ID: Final = re.compile(r"msg_[A-Za-z0-9_-]{1,60}")
_TITLES: Final = ("custom-title", "ai-title", "summary")
_NO_USAGE: Final = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
# 2.1.197 goes on with the last model named, hangs where none is, and says so where it does not know the one named.
_MODEL: Final = "superqode"
_OWN_MODEL: Final = re.compile(r"claude-[a-z0-9.-]{1,80}")
# Blocks that are signed as they are; changed in the least, the vendor refuses them.
_SIGNED: Final = frozenset({"signature"})
_PLAIN: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class ClaudeCodeWriter(JsonlWriter):
    """Writes sessions for Claude Code."""

    name = "claude-code"
    format = "claude-code"
    home = HOMES["claude-code"]
    looks_at = ("projects/*/*.jsonl",)

    def new_path(self, session_id: str, place: Place) -> str:
        """In the folder named after the project; other folders are not looked into by older versions."""
        return f"projects/{folder_name(place.project)}/{session_id}.jsonl"

    def find(self, session_id: str, place: Place) -> str:
        """There is but one place for it."""
        path = self.new_path(session_id, place)
        return path if path in place.home else ""

    def commands(self, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """`claude --resume`."""
        return ("claude", "--resume", session_id), ("claude", "--resume", session_id, "-p")

    def begin(self, script: Script) -> Iterator[Record]:
        """Nothing comes before the first message."""
        del script
        return iter(())

    def end(self, script: Script) -> Iterator[Record]:
        """The title, by which a person can resume it, too."""
        if script.title:
            yield {"type": "custom-title", "customTitle": script.title, "sessionId": script.session_id}

    def records(self, turns: Sequence[Turn], script: Script) -> Iterator[Record]:
        """A record for each prompt and each answer, and one for all results of an answer."""
        for turn in turns:
            if not isinstance(turn, Answer):
                yield self._record("user", {"role": "user", "content": turn.text}, turn.time, script, turn.id)
                continue
            yield self._record("assistant", _message(turn, script), turn.time, script)
            if turn.calls:
                results = [_result(call) for call in turn.calls]
                ended = max(call.ended for call in turn.calls)
                yield self._record("user", {"role": "user", "content": results}, ended, script)

    def _record(self, kind: str, message: Record, time: Any, script: Script, own_id: str = "") -> Record:
        own, before = script.follow(own_id)
        return {
            "parentUuid": before,
            "isSidechain": False,
            "userType": "external",
            "cwd": script.project,
            "sessionId": script.session_id,
            "type": kind,
            "message": message,
            "uuid": own,
            "timestamp": script.at(time),
        }

    def go_on(self, records: Iterable[Record], script: Script) -> None:
        """The next record follows the last one of the conversation."""
        for record in records:
            if record.get("type") in ("user", "assistant") and record.get("isSidechain") is not True:
                script.last = text_at(record, "uuid") or script.last

    def carry(self, records: Iterable[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
        """Everything people and the model said; not what tells the model of the other machine."""
        return list(_Carrying(script, paths, receipt).run(records))


def _message(answer: Answer, script: Script) -> Record:
    texts = [{"type": "text", "text": answer.text}] if answer.text else []
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments)} for call in answer.calls
    ]
    made = "msg_" + make_uuid(script.session_id, script.last or "").replace("-", "")[:24]
    return {
        "id": answer.id if _MESSAGE_ID.fullmatch(answer.id) else made,
        "type": "message",
        "role": "assistant",
        "model": script.model if _OWN_MODEL.fullmatch(script.model) else _MODEL,
        "content": [*texts, *calls],
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": dict.fromkeys(_NO_USAGE, 0),
    }


def _result(call: Call) -> Record:
    return {"type": "tool_result", "tool_use_id": call.id, "content": call.result, "is_error": not call.success}


class _Carrying:
    """Makes a transcript another session of another folder."""

    def __init__(self, script: Script, paths: PathMap, receipt: Receipt) -> None:
        self._script = script
        self._paths = paths
        self._receipt = receipt
        # For a record that is left out: the record it followed.
        self._instead: dict[str, str | None] = {}

    def run(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            kept = self._kept(record)
            if kept is None:
                self._leave_out(record)
            else:
                yield self._moved(kept)

    def _kept(self, record: Record) -> Record | None:
        """Give what of a record goes over; None for nothing."""
        if text_at(record, "type") not in ("user", "assistant"):
            return record if _stays(record) else None
        message = mapping_at(record, "message")
        content = message.get("content")
        if not message or record.get("isSidechain") is True:
            return None
        if not isinstance(content, list):
            return record
        blocks = [block for block in content if not (isinstance(block, dict) and _unsigned(block))]
        self._receipt.leave_out("thoughts without a signature", len(content) - len(blocks))
        return {**record, "message": {**message, "content": blocks}} if blocks else None

    def _leave_out(self, record: Record) -> None:
        kind = text_at(record, "type")
        named = kind if _PLAIN.fullmatch(kind) else "unknown"
        self._receipt.leave_out(f"{'sub-agents: ' if record.get('isSidechain') is True else ''}{named} records")
        if own := text_at(record, "uuid"):
            self._instead[own] = self._followed(record.get("parentUuid"))

    def _moved(self, record: Record) -> Record:
        moved: Record = {**self._paths.value(record, leave=_SIGNED)}
        for name in ("sessionId", "session_id"):
            if name in moved:
                moved[name] = self._script.session_id
        if "cwd" in moved and not text_at(moved, "cwd").startswith(self._script.project):
            moved["cwd"] = self._script.project
        if "parentUuid" in moved:
            moved["parentUuid"] = self._followed(moved["parentUuid"])
        if moved.get("type") in ("user", "assistant"):
            self._script.last = text_at(moved, "uuid") or self._script.last
        return moved

    def _followed(self, parent: object) -> str | None:
        """The record that one follows among those that go over."""
        place = parent if isinstance(parent, str) and parent else None
        return self._instead.get(place, place) if place else None


def _stays(record: Record) -> bool:
    """Whether a record is kept that is no message: titles, where a conversation was compacted, queued prompts."""
    kind = text_at(record, "type")
    if kind == "system":
        return text_at(record, "subtype").endswith("compact_boundary")
    if kind == "attachment":
        return text_at(mapping_at(record, "attachment"), "type") == "queued_command"
    return kind in _TITLES


def _unsigned(block: Record) -> bool:
    return block.get("type") == "thinking" and not text_at(block, "signature")
