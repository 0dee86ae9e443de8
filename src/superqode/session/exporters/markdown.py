"""A session as Markdown for readers: everything that was said, called and given back, and nothing that gets out.

A message keeps its Markdown inside a block quote, which ends whatever is left open in it. One that holds raw HTML,
pictures, links that are no web links, or definitions for the whole document stands in a fence, as text. Calls and
results are fenced, by more backticks than they hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from superqode.session.exporters.markup import code_span, escaped, fenced
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

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["render"]

_SAFE_LINK: Final = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
# Deeper than this the parser drops what stands there.
_NESTING_MAX: Final = 20
# Above this many characters a message is a pasted file, and its Markdown nobody's.
_PROSE_MAX: Final = 24_000


def render(session: Session) -> Iterator[str]:
    """Give the Markdown in pieces that end with a line feed, an entry a piece."""
    yield "\n".join(_head(session)) + "\n"
    known = known_calls(session.tool_executions)
    for entry in session.timeline:
        lines = _call(entry) if isinstance(entry, ToolExecution) else _message(entry, known)
        yield "\n" + "\n".join(lines) + "\n"


def _head(session: Session) -> Iterator[str]:
    yield f"# {escaped(one_line(session.title)) or 'Session'}"
    yield ""
    for name, values in facts(session):
        yield f"- {name}: {', '.join(code_span(one_line(value)) for value in values)}"


def _message(message: Message, known: frozenset[str]) -> Iterator[str]:
    named = f" ({escaped(one_line(message.agent_name))})" if message.agent_name else ""
    yield f"## {message.role.value.capitalize()}{named} · {moment(message.timestamp)}"
    if message.tool_call_id:
        yield f"\nAnswers the call {code_span(one_line(message.tool_call_id))}."
    for thought in thoughts(message):
        yield "\n*Thinking*\n"
        yield _said(thought)
        if message.content:
            yield "\n*Answer*"
    if message.content:
        yield ""
        yield fenced(message.content) if message.role == "tool" else _said(message.content)
    yield from _attached(message)
    for asked in unanswered(message, known):
        yield f"\nAsks for {code_span(one_line(asked.name)) if asked.name else 'a call'}:\n"
        yield _arguments(asked)


def _attached(entry: Entry) -> Iterator[str]:
    return (f"\nAttached, not kept: {code_span(one_line(told))}" for told in attached(entry))


def _arguments(asked: Asked) -> str:
    if isinstance(asked.arguments, str):
        return fenced(asked.arguments)
    return fenced(json_text(asked.arguments), "json")


def _call(call: ToolExecution) -> Iterator[str]:
    named = f" ({escaped(one_line(call.agent_name))})" if call.agent_name else ""
    told = ("ok" if call.success else "**failed**", duration(call.duration_ms), moment(call.timestamp))
    yield f"### Tool call {code_span(one_line(call.tool_name))}{named} · {' · '.join(part for part in told if part)}"
    yield "\nArguments:\n"
    yield fenced(json_text(call.arguments), "json")
    if call.result:
        yield "\nResult:\n"
        yield fenced(call.result)
    yield from _attached(call)


def _said(text: str) -> str:
    """What somebody said, in a block quote or, where its Markdown would reach out of it, in a fence."""
    quoted = "\n".join(f"> {line}" if line.strip() else ">" for line in visible(text).split("\n"))
    return quoted if _is_tame(quoted) else fenced(text)


def _is_tame(quoted: str) -> bool:
    """Whether this is one block quote that a viewer shows without loading, running or hiding anything."""
    if len(quoted) > _PROSE_MAX:
        return False
    told: dict[str, object] = {}
    tokens = _reader().parse(quoted, told)
    outer = [token.type for token in tokens if token.level == 0]
    deep = any(token.level >= _NESTING_MAX - 1 for token in tokens)
    alone = outer == ["blockquote_open", "blockquote_close"]
    return alone and not deep and not told.get("references") and all(_is_harmless(token) for token in tokens)


def _is_harmless(token: Token) -> bool:
    if token.type in ("html_block", "html_inline", "image"):
        return False
    if token.type == "link_open" and not _SAFE_LINK.match(str(token.attrGet("href"))):
        return False
    return all(_is_harmless(inner) for inner in token.children or ())


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    class Trusting(MarkdownIt):
        """Takes a link to anywhere for one, so that it is seen here."""

        def validateLink(self, url: str) -> bool:  # noqa: N802 - its name in markdown-it
            del url
            return True

    return Trusting("commonmark", {"maxNesting": _NESTING_MAX}).enable(["table", "strikethrough"])
