"""The index is disposable: broken in any way, and beside refs in any state, list and search stay right."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.git.repository import Repository
from superqode.session.store.index import rows, schema
from superqode.session.store.index.files import Health, health
from superqode.session.store.index.remembered import Remembered


def saved(store, session_id, text="Fix it", **fields):
    session = Session(id=session_id, **fields)
    session.add_message(MessageRole.USER, text)
    store.save(session)


def ids_of(store, **wanted):
    return [session.id for session in store.list_sessions(**wanted)]


def test_a_branch_that_cannot_be_read_is_listed_until_it_goes(store, store_path):
    """A damaged ref has a line that says so; the others are fine, and without the file the line is gone."""
    saved(store, "one")
    saved(store, "two")
    for name in ("one", "new"):
        path = store_path / "refs" / "heads" / name
        path.unlink(missing_ok=True)
        path.write_text("no id\n")
        problems = {session.id: session.problem for session in store.list_sessions()}
        assert "cannot be read" in problems[name]
        assert problems["two"] == ""
        path.unlink()
        assert ids_of(store) == ["two"]


def damage_missing(path):
    path.unlink()


def damage_garbage(path):
    path.write_bytes(b"no database" * 1000)


def damage_truncated(path):
    os.truncate(path, path.stat().st_size // 2)


def damage_middle(path):
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(40_000))


def damage_folder(path):
    path.unlink()
    (path / "in the way").mkdir(parents=True)


def change(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def damage_version(path):
    change(path, f"PRAGMA user_version = {schema.VERSION + 1}")


def damage_stamp(path):
    change(path, "UPDATE stamp SET value = 'nonsense'")


def damage_rows(path):
    change(path, "UPDATE sessions SET tags = 'nonsense'")


def damage_schema(path):
    """One byte that is no UTF-8: SQLite's message holds it, which Python cannot give as a text."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE labels", b"CREATE \xffABLE labels"))


def damage_times(path):
    change(path, "UPDATE sessions SET updated = 9000000000000000000")


def damage_types(path):
    change(path, "UPDATE sessions SET title = x'00ff', updated = 'x', indexed_title = NULL")


def damage_timelines(path):
    change(path, "UPDATE sessions SET timeline = x'00ff', indexed_title = NULL")


def damage_hits(path):
    change(path, "UPDATE sessions SET timeline = x'00ff'", "UPDATE texts SET moment = 9000000000000000000")


def damage_labels(path):
    change(path, "UPDATE sessions SET agents = '[[1]]', tags = '[1]', indexed_title = NULL")


def damage_refs(path):
    change(path, "UPDATE refs SET oid = x'00', name = x'01ff', inode = 1 WHERE name = 'one'", "DELETE FROM stamp")


def damage_tables(path):
    change(path, "DROP TABLE refs")


DAMAGES = [
    damage_missing,
    damage_garbage,
    damage_truncated,
    damage_middle,
    damage_folder,
    damage_version,
    damage_stamp,
    damage_rows,
    damage_schema,
    damage_times,
    damage_types,
    damage_timelines,
    damage_hits,
    damage_labels,
    damage_refs,
    damage_tables,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_broken_index_changes_no_answer(store, store_path, damage):
    """Missing, overwritten, cut, of another version or unusable: list and search stay right."""
    saved(store, "one", "needle", tags=["bug"])
    saved(store, "two")
    with SessionStore(store_path) as first:
        assert len(first.search("needle")) == 1
    damage(store_path / "superqode" / "index.sqlite")
    with SessionStore(store_path) as again:
        assert sorted(ids_of(again)) == ["one", "two"]
        assert ids_of(again, tags=["bug"]) == ["one"]
        assert [hit.session_id for hit in again.search("needle")] == ["one"]
        assert again.stats().messages == 2
    assert store.delete("two")


@pytest.mark.parametrize("damage", [damage_schema, damage_times, damage_types], ids=lambda damage: damage.__name__)
def test_a_check_looks_at_a_broken_index(store, store_path, git, damage):
    """`doctor` and a quick `verify` come to their end, and trust nothing that cannot be."""
    saved(store, "one")
    git("repack", "-adq")
    repository = Repository(store_path)
    tip = repository.refs.read("refs/heads/one")
    store.list_sessions()
    store.close()
    assert Remembered(repository).changed_at("one", tip) is not None
    damage(store_path / "superqode" / "index.sqlite")
    expected = Health.DAMAGED if damage is damage_schema else Health.WHOLE
    assert health(store_path / "superqode" / "index.sqlite") is expected
    assert Remembered(repository).changed_at("one", tip) is None


def test_a_check_says_that_it_may_not_look(tmp_path, monkeypatch):
    """A folder of somebody else's holds an index or none: that is no damage."""
    path = tmp_path / "index.sqlite"
    assert health(path) is Health.MISSING

    def stat(_path, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", stat)
    assert health(path) is Health.HIDDEN


@pytest.mark.parametrize("damage", [damage_garbage, damage_tables], ids=lambda damage: damage.__name__)
def test_an_index_that_breaks_while_it_is_open_changes_no_answer(store, store_path, damage):
    """The running store throws it away and goes on."""
    saved(store, "one", "needle")
    assert len(store.search("needle")) == 1
    damage(store_path / "superqode" / "index.sqlite")
    saved(store, "two")
    assert sorted(ids_of(store)) == ["one", "two"]
    assert [hit.session_id for hit in store.search("needle")] == ["one"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_changes_no_answer(store, store_path):
    """Where no index can be written, one in memory serves."""
    saved(store, "one", "needle")
    folder = store_path / "superqode"
    folder.chmod(0o500)
    try:
        assert ids_of(store) == ["one"]
        assert [hit.session_id for hit in store.search("needle")] == ["one"]
    finally:
        folder.chmod(0o700)


def test_an_index_that_cannot_be_written_is_begun_with(store, store_path, monkeypatch):
    """What it has is not read anew, and the file stays as it is."""
    saved(store, "one", "needle")
    store.search("needle")
    store.close()
    path = store_path / "superqode" / "index.sqlite"
    before = path.read_bytes()
    (path.parent / "index.sqlite-shm").mkdir()  # as on a disk that is mounted to be read: nothing can be made there
    read = []
    real = rows.row_of
    monkeypatch.setattr(rows, "row_of", lambda *about: (read.append(about[1]), real(*about))[1])
    assert health(path) is Health.WHOLE
    with SessionStore(store_path) as other:
        saved(other, "two", "needle")
        assert ids_of(other) == ["two", "one"]
        assert {hit.session_id for hit in other.search("needle")} == {"one", "two"}
    assert set(read) == {"two"}
    assert path.read_bytes() == before


def test_a_branch_whose_name_is_no_utf8_hides_no_session(store, git):
    """Plain git takes any bytes for a name; no id can have them, and every question is answered as without it."""
    saved(store, "one")
    git("update-ref", "refs/heads/caf\udce9", "refs/heads/one")
    for _ in range(2):
        assert ids_of(store) == ["one"]
        assert store.verify().ok
        assert store.trash() == []
        assert "pack" not in " ".join(store.maintain().skipped)
