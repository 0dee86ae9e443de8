"""Puts the records of a Qwen Code chat together: what was said, called and answered, each at its place in the tree."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.base import Receipt
from superqode.session.importers.drafts import Call, Drafts, Said, make_shelf
from superqode.session.importers.fields import mapping_at, number_at, parse_time, text_at
from superqode.session.importers.parts import (
    as_parts,
    attachments,
    calls_in,
    judge,
    response_text,
    responses_in,
    texts_in,
)
from superqode.session.importers.qwen_code.inline import Inline
from superqode.session.importers.qwen_code.speech import heard
from superqode.session.importers.spool import KeyMap, KeySet, key_of
from superqode.session.models import FrozenDict, MessageRole, freeze

__all__ = ["Transcript"]

_MOST_NAMES: Final = 20
_MOST_REASONS: Final = 100
_MOST_AGENTS: Final = 1000
# The tool that starts sub-agents, under its names so far.
_STARTERS: Final = ("agent", "task")
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MAX_MS: Final = 2**63 - 1
# Records that hang on the tree beside the conversation.
_ASIDE: Final = (
    "session_artifact_event",
    "session_artifact_snapshot",
    "session_sources_snapshot",
    "managed_session_header_v1",
    "managed_session_event_v1",
    "managed_session_commit_v1",
)
# How the agents that a call started are told of: `general-purpose-call_00cc2d` works for call `call_00cc2d`.
_TASK: Final = re.compile(r"task_id: (\S{1,400})")
_USAGE: Final = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
    "totalTokenCount",
)


class Transcript:
    """Takes the records of a file one by one.

    Attributes:
        drafts: what was said and done.
        session_id: the session the records are of; a sub-agent's file has its parent's.
        agent_id: the sub-agent that wrote them; empty for none.
        agent_type: what kind of agent that is.
        parent_id: the session that made this one; empty for none.
        forked_from: the session its first records were copied from; empty for none.
        title: what it is called; empty where it has no name.
        folder: the first working directory.
        inline: what sub-agents without files of their own did.
    """

    def __init__(self, receipt: Receipt, *, big: bool = False) -> None:
        self.drafts = Drafts(make_shelf(big=big))
        self.session_id = ""
        self.agent_id = ""
        self.agent_type = ""
        self.parent_id = ""
        self.forked_from = ""
        self.title = ""
        self.folder = ""
        self.inline = Inline(self.drafts.shelf)
        self._receipt = receipt
        self._time = datetime.fromtimestamp(0, UTC)
        # For each record the draft that stands for it: its own last one, or that of the record it follows; -1 for none.
        self._places = KeyMap()
        # The first record of each id.
        self._firsts = KeySet()
        self._answers = KeyMap()
        self._starters: list[int] = []
        self._durations: dict[str, int] = {}
        self._models: list[str] = []
        self._versions: list[str] = []
        self._branches: list[str] = []
        self._answering = False

    def about(self) -> dict[str, Any]:
        """What is kept in the session's metadata."""
        return {"git_branches": self._branches, "models": self._models, "versions": self._versions}

    def spawned(self) -> list[tuple[Call, str]]:
        """Give the calls that started sub-agents, and these agents' ids."""
        calls = (call for number in self._starters if isinstance(call := self.drafts.shelf[number], Call))
        found = [(call, told[1]) for call in calls if (told := _TASK.search(call.result[:2000]))]
        return [*found, *self.inline.started()]

    def finish(self) -> None:
        """End reading: what was needed only for that is let go."""
        self.drafts.let_go()
        self._places, self._firsts, self._answers = KeyMap(), KeySet(), KeyMap()

    def take(self, number: int, record: dict[str, Any]) -> None:
        """Take one record; `number` is its line, for people."""
        self.drafts.let_go()
        kind = text_at(record, "type")
        subtype = text_at(record, "subtype")
        self._note_file(record)
        name = text_at(record, "uuid")
        if self._is_repeated(name, record):
            self._receipt.drop("repeated records")
            return
        if subtype in _ASIDE:
            self._drop(kind, subtype)
            return
        self._go_to(record)
        place = len(self.drafts)
        before = self.drafts.tip
        if kind == "system":
            brought = self._take_system(subtype, name, record)
        elif not isinstance(record.get("message"), dict):
            self._receipt.problem(f"line {number}: a {kind[:40] or 'nameless'} record without a message")
            brought = None
        else:
            brought = self._take_message(kind, name, record)
            self._answering = kind == "assistant"
        if brought:
            self._map(place, before)
        elif brought is not None:
            self._drop(kind, subtype)
        if name:
            self._places[name] = -1 if self.drafts.tip is None else self.drafts.tip

    def _is_repeated(self, name: str, record: dict[str, Any]) -> bool:
        """Whether the same record was there before; another one under its id is a further piece, or stays, too."""
        digest = key_of(repr(record))
        if name in self._places:
            return digest in self._firsts
        if name:
            self._firsts.add(digest)
        return False

    def _map(self, place: int, before: int | None) -> None:
        self._receipt.mapped += 1
        if place < len(self.drafts):
            self.drafts[place].records += 1
        elif before is not None:
            self.drafts.shelf[before].records += 1

    def _drop(self, kind: str, subtype: str) -> None:
        plain = all(_PLAIN_NAME.fullmatch(name) for name in (kind, subtype) if name)
        reason = (f"{kind}: {subtype}" if subtype else kind or "unknown records") if plain else "unknown records"
        known = reason in self._receipt.dropped or len(self._receipt.dropped) < _MOST_REASONS
        self._receipt.drop(reason if known else "unknown records")

    def _go_to(self, record: Mapping[str, Any]) -> None:
        """Go to the record this one follows; where that is lost or not told, it follows the one before it."""
        parent = record.get("parentUuid", "")
        if parent is None:
            self.drafts.tip = None
        elif isinstance(parent, str):
            self._go_behind(parent)

    def _go_behind(self, name: str) -> None:
        """Go to what stands for a record; nowhere where it is not known."""
        if (place := self._places.get(name)) is not None:
            self.drafts.tip = None if place < 0 else place

    def _note_file(self, record: Mapping[str, Any]) -> None:
        with contextlib.suppress(ValueError):
            self._time = parse_time(record.get("timestamp"))
        self.session_id = self.session_id or text_at(record, "sessionId")
        self.folder = self.folder or text_at(record, "cwd")
        if record.get("isSidechain") is True:
            self.agent_id = self.agent_id or text_at(record, "agentId")
            self.agent_type = self.agent_type or text_at(record, "agentName")
        origin = text_at(mapping_at(record, "forkedFrom"), "sessionId")
        if origin and origin != text_at(record, "sessionId"):
            self.forked_from = origin
        _note(self._versions, text_at(record, "version"))
        _note(self._branches, text_at(record, "gitBranch"))

    # -- what is said ---------------------------------------------------------------------------------------

    def _take_message(self, kind: str, name: str, record: Mapping[str, Any]) -> bool:
        parts = as_parts(mapping_at(record, "message").get("parts"))
        if kind == "assistant":
            return self._take_answer(name, record, parts)
        if kind == "tool_result" or responses_in(parts):
            return self._take_results(record, parts)
        if kind != "user":
            return False
        spoken = heard(record)
        others = attachments(parts)
        if not spoken.text and not others:
            return False
        role, details = spoken.role, dict(spoken.details)
        if others:
            details["attachments"] = others
        self.drafts.add(Said(role, spoken.text, self._time, id=name, details=details))
        return True

    def _take_answer(self, name: str, record: Mapping[str, Any], parts: list[dict[str, Any]]) -> bool:
        speaker = self.drafts.speaker()
        # A sub-agent's answer is written piece by piece; only the first piece tells its round.
        further = self.agent_id and self._answering and "agentRound" not in record
        known = self._answers.get(name)
        said = self._said(known) or (speaker if further else None)
        if said is None:
            said = Said(MessageRole.ASSISTANT, "", self._time, id=name)
            self.drafts.add(said)
        elif known is not None:
            place = self._places.get(name)
            self.drafts.tip = None if place is None or place < 0 else place
        said.text += "".join(texts_in(parts))
        if name:
            self._answers[name] = said.number
        said.thinking += texts_in(parts, thought=True)
        if model := text_at(record, "model"):
            said.details["model"] = model
            _note(self._models, model)
        usage = mapping_at(record, "usageMetadata")
        if counts := {name: usage[name] for name in _USAGE if type(usage.get(name)) is int and usage[name]}:
            said.details["usage"] = counts
        if others := attachments(parts):
            said.details["attachments"] = others
        for told in calls_in(parts):
            call = self._call(told)
            said.calls.append(self.drafts.add(call))
            if call.name in _STARTERS and len(self._starters) < _MOST_AGENTS:
                self._starters.append(call.number)
        return True

    def _said(self, number: int | None) -> Said | None:
        found = None if number is None else self.drafts.shelf[number]
        return found if isinstance(found, Said) else None

    def _call(self, told: Mapping[str, Any]) -> Call:
        block = cast("FrozenDict", freeze(told))
        arguments = block.get("args")
        if not isinstance(arguments, FrozenDict):
            arguments = cast("FrozenDict", freeze(arguments_of(arguments)))
        return Call(text_at(block, "id"), text_at(block, "name") or "unknown", arguments, self._time, block=block)

    def _take_results(self, record: Mapping[str, Any], parts: list[dict[str, Any]]) -> bool:
        told = mapping_at(record, "toolCallResult")
        given = responses_in(parts)
        for response in given:
            # What is told beside the message is told of one result.
            facts = told if len(given) == 1 or text_at(told, "callId") == text_at(response, "id") else {}
            self._take_result(response, facts)
        call = self.drafts.waiting(text_at(told, "callId")) if not given else None
        if call is not None:
            call.ended, call.result = self._time, "\n".join(texts_in(parts))
            judge(call, {}, text_at(told, "status") or "error", told.get("resultDisplay"))
        return bool(given or call)

    def _take_result(self, response: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        name = text_at(response, "id")
        text = response_text(response)
        call = self.drafts.waiting(name)
        if call is None:
            details = {"tool_name": text_at(response, "name")}
            self.drafts.add(Said(MessageRole.TOOL, text, self._time, answers=name, details=details))
            return
        call.ended, call.result = self._time, text
        shown = told.get("resultDisplay")
        # The shell's output stands there as text, or since 0.24 in an object.
        judge(call, response, text_at(told, "status"), shown)
        if others := attachments(as_parts(response.get("parts"))):
            call.details["attachments"] = others
        known = self._durations.pop(name, -1)
        call.duration_ms = _milliseconds(told, "durationMs") if known < 0 else known
        self.inline.end(call, mapping_at(told, "resultDisplay"))

    # -- what the system notes ------------------------------------------------------------------------------

    def _take_system(self, subtype: str, name: str, record: Mapping[str, Any]) -> bool | None:
        """Take a system record: whether it became part of the conversation; None where it is counted already."""
        payload = mapping_at(record, "systemPayload")
        if subtype == "ui_telemetry":
            return self._take_event(mapping_at(payload, "uiEvent"))
        if subtype == "chat_compression":
            counts = {key: value for key, value in mapping_at(payload, "info").items() if type(value) is int}
            return self._note(name, "", {"kind": "compacted", **counts})
        if subtype == "slash_command":
            command = text_at(payload, "rawCommand")
            shown = text_at(payload, "phase") == "invocation" and command
            return bool(shown) and self._note(name, command, {"injected": "command"})
        if subtype == "custom_title" and text_at(payload, "customTitle"):
            self.title = text_at(payload, "customTitle")
        elif subtype == "parent_session" and text_at(payload, "parentSessionId"):
            self.parent_id = text_at(payload, "parentSessionId")
        else:
            return False
        self._receipt.kept += 1
        return None

    def _note(self, name: str, text: str, details: dict[str, Any]) -> bool:
        self.drafts.add(Said(MessageRole.SYSTEM, text, self._time, id=name, details=details))
        return True

    def _take_event(self, event: Mapping[str, Any]) -> bool | None:
        """Take what the user interface was told: how long a call took, and what a sub-agent did."""
        if self.inline.take(event, self._time, self._starters):
            return None
        name, took = text_at(event, "call_id"), _milliseconds(event, "duration_ms")
        if took < 0 or self.drafts.waiting(name) is None:
            return False
        self._durations[name] = took
        return True


def _milliseconds(record: Mapping[str, Any], key: str) -> int:
    number = number_at(record, key)
    return round(number) if number < _MAX_MS else -1


def _note(names: list[str], name: str) -> None:
    if name and name not in names and len(names) < _MOST_NAMES:
        names.append(name[:128])
