"""Arguments of tool calls, which agents record as objects, as JSON text, or as any text."""

from __future__ import annotations

from typing import Any

from superqode.session.importers.lines import parse_json

__all__ = ["arguments_of", "object_of"]


def arguments_of(raw: object) -> dict[str, Any]:
    """Give a call's arguments: an object as it is, JSON text parsed, any other text as `{"input": text}`."""
    if isinstance(raw, dict):
        return raw
    if not isinstance(raw, str):
        return {}
    return object_of(raw) or ({"input": raw} if raw.strip() not in ("", "{}") else {})


def object_of(text: str) -> dict[str, Any]:
    """Read text that may be a JSON object; an empty one where it is none."""
    try:
        value = parse_json(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
