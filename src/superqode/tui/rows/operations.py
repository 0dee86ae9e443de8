"""What moved or removed something, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from superqode.cli.operation_words import about, state
from superqode.cli.text import count
from superqode.cli.times import ago, local
from superqode.session.store.operations.results import Operation
from superqode.tui.lines import TITLE_MAX, Line, Piece, piece, title_piece

__all__ = ["operation_lines", "operation_row"]

_SESSIONS_SHOWN: Final = 6


def operation_row(operation: Operation) -> Sequence[Line]:
    """An operation in two lines: what was done and when; to what, and what became of it."""
    told = state(operation)
    role = "dim" if told else "accent"
    return (
        Line((piece(operation.verb, role),), (Piece(ago(operation.at), "dim"),)),
        Line((Piece("  "), piece(about(operation), "dim" if told else "text", TITLE_MAX)), (Piece(told, "dim"),)),
    )


def operation_lines(operation: Operation) -> list[Line]:
    """All that is known of an operation."""
    facts = [("id", operation.id), ("when", local(operation.at)), ("by", operation.by)]
    facts += [("taken back", f"by {operation.taken_back_by}")] if operation.taken_back_by else []
    facts += [("share", operation.share)] if operation.share else []
    lines = [Line((Piece(f"{name:<11} ", "dim"), piece(value))) for name, value in facts]
    shown = operation.sessions[:_SESSIONS_SHOWN]
    lines += [Line((title_piece(one.title, one.id), Piece("  "), piece(one.id, "dim"))) for one in shown]
    more = len(operation.sessions) - len(shown)
    return [*lines, Line((Piece(f"and {count(more, 'more session')}", "dim"),))] if more else lines
