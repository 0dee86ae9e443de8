"""The blocks of a message: text, thoughts, calls, results, pictures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from superqode.session.importers.claude_code.rows import Call, Result
from superqode.session.importers.fields import mapping_at, text_at
from superqode.session.models import freeze

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from superqode.session.models import FrozenDict

__all__ = ["as_blocks", "call_of", "is_call", "is_result", "others_of", "result_of", "texts_of"]

_EXIT_CODE: Final = re.compile(r"Exit code (\d{1,9})\b")
_FAILED_STATES: Final = frozenset({"error", "failed", "interrupted", "cancelled", "canceled", "killed", "rejected"})
_REFUSALS: Final = frozenset({"reject", "deny", "block"})


def as_blocks(content: Any) -> list[dict[str, Any]]:
    """Give a message's content as blocks; text alone is one block, and what is no block is left out."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    plain = ({"type": "text", "text": block} if isinstance(block, str) else block for block in content)
    return [block for block in plain if isinstance(block, dict)]


def texts_of(blocks: list[dict[str, Any]]) -> list[str]:
    """Give the text of each text block that has some."""
    texts = (block.get("text") for block in blocks if block.get("type") == "text")
    return [text for text in texts if isinstance(text, str) and text]


def is_call(block: Mapping[str, Any]) -> bool:
    """Whether a block asks for a tool; the API's own tools have names of their own (`server_tool_use`)."""
    return text_at(block, "type").endswith("tool_use")


def is_result(block: Mapping[str, Any]) -> bool:
    """Whether a block answers a call."""
    return text_at(block, "type").endswith("tool_result")


def call_of(block: dict[str, Any]) -> Call:
    """Read a call."""
    whole = cast("FrozenDict", freeze(block))
    arguments = whole.get("input")
    if not isinstance(arguments, dict):
        arguments = freeze({"input": arguments} if arguments else {})
    return Call(text_at(whole, "id"), text_at(whole, "name") or "unknown", cast("FrozenDict", arguments), whole)


def result_of(block: dict[str, Any], told: Any, decision: Any) -> Result:
    """Read a result.

    Args:
        block: the `tool_result` block.
        told: the record's `toolUseResult`, where it belongs to this block.
        decision: the record's `permissionDecision`.
    """
    content = as_blocks(block.get("content"))
    text = "\n".join(_shown(content))
    facts: dict[str, Any] = told if isinstance(told, dict) else {}
    details: dict[str, Any] = {}
    failed = block.get("is_error") is True or text.startswith("<tool_use_error>")
    code = _EXIT_CODE.match(text) if failed else None
    if code:
        details["exit_code"] = int(code[1])
    refused = isinstance(decision, dict) and text_at(decision, "decision") in _REFUSALS
    for name, found in (("refused", refused), ("interrupted", facts.get("interrupted") is True)):
        if found:
            details[name] = True
    # grep ends with 1 when it finds nothing; Claude Code explains such a code instead of calling it an error.
    note = text_at(facts, "returnCodeInterpretation")
    if note:
        details["exit_note"] = note
    if others := others_of(content):
        details["attachments"] = others
    return Result(
        call_id=text_at(block, "tool_use_id"),
        text=text,
        worked=not (failed or details.keys() & {"refused", "interrupted", "exit_note"} or _says_failed(facts)),
        touch=_touch(facts),
        agent_id=text_at(facts, "agentId"),
        details=details,
    )


def _says_failed(facts: Mapping[str, Any]) -> bool:
    code = facts.get("exitCode")
    return (
        text_at(facts, "status") in _FAILED_STATES
        or facts.get("success") is False
        or bool(text_at(facts, "error"))
        or (isinstance(code, int) and code != 0)
    )


def _touch(facts: Mapping[str, Any]) -> Any:
    """What `toolUseResult` says about the file: in `type`, or by what was there before."""
    if "filePath" not in facts:
        return ""
    said = {"create": "create", "update": "modify"}.get(text_at(facts, "type"))
    if said:
        return said
    if "originalFile" not in facts:
        return ""
    return "modify" if facts["originalFile"] or text_at(facts, "oldString") else "create"


def others_of(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Describe pictures and documents; their bytes are not kept."""
    return list(_others(blocks))


def _others(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        kind = text_at(block, "type")
        if kind == "text" or is_call(block) or is_result(block) or kind.endswith("thinking"):
            continue
        carrier = mapping_at(block, "source")
        described: dict[str, Any] = {"type": kind[:64]}
        if media := text_at(carrier, "media_type"):
            described["media_type"] = media[:128]
        if data := text_at(carrier, "data"):
            described["base64_length"] = len(data)
        yield described


def _shown(blocks: list[dict[str, Any]]) -> Iterator[str]:
    """The texts of a result, with a mark where something else stands."""
    for block in blocks:
        text = block.get("text")
        if isinstance(text, str):
            yield text
        else:
            named = (text_at(block, name) for name in ("title", "url", "tool_name"))
            yield " ".join([f"[{text_at(block, 'type')[:64] or 'block'}]", *filter(None, named)])
