"""Pi: `sessions/--<folder>--/<time>_<session>.jsonl`, a header and entries in a tree of `parentId`s.

Tried with 0.73: the header's `cwd` has to be the project, an answer has to have `usage`, and what another model
thought would be sent as if it had been said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from superqode.session.handoff.base import Place, Receipt
from superqode.session.handoff.homes import HOMES
from superqode.session.handoff.jsonl import JsonlWriter, Record
from superqode.session.handoff.names import iso_time
from superqode.session.handoff.neutral import Answer, Call, Turn
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.script import Script
from superqode.session.importers.fields import list_at, mapping_at, text_at

__all__ = ["PiWriter"]

# The format's number, and the oldest whose entries have ids.
_VERSION: Final = 3
_OLDEST: Final = 2
_SEPARATOR: Final = re.compile(r"[/\\:]")
# Where the model is none that Pi knows here it says so, and goes on with the one that is set.
_MODEL: Final = {"api": "superqode", "provider": "superqode", "model": "superqode"}
_NO_COST: Final = ("input", "output", "cacheRead", "cacheWrite", "total")
_NO_USAGE: Final = ("input", "output", "cacheRead", "cacheWrite", "totalTokens")
# Blocks that are signed as they are.
_SIGNED: Final = frozenset({"thinkingSignature"})
# What only the account that it was made for may send again stands in a signature under this name.
_ENCRYPTED: Final = "encrypted_content"


class PiWriter(JsonlWriter):
    """Writes sessions for Pi."""

    name = "pi"
    format = "pi"
    home = HOMES["pi"]
    looks_at = ("sessions/*/*.jsonl",)

    def new_path(self, session_id: str, place: Place) -> str:
        """In the project's folder, under a name that tells the moment."""
        return f"{_folder(place)}{_SEPARATOR.sub('-', iso_time(place.now)).replace('.', '-')}_{session_id}.jsonl"

    def find(self, session_id: str, place: Place) -> str:
        """Pi finds a session by its name in the project's folder; one of another project it would have to fork."""
        start, ending = _folder(place), f"_{session_id}.jsonl"
        return next((path for path in sorted(place.home) if path.startswith(start) and path.endswith(ending)), "")

    def commands(self, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """`pi --session`."""
        return ("pi", "--session", session_id), ("pi", "--session", session_id, "-p")

    def begin(self, script: Script) -> Iterator[Record]:
        """The header, with the project it works in."""
        yield {
            "type": "session",
            "version": _VERSION,
            "id": script.session_id,
            "timestamp": iso_time(script.now),
            "cwd": script.project,
        }

    def end(self, script: Script) -> Iterator[Record]:
        """The title, which the list of sessions shows."""
        if script.title:
            yield self._entry(script, script.time, "session_info", name=script.title)

    def records(self, turns: Sequence[Turn], script: Script) -> Iterator[Record]:
        """An entry for each prompt, each answer and each result."""
        for turn in turns:
            if not isinstance(turn, Answer):
                said = {"role": "user", "content": _texts(turn.text)}
                yield self._message(script, turn.time, said, turn.id)
                continue
            yield self._message(script, turn.time, _answer(turn), turn.id)
            for call in turn.calls:
                yield self._message(script, call.ended, _result(call))

    def _message(self, script: Script, time: datetime, message: Record, own_id: str = "") -> Record:
        script.time = max(script.time, time)
        message["timestamp"] = int(script.time.timestamp() * 1000)
        return self._entry(script, time, "message", own_id, message=message)

    def _entry(self, script: Script, time: datetime, kind: str, own_id: str = "", **fields: Any) -> Record:
        own, before = script.follow(own_id)
        return {"type": kind, "id": own, "parentId": before, "timestamp": script.at(time), **fields}

    def go_on(self, records: Iterable[Record], script: Script) -> None:
        """The next entry follows the last one; the header is none."""
        for record in records:
            _note(record, script)

    def carry(self, records: Iterable[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
        """All entries, also of branches; only thoughts that could not be sent again stay behind."""
        carried: list[Record] = []
        for record in records:
            if text_at(record, "type") == "session":
                if not carried:
                    carried.append(_header(record, script))
                continue
            if not carried:
                raise ValueError("its header is missing")
            moved = paths.value(_sendable(record, receipt), leave=_SIGNED)
            _note(moved, script)
            carried.append(moved)
        return carried


def _folder(place: Place) -> str:
    """Pi's folder of a project: its path between hyphens, with hyphens for what separates names."""
    path = place.project[1:] if place.project[0] in "/\\" else place.project
    return f"sessions/--{_SEPARATOR.sub('-', path)}--/"


def _texts(text: str) -> list[Record]:
    return [{"type": "text", "text": text}]


def _answer(turn: Answer) -> Record:
    calls = [
        {"type": "toolCall", "id": call.id, "name": call.name, "arguments": dict(call.arguments)} for call in turn.calls
    ]
    return {
        "role": "assistant",
        "content": [*(_texts(turn.text) if turn.text else ()), *calls],
        **_MODEL,
        "usage": {**dict.fromkeys(_NO_USAGE, 0), "cost": dict.fromkeys(_NO_COST, 0)},
        "stopReason": "toolUse" if calls else "stop",
    }


def _result(call: Call) -> Record:
    told = {"toolCallId": call.id, "toolName": call.name, "content": _texts(call.result)}
    return {"role": "toolResult", **told, "isError": not call.success}


def _note(record: Mapping[str, Any], script: Script) -> None:
    if text_at(record, "type") != "session":
        script.last = text_at(record, "id") or script.last


def _header(record: Record, script: Script) -> Record:
    version = record.get("version")
    if type(version) is not int or version < _OLDEST:
        raise ValueError("it is of the format's first version")
    # The file that a session was forked off lies on the other machine.
    kept = {name: value for name, value in record.items() if name not in ("parentSession", "branchedFrom")}
    fresh = {"id": script.session_id, "timestamp": iso_time(script.now), "cwd": script.project}
    return {**kept, **fresh}


def _sendable(record: Record, receipt: Receipt) -> Record:
    """Give an entry without thoughts that only their own account may send, or that would be sent as words."""
    message = mapping_at(record, "message")
    content = list_at(message, "content")
    kept = [block for block in content if not (isinstance(block, dict) and _unsendable(block))]
    if len(kept) == len(content):
        return record
    receipt.leave_out("thoughts that could not be sent again", len(content) - len(kept))
    return {**record, "message": {**message, "content": kept}}


def _unsendable(block: Mapping[str, Any]) -> bool:
    signature = text_at(block, "thinkingSignature")
    return text_at(block, "type") == "thinking" and (not signature or _ENCRYPTED in signature)
