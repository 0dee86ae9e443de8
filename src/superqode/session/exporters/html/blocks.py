"""Preformatted text: in pieces that a browser lays out one by one, and diffs in colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from superqode.session.exporters.html.diffs import Piece, looks_like_diff, read_diff
from superqode.session.exporters.html.escape import text

__all__ = ["block", "diff_block", "plain_block"]

# How much of a text is one piece, in characters: a few screens.
_PIECE: Final = 8_000


def block(told: str) -> Iterator[str]:
    """Give text as a block, in colour where it holds a diff."""
    return diff_block(read_diff(told)) if looks_like_diff(told) else plain_block(told)


def plain_block(told: str, looks: str = "text") -> Iterator[str]:
    """Give text as a block; `looks` is its class."""
    yield f'<pre class="{looks}" tabindex="0" dir="auto">'
    if len(told) <= _PIECE:
        yield text(told)
    else:
        for piece in _cut(told):
            yield f'<span class="piece">{text(piece)}</span>'
    yield "</pre>\n"


def diff_block(pieces: Iterable[Piece]) -> Iterator[str]:
    """Give the pieces of a diff as a block."""
    yield '<pre class="diff" tabindex="0">'
    for kind, lines in pieces:
        for piece in _cut(lines):
            yield _diff_piece(kind, piece)
    yield "</pre>\n"


def _diff_piece(kind: str, lines: str) -> str:
    shown = text(lines)
    if kind in ("add", "del"):
        name = "ins" if kind == "add" else kind
        return f'<{name} class="piece">{shown}</{name}>'
    return f'<span class="piece {kind}">{shown}</span>' if kind else f'<span class="piece">{shown}</span>'


def _cut(told: str) -> Iterator[str]:
    """Cut text after line feeds where there are some, and else anywhere, so that no piece is huge."""
    start = 0
    while start < len(told):
        end = start + _PIECE
        if end < len(told):
            feed = told.rfind("\n", start, end)
            end = feed + 1 if feed >= start else end
        yield told[start:end]
        start = end
