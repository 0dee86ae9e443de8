"""Refusals: ids that are none, or stand in each other's way, are turned down before anything is written."""

from __future__ import annotations

import pytest

from superqode.session import MessageRole, Session
from superqode.session.errors import BackupError, InvalidSessionId, SessionNotFound


def begun(store, session_id="work"):
    """A saved session with one message."""
    session = Session(id=session_id)
    session.add_message(MessageRole.USER, "Fix it")
    store.save(session)
    return session


def loose_objects(path):
    return {file.name for folder in (path / "objects").glob("??") for file in folder.iterdir()}


HOSTILE = {
    "empty": "",
    "up": "../x",
    "absolute": "/etc/x",
    "option": "-x",
    "lock": "a.lock",
    "dots": "a..b",
    "device": "CON",
    "long": "a" * 300,
    "head": "HEAD",
    "oid": "0" * 40,
    "nul": "a\0b",
    "newline": "a\nb",
    "surrogate": "\ud800",
    "reserved": "superqode",
    "reserved-like": "Superqode-x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_id_is_refused_before_anything_is_written(store, store_path, git, name):
    """No ref and no object is made for an id that is none."""
    begun(store)
    before = loose_objects(store_path), git("for-each-ref")
    with pytest.raises(InvalidSessionId):
        store.save(Session(id=HOSTILE[name]))
    assert (loose_objects(store_path), git("for-each-ref")) == before


def test_a_case_twin_is_refused_before_anything_is_written(store, store_path):
    """Two ids that some disks cannot tell apart are never both there, whether the first is packed or not."""
    begun(store, "Work")
    for _ in range(2):
        before = loose_objects(store_path)
        with pytest.raises(InvalidSessionId, match="upper and lower case"):
            store.save(Session(id="work"))
        assert loose_objects(store_path) == before
        store.maintain()
    assert [session.id for session in store.list_sessions()] == ["Work"]


def test_a_branch_under_a_name_of_plain_git_saves_but_takes_no_snapshot(store, store_path, git):
    """`feature/x` is a session like others; a snapshot is refused before anything is written."""
    begun(store)
    git("branch", "feature/x", "work")
    session = store.load("feature/x")
    session.add_message(MessageRole.USER, "more")
    assert store.save(session).tip == git("rev-parse", "feature/x")
    session.add_message(MessageRole.USER, "and more")
    session.create_snapshot("no")
    before = loose_objects(store_path)
    with pytest.raises(InvalidSessionId):
        store.save(session)
    assert loose_objects(store_path) == before
    assert [message.content for message in store.load("feature/x").messages] == ["Fix it", "more"]
    git.fsck()


@pytest.mark.parametrize("made", [False, True], ids=["no store", "a store"])
def test_what_is_named_and_not_there_is_not_found(store, store_path, made):
    """Store or no store: an empty answer would say that all is well with it. Without a name there is nothing to miss."""
    if made:
        begun(store)
    for ask in (
        lambda: store.trash("nope"),
        lambda: store.purge("nope"),
        lambda: store.undelete("nope"),
        lambda: store.verify(iter(["nope"])),
        lambda: store.scan(iter(["nope"])),
    ):
        with pytest.raises(SessionNotFound, match="'nope'"):
            ask()
    with pytest.raises(BackupError, match="neither a store nor a backup"):
        store.repair([store_path / "nope"])
    assert (store.trash(), store.purge().purged, store.scan(), store.repair().steps) == ([], (), [], ())
    assert store.verify().ok
    assert store_path.exists() == made
