"""What sub-agents did that have no file of their own: up to 0.15 only the telemetry in their caller's file tells."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from superqode.session.importers.drafts import Call, Drafts, Said, Shelf
from superqode.session.importers.fields import mapping_at, number_at, parse_time, text_at
from superqode.session.models import FrozenDict, MessageRole, freeze

__all__ = ["Inline", "InlineAgent"]

# `<session>#<agent>#<round>`; the session's own prompts have no agent in between.
_PROMPT: Final = re.compile(r"[^#]{1,200}#([^#]{1,200})#(\d{1,9})")
_MOST_AGENTS: Final = 1000
_LONGEST_MS: Final = 10**9


@dataclass(slots=True, eq=False)
class InlineAgent:
    """A sub-agent.

    Attributes:
        id: its id.
        type: its kind.
        call: the number of the call that started it; None where that is not known.
        drafts: what it did: its task, its answers, its calls without their results.
        records: how many events told of it.
    """

    id: str
    type: str
    call: int | None
    drafts: Drafts
    records: int = 0


class Inline:
    """Collects the telemetry of sub-agents.

    Args:
        shelf: where the drafts of the file are.

    Attributes:
        agents: the sub-agents, by their ids.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.agents: dict[str, InlineAgent] = {}
        self._shelf = shelf

    def call_of(self, agent: InlineAgent) -> Call | None:
        """Give the call that started a sub-agent; None where that is not known."""
        return None if agent.call is None else self._call(agent.call)

    def started(self) -> list[tuple[Call, str]]:
        """Give the calls that started these sub-agents, and their ids."""
        return [(call, agent.id) for agent in self.agents.values() if (call := self.call_of(agent)) is not None]

    def take(self, event: Mapping[str, Any], time: datetime, callers: Sequence[int]) -> bool:
        """Take an event; False where it is no sub-agent's.

        Args:
            event: the event.
            time: when, where the event does not tell.
            callers: the numbers of the calls so far that may have started a sub-agent.
        """
        found = _PROMPT.fullmatch(text_at(event, "prompt_id"))
        told = next((tell for kind, tell in _EVENTS if text_at(event, "event.name").endswith(kind)), None)
        if found is None or told is None:
            return False
        moment = _time(event, time)
        agent = self.agents.get(found[1])
        if agent is None:
            if len(self.agents) >= _MOST_AGENTS:
                return False
            agent = self._begin(found[1], text_at(event, "subagent_name"), moment, callers)
        agent.records += 1
        told(agent, event, moment)
        return True

    def end(self, call: Call, shown: Mapping[str, Any]) -> None:
        """Take the result of a call that may have started a sub-agent: it tells which kind."""
        if text_at(shown, "type") != "task_execution":
            return
        for agent in self.agents.values():
            if agent.call == call.number:
                agent.type = text_at(shown, "subagentName") or agent.type

    def _begin(self, name: str, kind: str, time: datetime, callers: Sequence[int]) -> InlineAgent:
        """Begin a sub-agent, started by the first open call that no other was started by."""
        taken = {agent.call for agent in self.agents.values()}
        calls = [call for number in callers if (call := self._call(number)) is not None]
        named = [call for call in calls if call.id and name.endswith(call.id)]
        opened = [call for call in calls if call.ended is None and call.number not in taken]
        fitting = [call for call in opened if text_at(call.arguments, "subagent_type") == kind]
        starter = next(iter([*named, *fitting, *opened]), None)
        agent = InlineAgent(name, kind, None if starter is None else starter.number, Drafts(self._shelf))
        self.agents[name] = agent
        task = text_at(starter.arguments, "prompt", "description") if starter else ""
        if task:
            agent.drafts.add(Said(MessageRole.USER, task, min(time, starter.time) if starter else time))
        return agent

    def _call(self, number: int) -> Call | None:
        found = self._shelf[number]
        return found if isinstance(found, Call) else None


def _answer(agent: InlineAgent, event: Mapping[str, Any], time: datetime) -> None:
    said = Said(MessageRole.ASSISTANT, text_at(event, "response_text"), time, id=text_at(event, "response_id"))
    if model := text_at(event, "model"):
        said.details["model"] = model
    agent.drafts.add(said)


def _call(agent: InlineAgent, event: Mapping[str, Any], time: datetime) -> None:
    arguments = cast("FrozenDict", freeze(mapping_at(event, "function_args")))
    took = number_at(event, "duration_ms")
    took = took if took <= _LONGEST_MS else -1
    call = Call(text_at(event, "call_id"), text_at(event, "function_name") or "unknown", arguments, time)
    call.block = cast("FrozenDict", freeze({"id": call.id, "name": call.name, "args": arguments}))
    with contextlib.suppress(OverflowError):
        call.time = time - timedelta(milliseconds=max(took, 0))
    call.ended, call.duration_ms = time, round(took)
    call.worked = event.get("success") is True
    call.result = text_at(event, "error")
    call.details["result_not_recorded"] = not call.result
    speaker = agent.drafts.speaker()
    number = agent.drafts.add(call)
    if speaker is not None:
        speaker.calls.append(number)


_EVENTS: Final = ((".api_response", _answer), (".tool_call", _call))


def _time(event: Mapping[str, Any], otherwise: datetime) -> datetime:
    try:
        return parse_time(event.get("event.timestamp"))
    except ValueError:
        return otherwise
