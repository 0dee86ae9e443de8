"""What a session says of itself as a whole: read off its entries once, none of which is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

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
        placed: the entries.
        project_path: the folder that paths are told from.

    Attributes:
        began, ended: the earliest and the latest time; 1970 where there are no entries.
        first_id: the first entry's id.
        openings: what may stand as a title: the beginning of the first prompt, else the first command.
        models: the models that answered, in order.
        files: what became of files.
        counts: how many messages and executions there are.
    """

    def __init__(self, placed: Iterable[Placed], project_path: str) -> None:
        times: tuple[datetime, datetime] | None = None
        self.first_id = ""
        self.files = FileBalance(project_path)
        prompt = command = ""
        models: dict[str, None] = {}
        messages = executions = 0
        for item in placed:
            entry = item.entry
            moment = entry.timestamp
            times = (min(times[0], moment), max(times[1], moment)) if times else (moment, moment)
            self.first_id = self.first_id or entry.id
            for touch, path in item.touches:
                self.files.take(touch, path)
            if not isinstance(entry, Message):
                executions += 1
                continue
            messages += 1
            if model := text_at(entry.metadata, "model"):
                models[model] = None
            if entry.role == "user":
                prompt = prompt or entry.content[:TITLE_SOURCE]
            elif entry.role == "system":
                command = command or command_line(entry.content)
        self.began, self.ended = times or (_EPOCH, _EPOCH)
        self.openings = [prompt, command]
        self.models = list(models)
        self.counts = (messages, executions)
