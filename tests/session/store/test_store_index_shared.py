"""An index that several processes share: what one of them saw too early spoils nothing for the others."""

from __future__ import annotations

import os
import sqlite3

import pytest

from superqode.session import Session, SessionStore
from superqode.session.store.index import database, freshness, putting, rows


def settle(store):
    """Let all look as if it had changed long ago: times of the last seconds prove nothing."""
    heads = store.path / "refs" / "heads"
    for path in (*heads.iterdir(), heads, *store.path.glob("packed-refs")):
        os.utime(path, (0, 0))


def test_what_another_process_took_out_is_put_in_again(store, git):
    """A process that looked while a session was in the trash writes so later; who knew the session lists it again."""
    store.save(Session(id="s"))
    git("pack-refs", "--all")
    store.list_sessions()
    with SessionStore(store.path) as other:
        with other._index(other._open()).database.writing() as connection:  # as a look of a moment ago has it
            putting.drop_session(connection, "s")
            connection.execute("DELETE FROM refs")
        assert [row.id for row in store.list_sessions()] == ["s"]
        assert [row.id for row in other.list_sessions()] == ["s"]


def test_what_another_process_brought_back_stays_listed(store, monkeypatch):
    """Between a deletion and its word to the index another process undeletes: the session is there, and is listed."""
    store.save(Session(id="s", title="About apples"))
    store.list_sessions()
    index = store._index(store._open())
    real = index.forget

    def forget(*names):
        with SessionStore(store.path) as other:
            other.undelete("s")
            settle(store)
            other.list_sessions()
        real(*names)

    monkeypatch.setattr(index, "forget", forget)
    assert store.delete("s")
    assert [row.id for row in store.list_sessions()] == ["s"]
    with SessionStore(store.path) as third:
        assert [hit.session_id for hit in third.search("apples")] == ["s"]


def test_a_look_that_others_overtook_begins_anew(store, monkeypatch):
    """What another process writes between our looking and our writing is not undone by ours."""
    store.save(Session(id="s"))
    store.list_sessions()
    store.save(Session(id="t"))
    real = freshness.scan
    turns: list[int] = []

    def scan(*arguments, **options):
        changes = real(*arguments, **options)
        turns.append(1)
        if len(turns) == 1:  # the world goes on after our look
            with SessionStore(store.path) as other:
                other.delete("s")
                other.purge("s")
                other.list_sessions()
        return changes

    monkeypatch.setattr(freshness, "scan", scan)
    assert [row.id for row in store.list_sessions()] == ["t"]
    monkeypatch.undo()
    assert [row.id for row in store.list_sessions()] == ["t"]
    assert store.trash() == []


def unreadable(store, git):
    """Make `bad`, a branch that is no session."""
    git("update-ref", "refs/heads/bad", git("commit-tree", git("mktree"), "-m", "none"))


def test_a_session_that_cannot_be_read_is_written_once(store, git):
    """Each look reads it again, for it may be whole by then, and tells others nothing that they know."""
    store.save(Session(id="s"))
    unreadable(store, git)
    settle(store)
    store.list_sessions()
    with SessionStore(store.path) as other:
        seen = [(store.generation(), other.generation()) for _ in range(3)]
        assert set(seen) == {seen[0]}
        assert {row.id for row in other.list_sessions() if row.problem} == {"bad"}
        assert other.list_changed(seen[0][1]).changed == ()
        store.delete("bad")
        assert other.generation() != seen[0][1]


def test_a_session_that_cannot_be_read_keeps_no_search_waiting(store, git):
    """Its words are looked for once, as those of others."""
    store.save(Session(id="s", title="About apples"))
    unreadable(store, git)
    for _ in range(3):
        assert len(store.search("apples")) == 1
        assert store.unread() == 0


def test_a_broken_session_that_comes_back_is_listed(store, git):
    """Deleted and brought back as it was, it is there again, though nothing of it is new."""
    store.save(Session(id="s"))
    unreadable(store, git)
    assert [row.id for row in store.list_sessions() if row.problem] == ["bad"]
    tip = git("rev-parse", "bad")
    store.delete("bad")
    git("update-ref", "refs/heads/bad", tip)
    assert [row.id for row in store.list_sessions() if row.problem] == ["bad"]


@pytest.mark.parametrize("opened", [False, True], ids=["before", "while-open"])
def test_an_index_that_another_process_holds_is_left_to_it(store, monkeypatch, opened):
    """Who was stopped while it wrote holds it for ever: the answer comes from a copy, and the file stays as it is."""
    monkeypatch.setattr(database, "WAIT", 0.01)
    store.save(Session(id="one", title="About apples"))
    with SessionStore(store.path) as first:
        assert len(first.search("apples")) == 1
    with SessionStore(store.path) as asking:
        if opened:
            asking.list_sessions()
        path = store.path / "superqode" / "index.sqlite"
        inode, read = path.stat().st_ino, []
        holding = sqlite3.connect(path, isolation_level=None)
        holding.execute("BEGIN IMMEDIATE")
        real = rows.row_of
        monkeypatch.setattr(
            rows, "row_of", lambda repository, name, oid: (read.append(name), real(repository, name, oid))[1]
        )
        store.save(Session(id="two", title="About pears"))
        assert [row.id for row in asking.list_sessions()] == ["two", "one"]
        assert [hit.session_id for hit in asking.search("about")] == ["two", "one"]
        assert "one" not in read
        holding.close()
        assert path.stat().st_ino == inode
    assert store.search("pears")


def test_what_is_purged_is_not_left_in_an_index_that_another_process_holds(store, monkeypatch):
    """The one thing for which such a file is thrown away: the words of what is to be forgotten stand in it."""
    monkeypatch.setattr(database, "WAIT", 0.01)
    store.save(Session(id="one", title="About apples"))
    store.search("apples")
    path = store.path / "superqode" / "index.sqlite"
    holding = sqlite3.connect(path, isolation_level=None)
    holding.execute("BEGIN IMMEDIATE")
    store.delete("one")
    store.purge("one")
    assert not path.exists()
    holding.close()
