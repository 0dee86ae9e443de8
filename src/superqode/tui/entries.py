"""One message or tool call as lines of a width: what was said as Markdown, calls folded to a line until opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from rich.segment import Segment
from rich.style import Style

from superqode.cli.text import count
from superqode.cli.times import local
from superqode.session.exporters.html.diffs import Piece as Diff
from superqode.session.exporters.html.diffs import edit_diff, looks_like_diff, read_diff, split_edits
from superqode.session.exporters.reading import duration, gist, is_aside, json_text, thoughts, unanswered
from superqode.session.exporters.visible import visible
from superqode.session.models import Entry, Message, MessageRole, ToolExecution
from superqode.tui.lines import Line, Piece, fit, piece, segments
from superqode.tui.wrapping import wrap

__all__ = ["Look", "copied_text", "draw_entry", "estimate", "foldable", "is_told_otherwise"]

_INDENT: Final = "  "
_RAIL: Final = "  │ "
# What is drawn of one text at most, in characters and lines: a screen shows no more anyway, `y` copies all.
_TEXT_MAX: Final = 60_000
_LINES_MAX: Final = 400
_GIST_MAX: Final = 200
_NAMES: Final[Mapping[MessageRole, str]] = {
    MessageRole.USER: "You",
    MessageRole.ASSISTANT: "Assistant",
    MessageRole.SYSTEM: "System",
    MessageRole.TOOL: "Tool",
}
_DIFF_ROLES: Final[Mapping[str, str]] = {"add": "add", "del": "del", "hunk": "hunk", "file": "dim"}

Drawing = list[list[Segment]]


@dataclass(frozen=True, slots=True)
class Look:
    """How entries are drawn.

    Attributes:
        width: in columns, at least 10.
        styles: the style of each role.
        code_theme: Pygments' style for blocks of code.
        project: the session's project; paths inside it are told from there.
        known: ids of the calls whose execution stands in the session.
    """

    width: int
    styles: Mapping[str, Style]
    code_theme: str
    project: str = ""
    known: frozenset[str] = frozenset()


def foldable(entry: Entry) -> bool:
    """Whether an entry is a line until it is opened."""
    return isinstance(entry, ToolExecution) or entry.role is MessageRole.TOOL or is_aside(entry)


def estimate(entry: Entry, width: int, *, opened: bool) -> int:
    """About how many lines an entry takes, without drawing it."""
    if not isinstance(entry, Message) or foldable(entry):
        return 12 if opened else 1
    text = entry.content
    return 2 + text.count("\n") + min(len(text), _TEXT_MAX) // max(1, width - 4)


def is_told_otherwise(entry: Entry, before: frozenset[str], known: frozenset[str]) -> bool:
    """Whether an entry looks another way once the executions of other calls stand in the session."""
    if not isinstance(entry, Message) or not entry.tool_calls:
        return False
    return list(unanswered(entry, before)) != list(unanswered(entry, known))


def copied_text(entry: Entry) -> str:
    """What copying an entry copies: what was said, or what a call was given and gave; `?` for lone surrogates."""
    if isinstance(entry, Message):
        told = entry.content
    else:
        told = f"{entry.tool_name} {json_text(entry.arguments)}\n{entry.result}"
    return told.encode("utf-8", "replace").decode("utf-8")


def draw_entry(entry: Entry, look: Look, *, opened: bool) -> Drawing:
    """Draw an entry."""
    if isinstance(entry, ToolExecution):
        return list(_call(entry, look, opened=opened))
    if foldable(entry):
        return list(_folded(entry, look, opened=opened))
    return list(_message(entry, look))


def _line(line: Line, look: Look) -> list[Segment]:
    return segments(fit(line, look.width), look.styles)


def _when(entry: Entry) -> Piece:
    return Piece(local(entry.timestamp), "dim")


def _who(entry: Entry) -> tuple[Piece, ...]:
    return (Piece("  "), piece(entry.agent_name, "dim", 60)) if entry.agent_name else ()


# -- messages ---------------------------------------------------------------------------------------------------------


def _message(message: Message, look: Look) -> Iterator[list[Segment]]:
    role = message.role.value
    yield []
    yield _line(Line((Piece("● ", role), Piece(_NAMES[message.role], role), *_who(message)), (_when(message),)), look)
    for thought in thoughts(message):
        for line in _bounded(wrap(_cut(thought), look.width - 4, look.styles.get("dim")), thought, look):
            yield [Segment(_RAIL, look.styles.get("dim")), *line]
    if message.content.strip():
        for line in _bounded(_prose(message.content, look), message.content, look):
            yield [Segment(_INDENT), *line]
    for asked in unanswered(message, look.known):
        told = gist(asked.arguments, look.project) if isinstance(asked.arguments, dict) else ""
        asked_for = (Piece(f"{_INDENT}? ", "warn"), piece(asked.name or "a call", "tool"))
        yield _line(Line((*asked_for, Piece("  "), piece(told, "dim", _GIST_MAX))), look)


def _prose(told: str, look: Look) -> Drawing:
    from superqode.tui.prose import draw_prose  # Rich's Markdown, Pygments: only when something is drawn

    return draw_prose(_cut(told), look.width - len(_INDENT), look.styles, look.code_theme)


def _cut(told: str) -> str:
    return told if len(told) <= _TEXT_MAX else told[:_TEXT_MAX]


def _bounded(lines: Drawing, told: str, look: Look) -> Iterator[list[Segment]]:
    yield from islice(lines, _LINES_MAX)
    if len(lines) > _LINES_MAX or len(told) > _TEXT_MAX:
        yield [Segment(f"… {count(len(told), 'character')} in all; y copies them", look.styles.get("warn"))]


def _folded(message: Message, look: Look, *, opened: bool) -> Iterator[list[Segment]]:
    head = (Piece(_fold_mark(opened=opened), "dim"), Piece(f"{_NAMES[message.role]} ", message.role.value))
    yield _line(Line((*head, piece(message.content, "dim", _GIST_MAX)), (_when(message),)), look)
    if opened:
        yield from _block(message.content, look)


def _fold_mark(*, opened: bool) -> str:
    return "▾ " if opened else "▸ "


# -- calls ------------------------------------------------------------------------------------------------------------


def _call(call: ToolExecution, look: Look, *, opened: bool) -> Iterator[list[Segment]]:
    mark = Piece("✓ ", "ok") if call.success else Piece("✗ ", "bad")
    if call.metadata.get("unfinished"):
        mark = Piece("… ", "warn")
    told = gist(call.arguments, look.project)
    left = (Piece(_fold_mark(opened=opened), "dim"), mark, piece(call.tool_name or "(no name)", "tool"))
    took = duration(call.duration_ms)
    right = (Piece(took, "dim"),) if took else ()
    yield _line(Line((*left, Piece("  "), piece(told, "dim", _GIST_MAX)), right), look)
    if not opened:
        return
    yield _railed([Segment(local(call.timestamp), look.styles.get("dim")), *_plain(_who(call), look)], look)
    edits, rest = split_edits(call.arguments)
    for name, value in rest.items():
        yield from _argument(name, value, look)
    for edit in edits:
        yield from _diff(edit_diff(edit), look)
    if call.result:
        yield _railed(
            [Segment("result" if call.success else "failed", look.styles.get("ok" if call.success else "bad"))], look
        )
        yield from _block(call.result, look)


def _plain(pieces: Iterable[Piece], look: Look) -> list[Segment]:
    return segments(pieces, look.styles)


def _railed(line: list[Segment], look: Look) -> list[Segment]:
    return [Segment(_RAIL, look.styles.get("dim")), *line]


def _argument(name: str, value: Any, look: Look) -> Iterator[list[Segment]]:
    told = value if isinstance(value, str) else json_text(value)
    if "\n" not in told and len(told) <= look.width - len(_RAIL) - len(name) - 2:
        yield _railed(_plain((piece(name, "dim"), Piece(": ", "dim"), piece(told)), look), look)
        return
    yield _railed(_plain((piece(f"{name}:", "dim"),), look), look)
    yield from _block(told, look)


def _block(told: str, look: Look) -> Iterator[list[Segment]]:
    """A text behind a rail, in colour where it holds a diff."""
    cut = _cut(told)
    if looks_like_diff(cut):
        yield from _diff(read_diff(cut), look)
        return
    for line in _bounded(wrap(cut.rstrip("\n"), look.width - len(_RAIL), look.styles.get("text")), told, look):
        yield _railed(line, look)


def _diff(pieces: Iterable[Diff], look: Look) -> Iterator[list[Segment]]:
    drawn: Drawing = []
    told = 0
    for kind, text in pieces:
        told += len(text)
        style = look.styles.get(_DIFF_ROLES.get(kind, "text"))
        if len(drawn) <= _LINES_MAX:
            drawn += wrap(_cut(visible(text).removesuffix("\n")), look.width - len(_RAIL), style)
    for line in _bounded(drawn, "" if told <= _TEXT_MAX else " " * told, look):
        yield _railed(line, look)
