"""The index file. It is disposable: missing, old, damaged or unwritable, it is made anew, in memory if need be."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import Final, TypeVar

__all__ = ["DAMAGE", "VERSION", "Database", "Health", "health", "read_only"]

T = TypeVar("T")

# Any change to the tables below, or to what is put in them, takes a new number.
VERSION: Final = 8

# What reading a damaged file ends in: what SQLite says; its messages with bytes in them that are no UTF-8, which Python
# cannot give; and values that are none of ours, which are computed with.
DAMAGE: Final = (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError, TypeError)

# What SQLite says of a file that is whole: this process may not write there, or another one holds it.
_CLOSED: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
_WHOLE: Final = (*_CLOSED, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# How long another process may hold it, in seconds; who was stopped while it wrote would hold it for ever.
_WAIT: Final = 5.0

# Files beside it in which a change stands that is not in it yet.
_PENDING: Final = ("-wal", "-journal")

# How far apart SQLite writes to make room for the memory that WAL shares, in bytes.
_SHARED_STEP: Final = 4096

_SCHEMA: Final = """
CREATE TABLE stamp (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL);
CREATE TABLE refs (
    name TEXT PRIMARY KEY, oid TEXT NOT NULL, inode INTEGER NOT NULL, time INTEGER NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX refs_loose ON refs (name, oid, inode, time, size) WHERE inode != 0 OR time != 0 OR size != 0;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, oid TEXT NOT NULL,
    title TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, project TEXT NOT NULL,
    origin TEXT, folder TEXT,
    messages INTEGER NOT NULL, executions INTEGER NOT NULL, agents TEXT NOT NULL, tags TEXT NOT NULL,
    parent TEXT, told TEXT, problem TEXT NOT NULL, timeline TEXT, indexed_timeline TEXT, indexed_title TEXT,
    input INTEGER, output INTEGER, dollars REAL, folded TEXT NOT NULL
);
CREATE INDEX sessions_updated ON sessions (updated DESC, name);
CREATE INDEX sessions_project ON sessions (project, updated DESC);
CREATE INDEX sessions_noted ON sessions (project, updated DESC) WHERE origin IS NOT NULL;
CREATE INDEX sessions_origin ON sessions (origin) WHERE origin IS NOT NULL;
CREATE INDEX sessions_parent ON sessions (parent);
CREATE INDEX sessions_told ON sessions (told) WHERE told IS NOT NULL;
CREATE INDEX sessions_unindexed ON sessions (id) WHERE indexed_title IS NULL;
CREATE INDEX sessions_troubled ON sessions (name) WHERE problem != '';
CREATE INDEX sessions_size ON sessions (messages + executions);
CREATE TABLE labels (kind TEXT NOT NULL, label TEXT NOT NULL, session INTEGER NOT NULL,
    PRIMARY KEY (kind, label, session)) WITHOUT ROWID;
CREATE INDEX labels_session ON labels (session);
CREATE TABLE texts (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, moment INTEGER NOT NULL, agent TEXT NOT NULL,
    tool TEXT, failed INTEGER NOT NULL, input INTEGER, output INTEGER, dollars REAL);
CREATE TABLE entries (session INTEGER NOT NULL, position INTEGER NOT NULL, text INTEGER NOT NULL,
    kind TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (session, position)) WITHOUT ROWID;
CREATE INDEX entries_text ON entries (text);
CREATE VIRTUAL TABLE words USING fts5(body, content='', tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE titles USING fts5(body, tokenize="unicode61 remove_diacritics 2");
"""


class Health(StrEnum):
    """What the file of an index is good for."""

    WHOLE = "whole"
    MISSING = "not made yet"
    OTHER = "of another version, and made anew when it is needed"
    DAMAGED = "damaged"
    HIDDEN = "in a folder that you may not look into"


def health(path: Path) -> Health:
    """Look at an index; changes nothing."""
    try:
        path.stat()
    except PermissionError:
        return Health.HIDDEN
    except OSError:
        return Health.MISSING
    try:
        with read_only(path) as connection:
            told = connection.execute("PRAGMA quick_check(1)").fetchone()
            version = connection.execute("PRAGMA user_version").fetchone()
    except DAMAGE:
        return Health.DAMAGED
    if told != ("ok",):
        return Health.DAMAGED
    return Health.WHOLE if version == (VERSION,) else Health.OTHER


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to an index that makes and changes nothing; also where nothing can be written beside it.

    Reading from it raises one of `DAMAGE` where there is none, or it is damaged.
    """
    connection = _reader(path, "mode=ro")
    try:
        if _is_closed(connection) and not any(_has_content(path.with_name(path.name + end)) for end in _PENDING):
            connection.close()
            connection = _reader(path, "immutable=1")
        yield connection
    finally:
        connection.close()


def _reader(path: Path, access: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{access}", timeout=_WAIT, uri=True)


def _is_closed(connection: sqlite3.Connection) -> bool:
    """Whether the memory that WAL shares cannot be made: without it only a file that rests can be read."""
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except DAMAGE as problem:
        return _code(problem) in _CLOSED
    return False


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


class Database:
    """A connection to the index, for one process; its lock serialises its threads.

    Where the file cannot be used it works in memory from then on, and begins there with what can be read of the file.

    Args:
        path: the file.
        schema: the statements that make its tables.
        version: the schema's number; a file of another is thrown away.
    """

    def __init__(self, path: Path, schema: str = _SCHEMA, version: int = VERSION) -> None:
        self._path = path
        self._schema = schema
        self._version = version
        self._connection: sqlite3.Connection | None = None
        self._lock = RLock()
        self._in_memory = False
        self._begun = False
        self._opened = 0

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection; what is read is of one moment each statement."""
        with self._lock:
            yield self._open()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside one transaction, which is taken back on any error."""
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def guarded(self, action: Callable[[], T], forget: Callable[[], None] | None = None) -> T:
        """Run an action; where the file fails, open it anew, make it anew, then do without it, and run it again.

        A file that another process holds, or that cannot be written, stays as it is, and is done without at once.

        Args:
            action: what to do with the database.
            forget: called before each further try, for what the caller knows of the file.
        """
        for give_up in (self.close, self.discard, self.leave_disk):
            try:
                return action()
            except DAMAGE as problem:
                if forget is not None:
                    forget()
                (self._leave_whole if _is_whole(problem) else give_up)()
        return action()

    def discard(self) -> None:
        """Throw the index away; the next use makes it anew."""
        with self._lock:
            self.close()
            try:
                for suffix in ("", "-wal", "-shm", "-journal"):
                    self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            except OSError:  # a read-only store
                self.leave_disk()

    def rewrite(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Change the file and write all of it anew: nothing is on the disk any more of what was taken out.

        Raises one of `DAMAGE`: it is damaged, or another process reads it all the time; something may be left.
        """
        with self._lock:
            if self._in_memory:
                raise sqlite3.OperationalError("the file cannot be changed")
            with self.writing() as connection:
                change(connection)
            connection.execute("VACUUM")
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                raise sqlite3.OperationalError("another process reads the index")

    def leave_disk(self) -> None:
        """Work in memory from now on: list and search work all the same, only slower."""
        with self._lock:
            self.close()
            self._in_memory, self._begun = True, False

    def _leave_whole(self) -> None:
        """As `leave_disk`, beginning with what can be read of the file."""
        with self._lock:
            self.close()
            self._in_memory = self._begun = True

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and not self._in_memory and self._opened != _identity(self._path):
            self.close()
            raise sqlite3.DatabaseError("another process made the index anew")
        if self._connection is None:
            self._connection = self._connect_somehow()
        return self._connection

    def _connect_somehow(self) -> sqlite3.Connection:
        for give_up in (self.discard, self.leave_disk):
            try:
                return self._connect()
            except (*DAMAGE, OSError) as problem:
                (self._leave_whole if _is_whole(problem) else give_up)()
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        if self._in_memory:
            return self._prepare(self._copied() if self._begun else _connection(":memory:"))
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = _connection(str(self._path))
        try:
            self._prepare(connection)
        except DAMAGE:
            connection.close()
            raise
        self._opened = _identity(self._path)
        return connection

    def _copied(self) -> sqlite3.Connection:
        """A connection to memory that has what the file has; nothing where it cannot be read."""
        connection = _connection(":memory:")
        try:
            with read_only(self._path) as found:
                if found.execute("PRAGMA user_version").fetchone() == (self._version,):
                    found.backup(connection)
        except DAMAGE:
            connection.close()
            return _connection(":memory:")
        return connection

    def _journal_mode(self) -> str:
        """WAL; but on a disk of small blocks, where it ends the process when the disk is full, a journal of its own.

        SQLite makes room for the memory that WAL shares by one byte in 4 KiB (unixShmMap in its os_unix.c). Where that
        is several blocks the others have no room yet, and writing there is a bus error.
        """
        if self._in_memory or not hasattr(os, "statvfs"):
            return "WAL"
        return "WAL" if os.statvfs(self._path.parent).f_frsize >= _SHARED_STEP else "TRUNCATE"

    def _prepare(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute(f"PRAGMA journal_mode = {self._journal_mode()}")
        connection.execute("PRAGMA synchronous = OFF")  # lost after a power cut, it is made anew
        connection.execute("PRAGMA cache_size = -16000")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == self._version:
            return connection
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, self._version):
            connection.rollback()
            raise sqlite3.DatabaseError("it is of another version")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in self._schema.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self._version}")
        connection.commit()
        return connection


def _identity(path: Path) -> int:
    """The file's inode; 0 where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _is_whole(problem: Exception) -> bool:
    """Whether an error tells of a file that is whole, though it cannot be used."""
    if isinstance(problem, OSError):
        return True
    return _code(problem) in _WHOLE


def _code(problem: Exception) -> int:
    """What kind of error it is; 0 where SQLite did not say."""
    code: int = getattr(problem, "sqlite_errorcode", 0)
    return 0 if code == sqlite3.SQLITE_READONLY_DBMOVED else code & 0xFF  # then another file is in its place


def _connection(path: str) -> sqlite3.Connection:
    # Transactions are begun by hand, and a lock of ours serialises the threads.
    return sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
