"""What is said where something keeps bytes in the store that were to be freed."""

from __future__ import annotations

from collections.abc import Iterable

from superqode.cli.output import warn
from superqode.cli.text import line

__all__ = ["tell_held"]


def tell_held(held_by: Iterable[str]) -> None:
    """Say what keeps them, and what to do about it."""
    for path in held_by:
        todo = "remove that file" if path.endswith(".keep") else "`git worktree remove` it"
        warn(f"{line(path, 200)} keeps old bytes in the store: {todo}, then `superqode sessions purge --now`")
