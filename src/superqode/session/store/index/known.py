"""The branches of the last look: those in files of their own in memory, the others in the index, looked up one by one.

After maintenance nearly all stand in `packed-refs`: a process that lists once must not read a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from superqode.session.store.index.database import Database
from superqode.session.store.index.scan import PACKED, Branch

__all__ = ["Known"]

_COLUMNS = "name, oid, inode, time, size"


class Known:
    """What the index says of the branches.

    Args:
        database: the index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all: dict[str, Branch] | None = None
        self._loose: dict[str, Branch] | None = None

    def _read(self, where: str = "") -> dict[str, Branch]:
        with self._database.reading() as connection:
            return dict(map(_branch, connection.execute(f"SELECT {_COLUMNS} FROM refs{where}")))  # noqa: S608 - own text

    @property
    def loose(self) -> Mapping[str, Branch]:
        """Those that stood in files of their own."""
        if self._loose is None:
            # Also one whose file could not be trusted or read is no packed one.
            self._loose = self._read(" WHERE inode != 0 OR time != 0 OR size != 0")
        return self._loose

    def all(self) -> Mapping[str, Branch]:
        """Every branch."""
        if self._all is None:
            self._all = self._read()
        return self._all

    def get(self, name: str) -> Branch | None:
        """A branch; `None` where it was not there."""
        if self._all is not None:
            return self._all.get(name)
        found = self.loose.get(name)
        if found is not None:
            return found
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM refs WHERE name = ?", (name,)).fetchone()  # noqa: S608
        return None if row is None else _branch(row)[1]

    def update(self, changed: Mapping[str, Branch], gone: list[str]) -> None:
        """Take over what the index was told."""
        self._all = None
        if self._loose is None:
            return
        for name, branch in changed.items():
            if branch.file == PACKED:
                self._loose.pop(name, None)
            else:
                self._loose[name] = branch
        for name in gone:
            self._loose.pop(name, None)


def _branch(row: tuple[str, str, int, int, int]) -> tuple[str, Branch]:
    name, oid, inode, time, size = row
    return name, Branch(oid, (inode, time, size))
