"""One prompt or answer as a message of opencode's, at a time that is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from superqode.session.handoff.neutral import Answer, Call, Prompt
from superqode.session.handoff.opencode import ids
from superqode.session.handoff.opencode.stored import FOREIGN
from superqode.session.handoff.planning import Record
from superqode.session.handoff.script import Script
from superqode.session.importers.fields import mapping_at, number_at, text_at
from superqode.session.importers.opencode.speech import unquoted

__all__ = ["AGENT", "NO_TOKENS", "Moments", "answer", "moment_of", "note", "prompt", "provider_and_model"]

# opencode's own agent, which is there wherever nobody took it away.
AGENT: Final = "build"
NO_TOKENS: Final[dict[str, Any]] = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
# How long before the present the last message is, in milliseconds: one of the future is never answered.
_MARGIN: Final = 1000


class Moments:
    """Gives each message a time: its own where that can be, after the one before it, and none of the future.

    Args:
        script: knows what time it is, and that of the last message.
        count: how many messages there will be.
    """

    def __init__(self, script: Script, count: int) -> None:
        self._script = script
        self._latest = milliseconds(script.now) - _MARGIN - count

    def next(self, moment: datetime) -> int:
        """Give the next message's time, in milliseconds since 1970."""
        self._latest += 1
        time = max(min(milliseconds(moment), self._latest), milliseconds(self._script.time) + 1, 1)
        self._script.time = moment_of(time)
        return time


def milliseconds(moment: datetime) -> int:
    """Give a time in whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment_of(value: float) -> datetime:
    """Give the time that is so many milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=value)


def provider_and_model(name: str) -> tuple[str, str]:
    """Split `provider/model`; the model's own name may have slashes."""
    provider, _, model = name.partition("/")
    return (provider, model) if provider and model else (FOREIGN, name or FOREIGN)


def note(record: Record, script: Script) -> None:
    """Tell the script of a message that is there: its time, and the prompt that an answer to it names."""
    info = mapping_at(record, "info")
    if "parts" not in record:
        return
    told = mapping_at(info, "time")
    latest = max(number_at(told, "created"), number_at(told, "completed"))
    script.time = max(script.time, moment_of(min(latest, milliseconds(script.now))))
    if text_at(info, "role") == "user":
        script.last = text_at(info, "id") or script.last


def prompt(turn: Prompt, script: Script, moments: Moments) -> Record:
    """Give a prompt's message; it names the model that is to answer the next one."""
    time = moments.next(turn.time)
    own = ids.message_id(time, script.session_id, turn.id, turn.text)
    provider, model = provider_and_model(script.model)
    info = {
        "id": own,
        "sessionID": script.session_id,
        "role": "user",
        "time": {"created": time},
        "agent": AGENT,
        "model": {"providerID": provider, "modelID": model},
    }
    script.last = own
    return {"info": info, "parts": [_part(script, own, time, 0, type="text", text=_typed(turn.text))]}


def answer(turn: Answer, script: Script, moments: Moments) -> Record:
    """Give an answer's message, with its calls and their results."""
    time = moments.next(turn.time)
    own = ids.message_id(time, script.session_id, turn.id, turn.text, *(call.id for call in turn.calls))
    contents: list[Record] = [{"type": "text", "text": turn.text}] if turn.text else []
    contents += [{"type": "tool", "callID": call.id, "tool": call.name, "state": _state(call)} for call in turn.calls]
    info = {
        "id": own,
        "sessionID": script.session_id,
        "role": "assistant",
        "parentID": script.last or own,
        "mode": AGENT,
        "agent": AGENT,
        "path": {"cwd": script.project, "root": script.project},
        "cost": 0,
        "tokens": NO_TOKENS,
        "modelID": FOREIGN,
        "providerID": FOREIGN,
        "time": {"created": time, "completed": time},
        "finish": "tool-calls" if turn.calls else "stop",
    }
    return {"info": info, "parts": [_part(script, own, time, place, **told) for place, told in enumerate(contents)]}


def _part(script: Script, message: str, time: int, number: int, **fields: Any) -> Record:
    own = ids.part_id(time, number, message)
    return {"id": own, "sessionID": script.session_id, "messageID": message, **fields}


def _state(call: Call) -> Record:
    time = {"start": milliseconds(call.asked), "end": milliseconds(call.ended)}
    if not call.success:
        return {"status": "error", "input": dict(call.arguments), "error": call.result, "time": time}
    told = {"output": call.result, "title": call.name, "metadata": {}}
    return {"status": "completed", "input": dict(call.arguments), **told, "time": time}


def _typed(text: str) -> str:
    """Give a prompt so that it is read as it is: `opencode run` puts quotes around one, or a newline behind it."""
    quoted = '"' + text.replace('"', '\\"') + '"'
    return next((shape for shape in (text, f"{text}\n", quoted) if unquoted(shape) == text), text)
