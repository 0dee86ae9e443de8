"""Who speaks in a user record: a person, or a program that writes in a person's place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from superqode.session.importers.fields import mapping_at, text_at
from superqode.session.importers.parts import as_parts, texts_in
from superqode.session.models import MessageRole

__all__ = ["Spoken", "heard"]

# Subtypes of user records that a person spoke: typed while the model worked, or said aloud.
_PERSONS: Final = ("", "mid_turn_user_message", "realtime_message")
# What programs write; only known texts, for a person may well begin a prompt with a tag.
_CONTEXT: Final = re.compile(
    r"\s*<(?:qwen:user-prompt-submit-context|task-notification|system-reminder|hook_context|session_context)>"
    r"|\s*This is the Qwen Code\."
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a user record says: `role` is `user` for a person's words, of which `text` has only their own."""

    role: MessageRole
    text: str
    details: dict[str, Any] = field(default_factory=dict)


def heard(record: Mapping[str, Any]) -> Spoken:
    """Tell a person's words from what was put around them."""
    texts = texts_in(as_parts(mapping_at(record, "message").get("parts")))
    subtype = text_at(record, "subtype")
    wrote = text_at(record, "provenance")
    program = (subtype if subtype not in _PERSONS else "") or (wrote if wrote not in ("", "real_user") else "")
    program = program or text_at(record, "externalInputKind")
    if program:
        return Spoken(MessageRole.SYSTEM, "\n".join(texts), {"injected": program[:64]})
    around = [text for text in texts if _CONTEXT.match(text)]
    own = "".join(text for text in texts if not _CONTEXT.match(text))
    # What the person typed, where the model was told more: files they named, what hooks said.
    shown = text_at(mapping_at(record, "systemPayload"), "displayText")
    if shown and shown != own:
        around, own = [*around, own] if own else around, shown
    if not own and around:
        return Spoken(MessageRole.SYSTEM, "\n".join(around), {"injected": "context"})
    details: dict[str, Any] = {"context": around} if around else {}
    if subtype:
        details["queued" if subtype == "mid_turn_user_message" else "spoken"] = True
    return Spoken(MessageRole.USER, own, details)
