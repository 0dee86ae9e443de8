"""What a session says of itself as a whole: read off its entries once, none of which is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Self

from superqode.session.importers.balance import FileBalance
from superqode.session.importers.claude_code.entries import Placed
from superqode.session.importers.claude_code.speech import command_line
from superqode.session.importers.fields import text_at
from superqode.session.importers.origin import TITLE_SOURCE
from superqode.session.models import Message

__all__ = ["Summary"]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class Summary:
    """The whole of some entries.

    Args:
        project_path: the folder that paths are told from.

    Attributes:
        began, ended: the earliest and the latest time; 1970 where there are no entries.
        first_id: the first entry's id.
        files: what became of files.
        messages, executions: how many there are.
    """

    def __init__(self, project_path: str) -> None:
        self.began = self.ended = _EPOCH
        self.first_id = ""
        self.files = FileBalance(project_path)
        self.messages = self.executions = 0
        self._prompt = self._command = ""
        self._models: dict[str, None] = {}

    @classmethod
    def of(cls, placed: Iterable[Placed], project_path: str) -> Self:
        """Sum up some entries."""
        summary = cls(project_path)
        for item in placed:
            summary.take(item)
        return summary

    @property
    def openings(self) -> list[str]:
        """What may stand as a title: the beginning of the first prompt, else the first command."""
        return [self._prompt, self._command]

    @property
    def models(self) -> list[str]:
        """The models that answered, in order."""
        return list(self._models)

    def take(self, item: Placed) -> None:
        """Add an entry."""
        entry = item.entry
        moment = entry.timestamp
        known = self.messages or self.executions
        self.began, self.ended = (min(self.began, moment), max(self.ended, moment)) if known else (moment, moment)
        self.first_id = self.first_id or entry.id
        for touch, path in item.touches:
            self.files.take(touch, path)
        if not isinstance(entry, Message):
            self.executions += 1
            return
        self.messages += 1
        if model := text_at(entry.metadata, "model"):
            self._models[model] = None
        if entry.role == "user":
            self._prompt = self._prompt or entry.content[:TITLE_SOURCE]
        elif entry.role == "system":
            self._command = self._command or command_line(entry.content)
