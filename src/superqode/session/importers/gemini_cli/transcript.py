"""Puts the records of a Gemini chat together.

The file is a log: a message is written again as it grows, and a resumed session writes all of them anew, with less in
them. So what is known of a message stays, what is new in a later record is added where it came, and only a rewind
takes anything back.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from superqode.session.importers.base import Receipt
from superqode.session.importers.drafts import Call, Drafts, Said, make_shelf
from superqode.session.importers.fields import list_at, objects_at, parse_time, text_at
from superqode.session.importers.gemini_cli.answers import Side, grow, usage_of
from superqode.session.importers.gemini_cli.calls import answer, asked_at, call_of, is_over
from superqode.session.importers.gemini_cli.speech import Spoken, heard, workspace_in
from superqode.session.importers.parts import as_parts, attachments, calls_in, response_text, responses_in, texts_in
from superqode.session.importers.spool import KeyMap, KeySet, key_of
from superqode.session.models import MessageRole

__all__ = ["ANSWERING", "Transcript"]

_NOTICES: Final = ("info", "error", "warning")
# The type of an answer: Gemini CLI's, and that of Qwen Code 0.1, which is made from it.
ANSWERING: Final = ("gemini", "qwen")
_KINDS: Final = ("user", *ANSWERING, *_NOTICES)
# What says whose file it is; a second header, as each start of the program writes one, does not change it.
_IDENTITY: Final = ("sessionId", "projectHash", "startTime", "kind")
_LONGEST: Final = 4096
_MOST_NAMES: Final = 20
_MOST_REASONS: Final = 100
_PLAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_REPEATED: Final = "repeats of other records"
_STATE: Final = "state records"
# How calls are named in versions that put several answers of the model into one message.
_OLD_CALL: Final = re.compile(r"-1\d{12}-[0-9a-f]+\Z")


class Transcript:
    """Takes the records of a file one by one.

    Attributes:
        drafts: what was said and done.
        header: what the file says about itself: `sessionId`, `projectHash`, `startTime`, `kind`, `summary`, …
        workspace: the folder it worked in, where a record tells.
        models: the models that answered.
        sides: what sub-agents said in between.
        spawned: the numbers of calls that started sub-agents with files of their own, and these agents' ids.
    """

    def __init__(self, receipt: Receipt, *, big: bool = False) -> None:
        self.drafts = Drafts(make_shelf(big=big))
        self.header: dict[str, str] = {}
        self.workspace = ""
        self.models: list[str] = []
        self.sides: list[Side] = []
        self.spawned: list[tuple[int, str]] = []
        self._receipt = receipt
        self._time = datetime.fromtimestamp(0, UTC)
        # For each message its draft (-1 where it has none), and the tip before it.
        self._known = KeyMap()
        self._before = KeyMap()
        # The calls by message and id, and the ids that results came for.
        self._calls = KeyMap()
        self._answered = KeySet()
        self._side: Side | None = None
        self._compacted = False
        self._has_task = False

    @property
    def is_subagent(self) -> bool:
        """Whether the file is a sub-agent's own."""
        return self.header.get("kind") == "subagent"

    @property
    def _here(self) -> Drafts:
        return self._side.drafts if self._side else self.drafts

    # -- records --------------------------------------------------------------------------------------------

    def take(self, _number: int, record: dict[str, Any]) -> None:
        """Take one record of a log."""
        self.drafts.let_go()
        if isinstance(target := record.get("$rewindTo"), str):
            before = self._before.get(target)
            self.drafts.tip = None if before is None or before < 0 else before
            self._drop(_STATE)
        elif isinstance(record.get("id"), str):
            self.take_message(record)
        elif isinstance(changes := record.get("$set"), dict):
            self._take_changes(changes)
        elif "sessionId" in record and "projectHash" in record:
            self.take_header(record)
            for message in objects_at(record, "messages"):
                self._message(message, again=True)
            self._receipt.kept += 1
        else:
            self._drop("unknown records")

    def take_header(self, header: Mapping[str, Any]) -> None:
        """Take what the file says about itself; what it says first of who it is stays."""
        for name, value in header.items():
            if isinstance(value, str) and len(value) <= _LONGEST and not (name in _IDENTITY and name in self.header):
                self.header[name] = value
        folders = [folder for folder in list_at(header, "directories") if isinstance(folder, str) and folder]
        self.workspace = self.workspace or (folders[0] if folders else "")

    def _take_changes(self, changes: Mapping[str, Any]) -> None:
        brought = False
        for message in objects_at(changes, "messages"):
            brought = self._message(message, again=True) or brought
        self.take_header(changes)
        if brought:
            self._map(len(self.drafts))
        elif "summary" in changes:
            self._receipt.kept += 1
        else:
            self._drop(_REPEATED if "messages" in changes else _STATE)

    def take_message(self, record: dict[str, Any]) -> None:
        """Take one message."""
        self.drafts.let_go()
        kind = text_at(record, "type")
        place = len(self._here)
        if kind not in _KINDS:
            self._drop(f"{kind} messages" if _PLAIN_NAME.fullmatch(kind) else "unknown messages")
        elif self._message(record, again=False):
            self._map(place)
        else:
            self._drop(_REPEATED if record.get("content") or record.get("toolCalls") else "empty messages")

    def _message(self, record: dict[str, Any], *, again: bool) -> bool:
        """Take a message; `again` where it may be one of long ago. False where it brought nothing new."""
        with contextlib.suppress(ValueError):
            self._time = parse_time(record.get("timestamp"))
        name, kind = text_at(record, "id"), text_at(record, "type")
        if not name and again:
            return False  # it may be any of those that are known
        name = name or f"message-{len(self._known)}"
        if name not in self._known:
            self._before[name] = -1 if self.drafts.tip is None else self.drafts.tip
        if kind == "user":
            return self._take_user(name, record)
        compacted, self._compacted = self._compacted, False
        if kind in ANSWERING:
            return self._take_answer(name, record, again=again, compacted=compacted)
        return kind in _NOTICES and self._take_notice(name, record)

    def _map(self, place: int) -> None:
        """Count a record as part of what it brought, or else of what is at the tip."""
        self._receipt.mapped += 1
        here = self._here
        if place < len(here):
            here[place].records += 1
        elif here.tip is not None:
            here.shelf[here.tip].records += 1

    def finish(self) -> None:
        """End reading: what was needed only for that is let go."""
        self.drafts.let_go()
        self._known, self._before, self._calls, self._answered = KeyMap(), KeyMap(), KeyMap(), KeySet()

    def _said(self, name: str) -> Said | None:
        """The draft of a message; None where it has none."""
        number = self._known.get(name)
        found = None if number is None or number < 0 else self.drafts.shelf[number]
        return found if isinstance(found, Said) else None

    def _drop(self, reason: str) -> None:
        known = reason in self._receipt.dropped or len(self._receipt.dropped) < _MOST_REASONS
        self._receipt.drop(reason if known else "unknown records")

    # -- people and programs --------------------------------------------------------------------------------

    def _take_user(self, name: str, record: Mapping[str, Any]) -> bool:
        parts = as_parts(record.get("content"))
        results = responses_in(parts)
        brought = False
        for result in results:
            brought = self._take_response(result) or brought
        spoken = heard(record)
        others = [] if results else attachments(parts)
        if not spoken.text and not others:
            if name not in self._known:
                self._known[name] = -1
            return brought
        if "injected" in spoken.details and not self.workspace:
            self.workspace = workspace_in(spoken.text)
        known = self._said(name)
        if known is None:
            self._speak(name, spoken, others)
            return True
        # Of the context each start of the program writes another one; the first stays.
        if known.text != spoken.text and known.role is spoken.role and "injected" not in spoken.details:
            known.text = spoken.text
            return True
        return brought

    def _speak(self, name: str, spoken: Spoken, others: list[dict[str, Any]]) -> None:
        said = Said(spoken.role, spoken.text, self._time, id=name, details=dict(spoken.details))
        if others:
            said.details["attachments"] = others
        if spoken.task and not self.is_subagent:
            self._side = Side(self.drafts.shelf)
            self.sides.append(self._side)
        elif self.is_subagent and said.role is MessageRole.USER:
            # Nobody types to a sub-agent: it has a task, and what programs say to it later.
            if self._has_task:
                said.role, said.details["injected"] = MessageRole.SYSTEM, "agent"
            self._has_task = True
        self._known[name] = self._here.add(said)
        self._compacted = spoken.compacted

    def _take_response(self, response: Mapping[str, Any]) -> bool:
        """Take a result; False where its call has one already."""
        name = text_at(response, "id")
        call = self.drafts.waiting(name)
        if call is not None:
            answer(call, {"result": [{"functionResponse": response}]}, self._time)
        elif key_of(name) in self._answered:
            return False
        else:
            details = {"tool_name": text_at(response, "name")}
            text = response_text(response)
            self.drafts.add(Said(MessageRole.TOOL, text, self._time, answers=name, details=details))
        self._answered.add(key_of(name))
        return True

    def _take_notice(self, name: str, record: Mapping[str, Any]) -> bool:
        text = "".join(texts_in(as_parts(record.get("content"))))
        if name in self._known or not text:
            return False
        said = Said(MessageRole.SYSTEM, text, self._time, id=name)
        said.details["notice"] = text_at(record, "type")
        self._known[name] = self._here.add(said)
        return True

    # -- the model ------------------------------------------------------------------------------------------

    def _take_answer(self, name: str, record: Mapping[str, Any], *, again: bool, compacted: bool) -> bool:
        parts = as_parts(record.get("content"))
        told = objects_at(record, "toolCalls")
        ended = self._end_side(told)
        brought = name not in self._known
        if brought:
            said = self._answer(name, record, parts)
            bare = not said.text and not said.thinking and not calls_in(parts)
            if bare and told and self._here.speaker() and (ended or not usage_of(record)):
                # No answer of its own: it only holds calls of the one before it.
                self._known[name] = -1
            else:
                if compacted and again and not told and not calls_in(parts):
                    said.role, said.details["notice"] = MessageRole.SYSTEM, "synthetic"
                self._known[name] = self._here.add(said)
        elif not again and (known := self._said(name)) is not None:
            brought = grow(known, record, parts)
        for number, call in enumerate(told or calls_in(parts)):
            brought = self._take_call(name, call, number, again=again) or brought
        if ended and self.sides[-1].call is None:
            self.sides[-1].call = self._calls.get(_key(name, text_at(told[0], "id")))
        return brought

    def _answer(self, name: str, record: Mapping[str, Any], parts: list[dict[str, Any]]) -> Said:
        said = Said(MessageRole.ASSISTANT, "", self._time, id=name)
        grow(said, record, parts)
        if others := attachments(parts):
            said.details["attachments"] = others
        model = text_at(record, "model")
        if model and model not in self.models and len(self.models) < _MOST_NAMES:
            self.models.append(model[:128])
        return said

    def _end_side(self, told: list[dict[str, Any]]) -> bool:
        """End what a sub-agent said, where a call comes that was asked for before it began."""
        if self._side is None or not told:
            return False
        asked = asked_at(text_at(told[0], "id"))
        if asked is None or asked > self._side.drafts[0].time:
            return False
        self._side = None
        return True

    def _take_call(self, name: str, told: Mapping[str, Any], number: int, *, again: bool) -> bool:
        """Take a call; False where it brought nothing new."""
        call_id = text_at(told, "id")
        key = _key(name, call_id or f"{number}")
        known = self._calls.get(key)
        brought = known is None
        if known is None:
            if again and key_of(call_id) in self._answered:
                return False
            known = self._calls[key] = self._add_call(name, call_of(told, self._time))
            if agent := text_at(told, "agentId"):
                self.spawned.append((known, agent))
        call = self.drafts.shelf[known]
        if isinstance(call, Call) and call.ended is None and is_over(told):
            answer(call, told, self._time)
            self._answered.add(key_of(call_id))
            return True
        return brought

    def _add_call(self, name: str, call: Call) -> int:
        holder = self._holder(name, call)
        number = self._here.add(call)
        if holder is not None:
            holder.calls.append(number)
        return number

    def _holder(self, name: str, call: Call) -> Said | None:
        """The answer that asked for a call; a new one where it was asked for after the last call had its result."""
        here = self._here
        holder = self._said(name) or here.speaker()
        last = here.shelf.peek(holder.calls[-1]) if holder and holder.calls else None
        if not isinstance(last, Call) or last.ended is None or not _OLD_CALL.search(call.id) or call.time <= last.ended:
            return holder
        silent = Said(MessageRole.ASSISTANT, "", call.time, id=f"{name}-{call.id}")
        self._known[name] = here.add(silent)
        return silent


def _key(name: str, call_id: str) -> str:
    """What tells the calls of all messages apart."""
    return repr((name, call_id))
