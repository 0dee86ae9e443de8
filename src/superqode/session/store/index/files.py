"""The file of the index: what it is called, what it is good for, and what stands beside it.

The newest version in use has the file's name. An older one that finds it there keeps its own beside it, under the name
`index-<version>.sqlite`: two programs that take turns would throw each other's away at each question otherwise.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from superqode.session.store.index.schema import VERSION

__all__ = [
    "CLOSED",
    "DAMAGE",
    "INDEX",
    "WAIT",
    "Health",
    "beside",
    "code_of",
    "health",
    "kept_beside",
    "of_version",
    "read_only",
    "throw_away",
    "version_of",
]

INDEX: Final = "index.sqlite"
"""The name of the index's file in the store."""

# What reading a damaged file ends in: what SQLite says; its messages with bytes in them that are no UTF-8, which Python
# cannot give; and values that are none of ours, which are computed with.
DAMAGE: Final = (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError, TypeError)

# What SQLite says where this process may not write.
CLOSED: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
# How long another process may hold it, in seconds; who was stopped while it wrote would hold it for ever.
WAIT: Final = 5.0

# Files beside it in which a change stands that is not in it yet; and all that SQLite makes.
_PENDING: Final = ("-wal", "-journal")
_PARTS: Final = ("", "-shm", *_PENDING)


class Health(StrEnum):
    """What the file of an index is good for."""

    WHOLE = "whole"
    MISSING = "not made yet"
    OTHER = "of an older version, and made anew when it is needed"
    DAMAGED = "damaged"
    HIDDEN = "in a folder that you may not look into"


def health(path: Path) -> Health:
    """Look at the index that this version uses; changes nothing."""
    try:
        path.stat()
    except PermissionError:
        return Health.HIDDEN
    except OSError:
        return Health.MISSING
    try:
        with read_only(path) as connection:
            told = connection.execute("PRAGMA quick_check(1)").fetchone()
            version = version_of(connection)
    except DAMAGE:
        return Health.DAMAGED
    if told != ("ok",):
        return Health.DAMAGED
    if version > VERSION and path != (own := beside(path, VERSION)):
        return health(own)
    return Health.WHOLE if version == VERSION else Health.OTHER


def of_version(path: Path, version: int = VERSION) -> Path:
    """Where a version has its index: beside the file, where that is a newer one's. Raises as `read_only`."""
    with read_only(path) as connection:
        return beside(path, version) if version_of(connection) > version else path


def kept_beside(path: Path) -> list[Path]:
    """The indexes that older versions keep beside one."""
    name = re.compile(re.escape(path.stem) + r"-\d+" + re.escape(path.suffix))
    return [found for found in path.parent.glob(f"{path.stem}-*{path.suffix}") if name.fullmatch(found.name)]


def throw_away(*paths: Path) -> None:
    """Remove indexes with all that SQLite makes of them.

    Raises:
        OSError: the disk said no.
    """
    for path in paths:
        for part in _PARTS:
            path.with_name(path.name + part).unlink(missing_ok=True)


def beside(path: Path, version: int) -> Path:
    """Where a version keeps its own while a newer one has the file."""
    return path.with_name(f"{path.stem}-{version}{path.suffix}")


def version_of(connection: sqlite3.Connection) -> int:
    """The version that an index says; 0 of one that was not made yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


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
    return sqlite3.connect(f"{path.absolute().as_uri()}?{access}", timeout=WAIT, uri=True)


def _is_closed(connection: sqlite3.Connection) -> bool:
    """Whether the memory that WAL shares cannot be made: without it only a file that rests can be read."""
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except DAMAGE as problem:
        return code_of(problem) in CLOSED
    return False


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def code_of(problem: Exception) -> int:
    """What kind of error it is; 0 where SQLite did not say."""
    code: int = getattr(problem, "sqlite_errorcode", 0)
    return 0 if code == sqlite3.SQLITE_READONLY_DBMOVED else code & 0xFF  # then another file is in its place
