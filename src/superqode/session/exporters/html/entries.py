"""One message or tool call as an `<article>`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from superqode.session import clock
from superqode.session.exporters.html.blocks import block
from superqode.session.exporters.html.escape import text
from superqode.session.exporters.html.prose import prose
from superqode.session.exporters.html.values import show_arguments
from superqode.session.exporters.reading import Asked, attached, duration, gist, is_aside, moment, thoughts, unanswered
from superqode.session.exporters.visible import one_line
from superqode.session.models import Entry, Message, MessageRole, ToolExecution

__all__ = ["Around", "anchor", "show_entry"]

_NAMES: Final = {
    MessageRole.USER: "User",
    MessageRole.ASSISTANT: "Assistant",
    MessageRole.SYSTEM: "System",
    MessageRole.TOOL: "Tool",
}
_GIST_MAX: Final = 160


class Around(NamedTuple):
    """What an entry is shown in.

    Attributes:
        known: the ids of the calls whose execution stands on the page.
        project: the session's project; paths inside it are told from there.
    """

    known: frozenset[str]
    project: str


def anchor(number: int) -> str:
    """The id of an entry on the page; entries count from 1."""
    return f"e{number}"


def show_entry(number: int, entry: Entry, around: Around) -> Iterator[str]:
    """Give an entry, which is the so-manieth from 1."""
    if isinstance(entry, ToolExecution):
        return _call(number, entry, around)
    if is_aside(entry) or entry.role is MessageRole.TOOL:
        return _folded_message(number, entry, around)
    return _message(number, entry, around)


def _article(number: int, kind: str, extra: str = "") -> str:
    own = anchor(number)
    return (
        f'<article class="entry {kind}{extra}" id="{own}" data-kind="{kind}" tabindex="-1" aria-labelledby="{own}n">\n'
    )


def _name(number: int, name: str) -> str:
    return f'<h2 class="name" id="{anchor(number)}n">{name}</h2>'


def _when(number: int, entry: Entry) -> str:
    exact = clock.format_time(entry.timestamp)
    own = anchor(number)
    shown = exact[11:19]
    return (
        f'<a class="when" href="#{own}" title="{moment(entry.timestamp)} · link to this entry">'
        f'<time datetime="{exact}">{shown}</time></a>'
    )


def _agent(entry: Entry) -> str:
    return f'<span class="agent">{text(one_line(entry.agent_name))}</span>' if entry.agent_name else ""


def _message(number: int, message: Message, around: Around) -> Iterator[str]:
    yield _article(number, message.role.value)
    name = _NAMES[message.role]
    yield f"<header>{_name(number, name)}{_agent(message)}{_when(number, message)}</header>\n"
    yield from _body(message, around)
    yield "</article>\n"


def _folded_message(number: int, message: Message, around: Around) -> Iterator[str]:
    kind = "call" if message.role is MessageRole.TOOL else message.role.value
    yield _article(number, kind, " folds")
    answers = f"answers {message.tool_call_id}" if message.tool_call_id else ""
    yield "<details><summary>"
    yield f"{_name(number, _NAMES[message.role])}{_agent(message)}"
    yield f'<span class="gist">{text(one_line(message.content, _GIST_MAX))}</span>'
    yield f'{_when(number, message)}</summary>\n<div class="inside">\n'
    if answers:
        yield f'<p class="note">{text(one_line(answers))}</p>\n'
    yield from _body(message, around, plain=message.role is MessageRole.TOOL)
    yield "</div></details></article>\n"


def _body(message: Message, around: Around, *, plain: bool = False) -> Iterator[str]:
    for thought in thoughts(message):
        yield from _fold("thinking", "Thinking", thought, prose(thought), "prose")
    if message.content and plain:
        yield from block(message.content)
    elif message.content:
        yield '<div class="prose" dir="auto">\n'
        yield from prose(message.content)
        yield "</div>\n"
    yield from _attached(message)
    for asked in unanswered(message, around.known):
        yield from _asked(asked, around)


def _attached(entry: Entry) -> Iterator[str]:
    for told in attached(entry):
        yield f'<p class="note image">Attached: {text(one_line(told, _GIST_MAX))} <span>(not kept)</span></p>\n'


def _asked(asked: Asked, around: Around) -> Iterator[str]:
    told = gist(asked.arguments, around.project) if isinstance(asked.arguments, dict) else ""
    name = f"Asks for {one_line(asked.name) or 'a call'}"
    return _fold("asked", name, told, show_arguments(asked.arguments), "values")


def _fold(kind: str, name: str, told: str, inner: Iterable[str], looks: str) -> Iterator[str]:
    yield f'<details class="{kind}"><summary><span class="name">{text(name)}</span>'
    yield f'<span class="gist">{text(one_line(told, _GIST_MAX))}</span></summary>\n<div class="{looks}" dir="auto">\n'
    yield from inner
    yield "</div></details>\n"


def _call(number: int, call: ToolExecution, around: Around) -> Iterator[str]:
    yield _article(number, "call", " folds" if call.success else " folds failed")
    took = duration(call.duration_ms)
    yield "<details><summary>"
    yield _name(number, text(one_line(call.tool_name)) or "(no name)")
    yield f'<span class="gist">{text(gist(call.arguments, around.project))}</span>'
    if took:
        yield f'<span class="took">{took}</span>'
    yield "" if call.success else '<span class="state">failed</span>'
    yield f'{_when(number, call)}</summary>\n<div class="inside">\n'
    if call.arguments:
        yield '<section class="values"><h3>Arguments</h3>\n'
        yield from show_arguments(call.arguments)
        yield "</section>\n"
    if call.result:
        yield '<section class="result"><h3>Result</h3>\n'
        yield from block(call.result)
        yield "</section>\n"
    else:
        yield '<p class="note">It gave nothing back.</p>\n'
    yield from _attached(call)
    told = [f"call {call.id}", *([call.agent_name] if call.agent_name else [])]
    yield f'<p class="note">{text(one_line(" · ".join(told)))}</p>\n</div></details></article>\n'
