"""An SQLite database that somebody else wrote and may be writing now: read from a copy, never opened in place.

Opening a database in place, even to read, moves what its writer logged into it and removes the log. So the database
and its log (`-wal`) are copied, and the copy is opened. The third file (`-shm`) is an index of the log and holds
locks of the running program: SQLite makes it anew for the copy.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Source

__all__ = ["MAGIC", "Connection", "Row", "SqliteError", "copy_state", "opened_copy", "plain_tables", "wal_head"]

# What readers of a format need of `sqlite3`, which only this module knows.
Connection = sqlite3.Connection
Row = sqlite3.Row
SqliteError = sqlite3.Error

MAGIC: Final = b"SQLite format 3\0"
_LOG: Final = "-wal"
_CHUNK: Final = 1024 * 1024
# The biggest database that is copied, and the biggest value read from one, in bytes.
_MAX_BYTES: Final = 16 * 1024**3
_MAX_VALUE: Final = 256 * 1024 * 1024
# A log begins with 32 bytes that change when it starts over, a database with 100 that change when its shape does.
_HEADER: Final = 100
_TRIES: Final = 5


@contextmanager
def opened_copy(source: Source) -> Iterator[sqlite3.Connection]:
    """Copy a database with its log, and open the copy for reading; it is gone afterwards.

    Raises:
        TranscriptError: it cannot be read, or not whole: damaged, too big, or written all the time.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="superqode-") as folder:
            path = Path(folder, "copy.db")
            _copy(source, path)
            connection = sqlite3.connect(path, isolation_level=None)
            try:
                _guard(connection)
                yield connection
            finally:
                connection.close()
    except OSError as problem:
        raise TranscriptError(source.name, f"it cannot be read ({problem.strerror or problem})") from problem
    except sqlite3.Error as problem:
        raise TranscriptError(source.name, f"it is no whole SQLite database ({problem})") from problem


def _copy(source: Source, path: Path) -> None:
    """Copy the database, then its log.

    Both belong together as long as the log does not start over in between: whatever was moved from the log into the
    database meanwhile still stands in the log as well.
    """
    for _ in range(_TRIES):
        before = copy_state(source)
        with source.open() as stream:
            _save(stream, path, source.name)
        try:
            with source.beside(_LOG) as stream:
                _save(stream, Path(f"{path}{_LOG}"), source.name)
        except FileNotFoundError:
            Path(f"{path}{_LOG}").unlink(missing_ok=True)
        if copy_state(source) == before:
            return
    raise TranscriptError(source.name, "it is being written to all the time; try again when its agent rests")


def copy_state(source: Source) -> tuple[bytes, bytes]:
    """What tells whether a copy holds together, being the same before and after: of a file that is no database nothing.

    It is the log's beginning, or without a log the database's.

    Raises:
        OSError: it cannot be read.
    """
    with source.open() as stream:
        head = stream.read(_HEADER)
    if not head.startswith(MAGIC):
        return b"", b""
    log = wal_head(source, 32)
    return (log, b"") if log else (log, head)


def wal_head(source: Source, size: int) -> bytes:
    """The first bytes of a database's log; empty where there is none."""
    try:
        with source.beside(_LOG) as stream:
            return stream.read(size)
    except OSError:
        return b""


def _save(stream: IO[bytes], path: Path, name: str) -> None:
    size = 0
    with path.open("wb") as copy:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > _MAX_BYTES:
                raise TranscriptError(name, f"it has more than {_MAX_BYTES // 2**30} GiB")
            copy.write(chunk)


def _guard(connection: sqlite3.Connection) -> None:
    """Take the schema for what it is: somebody else's words."""
    connection.row_factory = sqlite3.Row
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")


def plain_tables(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """Give the tables that only hold values, with the names of their columns; views and computed columns do not count.

    Raises:
        sqlite3.Error: the database is damaged.
    """
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")
    tables = {}
    for (name,) in rows.fetchall():
        columns = connection.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", (name,)).fetchall()
        if not any(column["hidden"] for column in columns):
            tables[str(name)] = frozenset(str(column["name"]) for column in columns)
    return tables
