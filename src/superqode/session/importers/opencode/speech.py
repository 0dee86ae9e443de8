"""What a person said to opencode, without what opencode put around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from superqode.session.importers.fields import mapping_at, text_at
from superqode.session.models import MessageRole

__all__ = ["Spoken", "described", "heard", "unquoted"]

# `opencode run` puts each argument with a space in quotes, and appends what came through a pipe behind a newline.
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\n?', re.DOTALL)


@dataclass(slots=True)
class Spoken:
    """A user message.

    Attributes:
        role: who speaks: the person, or opencode in a person's place.
        text: the words.
        details: what else there was, JSON.
        mapped: how many parts became text.
        kept: how many parts are only described.
    """

    role: MessageRole
    text: str
    details: dict[str, Any] = field(default_factory=dict)
    mapped: int = 0
    kept: int = 0


def heard(parts: list[dict[str, Any]]) -> Spoken:
    """Tell a person's words from the files, notes and tasks that opencode adds to a message."""
    own: list[str] = []
    around: list[str] = []
    spoken = Spoken(MessageRole.USER, "")
    for part in parts:
        kind = text_at(part, "type")
        if kind == "text":
            added = part.get("synthetic") is True or part.get("ignored") is True
            (around if added else own).append(text_at(part, "text"))
            spoken.mapped += 1
            continue
        spoken.kept += 1
        if kind == "subtask":
            own.append(text_at(part, "prompt"))
            spoken.details["subtask"] = {
                name: part[name] for name in ("agent", "description", "command") if name in part
            }
        elif kind == "compaction":
            spoken.details["kind"] = "compaction"
        else:
            spoken.details.setdefault("attachments", []).append(described(part))
    sent = "\n".join(own)
    spoken.text = unquoted(sent)
    if spoken.text != sent:
        spoken.details["as_sent"] = sent
    if around and not spoken.text:
        spoken.role, spoken.text = MessageRole.SYSTEM, "\n".join(around)
        spoken.details["injected"] = "context"
    elif around:
        spoken.details["context"] = around
    if spoken.details.get("kind") == "compaction":
        spoken.role = MessageRole.SYSTEM
    return spoken


def unquoted(text: str) -> str:
    """Give a prompt as the person typed it: without the quotes and the newline of `opencode run`."""
    quoted = _QUOTED.fullmatch(text)
    if quoted and " " in quoted[1]:
        return quoted[1].replace('\\"', '"')
    return text.removesuffix("\n")


def described(part: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a file, an agent or anything else in a message; bytes are not kept."""
    told: dict[str, Any] = {
        name: text_at(part, name)[:1024] for name in ("type", "mime", "filename", "name") if text_at(part, name)
    }
    url = text_at(part, "url")
    if url.startswith("data:"):
        told["url_length"] = len(url)
    elif url:
        told["url"] = url[:1024]
    if path := text_at(mapping_at(part, "source"), "path"):
        told["path"] = path[:1024]
    return told
