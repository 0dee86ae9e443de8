"""What goose's messages say: texts, thoughts, calls, results, pictures, notices."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.base import Receipt
from superqode.session.importers.fields import epoch_time, list_at, mapping_at, number_at, objects_at, text_at
from superqode.session.importers.origin import EntryIds
from superqode.session.models import Entry, Message, MessageRole, ToolExecution

__all__ = ["AGENT", "BLOCKS", "Talk"]

AGENT: Final = "goose"
# Kinds of blocks by which a message of goose is known.
BLOCKS: Final = frozenset(("text", "toolRequest", "toolResponse", "thinking", "image", "redactedThinking", "reasoning"))
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_DECLINED: Final = "The user has declined to run this tool"
# Later than this a number of seconds is one of milliseconds.
_LATEST_SECOND: Final = 100_000_000_000
_MAX_MS: Final = 2**63 - 1


class Talk:
    """Turns goose's messages into entries.

    Attributes:
        receipt: counts what becomes of messages.
        entries: the entries so far.
        opening: what the conversation begins with, to tell sessions of one id apart.
        left_out: how many blocks nobody can read.
    """

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        self.entries: list[Entry] = []
        self.opening = ""
        self.left_out: dict[str, int] = {}
        self._ids = EntryIds()
        self._waiting: dict[str, int] = {}
        self._now = _EPOCH

    def take(self, message: Mapping[str, Any]) -> None:
        """Take one message; the receipt has counted its line."""
        created = number_at(message, "created")
        with contextlib.suppress(ValueError):
            self._now = epoch_time(created, units=1000 if created > _LATEST_SECOND else 1) if created > 0 else self._now
        blocks = objects_at(message, "content")
        if message.get("role") not in ("user", "assistant") or not blocks:
            self.receipt.drop("records without content")
            return
        before = len(self.entries)
        answered = sum(self._answer(block) for block in blocks if block.get("type") == "toolResponse")
        self._say(message, blocks)
        if len(self.entries) > before or answered:
            self.receipt.mapped += 1
        else:
            answers = any(block.get("type") == "toolResponse" for block in blocks)
            self.receipt.drop("results without a call" if answers else "messages that say nothing")

    def _say(self, message: Mapping[str, Any], blocks: list[dict[str, Any]]) -> None:
        by_agent = message.get("role") == "assistant"
        details: dict[str, Any] = {}
        texts = [text_at(block, "text") for block in blocks if block.get("type") == "text" and text_at(block, "text")]
        thinking = [text for block in blocks if (text := _thought(block))]
        requests = [block for block in blocks if text_at(block, "type") in ("toolRequest", "frontendToolRequest")]
        notices = [text_at(block, "msg") for block in blocks if block.get("type") == "systemNotification"]
        images = [_picture(block) for block in blocks if block.get("type") == "image"]
        for block in blocks:
            if block.get("type") == "redactedThinking":
                self.left_out["redacted_thinking"] = self.left_out.get("redacted_thinking", 0) + 1
        if thinking:
            details["thinking"] = thinking
        if images:
            details["attachments"] = images
        role = MessageRole.ASSISTANT if by_agent else MessageRole.USER
        visible = mapping_at(message, "metadata")
        if notices and not (texts or requests):
            role, texts, details["kind"] = MessageRole.SYSTEM, list(filter(None, notices)), "notice"
        elif visible.get("userVisible") is False and not requests:
            role, details["injected"] = MessageRole.SYSTEM, "agent only"
        if visible.get("agentVisible") is False:
            details["compacted"] = True
        if not (texts or thinking or requests or images):
            return
        text = "\n".join(texts)
        self.opening = self.opening or f"{message.get('created')}\0{text[:1000]}"
        own = text_at(message, "id")
        entry_id = (
            self._ids.claim(own) if own else self._ids.derive("msg", role.value, str(message.get("created")), text)
        )
        self.entries.append(
            Message(
                id=entry_id,
                role=role,
                content=text,
                timestamp=self._now,
                agent_name=AGENT if role is MessageRole.ASSISTANT else None,
                tool_calls=[_asked(block) for block in requests] or None,
                metadata=details,
            )
        )
        for block in requests:
            self._call(block)

    def _call(self, block: Mapping[str, Any]) -> None:
        asked = _asked(block)
        raw_id = text_at(block, "id") or "call"
        entry_id = self._ids.claim(raw_id)
        failed = text_at(mapping_at(block, "toolCall"), "error")
        details: dict[str, Any] = {"invalid": True} if failed else {"unfinished": True}
        if entry_id != raw_id:
            details["original_id"] = raw_id
        self._waiting[raw_id] = len(self.entries)
        self.entries.append(
            ToolExecution(
                id=entry_id,
                tool_name=asked["name"],
                arguments=asked["arguments"],
                result=failed,
                success=False,
                timestamp=self._now,
                agent_name=AGENT,
                metadata=details,
            )
        )

    def _answer(self, block: Mapping[str, Any]) -> bool:
        """Take a result; says whether there is a call for it."""
        place = self._waiting.pop(text_at(block, "id"), None)
        if place is None:
            return False
        call = self.entries[place]
        outcome = mapping_at(block, "toolResult")
        value = outcome.get("value")
        facts: dict[str, Any] = value if isinstance(value, dict) else {"content": value}
        result = text_at(outcome, "error") or _shown(objects_at(facts, "content"))
        details = {name: item for name, item in call.metadata.items() if name != "unfinished"}
        worked = text_at(outcome, "status") != "error" and facts.get("isError") is not True
        code = mapping_at(facts, "structuredContent").get("exit_code")
        if isinstance(code, int) and not isinstance(code, bool):
            details["exit_code"], worked = code, worked and code == 0
        if result.startswith(_DECLINED):
            details["refused"], worked = True, False
        if child := text_at(mapping_at(facts, "_meta"), "subagent_session_id"):
            details["subagent"] = child
        passed = max(0, round((self._now - call.timestamp).total_seconds() * 1000))
        changed = {
            "result": result,
            "success": worked,
            "timestamp": self._now,
            "duration_ms": min(passed, _MAX_MS),
            "metadata": details,
        }
        self.entries[place] = ToolExecution.model_validate({**dict(call), **changed})
        return True


def _asked(block: Mapping[str, Any]) -> dict[str, Any]:
    value = mapping_at(mapping_at(block, "toolCall"), "value")
    name = text_at(value, "name") or "unknown"
    return {
        "type": "toolRequest",
        "id": text_at(block, "id"),
        "name": name,
        "arguments": arguments_of(value.get("arguments")),
    }


def _thought(block: Mapping[str, Any]) -> str:
    kind = text_at(block, "type")
    return text_at(block, "thinking", "text") if kind in ("thinking", "reasoning") else ""


def _picture(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "image",
        "media_type": text_at(block, "mimeType")[:128],
        "base64_length": len(text_at(block, "data")),
    }


def _shown(blocks: list[dict[str, Any]]) -> str:
    """The texts of a result as the model got them; goose adds shorter or coloured ones for people."""
    for_model = [block for block in blocks if _audience(block) != ["user"]] or blocks
    return "\n".join(_text_of(block) for block in for_model)


def _audience(block: Mapping[str, Any]) -> list[Any]:
    return list_at(mapping_at(block, "annotations"), "audience")


def _text_of(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    if isinstance(text, str):
        return text
    inner = text_at(mapping_at(block, "resource"), "text")
    return inner or f"[{text_at(block, 'type')[:64] or 'block'}]"
