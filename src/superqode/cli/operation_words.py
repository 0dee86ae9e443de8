"""What an operation is about, and what became of it, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superqode.session.store.operations.results import Operation

__all__ = ["about", "state"]


def about(operation: Operation) -> str:
    """The sessions, the share or the other operation that it was done to; text from outside, not made safe."""
    if operation.undoes:
        return f"took back {operation.undoes}"
    names = [f"{session.id} {session.title}".rstrip() for session in operation.sessions]
    if operation.renamed_to:
        names = [f"{operation.sessions[0].id} → {operation.renamed_to}"]
    if operation.share:  # of one session
        return f"share {operation.share[:8]}" + (f" of {operation.sessions[0].id}" if operation.sessions else "")
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more" if names else ""


def state(operation: Operation) -> str:
    """What became of it; empty where it is in effect, and can be taken back."""
    if operation.running:
        return "running"
    if not operation.happened:
        return "did not happen"
    if operation.taken_back_by:
        return "taken back"
    if operation.final:
        return "final"
    return "cut short" if operation.interrupted else ""
