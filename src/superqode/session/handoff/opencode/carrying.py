"""Makes an export another session of another folder: everything that was said and called, under ids of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from superqode.session.handoff.base import Receipt
from superqode.session.handoff.opencode import ids
from superqode.session.handoff.opencode.turns import (
    AGENT,
    NO_TOKENS,
    Moments,
    milliseconds,
    moment_of,
    provider_and_model,
)
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.planning import Record
from superqode.session.handoff.script import Script
from superqode.session.importers.fields import mapping_at, number_at, objects_at, text_at

__all__ = ["carried"]

# States of files, which lie in a repository of the other machine.
_STATES: Final = ("snapshot", "patch")
# What only the account may send again that it was made for; named so in parts of several providers.
_ENCRYPTED: Final = "ncrypted"
_ENDED: Final = ("completed", "error")


def carried(records: Sequence[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
    """Give the records of an export as another session.

    Raises:
        ValueError: it cannot go over as it is.
    """
    if not records or not text_at(mapping_at(records[0], "info"), "id"):
        raise ValueError("its own record is missing")
    info = mapping_at(records[0], "info")
    if mapping_at(info, "revert"):
        raise ValueError("a part of it was taken back")
    carrying = _Carrying(script, paths, receipt, len(records) - 1)
    return [{"info": _session(info, script)}, *map(carrying.take, records[1:])]


def _session(info: Record, script: Script) -> Record:
    now = milliseconds(script.now)
    return {
        "id": script.session_id,
        "slug": text_at(info, "slug") or "handed-over",
        "projectID": "global",
        "directory": script.project,
        "title": script.title or text_at(info, "title") or "Handed over",
        "version": text_at(info, "version") or "0.0.0",
        "time": {"created": now, "updated": now},
    }


class _Carrying:
    """Makes one message after the other another session's."""

    def __init__(self, script: Script, paths: PathMap, receipt: Receipt, count: int) -> None:
        self._script = script
        self._paths = paths
        self._receipt = receipt
        self._moments = Moments(script, count)
        self._ids: dict[str, str] = {}

    def take(self, record: Record) -> Record:
        info = self._paths.value(mapping_at(record, "info"))
        time = self._moments.next(moment_of(max(number_at(mapping_at(info, "time"), "created"), 0)))
        old = text_at(info, "id")
        own = self._ids[old] = ids.message_id(time, self._script.session_id, old)
        shared = {"id": own, "sessionID": self._script.session_id}
        moved = self._prompt(info, time) if text_at(info, "role") == "user" else self._answer(info, time)
        kept = [part for part in objects_at(record, "parts") if self._stays(part)]
        parts = [self._part(part, own, time, number) for number, part in enumerate(kept)]
        return {"info": {**moved, **shared}, "parts": parts}

    def _prompt(self, info: Record, time: int) -> Record:
        provider, model = provider_and_model(self._script.model)
        self._script.last = self._ids[text_at(info, "id")]
        fresh = {"time": {"created": time}, "model": {"providerID": provider, "modelID": model}}
        return {**info, "agent": text_at(info, "agent") or AGENT, **fresh}

    def _answer(self, info: Record, time: int) -> Record:
        agent = text_at(info, "agent", "mode") or AGENT
        needed = {"cost": 0, "tokens": NO_TOKENS, "modelID": "superqode", "providerID": "superqode"}
        place = {"cwd": self._script.project, "root": self._script.project}
        parent = self._ids.get(text_at(info, "parentID")) or self._script.last or self._ids[text_at(info, "id")]
        fresh = {"parentID": parent, "path": place, "time": {"created": time, "completed": time}}
        return {**needed, **info, "mode": agent, "agent": agent, **fresh}

    def _stays(self, part: Record) -> bool:
        kind = text_at(part, "type")
        if kind in _STATES:
            self._receipt.leave_out("states of files of the other machine")
            return False
        if kind == "reasoning" and _ENCRYPTED in json.dumps(part.get("metadata")):
            self._receipt.leave_out("thoughts, which only their own account may send again")
            return False
        return True

    def _part(self, part: Record, message: str, time: int, number: int) -> Record:
        moved: Record = {name: value for name, value in self._paths.value(part).items() if name != "snapshot"}
        if text_at(moved, "type") == "tool":
            moved["state"] = _state(mapping_at(moved, "state"), text_at(moved, "tool"), time)
        own = ids.part_id(time, number, message)
        return {**moved, "id": own, "sessionID": self._script.session_id, "messageID": message}


def _state(state: Record, tool: str, time: int) -> Record:
    status = text_at(state, "status")
    if status not in _ENDED:
        raise ValueError("a call in it has no result")
    needed: dict[str, Any] = {"input": {}, "time": {"start": time, "end": time}}
    needed |= {"output": "", "title": tool, "metadata": {}} if status == "completed" else {"error": ""}
    return {**needed, **state}
