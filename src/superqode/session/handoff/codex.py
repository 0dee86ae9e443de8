"""Codex: `sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`, the conversation as the Responses API has it.

Tried with 0.169, 0.139, 0.104 and 0.47: the file alone is enough, a thread is found by its file's name, the folder it
works in is the one it is resumed in. Its SQLite files hold nothing that is needed, and another machine's do harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from superqode.session.codec.jsontext import dump_text
from superqode.session.handoff.base import Place, Receipt
from superqode.session.handoff.homes import HOMES
from superqode.session.handoff.jsonl import JsonlWriter, Record
from superqode.session.handoff.names import iso_time, make_uuid
from superqode.session.handoff.neutral import Answer, Call, Turn
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.script import Script
from superqode.session.importers.codex.calls import Call as Reading
from superqode.session.importers.codex.speech import read_content
from superqode.session.importers.fields import mapping_at, text_at

__all__ = ["CodexWriter"]

# Fields of the first record that bind a thread to a machine, an account, a provider or another file.
_BINDING: Final = frozenset((
    "model_provider", "base_instructions", "account_scoped", "forked_from_id", "parent_thread_id", "git",
))  # fmt: skip
# What Codex makes anew where it goes on; left there, it compacts a session whose model is not the one at hand.
_SETTINGS: Final = frozenset(("turn_context", "world_state", "thread_settings_applied", "additional_tools"))


class CodexWriter(JsonlWriter):
    """Writes sessions for Codex."""

    name = "codex"
    format = "codex"
    home = HOMES["codex"]
    looks_at = ("sessions/*/*/*/rollout-*.jsonl",)

    def new_path(self, session_id: str, place: Place) -> str:
        """In the folder of the day, under a name that tells the second."""
        return f"sessions/{place.now:%Y/%m/%d}/rollout-{place.now:%Y-%m-%dT%H-%M-%S}-{session_id}.jsonl"

    def find(self, session_id: str, place: Place) -> str:
        """A thread is where its name is, whatever the project; Codex goes on in that file."""
        ending = f"-{session_id}.jsonl"
        return next((path for path in sorted(place.home) if path.endswith(ending) and path.startswith("sessions/")), "")

    def commands(self, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """`codex resume` by id: `--last` does not see files that Codex did not write."""
        return ("codex", "resume", session_id), ("codex", "exec", "resume", session_id)

    def begin(self, script: Script) -> Iterator[Record]:
        """What the thread is; without a model's provider, which would bind it to one."""
        about = {
            "id": script.session_id,
            "timestamp": iso_time(script.now),
            "cwd": script.project,
            "originator": "superqode",
            "cli_version": "0.0.0",
            "source": "cli",
        }
        yield {"timestamp": iso_time(script.now), "type": "session_meta", "payload": about}

    def records(self, turns: Sequence[Turn], script: Script) -> Iterator[Record]:
        """The items of the conversation; beside each text the event that makes a title and the display of it."""
        for turn in turns:
            if not isinstance(turn, Answer):
                yield self._item(script, turn.time, type="message", role="user", content=_text("input_text", turn.text))
                yield self._event(script, turn.time, "user_message", "UserMessage", "text", turn.text)
                continue
            if turn.text:
                content = _text("output_text", turn.text)
                yield self._item(script, turn.time, type="message", role="assistant", content=content)
                yield self._event(script, turn.time, "agent_message", "AgentMessage", "Text", turn.text)
            for call in turn.calls:
                arguments = dump_text(dict(call.arguments))
                asked = {"name": call.name, "arguments": arguments, "call_id": call.id}
                yield self._item(script, call.asked, type="function_call", **asked)
            for call in turn.calls:
                yield self._item(script, call.ended, type="function_call_output", call_id=call.id, output=_output(call))

    def _item(self, script: Script, time: datetime, **payload: Any) -> Record:
        return self._record(script, time, "response_item", payload)

    def _event(self, script: Script, time: datetime, old: str, new: str, kind: str, text: str) -> Record:
        """An event that tells of a message: files that number their records have completed items instead."""
        if script.ordinal is None:
            return self._record(script, time, "event_msg", {"type": old, "message": text})
        made = make_uuid(script.session_id, str(script.ordinal), text)
        item = {"type": new, "id": made, "content": [{"type": kind, "text": text}]}
        milliseconds = int(script.time.timestamp() * 1000)
        told = {
            "type": "item_completed",
            "thread_id": script.session_id,
            "turn_id": script.last or script.session_id,
            "item": item,
            "started_at_ms": milliseconds,
            "completed_at_ms": milliseconds,
        }
        return self._record(script, time, "event_msg", told)

    def _record(self, script: Script, time: datetime, kind: str, payload: Record) -> Record:
        record: Record = {"timestamp": script.at(time), "type": kind, "payload": payload}
        if script.ordinal is not None:
            record["ordinal"] = script.ordinal
            script.ordinal += 1
        return record

    def go_on(self, records: Iterable[Record], script: Script) -> None:
        """The next record has the next number, where they have numbers; events name the turn they belong to."""
        for record in records:
            _note(record, script)

    def carry(self, records: Iterable[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
        """Everything but what is bound to an account or a machine."""
        carried: list[Record] = []
        for record in records:
            kept = _Carrying(script, paths, receipt, first=not carried).take(record)
            if kept is not None:
                if "ordinal" in kept:
                    kept["ordinal"] = len(carried)
                _note(kept, script)
                carried.append(kept)
        return carried


def _text(kind: str, text: str) -> list[Record]:
    return [{"type": kind, "text": text}]


def _output(call: Call) -> str:
    """Give a result's text, which is also all that says whether it worked: with an exit code where it misleads."""
    reading = Reading(call.id, call.name, {}, call.asked)
    reading.take_output(call.result, call.ended)
    if (reading.result, reading.success) == (call.result, call.success):
        return call.result
    code = 0 if call.success else call.exit_code or 1
    seconds = max(0.0, (call.ended - call.asked).total_seconds())
    return f"Exit code: {code}\nWall time: {seconds:.1f} seconds\nOutput:\n{call.result}"


def _note(record: Record, script: Script) -> None:
    ordinal = record.get("ordinal")
    if type(ordinal) is int:
        script.ordinal = ordinal + 1
    script.last = text_at(mapping_at(record, "payload"), "turn_id") or script.last


def _reason(kind: str, payload: Record) -> str:
    """Why a record stays behind; empty where it goes over."""
    inner = text_at(payload, "type")
    if kind == "response_item" and inner == "reasoning":
        return "thoughts, which only their own account may send again"
    if kind == "token_usage_record" or inner == "token_count":
        return "token counts"
    if kind in _SETTINGS or inner in _SETTINGS:
        return "settings of the other machine"
    told = kind == "response_item" and inner == "message" and text_at(payload, "role") != "assistant"
    if told and (text_at(payload, "role") != "user" or read_content(payload).injected):
        return "instructions and context of the other machine"
    return ""


class _Carrying:
    """Makes one record of a rollout another thread's, of another folder."""

    def __init__(self, script: Script, paths: PathMap, receipt: Receipt, *, first: bool) -> None:
        self._script = script
        self._paths = paths
        self._receipt = receipt
        self._first = first

    def take(self, record: Record) -> Record | None:
        """Give the record as it goes over; None where it does not.

        Raises:
            ValueError: the file cannot go over as it is.
        """
        payload = record.get("payload")
        kind = text_at(record, "type")
        if not isinstance(payload, dict):
            raise ValueError("it is of a version that cannot be resumed")  # noqa: TRY004 - one error for all reasons
        if self._first != (kind == "session_meta"):
            if self._first:
                raise ValueError("its first record is missing")
            return self._without("records of other threads")
        if kind == "session_meta":
            return self._meta(record, payload)
        if reason := _reason(kind, payload):
            return self._without(reason)
        if payload.get("encrypted_content"):
            raise ValueError("a part of it is encrypted for its own account")
        return {**record, "payload": self._moved(payload)}

    def _without(self, reason: str) -> Record | None:
        self._receipt.leave_out(reason)
        return None

    def _meta(self, record: Record, payload: Record) -> Record:
        if payload.get("history_base"):
            raise ValueError("its beginning is in another file")
        kept = {name: value for name, value in self._moved(payload).items() if name not in _BINDING}
        kept |= {"id": self._script.session_id, "cwd": self._script.project, "timestamp": iso_time(self._script.now)}
        if "runtime_workspace_roots" in kept:
            kept["runtime_workspace_roots"] = [self._script.project]
        return {**record, "payload": kept}

    def _moved(self, payload: Record) -> Record:
        moved: Record = {**self._paths.value(payload)}
        for name in ("thread_id", "session_id"):
            if name in moved:
                moved[name] = self._script.session_id
        if isinstance(payload.get("arguments"), str):
            moved["arguments"] = self._paths.json_text(payload["arguments"])
        return moved
