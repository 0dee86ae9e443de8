"""What was rescued: how each file looked when it was read last, and what came of it. Disposable, like the index."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from superqode.session.codec import jsontext
from superqode.session.store.index.database import Database

__all__ = ["Rescued", "Seen"]

_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE reader (id INTEGER PRIMARY KEY CHECK (id = 0), version TEXT NOT NULL);
CREATE TABLE files (path BLOB PRIMARY KEY, look TEXT NOT NULL, sessions TEXT NOT NULL, problems TEXT NOT NULL)
    WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that was read.

    Attributes:
        look: its size, times and inode, before it was read; see `store.rescue_scan`.
        sessions: ids of the sessions in it.
        problems: why parts of it could not be imported.
    """

    look: str
    sessions: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Rescued:
    """The record of one store.

    Args:
        path: the file.
        reader: names the program that reads transcripts; what another one read is read again.
    """

    def __init__(self, path: Path, reader: str) -> None:
        self._database = Database(path, _SCHEMA, _VERSION)
        self._reader = reader

    def files(self) -> dict[str, Seen]:
        """Give every file that was read, by path."""
        return self._database.guarded(self._read)

    def put(self, seen: Mapping[str, Seen], gone: Iterable[str] = ()) -> None:
        """Note files that were read, and forget those that are gone."""
        rows = [(os.fsencode(path), one.look, _dump(one.sessions), _dump(one.problems)) for path, one in seen.items()]
        self._database.guarded(lambda: self._write(rows, [(os.fsencode(path),) for path in gone]))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _read(self) -> dict[str, Seen]:
        with self._database.reading() as connection:
            reader = connection.execute("SELECT version FROM reader").fetchone()
            if reader is None or reader[0] != self._reader:
                return {}
            rows = connection.execute("SELECT path, look, sessions, problems FROM files")
            return {os.fsdecode(path): Seen(look, _load(ids), _load(why)) for path, look, ids, why in rows}

    def _write(self, rows: list[tuple[bytes, str, str, str]], gone: list[tuple[bytes]]) -> None:
        with self._database.writing() as connection:
            reader = connection.execute("SELECT version FROM reader").fetchone()
            if reader is None or reader[0] != self._reader:
                connection.execute("DELETE FROM files")
                connection.execute("INSERT OR REPLACE INTO reader VALUES (0, ?)", (self._reader,))
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)
            connection.executemany("DELETE FROM files WHERE path = ?", gone)


def _dump(texts: tuple[str, ...]) -> str:
    return jsontext.dump_text(list(texts)) if texts else "[]"


def _load(text: str) -> tuple[str, ...]:
    """Raises `sqlite3.DatabaseError` where it is no list of texts."""
    try:
        return tuple(json.loads(text)) if text != "[]" else ()
    except (ValueError, TypeError, RecursionError) as problem:
        raise sqlite3.DatabaseError("a row of the record cannot be read") from problem
