"""Agent roles: a prompt to an agent that speaks ACP, its turn kept, its findings asked for as JSON and checked.

The agent works in the sandbox. Questions are answered by `decide`: it may look, and nothing else. What it writes is
not applied anywhere, and what it says is as hostile as any other input.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from superqode.qe.checks import Draft, Reading
from superqode.qe.roles import AGENT_ROLES
from superqode.session import clock
from superqode.session.models import Message, MessageRole, ToolExecution
from superqode.session.models.findings import EVIDENCE_MAX, FILE_MAX, TEXT_MAX
from superqode.session.models.severity import METADATA_KEY, Severity

if TYPE_CHECKING:
    from superqode.acp import AcpAgent, Permission, Turn, Update

__all__ = ["Asked", "as_the_roles", "ask_agent", "prompt_for", "read_answer"]

_FINDINGS_MAX: Final = 200
_ANSWER_MAX: Final = 1024 * 1024
# Seconds between two looks at the wish to stop.
_LOOK: Final = 0.1
# Seconds for an agent to begin a session, where the role has as many.
_START_MAX: Final = 60.0
# How often an agent is asked to stop before it is ended.
_LOOKS_MAX: Final = 50
# Kinds of tool calls (https://agentclientprotocol.com, "Tool kinds") that only look.
_LOOKING: Final = frozenset(("read", "search", "think"))
_BLOCK: Final = re.compile(r"^```(?:json)?[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


class _Told(BaseModel):
    """A finding as an agent is to write it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    severity: Annotated[Severity, Field(strict=False)]
    rule: Annotated[str, Field(min_length=1, max_length=100)]
    message: Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
    file: Annotated[str, Field(max_length=FILE_MAX)] = ""
    line: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    evidence: Annotated[str, Field(max_length=EVIDENCE_MAX)] = ""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    findings: Annotated[list[_Told], Field(max_length=_FINDINGS_MAX)]


class Asked(BaseModel):
    """What an agent said.

    Attributes:
        agent: its name, as it says itself.
        entries: its turn, in order; the role is the agent of each.
        reading: its findings, or why there are none.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    agent: str
    entries: tuple[Message | ToolExecution, ...]
    reading: Reading


def prompt_for(role: str) -> str:
    """What an agent is asked in a role."""
    example = {
        "findings": [
            {
                "severity": "high",
                "rule": "sql-injection",
                "message": "what is wrong, and what follows from it",
                "file": "src/api/users.py",
                "line": 12,
                "evidence": "the line that shows it",
            }
        ]
    }
    return (
        f"You are the {role} of a quality run on the project in the current folder. Look for {AGENT_ROLES[role]}.\n"
        "Only look: change no file, and run nothing that has effects outside this folder. Report what you verified in"
        " the code, not what might be.\n"
        "End your answer with one fenced block of JSON of exactly this shape, with an empty list where you found"
        f" nothing; severity is one of {', '.join(level.value for level in Severity)}, file is relative to this"
        f" folder, line is 0 where none is meant, and there are at most {_FINDINGS_MAX} findings:\n\n"
        f"```json\n{json.dumps(example, indent=2)}\n```\n"
    )


def read_answer(answer: str) -> Reading:
    """Read the last block of JSON in an agent's answer; anything that is not exactly as asked breaks the role."""
    blocks = _BLOCK.findall(answer[-_ANSWER_MAX:])
    if not blocks:
        return Reading(broke="its answer has no block of JSON with findings")
    try:
        told = _Answer.model_validate_json(blocks[-1])
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        return Reading(broke=f"its findings are not as asked: {where}: {first['msg']}")
    drafts = [Draft(one.rule, one.severity, one.message, one.file, one.line, one.evidence) for one in told.findings]
    return Reading(drafts, f"{len(drafts)} found")


async def ask_agent(
    command: Sequence[str],
    role: str,
    folder: Path,
    *,
    seconds: float,
    environment: Mapping[str, str],
    stop: Event,
    on_output: Callable[[str], None],
) -> Asked:
    """Start an agent in a folder, ask it, and end it.

    Args:
        command: how it is started, such as `("gemini", "--experimental-acp")`.
        role: what it is asked for.
        folder: where it works.
        seconds: how long it may take.
        environment: its whole environment.
        stop: set from another thread to end the turn.
        on_output: given its words as they come.

    Raises:
        AgentError: it cannot be started, died, took too long, or speaks another language; `turn` is what came before.
    """
    from superqode.acp import AcpAgent

    def show(update: Update) -> None:
        if update.kind == "text":
            on_output(update.text)

    deadline = clock.monotonic() + seconds
    start = min(_START_MAX, seconds)
    agent = AcpAgent(tuple(command), cwd=folder, env=environment, files="read", start_timeout=start)

    async def talk() -> Turn:
        async with agent:
            left = max(0.0, deadline - clock.monotonic())
            return await agent.prompt(prompt_for(role), on_update=show, ask_permission=_decide, timeout=left)

    turn = await _watched(agent, asyncio.create_task(talk()), stop)
    name = agent.agent_name or command[0]
    if turn is None:
        return Asked(agent=name, entries=(), reading=Reading(broke="stopped"))
    answer = "".join(entry.content for entry in turn.messages if entry.role is MessageRole.ASSISTANT)
    reading = Reading(broke="stopped") if stop.is_set() else read_answer(answer)
    return Asked(agent=name, entries=tuple(as_the_roles(turn, role, name)), reading=reading)


async def _watched(agent: AcpAgent, talk: asyncio.Task[Turn], stop: Event) -> Turn | None:
    """Wait for the turn's end, or for the wish to stop; `None` where it has not begun, or the agent does not hear."""
    looks = 0
    try:
        while not talk.done():
            await asyncio.wait((talk,), timeout=_LOOK)
            if stop.is_set() and not talk.done():
                await agent.cancel()  # again each time: the first may come before the prompt went out
                looks += 1
                if looks > _LOOKS_MAX or not agent.session_id:
                    return None
        return await talk
    finally:
        talk.cancel()  # also where we are cancelled ourselves: the agent ends first
        await asyncio.gather(talk, return_exceptions=True)


async def _decide(question: Permission) -> str | None:
    """Let it look; refuse the rest."""
    if question.call.metadata.get("kind") in _LOOKING:
        return question.option("allow_once")
    return question.option("reject_once", "reject_always")


def as_the_roles(turn: Turn, role: str, agent: str) -> Iterator[Message | ToolExecution]:
    """The entries of a turn as those of the role, under ids of our own."""
    for entry in turn.entries:
        spoken = isinstance(entry, Message) and entry.role is MessageRole.USER
        told = {**entry.metadata, METADATA_KEY: {"kind": "turn", "role": role, "agent": agent, "entry": entry.id}}
        values = entry.to_dict() | {"metadata": told, "agent_name": None if spoken else role}
        del values["id"]
        yield type(entry).model_validate(values)
