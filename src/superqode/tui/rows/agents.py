"""Agents of the config file, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from superqode.tui.lines import Line, Piece, piece
from superqode.tui.settings import Agent

__all__ = ["agent_row"]


def agent_row(agent: Agent) -> Sequence[Line]:
    """Whom one can talk to, and the command that is run for it."""
    told = " ".join(agent.command) or "nobody answers: what you write is kept"
    return (Line((piece(agent.name, "assistant"), Piece("  "), piece(told, "dim"))),)
