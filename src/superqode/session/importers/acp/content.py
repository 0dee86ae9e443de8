"""Content blocks of the protocol as text, and what cannot be text described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superqode.session.importers.fields import mapping_at, text_at

__all__ = ["described", "text_of", "texts_of"]


def text_of(block: Mapping[str, Any]) -> str:
    """Give a block's text as it stands in the conversation; a link to a file is told by its name."""
    kind = text_at(block, "type")
    if kind == "text":
        return text_at(block, "text")
    if kind == "resource_link":
        return f"[@{text_at(block, 'name', 'title')}]({text_at(block, 'uri')})"
    if kind == "resource":
        uri = text_at(mapping_at(block, "resource"), "uri")
        return f"[@{uri.rsplit('/', 1)[-1]}]({uri})"
    return ""


def described(block: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a block that is more than its text; empty for one that is not. Bytes are not kept."""
    kind = text_at(block, "type")
    if kind in ("", "text"):
        return {}
    resource = mapping_at(block, "resource")
    told: dict[str, Any] = {"type": kind[:64]}
    for name, value in (("uri", text_at(block, "uri") or text_at(resource, "uri")), ("name", text_at(block, "name"))):
        if value:
            told[name] = value[:1024]
    if media := text_at(block, "mimeType") or text_at(resource, "mimeType"):
        told["media_type"] = media[:128]
    if data := text_at(block, "data") or text_at(resource, "blob"):
        told["base64_length"] = len(data)
    if text := text_at(resource, "text"):
        told["text"] = text
    return told


def texts_of(content: list[dict[str, Any]]) -> str:
    """Give the text of a tool call's content; diffs and terminals have none."""
    blocks = (mapping_at(item, "content") for item in content if text_at(item, "type") == "content")
    return "\n".join(text_of(block) or f"[{text_at(block, 'type')[:64] or 'block'}]" for block in blocks if block)
