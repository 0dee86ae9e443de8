"""What redaction made of objects it has seen, so that nothing is looked through twice. Disposable, like the index."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from superqode.session.store.index.database import Database

__all__ = ["CLEAN", "Verdicts"]

CLEAN: Final = ""
"""The verdict on an object that stays as it is."""

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE rules (id INTEGER PRIMARY KEY, fingerprint TEXT UNIQUE NOT NULL);
CREATE TABLE verdicts (rules INTEGER NOT NULL, key TEXT NOT NULL, verdict TEXT NOT NULL,
    PRIMARY KEY (rules, key)) WITHOUT ROWID;
"""
_FLUSH: Final = 20_000
# A session of many saves asks for the same entries again and again.
_REMEMBERED: Final = 200_000


class Verdicts:
    """The verdicts under one set of rules.

    Args:
        path: the file.
        fingerprint: names everything a verdict depends on; verdicts under other rules stay, and are not seen.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self._database = Database(path, _SCHEMA, _VERSION)
        self._fingerprint = fingerprint
        self._rules: int | None = None
        self._new: dict[str, str] = {}
        self._recent: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """The verdict on an object, or `None` where it was not looked at yet."""
        found = self._new.get(key)
        if found is None:
            found = self._recent.get(key)
        if found is None:
            found = self._database.guarded(lambda: self._read(key), self._forget_rules)
            if found is not None:
                self._recent[key] = found
        return found

    def put(self, key: str, verdict: str) -> None:
        """Remember a verdict; it is written with many others."""
        self._new[key] = verdict
        if len(self._new) >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what was remembered."""
        if self._new:
            self._database.guarded(self._write, self._forget_rules)
            self._recent.update(self._new)
            self._new.clear()
            if len(self._recent) > _REMEMBERED:
                self._recent.clear()

    def close(self) -> None:
        """Write what was remembered, and let go of the file."""
        self.flush()
        self._database.close()

    def discard(self) -> None:
        """Throw all verdicts away: they name what is in a session."""
        self._new.clear()
        self._recent.clear()
        self._rules = None
        self._database.discard(every=True)

    def _forget_rules(self) -> None:
        self._rules = None

    def _read(self, key: str) -> str | None:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT verdict FROM verdicts WHERE rules = ? AND key = ?", (self._number(connection), key)
            ).fetchone()
        return None if row is None else str(row[0])

    def _write(self) -> None:
        with self._database.writing() as connection:
            number = self._number(connection)
            connection.executemany(
                "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)",
                [(number, key, verdict) for key, verdict in self._new.items()],
            )

    def _number(self, connection: sqlite3.Connection) -> int:
        if self._rules is None:
            connection.execute("INSERT OR IGNORE INTO rules (fingerprint) VALUES (?)", (self._fingerprint,))
            row = connection.execute("SELECT id FROM rules WHERE fingerprint = ?", (self._fingerprint,)).fetchone()
            self._rules = int(row[0])
        return self._rules
