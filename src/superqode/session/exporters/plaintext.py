"""A session as plain text: safe on any terminal, and nothing in it can pass for another speaker.

What was said and done is indented; what stands at the left margin was written here.
"""

from __future__ import annotations

from collections.abc import Iterator

from superqode.session.exporters.reading import (
    Asked,
    attached,
    duration,
    facts,
    json_text,
    known_calls,
    moment,
    thoughts,
    unanswered,
)
from superqode.session.exporters.visible import one_line, visible
from superqode.session.models import Entry, Message, Session, ToolExecution

__all__ = ["render"]

_INDENT = "    "


def render(session: Session) -> Iterator[str]:
    """Give the text in pieces that end with a line feed, an entry a piece."""
    yield "\n".join(_head(session)) + "\n"
    known = known_calls(session.tool_executions)
    for number, entry in enumerate(session.timeline, 1):
        lines = _call(number, entry) if isinstance(entry, ToolExecution) else _message(number, entry, known)
        yield "\n" + "\n".join(lines) + "\n"


def _head(session: Session) -> Iterator[str]:
    for name, values in (("Title", [session.title or "(none)"]), *facts(session)):
        yield f"{name + ':':<16}{', '.join(one_line(value) for value in values)}"


def _message(number: int, message: Message, known: frozenset[str]) -> Iterator[str]:
    named = f" ({one_line(message.agent_name)})" if message.agent_name else ""
    answers = f", answers {one_line(message.tool_call_id)}" if message.tool_call_id else ""
    yield f"[{number}] {message.role.value}{named}, {moment(message.timestamp)}{answers}"
    thinking = thoughts(message)
    for thought in thinking:
        yield "  thinking:"
        yield from _indented(thought)
    if message.content:
        if thinking:
            yield "  answer:"
        yield from _indented(message.content)
    yield from _attached(message)
    for asked in unanswered(message, known):
        yield f"  asks for {one_line(asked.name) or 'a call'}:"
        yield from _arguments(asked)


def _attached(entry: Entry) -> Iterator[str]:
    return (f"  attached, not kept: {one_line(told)}" for told in attached(entry))


def _arguments(asked: Asked) -> Iterator[str]:
    whole = asked.arguments if isinstance(asked.arguments, str) else json_text(asked.arguments)
    yield from _indented(whole)


def _call(number: int, call: ToolExecution) -> Iterator[str]:
    told = ["ok" if call.success else "failed", duration(call.duration_ms), moment(call.timestamp)]
    named = f" ({one_line(call.agent_name)})" if call.agent_name else ""
    yield f"[{number}] tool call {one_line(call.tool_name)}{named}, {', '.join(part for part in told if part)}"
    yield "  arguments:"
    yield from _indented(json_text(call.arguments))
    if call.result:
        yield "  result:"
        yield from _indented(call.result)
    yield from _attached(call)


def _indented(text: str) -> Iterator[str]:
    for line in visible(text).split("\n"):
        yield (_INDENT + line).rstrip(" ")
