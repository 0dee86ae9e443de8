"""A dry run: it tells what a sync would do, and leaves this store and the remote as they were."""

from __future__ import annotations

import pytest

from session.sync.circle import git, settle
from superqode.session import SessionStore, SessionSync
from superqode.session.errors import RemoteUnreachable, SyncKeyUnfinished, SyncNotSetUp
from superqode.session.sync import sealed, setup


@pytest.mark.parametrize("snapshot", [True, False])
def test_what_plain_git_deleted(pair, snapshot):
    """It stays as it is, and what is told is what the sync then does: the session goes into the trash, there too."""
    one, other = pair
    one.say("a", "hello")
    if snapshot:
        one.snapshot("a", "mine")
    one.say("b", "hello")
    settle([one, other])
    assert one.ids() == ["a", "b"]
    git(one.path, "branch", "-D", "a")
    before = git(one.path, "for-each-ref")
    told = one.sync(dry_run=True)
    assert git(one.path, "for-each-ref") == before
    done = one.sync()
    assert (told.received, told.sent, told.notices) == (done.received, done.sent, done.notices)
    assert told.sent.deleted == ("a",)
    other.sync()
    assert (other.ids(), other.trash()) == (["b"], ["a"])


def test_what_was_renamed_or_deleted_here(pair):
    """What an operation did is not taken for plain git's work: it is told as it will be done."""
    one, other = pair
    for name in ("a", "b", "c"):
        one.say(name, "hello")
    settle([one, other])
    one.store.rename("a", "aa")
    one.store.delete("b")
    one.store.delete("c")
    one.store.purge("c")
    told, done = one.sync(dry_run=True), one.sync()
    assert (told.received, told.sent, told.notices) == (done.received, done.sent, done.notices)


@pytest.mark.parametrize("dry_run", [True, False])
def test_without_a_store(tmp_path, dry_run):
    """None is made to say that it is synced with nothing."""
    with SessionStore(tmp_path / "nowhere") as store, pytest.raises(SyncNotSetUp):
        SessionSync(store).run(dry_run=dry_run)
    assert not (tmp_path / "nowhere").exists()


def test_while_the_key_is_being_changed(pair, monkeypatch):
    """Before a rotation that was cut short is finished, it tells what would come under the old key."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])

    def cut(*_arguments, **_options):
        raise RemoteUnreachable("sync", "cut")

    with monkeypatch.context() as patched:
        patched.setattr(sealed.remote, "push", cut)
        with pytest.raises(SyncKeyUnfinished):
            setup.rotate(one.store, None, keyring=False)
    other.say("b", "hello")
    other.sync()
    told = one.sync(dry_run=True)
    assert (told.received.new, told.sent.any) == (("b",), False)
    assert one.ids() == ["a"]
    one.sync()
    assert one.ids() == ["a", "b"]
