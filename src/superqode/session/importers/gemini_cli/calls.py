"""Gemini CLI's tool calls: what was asked, when, and what came back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.drafts import Call
from superqode.session.importers.fields import mapping_at, parse_time, text_at
from superqode.session.importers.parts import as_parts, attachments, judge, response_text, responses_in
from superqode.session.models import FrozenDict, freeze

__all__ = ["answer", "asked_at", "call_of", "is_over"]

# Ids made by the client tell when: `read_file-1795341027791-6adefd9f33011`, `read_file__read_file_1795340960486_1`.
_MADE_AT: Final = re.compile(r"[_-](1\d{12})[_-][0-9a-f]{1,16}\Z")
_LONGEST: Final = timedelta(days=1)
_OVER: Final = ("success", "error", "cancelled")


def asked_at(call_id: str) -> datetime | None:
    """When a call was asked for, by its id; None where that does not tell."""
    found = _MADE_AT.search(call_id)
    return datetime.fromtimestamp(int(found[1]) / 1000, UTC) if found else None


def call_of(told: Mapping[str, Any], time: datetime) -> Call:
    """Make a call of `{"id", "name", "args"}`.

    Args:
        told: the call; other fields are left out.
        time: when its message was recorded.
    """
    call_id = text_at(told, "id")
    block = cast("FrozenDict", freeze({name: told[name] for name in ("id", "name", "args") if name in told}))
    arguments = block.get("args")
    if not isinstance(arguments, FrozenDict):
        arguments = cast("FrozenDict", freeze(arguments_of(arguments)))
    asked = asked_at(call_id)
    if asked is None or abs(asked - time) > _LONGEST:
        asked = time
    return Call(call_id, text_at(told, "name") or "unknown", arguments, asked, block=block)


def is_over(told: Mapping[str, Any]) -> bool:
    """Whether a recorded call has come to its end."""
    return text_at(told, "status") in _OVER or ("status" not in told and "result" in told)


def answer(call: Call, told: Mapping[str, Any], time: datetime) -> None:
    """Take a call's result.

    Args:
        call: the call.
        told: the recorded call, or `{"result": parts}` where only the result is told.
        time: when it came, where the record does not tell.
    """
    try:
        call.ended = parse_time(told.get("timestamp"))
    except ValueError:
        call.ended = time
    parts = as_parts(told.get("result"))
    # Of several results in one message, which a resumed session has, only one belongs to this call.
    given = responses_in(parts)
    response = next((one for one in given if text_at(one, "id") == call.id), given[0] if given else {})
    call.result = response_text(response) or "\n".join(filter(None, (text_at(part, "text") for part in parts)))
    judge(call, response, text_at(told, "status"), told.get("resultDisplay"))
    others = attachments(parts) + attachments([part for part in _inside(response) if isinstance(part, dict)])
    if others:
        call.details["attachments"] = others


def _inside(response: Mapping[str, Any]) -> list[Any]:
    parts = response.get("parts", mapping_at(response, "response").get("parts"))
    return parts if isinstance(parts, list) else []
