"""Databases of running programs: read from a copy, whole, and without a trace."""

from __future__ import annotations

import io
import sqlite3

import pytest

from superqode.session.errors import TranscriptError
from superqode.session.importers import sqlitefile
from superqode.session.importers.base import Source

from . import folders


@pytest.fixture
def live(tmp_path):
    """A database that is open and has its last rows in the log only."""
    folder = tmp_path / "agent"
    folder.mkdir()
    path = folder / "live.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO t VALUES ('in the log')")
    yield path
    connection.close()


def rows(source):
    """Read what the table holds."""
    with sqlitefile.opened_copy(source) as connection:
        return [row["x"] for row in connection.execute("SELECT x FROM t")]


def test_rows_that_only_the_log_has_are_read(live):
    """The copy is of the database and its log; without the log the row would be missing."""
    (source,) = folders.at(live.parent)
    assert rows(source) == ["in the log"]
    with sqlitefile.opened_copy(folders.one(live.read_bytes())) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone()[0] == 0


def test_the_original_stays_as_it_is(live):
    """Not a byte of the three files changes, and no file appears or goes."""
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in live.parent.iterdir()}
    rows(folders.at(live.parent)[0])
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in live.parent.iterdir()} == before
    assert set(before) == {"live.db", "live.db-wal", "live.db-shm"}


def test_the_copy_is_gone_afterwards(live, tmp_path, monkeypatch):
    """Nothing of somebody's sessions is left in the folder for temporary files."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(sqlitefile.tempfile, "tempdir", str(temporary))
    (source,) = folders.at(live.parent)
    with sqlitefile.opened_copy(source) as connection:
        assert list(temporary.rglob("copy.db"))
        with pytest.raises(sqlite3.OperationalError, match=r"readonly|query_only"):
            connection.execute("INSERT INTO t VALUES (1)")
    assert list(temporary.iterdir()) == []


def test_a_copy_that_does_not_hold_together_is_made_again(live):
    """Where the log starts over between the two copies, both are copied once more."""
    writer = sqlite3.connect(live, isolation_level=None)
    (plain,) = folders.at(live.parent)
    opened = []

    def beside(ending):
        opened.append(ending)
        if len(opened) == 2:  # the database is copied, the log is not
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            writer.execute("INSERT INTO t VALUES ('later')")
        return plain.beside(ending)

    assert rows(Source(plain.name, plain.open, beside=beside)) == ["in the log", "later"]
    writer.close()


def test_a_database_that_is_written_all_the_time_is_an_error(live):
    """After a few tries it is said so, and nothing half is read."""
    (plain,) = folders.at(live.parent)
    states = iter(range(1000))

    def beside(_ending):
        return io.BytesIO(b"%032d" % next(states))

    with pytest.raises(TranscriptError, match="written to all the time"):
        rows(Source(plain.name, plain.open, beside=beside))


@pytest.mark.parametrize("data", [b"", b"no database", sqlitefile.MAGIC + b"\xff" * 5000])
def test_what_is_no_database_is_an_error(data):
    """SQLite's own errors are ours outside."""
    with pytest.raises(TranscriptError, match="no whole SQLite database"):
        rows(folders.one(data))


def test_a_database_that_is_too_big_is_not_copied(live, monkeypatch):
    """The limit is looked at while copying, not believed."""
    monkeypatch.setattr(sqlitefile, "_MAX_BYTES", 100)
    with pytest.raises(TranscriptError, match="more than"):
        rows(folders.at(live.parent)[0])


def test_only_tables_that_hold_values_count(tmp_path):
    """A view, a virtual table and a table with computed columns may do anything when read."""
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE plain (a, b); CREATE VIEW seen AS SELECT 1 AS a; CREATE TABLE made (a, b AS (a || 'x'));"
    )
    connection.close()
    with sqlitefile.opened_copy(folders.at(tmp_path)[0]) as opened:
        assert sqlitefile.plain_tables(opened) == {"plain": {"a", "b"}}
