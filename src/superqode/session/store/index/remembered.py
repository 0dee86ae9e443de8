"""What the index has read: a last save that did not move since, and stands in a pack, is not read again by every check.

The index reads a save's commit, tree and `session.json` once it sees it. Packs are written once and never changed, so
a check that is to be quick trusts that reading as long as each pack has its length and its ends.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from superqode.session.git.packs import packs_fit
from superqode.session.git.repository import Repository
from superqode.session.store.index.files import DAMAGE, INDEX, of_version, read_only
from superqode.session.store.index.filters import storable
from superqode.session.store.index.moments import from_micros
from superqode.session.store.index.schema import VERSION

__all__ = ["Remembered"]


class Remembered:
    """The last saves that were found whole when they were new; nothing is brought up to date, and nothing written.

    Args:
        repository: the store.
    """

    def __init__(self, repository: Repository) -> None:
        self._objects = repository.objects
        fit = packs_fit(repository.path / "objects" / "pack")
        self._saves = _saves(repository.own / INDEX) if fit else {}

    def changed_at(self, name: str, tip: str) -> datetime | None:
        """When a session changed; `None` where its last save is to be read."""
        oid, updated = self._saves.get(storable(name), ("", 0))
        if oid != tip or not self._objects.is_packed(tip):
            return None
        try:
            return from_micros(updated)
        except DAMAGE:
            return None


def _saves(path: Path) -> dict[str, tuple[str, int]]:
    """Name, commit and time of each session's last save, as an index of this version has it; else nothing."""
    try:
        with read_only(of_version(path)) as connection:
            if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
                return {}
            found = connection.execute("SELECT name, oid, updated FROM sessions WHERE problem = ''")
            return {name: (oid, updated) for name, oid, updated in found}
    except DAMAGE:
        return {}
