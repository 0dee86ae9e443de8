"""The small program that an agent runs after a turn: its name, and how it is told what stood in its place before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

__all__ = ["SHIM_NAME", "THEN", "earlier", "is_shim"]

SHIM_NAME: Final = "superqode-rescue"
THEN: Final = "--then"
"""Behind it stands the command that the agent ran before."""


def is_shim(command: Sequence[object]) -> bool:
    """Whether a command is ours, of any store."""
    return bool(command) and isinstance(command[0], str) and PurePath(command[0]).name == SHIM_NAME


def earlier(command: Sequence[str]) -> list[str]:
    """What our command runs besides, because it stood there before; empty where there was nothing."""
    return list(command[3:]) if len(command) > 3 and command[2] == THEN else []
