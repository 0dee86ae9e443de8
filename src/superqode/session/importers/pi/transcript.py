"""Puts the entries of a Pi session together: what was said, called and answered, and where it stands in the tree."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from superqode.session.importers.base import Receipt
from superqode.session.importers.drafts import Call, Drafts, Said, make_shelf
from superqode.session.importers.fields import epoch_time, mapping_at, parse_time, text_at
from superqode.session.importers.pi.blocks import (
    blocks_of,
    call_of,
    end_of_command,
    others_of,
    says_anything,
    shown_of,
    texts_of,
    usage_of,
)
from superqode.session.importers.spool import KeyMap, KeySet, key_of
from superqode.session.models import FrozenDict, MessageRole, freeze

__all__ = ["ENTRIES", "Transcript"]

# The kinds of entries Pi writes.
ENTRIES: Final = frozenset(
    (
        "message",
        "model_change",
        "thinking_level_change",
        "compaction",
        "branch_summary",
        "custom",
        "custom_message",
        "label",
        "session_info",
    )
)
_MOST_NAMES: Final = 20
_MOST_LABELS: Final = 1000
_MOST_REASONS: Final = 100
_PLAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
# Reasons to stop that are no answer.
_BROKEN: Final = ("error", "aborted")


class Transcript:
    """Takes the records of a file one by one.

    Attributes:
        drafts: what was said and done.
        header: the file's header; empty where it is lost.
        first_id: the first entry's id.
        title: the name a person gave the session.
        began: when it began; None where the header does not tell.
    """

    def __init__(self, receipt: Receipt, *, big: bool = False) -> None:
        self.drafts = Drafts(make_shelf(big=big))
        self.header: dict[str, Any] = {}
        self.first_id = ""
        self.title = ""
        self.began: datetime | None = None
        self._receipt = receipt
        self._time = datetime.fromtimestamp(0, UTC)
        # For each entry the draft that stands for it: its own last one, or that of the entry it follows; -1 for none.
        self._places = KeyMap()
        # The first record of each id.
        self._firsts = KeySet()
        self._models: list[str] = []
        self._labels: dict[str, str] = {}

    def about(self) -> dict[str, Any]:
        """What is kept in the session's metadata."""
        told: dict[str, Any] = {"models": self._models}
        if self._labels:
            told["labels"] = self._labels
        if isinstance(version := self.header.get("version"), int):
            told["version"] = version
        return told

    def take(self, number: int, record: dict[str, Any]) -> None:
        """Take one record; `number` is its line, for people."""
        self.drafts.let_go()
        kind = text_at(record, "type")
        if kind == "session":
            self._take_header(record)
            return
        self._note_time(record)
        entry_id = text_at(record, "id")
        self.first_id = self.first_id or entry_id
        if entry_id and self._is_repeated(entry_id, record):
            self._receipt.drop("repeated entries")
            return
        self._go_to(record)
        before = len(self.drafts)
        if kind == "message" and not isinstance(record.get("message"), dict):
            self._receipt.problem(f"line {number}: a message entry without a message")
        elif self._take_entry(kind, entry_id, record):
            self._receipt.mapped += 1
            if len(self.drafts) > before:
                self.drafts[before].records += 1
        if entry_id:
            self._places[entry_id] = -1 if self.drafts.tip is None else self.drafts.tip

    def finish(self) -> None:
        """End reading: what was needed only for that is let go."""
        self.drafts.let_go()
        self._places, self._firsts = KeyMap(), KeySet()

    def _is_repeated(self, entry_id: str, record: dict[str, Any]) -> bool:
        """Whether the same record was there before; another one under its id stays, too."""
        digest = key_of(repr(record))
        if entry_id in self._places:
            return digest in self._firsts
        self._firsts.add(digest)
        return False

    def _take_header(self, record: dict[str, Any]) -> None:
        if self.header:
            self._receipt.drop("further headers")
            return
        self.header = record
        self._note_time(record)
        self._note_model(text_at(record, "modelId"))
        try:
            self.began = parse_time(record.get("timestamp"))
        except ValueError:
            self.began = None
        self._receipt.kept += 1

    def _note_time(self, record: Mapping[str, Any]) -> None:
        """Entries tell their time as text; messages of the first version only in milliseconds."""
        try:
            self._time = parse_time(record.get("timestamp"))
        except ValueError:
            with contextlib.suppress(ValueError):
                self._time = epoch_time(mapping_at(record, "message").get("timestamp"), units=1000)

    def _go_to(self, record: Mapping[str, Any]) -> None:
        """Go to the entry this one follows; where that is lost or not told, it follows the one before it."""
        parent = record.get("parentId", "")
        if parent is None:
            self.drafts.tip = None
        elif isinstance(parent, str) and (place := self._places.get(parent)) is not None:
            self.drafts.tip = None if place < 0 else place

    def _take_entry(self, kind: str, entry_id: str, record: Mapping[str, Any]) -> bool:
        """Make drafts of an entry; False where it is counted as something else."""
        if kind == "message":
            return self._take_message(entry_id, record["message"])
        if kind == "compaction":
            self._note(entry_id, text_at(record, "summary"), {"kind": "compacted"})
        elif kind == "branch_summary":
            self._note(
                entry_id, text_at(record, "summary"), {"kind": "branch_summary", "from": text_at(record, "fromId")}
            )
        elif kind == "custom_message":
            self._note_custom(entry_id, record)
        else:
            self._keep(kind, record)
            return False
        return True

    def _keep(self, kind: str, record: Mapping[str, Any]) -> None:
        """What is no part of the conversation: a name, a bookmark, another model."""
        if kind == "session_info":
            self.title = text_at(record, "name").strip()
        elif kind == "label" and len(self._labels) < _MOST_LABELS:
            target = text_at(record, "targetId")[:64]
            self._labels.pop(target, None)
            if label := text_at(record, "label"):
                self._labels[target] = label[:400]
        elif kind == "model_change":
            self._note_model(text_at(record, "modelId"))
        else:
            reason = f"{kind} entries" if _PLAIN_NAME.fullmatch(kind) else "unknown entries"
            known = reason in self._receipt.dropped or len(self._receipt.dropped) < _MOST_REASONS
            self._receipt.drop(reason if known else "unknown entries")
            return
        self._receipt.kept += 1

    # -- messages -------------------------------------------------------------------------------------------

    def _take_message(self, entry_id: str, message: Mapping[str, Any]) -> bool:
        role = text_at(message, "role")
        if role == "user":
            self._say(MessageRole.USER, entry_id, message)
        elif role == "assistant":
            self._take_answer(entry_id, message)
        elif role == "toolResult":
            self._take_result(entry_id, message)
        elif role == "bashExecution":
            self._take_command(entry_id, message)
        elif role in ("custom", "hookMessage"):
            self._note_custom(entry_id, message)
        elif role in ("branchSummary", "compactionSummary"):
            self._note(entry_id, text_at(message, "summary"), {"kind": role})
        else:
            self._receipt.drop("messages without a known role")
            return False
        return True

    def _say(self, role: MessageRole, entry_id: str, message: Mapping[str, Any]) -> Said:
        blocks = blocks_of(message)
        said = Said(role, "\n\n".join(texts_of(blocks)), self._time, id=entry_id)
        if others := others_of(blocks):
            said.details["attachments"] = others
        self.drafts.add(said)
        return said

    def _note(self, entry_id: str, text: str, details: dict[str, Any]) -> None:
        self.drafts.add(Said(MessageRole.SYSTEM, text, self._time, id=entry_id, details=details))

    def _note_custom(self, entry_id: str, record: Mapping[str, Any]) -> None:
        """What an extension put into the conversation."""
        said = self._say(MessageRole.SYSTEM, entry_id, record)
        said.details["injected"] = text_at(record, "customType")[:64] or "extension"

    def _take_answer(self, entry_id: str, message: Mapping[str, Any]) -> None:
        blocks = blocks_of(message)
        reason, problem = text_at(message, "stopReason"), text_at(message, "errorMessage")
        if reason in _BROKEN and not says_anything(blocks):
            self._note(entry_id, problem, {"notice": "api error" if reason == "error" else reason})
            return
        said = self._say(MessageRole.ASSISTANT, entry_id, message)
        said.thinking = [text for block in blocks if (text := text_at(block, "thinking"))]
        for name, value in (("stop_reason", reason), ("error", problem), ("model", text_at(message, "model"))):
            if value:
                said.details[name] = value
        if usage := usage_of(mapping_at(message, "usage")):
            said.details["usage"] = usage
        self._note_model(text_at(message, "model"))
        for block in blocks:
            if text_at(block, "type") == "toolCall":
                call = call_of(block, self._time)
                said.calls.append(self.drafts.add(call))

    def _take_result(self, entry_id: str, message: Mapping[str, Any]) -> None:
        blocks = blocks_of(message)
        text = "\n".join(shown_of(blocks))
        call = self.drafts.waiting(text_at(message, "toolCallId"))
        if call is None:
            details = {"tool_name": text_at(message, "toolName"), "is_error": message.get("isError") is True}
            answers = text_at(message, "toolCallId")
            said = Said(MessageRole.TOOL, text, self._time, id=entry_id, answers=answers, details=details)
            self.drafts.add(said)
            return
        call.ended, call.result = self._time, text
        call.worked = message.get("isError") is not True
        call.records += 1
        if others := others_of(blocks):
            call.details["attachments"] = others
        if not call.worked:
            call.details.update(end_of_command(text))

    def _take_command(self, entry_id: str, message: Mapping[str, Any]) -> None:
        """A command a person ran with `!`."""
        arguments = cast("FrozenDict", freeze({"command": text_at(message, "command")}))
        call = Call(entry_id, "bash", arguments, self._time, ended=self._time, by_person=True)
        code = message.get("exitCode")
        if type(code) is int and abs(code) < 2**31:
            call.details["exit_code"] = code
        for told, name in (("cancelled", "interrupted"), ("truncated", "truncated")):
            if message.get(told) is True:
                call.details[name] = True
        call.result = text_at(message, "output")
        call.worked = code == 0 and message.get("cancelled") is not True
        self.drafts.add(call)

    def _note_model(self, model: str) -> None:
        if model and model not in self._models and len(self._models) < _MOST_NAMES:
            self._models.append(model[:128])
