"""Programs of several versions on one store: each keeps its index, and what is forgotten is in none of them."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.store.index import files, rows, schema
from superqode.session.store.index.files import INDEX, Health, health


@pytest.fixture
def read(monkeypatch):
    """The names of the sessions that are read, in any program."""
    names = []
    real = rows.row_of
    monkeypatch.setattr(rows, "row_of", lambda *about: (names.append(about[1]), real(*about))[1])
    return names


@pytest.fixture
def newer(monkeypatch):
    """Opens a store as a program does whose index is of the next version; what is opened now is of this one."""

    def opened(path):
        store = SessionStore(path)
        store.list_sessions()
        store._catalogue.database._version = schema.VERSION + 1
        store._catalogue.database.close()
        store.list_sessions()
        return store

    return opened


def saved(store, session_id, text="needle"):
    session = Session(id=session_id, title=f"About {session_id}")
    session.add_message(MessageRole.USER, text)
    store.save(session)


def files_of(store_path):
    return sorted(path.name for path in (store_path / "superqode").glob("index*.sqlite"))


def ids_of(store):
    return sorted(session.id for session in store.list_sessions())


def test_each_version_keeps_what_it_has_read(store, store_path, newer, read):
    """Two programs that list in turn read each session once each, and see what the other one saved."""
    for number in range(3):
        saved(store, f"s-{number}")
    with newer(store_path) as other:
        store.list_sessions()
        read.clear()
        for _ in range(2):
            assert ids_of(store) == ids_of(other) == ["s-0", "s-1", "s-2"]
            assert [hit.session_id for hit in store.search("needle")] != []
        assert read == []
        saved(other, "s-3")
        assert ids_of(store) == ids_of(other) == ["s-0", "s-1", "s-2", "s-3"]
        assert read == ["s-3", "s-3"]
    assert files_of(store_path) == [f"index-{schema.VERSION}.sqlite", INDEX]


def test_what_is_purged_is_in_the_index_of_no_version(store, store_path, newer):
    """After a purge by either program no file of an index holds the words; the other makes its own anew."""
    saved(store, "kept")
    with newer(store_path) as other:
        for purging in (other, store):
            saved(store, "gone", "marmalade")
            for program in (store, other):
                program.search("marmalade")
            purging.delete("gone")
            purging.purge("gone")
            assert not [path for path in (store_path / "superqode").glob("index*") if b"marmalade" in path.read_bytes()]
            for program in (store, other):
                assert program.search("marmalade") == []


def test_what_an_older_version_left_goes_after_a_month(store, store_path, newer):
    """An index that nobody wrote to for a month is swept by `maintain`, a younger one stays."""
    saved(store, "one")
    with newer(store_path):
        store.list_sessions()
        beside = store_path / "superqode" / f"index-{schema.VERSION}.sqlite"
        store.maintain()
        assert beside.exists()
        old = beside.stat().st_mtime - timedelta(days=31).total_seconds()
        os.utime(beside, (old, old))
        store.maintain()
        assert files_of(store_path) == [INDEX]


def test_the_index_that_counts_is_examined(store, store_path, newer):
    """The health of an index beside a newer one is its own: missing, whole, damaged; doctor's mending clears both."""
    path = store_path / "superqode" / INDEX
    saved(store, "one")
    with newer(store_path):
        assert health(path) is Health.MISSING
        store.list_sessions()
        assert health(path) is Health.WHOLE
    store.close()
    beside = path.with_name(f"index-{schema.VERSION}.sqlite")
    beside.write_bytes(b"x" * 5000)
    assert health(path) is Health.DAMAGED
    with SessionStore(store_path) as again:
        assert ids_of(again) == ["one"]
        assert health(path) is Health.WHOLE


def test_only_names_of_versions_are_an_index(tmp_path):
    """Files of other names that stand beside the index are nobody's to remove."""
    names = [
        "index.sqlite",
        "index-7.sqlite",
        "index-12.sqlite",
        "index-old.sqlite",
        "index-7.sqlite-wal",
        "index-.sqlite",
    ]
    for name in names:
        Path(tmp_path, name).touch()
    found = files.kept_beside(tmp_path / INDEX)
    assert sorted(path.name for path in found) == ["index-12.sqlite", "index-7.sqlite"]
    files.throw_away(tmp_path / INDEX, *found)
    assert sorted(path.name for path in tmp_path.glob("index*")) == ["index-.sqlite", "index-old.sqlite"]
