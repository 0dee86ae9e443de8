"""Lines made of pieces that each play a role; a widget turns roles into colours, so that themes stay out of here.

Text from outside becomes safe when a piece is made of it (`piece`): one line, controls as escapes, never markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from superqode.session.exporters.visible import one_line

__all__ = ["ROLES", "TITLE_MAX", "Line", "Piece", "fit", "fold", "piece", "plain", "segments", "title_piece"]

ROLES: Final = (
    "title",
    "text",
    "dim",
    "accent",
    "user",
    "assistant",
    "system",
    "tool",
    "ok",
    "bad",
    "warn",
    "tag",
    "add",
    "del",
    "hunk",
    "code",
    "mark",
)
"""What a piece can be; `widgets/drawn.py` has the colour of each."""

# How much of a title is looked at, in characters: no line is longer.
TITLE_MAX: Final = 200
_ELLIPSIS: Final = "…"
# What a line begins with that goes on from the one before.
_GOES_ON: Final = "↳ "


class Piece(NamedTuple):
    """Safe text of one line and the role it plays."""

    text: str
    role: str = "text"


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces from the left and pieces at the right end; where both do not fit, the left ones are cut."""

    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()


def piece(text: object, role: str = "text", limit: int = 0) -> Piece:
    """Make a piece of text from outside, cut to `limit` characters (0: uncut)."""
    return Piece(one_line(str(text), limit), role)


def title_piece(text: str, other: str = "(no title)") -> Piece:
    """Make a piece of a title; of `other` where there is none."""
    return piece(text, "title", TITLE_MAX) if text.strip() else piece(other, "dim")


def plain(line: Line) -> str:
    """The text of a line, its two sides apart by two blanks."""
    sides = ("".join(piece.text for piece in side) for side in (line.left, line.right))
    return "  ".join(side for side in sides if side)


def fit(line: Line, width: int) -> Iterator[Piece]:
    """Give the pieces that fill exactly `width` columns."""
    right = sum(cell_len(piece.text) for piece in line.right)
    gap = 1 if line.right else 0
    room = width - right - gap
    if room < width // 3:  # too narrow for both
        yield from _cut(line.left, width)
        return
    yield from _cut(line.left, room)
    if line.right:
        yield Piece(" " * gap)
        yield from line.right


def fold(pieces: Iterable[Piece], width: int) -> Iterator[Line]:
    """Give all of the pieces, cut into as many lines of `width` columns as they need: nothing is left out."""
    row: list[Piece] = []
    left = width
    for one in pieces:
        start = 0
        while start < len(one.text):
            end = _end(one.text, start, left)
            if end == start and row:
                yield Line(tuple(row))
                row = [Piece(_GOES_ON, "dim")] if width > 2 * len(_GOES_ON) else []
                left = width - sum(len(mark.text) for mark in row)
                end = _end(one.text, start, left)
            end = max(end, start + 1)
            row.append(Piece(one.text[start:end], one.role))
            left = max(0, left - cell_len(row[-1].text))
            start = end
    yield Line(tuple(row))


def _end(text: str, start: int, columns: int) -> int:
    """Up to where a text fills so many columns, or fewer where the next character is too wide."""
    end = start + columns
    # No character is wider than two columns: this many at least are too many.
    while (over := cell_len(text[start:end]) - columns) > 0:
        end -= (over + 1) // 2
    return max(start, end)


def _cut(pieces: Iterable[Piece], width: int) -> Iterator[Piece]:
    left = width
    whole = list(pieces)
    for number, one in enumerate(whole):
        used = cell_len(one.text)
        more = any(later.text for later in whole[number + 1 :])
        if used > left or (used == left and more):
            yield Piece(set_cell_size(one.text, max(0, left - 1)) + _ELLIPSIS if left > 0 else "", one.role)
            return
        yield one
        left -= used
    yield Piece(" " * left)


def segments(pieces: Iterable[Piece], styles: Mapping[str, Style]) -> list[Segment]:
    """Give pieces as Rich's segments; control characters are none of theirs, so nothing is interpreted."""
    return [Segment(one.text, styles.get(one.role)) for one in pieces if one.text]
