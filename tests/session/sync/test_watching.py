"""Syncing again and again: what changes here goes at once, what passes by itself is told, and the rest ends it."""

from __future__ import annotations

import threading

import pytest

from session.sync.circle import Machine, git
from superqode.session import Session, SessionStore, SessionSync
from superqode.session.errors import RemoteError, SyncKeyMissing, SyncKeyRotated
from superqode.session.sync import setup
from superqode.session.sync.results import SyncReport
from superqode.session.sync.watching import watch


def _watched(one: Machine, stop: threading.Event, told, seconds: float = 3600) -> threading.Thread:
    thread = threading.Thread(target=watch, args=(one.store, [SessionSync(one.store)], seconds, stop, told))
    thread.start()
    return thread


def test_a_change_goes_at_once(pair):
    """A session that is saved is on the remote soon, without anybody asking."""
    one, other = pair
    stop, sent = threading.Event(), threading.Event()

    def told(report):
        assert isinstance(report, SyncReport)
        if report.sent.any:
            sent.set()

    thread = _watched(one, stop, told)
    one.say("s", "hello")
    assert sent.wait(60)
    stop.set()
    thread.join(60)
    assert other.sync().received.new == ("s",)


def test_a_change_beside_a_sync(pair):
    """What another process saves while a sync runs goes right behind it, not when the time has come."""
    one, _ = pair
    stop, heard = threading.Event(), []

    class Slow(SessionSync):
        """A sync during whose last step somebody saves."""

        def run(self, **options):
            report = super().run(**options)
            if not heard:
                with SessionStore(one.path) as store:
                    store.save(Session(id="meanwhile", title="meanwhile"))
            return report

    def told(report):
        heard.append(report.sent.new)
        if "meanwhile" in heard[-1]:
            stop.set()

    one.say("s", "hello")
    ended = threading.Timer(20, stop.set)
    ended.start()
    watch(one.store, [Slow(one.store)], 3600, stop, told)
    ended.cancel()
    assert heard == [("s",), ("meanwhile",)]


def test_a_sync_with_nothing_new_is_no_change(pair):
    """One that brought something may be followed by one more; that one leaves the store as it was, and all is quiet."""
    one, other = pair
    other.say("s", "hello")
    other.sync()
    assert one.sync().received.new == ("s",)
    before = one.store.generation()
    one.sync()
    assert one.store.generation() == before


def test_a_network_that_is_down(pair, remote):
    """Told, and tried again until it is there."""
    one, other = pair
    remote.rename(remote.with_suffix(".away"))
    stop, again = threading.Event(), threading.Event()

    def told(report):
        if isinstance(report, RemoteError):
            remote.with_suffix(".away").rename(remote)
        else:
            again.set()

    one.say("s", "hello")
    thread = _watched(one, stop, told, seconds=1)
    assert again.wait(60)
    stop.set()
    thread.join(60)
    assert other.sync().received.new == ("s",)


def test_a_key_that_is_gone_ends_it(pair):
    """What does not pass by itself is raised."""
    one, _ = pair
    for path in (one.path / "superqode" / "sync" / "keys").iterdir():
        path.unlink()
    with pytest.raises(SyncKeyMissing):
        watch(one.store, [SessionSync(one.store)], 1, threading.Event(), lambda _: None)


def test_one_remote_of_two_is_given_up(pair, tmp_path):
    """Its key was changed, which does not pass by itself: that is told once, and the other is synced all the same."""
    one, other = pair
    second = tmp_path / "second.git"
    git(tmp_path, "init", "--quiet", "--bare", str(second))
    setup.begin(one.store, str(second), keyring=False)
    setup.rotate(other.store, None, keyring=False)
    one.say("s", "hello")
    syncs = [SessionSync(one.store, name) for name in ("sync", "sync-2")]
    stop, heard = threading.Event(), []

    def told(report):
        heard.append(report)
        if len(heard) == 3:
            stop.set()

    watch(one.store, syncs, 1, stop, told)
    assert isinstance(heard[0], SyncKeyRotated)
    assert [report.remote for report in heard[1:]] == ["sync-2", "sync-2"]
    assert heard[1].sent.new == ("s",)
