"""What Gemini's model, or a sub-agent, said: answers that grow from record to record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superqode.session.importers.drafts import Drafts, Said, Shelf
from superqode.session.importers.fields import mapping_at, text_at
from superqode.session.importers.gemini_cli.speech import thoughts_in
from superqode.session.importers.parts import texts_in

__all__ = ["Side", "grow", "usage_of"]

_LONGEST_NAME = 40


class Side:
    """What a sub-agent said in its caller's file, as up to 0.38.

    Args:
        shelf: where the drafts of the file are.

    Attributes:
        drafts: what was said.
        call: the number of the call that started it; None where that is lost.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.drafts = Drafts(shelf)
        self.call: int | None = None


def grow(said: Said, record: Mapping[str, Any], parts: list[dict[str, Any]]) -> bool:
    """Take over what a record says more of an answer; False where that is nothing."""
    text = "".join(texts_in(parts))
    thoughts, subjects = thoughts_in(record)
    found: dict[str, Any] = {}
    if model := text_at(record, "model"):
        found["model"] = model
    if usage := usage_of(record):
        found["usage"] = usage
    if subjects:
        found["thinking_subjects"] = subjects
    changed = bool(text and text != said.text) or len(thoughts) > len(said.thinking)
    said.text = text or said.text
    said.thinking = max(thoughts, said.thinking, key=len)
    changed = changed or any(said.details.get(name) != value for name, value in found.items())
    said.details.update(found)
    return changed


def usage_of(record: Mapping[str, Any]) -> dict[str, int]:
    """Give the counts of tokens; empty where there are none."""
    told = mapping_at(record, "tokens").items()
    counts = {name: value for name, value in told if type(value) is int and len(name) < _LONGEST_NAME}
    return counts if any(counts.values()) else {}
