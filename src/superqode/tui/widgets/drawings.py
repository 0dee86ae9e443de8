"""Entries that are drawn, for as long as somebody may look at them."""

from __future__ import annotations

from collections.abc import Iterable

from textual.strip import Strip

from superqode.session.models import Entry
from superqode.tui.entries import Look, draw_entry

__all__ = ["Drawings"]


class Drawings:
    """The lines of entries, by the entry's id."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Strip]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, entry: Entry) -> bool:
        return entry.id in self._lines

    def lines(self, entry: Entry, look: Look, *, opened: bool) -> list[Strip]:
        """The lines of an entry; drawn now where there are none."""
        lines = self._lines.get(entry.id)
        if lines is None:
            lines = self._lines[entry.id] = [Strip(line) for line in draw_entry(entry, look, opened=opened)]
        return lines

    def drop(self, entries: Iterable[Entry]) -> None:
        """Forget the lines of some entries."""
        for entry in entries:
            self._lines.pop(entry.id, None)

    def keep(self, entries: Iterable[Entry]) -> None:
        """Forget the lines of all other entries."""
        self._lines = {entry.id: self._lines[entry.id] for entry in entries if entry in self}

    def clear(self) -> None:
        """Forget all lines."""
        self._lines.clear()
