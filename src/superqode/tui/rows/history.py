"""Saves of a session, and what one of them changed, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from superqode.cli.text import count
from superqode.cli.times import local
from superqode.session.exporters.reading import gist, json_text
from superqode.session.store.results import Change, SaveRecord
from superqode.tui.lines import TITLE_MAX, Line, Piece, piece

__all__ = ["change_line", "save_row"]

_COMMIT_SHOWN: Final = 8
_VALUE_MAX: Final = 160
_MARKS: Final = {"restore": "↺", "undo": "↶", "redo": "↷", "fork": "⑂", "merge": "⑃"}
_ROLES: Final = ("user", "assistant", "system", "tool")


def save_row(save: SaveRecord) -> Sequence[Line]:
    """A save in two lines on a rail: its story and when; what it added, its snapshots, its commit."""
    mark = Piece(f"{_MARKS.get(save.action, '◆' if save.snapshots else '●')} ", "warn" if save.snapshots else "accent")
    added = [
        text
        for number, text in (
            (save.messages_added, f"+{count(save.messages_added, 'message')}"),
            (save.executions_added, f"+{count(save.executions_added, 'call')}"),
        )
        if number
    ]
    told = Piece(" ".join(added) or "nothing said", "add" if added else "dim")
    back = (Piece(f"  back to {save.restores[:_COMMIT_SHOWN]}", "dim"),) if save.restores else ()
    named = tuple(one for name in save.snapshots for one in (Piece("  ◆ ", "warn"), piece(name, "warn", 60)))
    return (
        Line((mark, piece(save.subject, "text", TITLE_MAX)), (Piece(local(save.saved_at), "dim"),)),
        Line((Piece("│ ", "dim"), told, *back, *named), (Piece(save.commit[:_COMMIT_SHOWN], "dim"),)),
    )


def change_line(change: Change) -> Line:
    """One difference between two saves."""
    if change.kind == "added":
        return Line((Piece("+ ", "add"), *_told(change.after)))
    if change.kind == "removed":
        return Line((Piece("- ", "del"), *_told(change.before)))
    before, after = (piece(_shown(value), "text", _VALUE_MAX) for value in (change.before, change.after))
    if change.kind == "changed":
        return Line((Piece("~ ", "warn"), *_told(change.after)))
    if change.kind == "moved":
        places = f"from place {change.before + 1:,} to {change.after + 1:,}"
        return Line((Piece("> ", "warn"), piece(change.name, "dim"), Piece(f"  {places}")))
    return Line(
        (Piece("~ ", "warn"), piece(change.name, "dim"), Piece(": ", "dim"), before, Piece(" → ", "dim"), after)
    )


def _told(value: object) -> tuple[Piece, ...]:
    if isinstance(value, dict) and "tool_name" in value:
        arguments = value.get("arguments")
        told = gist(arguments, "") if isinstance(arguments, dict) else ""
        return piece(value["tool_name"], "tool", 60), Piece("  "), piece(told, "dim", _VALUE_MAX)
    if isinstance(value, dict) and "role" in value:
        role = str(value["role"])
        said = piece(value.get("content", ""), "text", _VALUE_MAX)
        return piece(role, role if role in _ROLES else "dim"), Piece("  "), said
    return (piece(_shown(value), "text", _VALUE_MAX),)


def _shown(value: object) -> str:
    """A value of `session.json` as people write it."""
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    return value if isinstance(value, str) else json_text(value, indent=None)
