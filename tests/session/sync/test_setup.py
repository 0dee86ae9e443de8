"""Syncs begun, joined, left: who finds what where, and where the key is."""

from __future__ import annotations

import stat

import pytest

from session.sync.circle import git
from superqode.session.errors import (
    InvalidRemote,
    InvalidSyncWords,
    NoRepository,
    RemoteNotFound,
    SyncExists,
    SyncNotSetUp,
    WrongSyncKey,
)
from superqode.session.git.remotes import add_remote, default_remote, list_remotes
from superqode.session.git.repository import Repository
from superqode.session.sync import setup
from superqode.session.sync.session_sync import find_synced


def _target(machine):
    return find_synced(Repository(machine.path), None)


def test_nothing_is_sent_before_the_first_sync(machine, remote):
    """Setting up asks the remote what is there, and writes nothing on it."""
    one = machine("one")
    one.say("s", "hello")
    assert len(one.begin().split()) == 24
    assert git(remote, "for-each-ref") == ""
    status = setup.status(one.store, _target(one))
    assert (status.remote, status.mode, status.key, status.synced_at, status.waiting) == (
        "sync",
        "sealed",
        "file",
        None,
        1,
    )
    one.sync()
    status = setup.status(one.store, _target(one))
    assert (status.waiting, status.generation) == (0, 1)
    assert status.synced_at is not None


def test_a_store_without_sessions_can_be_joined(machine):
    """Who sets everything up first and works later finds the place from the other machine."""
    one, other = machine("one"), machine("other")
    words = one.begin()
    one.sync()
    other.join(words)
    other.sync()
    other.say("s", "hello")
    other.sync()
    one.sync()
    assert one.heard("s") == ["hello"]


def test_the_key_is_nobody_elses_to_read(machine, tmp_path):
    """The file is its owner's alone, and no backup, clone or bundle carries it."""
    one = machine("one")
    one.say("s", "hello")
    words = one.begin()
    one.sync()
    files = [path for path in (one.path / "superqode" / "sync").rglob("*") if path.is_file()]
    keys = [path for path in files if words in path.read_text("utf-8", "replace")]
    assert len(keys) == 1
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(keys[0].parent.stat().st_mode) == 0o700
    one.store.backup(tmp_path / "backup.bundle")
    git(tmp_path, "clone", "--quiet", "--mirror", str(one.path), "clone.git")
    everything = (tmp_path / "backup.bundle").read_bytes()
    everything += b"".join(path.read_bytes() for path in (tmp_path / "clone.git").rglob("*") if path.is_file())
    assert words.split()[0].encode() + b" " + words.split()[1].encode() not in everything


def test_beginning_twice(machine):
    """Neither a second sync of this store nor one beside another machine's happens by accident."""
    one, other = machine("one"), machine("other")
    words = one.begin()
    with pytest.raises(SyncExists, match="synced with it already"):
        one.begin()
    one.sync()
    with pytest.raises(SyncExists, match="superqode sync join"):
        other.begin()
    fresh = other.begin(again=True)
    assert fresh != words
    other.sync()
    other.join(words)
    other.sync()
    assert other.view() == one.view()


def test_words_that_open_nothing(machine):
    """Misspelt, of another key, or given where nothing is: told apart, and nothing is set up."""
    one = machine("one")
    with pytest.raises(InvalidSyncWords):
        one.join("no words")
    with pytest.raises(WrongSyncKey, match="nothing is synced there"):
        one.join("abandon " * 23 + "art")
    assert list_remotes(one.path) == []


def test_a_place_that_is_none(machine, tmp_path):
    """A folder without a repository, a word that names nothing, an option: refused before anything is written."""
    one = machine("one")
    for given, error in (
        (str(tmp_path / "nowhere"), NoRepository),
        ("nowhere", RemoteNotFound),
        ("--upload-pack=x", InvalidRemote),
    ):
        one.remote = given
        with pytest.raises(error):
            one.begin()
    assert list_remotes(one.path) == []


def test_a_remote_to_share_through_stays_the_default(machine, tmp_path):
    """Syncing adds a remote, and shares go where they went."""
    one = machine("one")
    one.say("s", "hello")
    add_remote(one.path, "team", str(tmp_path / "team.git"))
    one.begin()
    found = default_remote(one.path)
    assert found is not None
    assert found.name == "team"
    assert [remote.name for remote in list_remotes(one.path)] == ["sync", "team"]


def test_leaving(machine, remote):
    """The key is forgotten here, everything stays where it is, and joining again takes the words."""
    one, other = machine("one"), machine("other")
    one.say("s", "hello")
    words = one.begin()
    one.sync()
    other.join(words)
    other.sync()
    there = git(remote, "for-each-ref")
    setup.leave(other.store, _target(other))
    with pytest.raises(SyncNotSetUp):
        other.sync()
    assert (git(remote, "for-each-ref"), other.heard("s")) == (there, ["hello"])
    assert list((other.path / "superqode" / "sync" / "keys").iterdir()) == []
    other.join(words)
    other.sync()
    assert other.view() == one.view()


def test_an_old_key_leaves_nothing_here(machine):
    """Who joins with the new words keeps neither the old key nor the old ciphertext."""
    one, other = machine("one"), machine("other")
    one.say("s", "hello")
    old = one.begin()
    one.sync()
    other.join(old)
    other.sync()
    gone = {one.path: _target(one).sync, other.path: _target(other).sync}
    other.join(setup.rotate(one.store, None, keyring=False).words)
    other.sync()
    for path, sync_id in gone.items():
        assert [found for found in (path / "superqode" / "sync").rglob("*") if sync_id in found.name] == []
