"""Keys that are changed: on two machines at once, cut short, and beside what else happens."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest

from session.sync.circle import git, settle
from superqode.session.errors import RemoteUnreachable, StoreLocked, SyncKeyRotated, SyncKeyUnfinished
from superqode.session.git import program
from superqode.session.git.repository import Repository
from superqode.session.sync import alone, session_sync, setup
from superqode.session.sync.alone import syncing
from superqode.session.sync.keeping import find_key
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.session_sync import find_synced
from superqode.session.sync.words import to_words


def _target(machine):
    return find_synced(Repository(machine.path), None)


def _keys(machine):
    return {path.name for path in (machine.path / "superqode" / "sync" / "keys").iterdir()}


def _cut(monkeypatch, machine, step):
    """Begin a change of keys whose network breaks at a step; gives the words that it made."""

    def broken(*_arguments, **_options):
        raise RemoteUnreachable("sync", "the connection was refused")

    with monkeypatch.context() as patched:
        patched.setattr(SealedRemote, step, broken)
        with pytest.raises(SyncKeyUnfinished, match=r"refused\. The next `superqode sync` on this machine finishes"):
            setup.rotate(machine.store, None, keyring=False)
    with pytest.raises(SyncKeyUnfinished):  # its words would be worth nothing if another machine is faster now
        setup.key_words(machine.store, _target(machine))
    key, _ = find_key(Repository(machine.path), _target(machine).sync)
    assert key is not None
    return to_words(key.secret)


def _is_put_back(remote, kept):
    shutil.rmtree(remote)
    kept.rename(remote)


def test_who_is_behind_brings_nothing_back(pair):
    """Purged, deleted, renamed before the key was changed: with the new words another machine takes that over, too."""
    one, other = pair
    for name in ("purged", "trash", "deleted", "renamed", "changed"):
        one.say(name, "hello")
    one.store.delete("trash")
    settle([one, other])
    one.store.delete("purged")
    for name in ("purged", "trash"):
        one.store.purge(name)
    for name in ("deleted", "changed"):
        one.store.delete(name)
    one.store.rename("renamed", "another")
    one.sync()
    other.say("changed", "since then")
    other.say("new", "only there")
    other.join(setup.rotate(one.store, None, keyring=False).words)
    assert other.sync().notices == ("changed was deleted elsewhere and changed here: it stays",)
    settle([one, other])
    assert one.view() == other.view()
    assert (one.ids(), one.trash()) == (["another", "changed", "new"], ["deleted"])


def test_what_was_never_under_the_new_key_stays(pair, remote, tmp_path):
    """Of a remote that was put back before its key was changed, the new key has less: nothing of that was removed."""
    one, other = pair
    one.say("s", "hello")
    settle([one, other])
    shutil.copytree(remote, tmp_path / "kept.git")
    made = other.snapshot("s", "of the other")
    other.sync()
    _is_put_back(remote, tmp_path / "kept.git")
    other.join(setup.rotate(one.store, None, keyring=False).words)
    settle([one, other])
    assert [snapshot.id for snapshot in one.store.load("s").snapshots] == [made]
    assert one.view() == other.view()


def test_a_key_is_kept_while_its_sync_is_not_over(machine, pair):
    """Who joins another sync keeps the key of the one before, which may be the only copy; a note says that it is over."""
    one, other = pair
    alone = _target(one).sync
    words = other.begin(again=True)
    other.sync()
    one.join(words)
    joined = _target(one).sync
    assert _keys(one) == {alone, joined}
    settle([one, other])
    one.join(setup.rotate(other.store, None, keyring=False).words)
    assert _keys(one) == {alone, _target(one).sync}


def test_words_that_end_a_change_of_keys(pair, remote, monkeypatch):
    """The old words, or those of the machine that was faster, take the place of a change that is not finished."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    old, first = setup.key_words(one.store, _target(one)), _target(one).sync
    _cut(monkeypatch, one, "leave")
    one.join(old)
    assert (_target(one).sync, _keys(one)) == (first, {first})
    _cut(monkeypatch, one, "push")
    one.join(setup.rotate(other.store, None, keyring=False).words)
    assert _keys(one) == {_target(one).sync} == {_target(other).sync}
    settle([one, other])
    assert one.view() == other.view()


@pytest.mark.parametrize("step", ["push", "leave"])
def test_a_change_that_the_network_ends(pair, monkeypatch, step):
    """It says that there is a key, and the sync that finishes it says that its words are needed now."""
    one, other = pair
    one.say("a", "hello")
    one.sync()
    words = _cut(monkeypatch, one, step)
    (told,) = one.sync().notices
    assert "other machines need its words (`superqode sync key show`)" in told
    assert one.sync().notices == ()
    other.join(words)
    settle([one, other])
    assert other.heard("a") == ["hello"]


@pytest.mark.parametrize("step", ["push", "leave"])
def test_two_machines_change_the_key(pair, machine, remote, monkeypatch, step):
    """The first note counts: who was cut short drops its own key, and says so until it has the other's words."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    old = _target(one).sync
    dropped = _cut(monkeypatch, one, step)
    own = _target(one).sync
    third = machine("third")
    if step == "leave":
        third.join(dropped)
        third.sync()
        _cut(monkeypatch, third, "leave")
    words = setup.rotate(other.store, None, keyring=False).words
    one.say("b", "only here")
    for _ in range(2):
        with pytest.raises(SyncKeyRotated, match="Ask for the new words"):
            one.sync()
        assert (_target(one).sync, _keys(one)) == (old, {old})
    if step == "leave":  # nobody goes on alone under the key that was dropped
        assert git(remote, "ls-tree", "-r", "--name-only", f"refs/superqode/sync/{own}").split() == [
            "moved",
            "sync.json",
        ]
        third.say("c", "only there")
        with pytest.raises(SyncKeyRotated):
            third.sync()
        assert _target(third).sync == own
    for late in (one, third):
        late.join(words)
    settle([one, other, third])
    assert one.view() == other.view() == third.view()
    assert set(one.ids()) >= {"a", "b"}


def test_a_sync_that_waits_for_a_change_of_keys(pair, monkeypatch):
    """What it is to sync with is read once nobody changes that any more."""
    one, other = pair
    one.say("a", "hello")
    words = []

    @contextmanager
    def late(repository):
        words.append(setup.rotate(one.store, None, keyring=False).words)
        with syncing(repository):
            yield

    monkeypatch.setattr(session_sync, "syncing", late)
    one.sync()
    monkeypatch.undo()
    other.join(words[0])
    settle([one, other])
    assert other.heard("a") == ["hello"]


def test_nobody_changes_the_key_amid_a_sync(pair, monkeypatch):
    """Nor is the sync joined or left: each says that the store is in use."""
    one, _ = pair
    words = setup.key_words(one.store, _target(one))
    monkeypatch.setattr(alone, "_WAIT", 0.01)
    before = (_target(one), _keys(one))
    with Repository(one.path).alone("sync"):
        for change in (
            lambda: setup.rotate(one.store, None, keyring=False),
            lambda: setup.leave(one.store, _target(one)),
            lambda: one.join(words),
        ):
            with pytest.raises(StoreLocked):
                change()
    assert (_target(one), _keys(one)) == before


def test_leaving_amid_a_change_of_keys(pair, monkeypatch):
    """Both keys are forgotten here, and what is remembered of either sync."""
    one, _ = pair
    _cut(monkeypatch, one, "leave")
    setup.leave(one.store, _target(one))
    assert _keys(one) == set()
    assert list((one.path / "superqode" / "sync" / "remotes").glob("*/*")) == []


def test_a_change_that_another_builds_on(machine, pair, monkeypatch):
    """Who has the words before all is done may change the key once more: nobody goes on under the first one."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    early = _cut(monkeypatch, one, "leave")
    third = machine("third")
    third.join(early)
    third.sync()
    words = setup.rotate(third.store, None, keyring=False).words
    other.say("b", "under the first key")
    other.sync()
    for late in (one, other):
        with pytest.raises(SyncKeyRotated):
            late.sync()
        late.join(words)
    settle([one, other, third])
    assert one.view() == other.view() == third.view()
    assert third.ids() == ["a", "b"]


def test_a_key_that_nothing_names_is_not_kept(pair, monkeypatch):
    """Where the store cannot note that its key is being changed, the old one counts, and no other lies about."""
    one, _ = pair
    settle(pair)
    before = _keys(one)
    monkeypatch.setattr(program, "_CONFIG_PATIENCE", 0.0)
    lock = one.path / "config.lock"
    lock.touch()
    with pytest.raises(StoreLocked):
        setup.rotate(one.store, None, keyring=False)
    assert _keys(one) == before
    lock.unlink()
    one.sync()
