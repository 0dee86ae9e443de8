"""The index file. It is disposable: missing, old, damaged or unwritable, it is made anew, in memory if need be."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Final, TypeVar

from superqode.session.store.index.files import (
    CLOSED,
    DAMAGE,
    WAIT,
    beside,
    code_of,
    kept_beside,
    of_version,
    read_only,
    throw_away,
    version_of,
)
from superqode.session.store.index.schema import SCHEMA, VERSION

__all__ = ["Database"]

T = TypeVar("T")

# What SQLite says of a file that is whole: this process may not write there, or another one holds it.
_WHOLE: Final = (*CLOSED, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

# How far apart SQLite writes to make room for the memory that WAL shares, in bytes.
_SHARED_STEP: Final = 4096


class Database:
    """A connection to the index, for one process; its lock serialises its threads.

    Where the file cannot be used it works in memory from then on, and begins there with what can be read of the file.

    Args:
        path: the file.
        schema: the statements that make its tables.
        version: the schema's number; a file of an older one is thrown away.
    """

    def __init__(self, path: Path, schema: str = SCHEMA, version: int = VERSION) -> None:
        self._shared = path
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

    def discard(self, *, every: bool = False) -> None:
        """Throw the index away; the next use makes it anew.

        Args:
            every: those of other versions, too, which have what is to be forgotten.
        """
        with self._lock:
            self.close()
            try:
                throw_away(*(self._all() if every else [self._path]))
            except OSError:  # a read-only store
                self.leave_disk()

    def rewrite(self, change: Callable[[sqlite3.Connection], None]) -> bool:
        """Change the file and write all of it anew: nothing is on the disk any more of what was taken out.

        Says whether that could be done: a damaged file, or one that another process reads all the time, is thrown
        away. So are those of other versions, which nobody here can change.
        """
        with self._lock:
            try:
                self._rewrite(change)
            except DAMAGE:
                self.discard(every=True)
                return False
            throw_away(*(path for path in self._all() if path != self._path))
            return True

    def _rewrite(self, change: Callable[[sqlite3.Connection], None]) -> None:
        if self._in_memory:
            raise sqlite3.OperationalError("the file cannot be changed")
        with self.writing() as connection:
            change(connection)
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise sqlite3.OperationalError("another process reads the index")

    def _all(self) -> list[Path]:
        return [self._shared, *kept_beside(self._shared)]

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
        self._path = self._shared
        connection = _connection(str(self._path))
        try:
            if version_of(connection) > self._version:
                connection.close()
                self._path = beside(self._shared, self._version)
                connection = _connection(str(self._path))
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
            with read_only(of_version(self._shared, self._version)) as found:
                if version_of(found) == self._version:
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
        if version_of(connection) == self._version:
            return connection
        connection.execute("BEGIN IMMEDIATE")
        version = version_of(connection)
        if version not in (0, self._version):
            connection.rollback()
            raise sqlite3.DatabaseError("it is of another version")
        if version == 0:
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
    return code_of(problem) in _WHOLE


def _connection(path: str) -> sqlite3.Connection:
    # Transactions are begun by hand, and a lock of ours serialises the threads.
    return sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
