"""What becomes of one session of a transcript, in an import as in a rescue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["ImportOutcome", "Status"]

Status = Literal["new", "updated", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of one session (or unreadable part) of a source."""

    source: str
    session_id: str
    status: Status
    messages: int = 0
    executions: int = 0
    reason: str = ""
    title: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the outcome as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}
