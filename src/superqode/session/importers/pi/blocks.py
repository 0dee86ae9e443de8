"""The blocks of a Pi message: text, thoughts, calls, pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

from superqode.session.importers.drafts import Call
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.models import FrozenDict, freeze

__all__ = ["blocks_of", "call_of", "end_of_command", "others_of", "says_anything", "shown_of", "texts_of", "usage_of"]

_EXIT_CODE: Final = re.compile(r"(?:\A|\n)Command exited with code (\d{1,9})\s*\Z")
_STOPPED: Final = re.compile(r"(?:\A|\n)Command (?:aborted|timed out after \S{1,20} seconds)\s*\Z")
_TAIL: Final = 400


def call_of(block: Mapping[str, Any], time: datetime) -> Call:
    """Make a call of a `toolCall` block."""
    whole = cast("FrozenDict", freeze({name: value for name, value in block.items() if name != "thoughtSignature"}))
    arguments = whole.get("arguments")
    if not isinstance(arguments, FrozenDict):
        arguments = FrozenDict({"input": arguments} if arguments else {})
    return Call(text_at(whole, "id"), text_at(whole, "name") or "unknown", arguments, time, block=whole)


def end_of_command(text: str) -> dict[str, Any]:
    """Give what the result of a call that failed says at its end: an exit code, or that it was stopped."""
    if found := _EXIT_CODE.search(text[-_TAIL:]):
        return {"exit_code": int(found[1])}
    return {"interrupted": True} if _STOPPED.search(text[-_TAIL:]) else {}


def blocks_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give a message's content as blocks; text alone is one block."""
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects_at(message, "content")


def texts_of(blocks: list[dict[str, Any]]) -> list[str]:
    """Give the text of each text block that has some."""
    return [text for block in blocks if text_at(block, "type") == "text" and (text := text_at(block, "text"))]


def says_anything(blocks: list[dict[str, Any]]) -> bool:
    """Whether there is a text, a thought or a call in it."""
    return any(text_at(block, "text", "thinking") or text_at(block, "type") == "toolCall" for block in blocks)


def shown_of(blocks: list[dict[str, Any]]) -> list[str]:
    """The texts of a result, with a mark where something else stands."""
    texts = (block.get("text") for block in blocks)
    marks = (f"[{text_at(block, 'type')[:64] or 'block'}]" for block in blocks)
    return [text if isinstance(text, str) else mark for text, mark in zip(texts, marks, strict=True)]


def others_of(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Describe pictures; their bytes are not kept."""
    described = []
    for block in blocks:
        if (kind := text_at(block, "type")) not in ("text", "thinking", "toolCall"):
            data = text_at(block, "data")
            described.append(
                {"type": kind[:64], "media_type": text_at(block, "mimeType")[:128], "base64_length": len(data)}
            )
    return described


def usage_of(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Give the counts of tokens and the cost; empty where there are none."""
    counts = {
        name: usage[name] for name in ("input", "output", "cacheRead", "cacheWrite") if type(usage.get(name)) is int
    }
    total = mapping_at(usage, "cost").get("total")
    told = {**counts, "cost": total} if isinstance(total, int | float) and not isinstance(total, bool) else counts
    return told if any(told.values()) else {}
