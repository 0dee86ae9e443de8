"""What segments tell, kept in clear beside the store, so that none is decrypted twice. Disposable."""

from __future__ import annotations

from pathlib import Path

from superqode.session.sync.segments import Changes, parse_changes, write_changes

__all__ = ["Told"]


class Told:
    """The changes that segments tell, by segment.

    Args:
        folder: where they stand.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Changes] = {}

    def get(self, segment_id: str) -> Changes | None:
        """What a segment tells, or `None` where that is not known."""
        if segment_id not in self._known:
            try:
                self._known[segment_id] = parse_changes((self._folder / segment_id).read_bytes())
            except (OSError, ValueError):
                return None
        return self._known[segment_id]

    def put(self, segment_id: str, changes: Changes) -> None:
        """Keep what a segment tells; not durable."""
        self._known[segment_id] = changes
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f"{segment_id}.new"
        partial.write_bytes(write_changes(changes))
        partial.replace(self._folder / segment_id)

    def keep(self, segment_ids: set[str]) -> None:
        """Forget all others."""
        for path in self._folder.glob("*"):
            if path.name not in segment_ids:
                path.unlink(missing_ok=True)
