"""The branches of the last look: those in files of their own in memory, the others in the index, looked up one by one.

After maintenance nearly all stand in `packed-refs`: a process that lists once must not read a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from superqode.session.store.index.database import Database
from superqode.session.store.index.scan import PACKED, Branch

__all__ = ["Known"]

_COLUMNS: Final = "name, oid, inode, time, size"
# Also one whose file could not be trusted or read is no packed one.
_LOOSE: Final = "inode != 0 OR time != 0 OR size != 0"
# Of so many, looking each up takes longer than reading all.
_MANY: Final = 10_000


class Known:
    """What the index says of the branches.

    Args:
        database: the index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loose: dict[str, Branch] | None = None

    @property
    def loose(self) -> Mapping[str, Branch]:
        """Those that stood in files of their own."""
        if self._loose is None:
            with self._database.reading() as connection:
                found = connection.execute(f"SELECT {_COLUMNS} FROM refs WHERE {_LOOSE}")  # noqa: S608 - own text
                self._loose = dict(map(_branch, found))
        return self._loose

    def packed(self) -> list[str]:
        """The others: commit, a space, and name."""
        with self._database.reading() as connection:
            found = connection.execute(f"SELECT oid || ' ' || name FROM refs WHERE NOT ({_LOOSE})")  # noqa: S608 - own text
            return [line for (line,) in found]

    def of(self, names: Collection[str]) -> dict[str, Branch | None]:
        """Some branches; `None` for those that were not there."""
        query = f"SELECT {_COLUMNS} FROM refs"  # noqa: S608 - own text
        with self._database.reading() as connection:
            if len(names) > _MANY:
                known = dict(map(_branch, connection.execute(query)))
                return {name: known.get(name) for name in names}
            found = {name: connection.execute(f"{query} WHERE name = ?", (name,)).fetchone() for name in names}
        return {name: None if row is None else _branch(row)[1] for name, row in found.items()}

    def update(self, changed: Mapping[str, Branch], gone: list[str]) -> None:
        """Take over what the index was told."""
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
