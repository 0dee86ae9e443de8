"""One tool call of opencode: what was asked, what came back, whether it really worked, which files it touched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.fields import epoch_time, list_at, mapping_at, number_at, text_at
from superqode.session.importers.opencode.speech import described
from superqode.session.importers.shell import removed_files
from superqode.session.models import ToolExecution
from superqode.session.models.files import FileTouch, touched_files

__all__ = ["AGENT", "PREFIX", "call_block", "execution_of", "touches_of"]

AGENT: Final = "opencode"
PREFIX: Final = "opencode-"
_MAX_MS: Final = 2**63 - 1
_REFUSED: Final = re.compile(r"(?:The user rejected permission|The user (?:dismissed|has specified a rule))")
_STOPPED: Final = re.compile(r"(?:Error: )?Tool execution aborted|(?:Error: )?The operation was aborted")
_KILLED: Final = re.compile(r"<(?:bash|shell)_metadata>[^<]{0,400}(?:terminat|abort|timeout)")
# Where the end of a long output says how it came to its end, in characters.
_TAIL: Final = 2000


def call_block(part: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a message asks for, as it stands beside the message's text."""
    state = mapping_at(part, "state")
    return {"type": "tool", "callID": text_at(part, "callID"), "tool": text_at(part, "tool"), "input": _input(state)}


def _input(state: Mapping[str, Any]) -> dict[str, Any]:
    return arguments_of(state.get("input")) or arguments_of(state.get("raw"))


def execution_of(part: Mapping[str, Any], entry_id: str, otherwise: datetime, session_of: Any) -> ToolExecution:
    """Make the execution of a `tool` part.

    Args:
        part: the part.
        entry_id: the execution's id.
        otherwise: its time where the part tells none.
        session_of: gives our id of another of opencode's sessions.
    """
    state = mapping_at(part, "state")
    facts = mapping_at(state, "metadata")
    name, arguments = text_at(part, "tool") or "unknown", _input(state)
    result = text_at(state, "output", "error")
    worked, details = _outcome(state, facts, result)
    if name == "invalid":  # a call that no tool took; opencode answers it itself
        name, worked = text_at(arguments, "tool") or name, False
        details["invalid"] = True
    if child := text_at(facts, "sessionId", "sessionID"):
        details["subagent_session_id"] = session_of(child)
    if attached := [described(item) for item in list_at(state, "attachments") if isinstance(item, dict)]:
        details["attachments"] = attached
    if entry_id != text_at(part, "callID"):
        details["original_id"] = text_at(part, "callID")
    times = mapping_at(state, "time")
    return ToolExecution(
        id=entry_id,
        tool_name=name,
        arguments=arguments,
        result=result,
        success=worked,
        timestamp=_time(times.get("end"), _time(times.get("start"), otherwise)),
        duration_ms=_duration(times),
        agent_name=AGENT,
        metadata=details,
    )


def _outcome(state: Mapping[str, Any], facts: Mapping[str, Any], result: str) -> tuple[bool, dict[str, Any]]:
    """Whether a call really worked, and what else its end tells."""
    status = text_at(state, "status")
    if status not in ("completed", "error"):
        return False, {"unfinished": True}
    details: dict[str, Any] = {}
    worked = status == "completed"
    if "exit" in facts:
        code = facts["exit"]
        if isinstance(code, int) and not isinstance(code, bool):
            details["exit_code"] = code
        worked = worked and (code == 0 or (code is None and not _KILLED.search(result[-_TAIL:])))
    if status == "error" and _REFUSED.match(result):
        details["refused"] = True
    elif status == "error" and (_STOPPED.match(result) or facts.get("interrupted") is True):
        details["interrupted"] = True
    return worked, details


def touches_of(call: ToolExecution, part: Mapping[str, Any], project_path: str) -> Iterator[tuple[FileTouch, str]]:
    """Give the files a call touched; what opencode found out about the file counts more than the tool's name."""
    if not call.success:
        return
    if call.tool_name in ("bash", "shell"):
        for path in removed_files(call.arguments):
            yield "delete", path
    existed = mapping_at(mapping_at(part, "state"), "metadata").get("exists")
    for touch, path in touched_files(call.tool_name, call.arguments, project_path):
        if touch == "write" and isinstance(existed, bool):
            yield "modify" if existed else "create", path
        elif touch == "modify" and call.tool_name == "edit" and call.arguments.get("oldString") == "":
            yield "write", path  # an edit of nothing writes a file
        else:
            yield touch, path


def _time(value: object, otherwise: datetime) -> datetime:
    try:
        return epoch_time(value, units=1000)
    except ValueError:
        return otherwise


def _duration(times: Mapping[str, Any]) -> int:
    start, end = number_at(times, "start"), number_at(times, "end")
    return min(max(round(end - start), 0), _MAX_MS) if start >= 0 and end - start < _MAX_MS else 0
