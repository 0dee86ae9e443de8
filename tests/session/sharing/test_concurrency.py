"""Several processes at one share, and processes that die: what was told is true, and the next call works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from session.sharing.team import SESSION, git, refs
from superqode.session import SessionStore
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.sharing.models import ShareConfig

FULL = os.environ.get("SUPERQODE_TEST_FULL") == "1"
ALARM = 300
WORKER = Path(__file__).with_name("worker.py")


class Beside:
    """A process of `worker.py`."""

    def __init__(self, verb, store, remote, share="-", count=1):
        command = [sys.executable, WORKER, verb, store, remote, share, count]
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()

    def go(self):
        """Let it begin."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        """Wait for its end; gives what it told."""
        told, complaint = self.process.communicate(timeout=ALARM)
        assert self.process.returncode == 0, complaint
        return told.split()

    def kill(self):
        """End it at once, with all that it started."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=ALARM)


@contextmanager
def running(*started):
    """All of them, begun at once; none is left over."""
    try:
        for beside in started:
            beside.go()
        yield
    finally:
        for beside in started:
            if beside.process.poll() is None:
                beside.process.kill()
                beside.process.wait()
            for pipe in (beside.process.stdin, beside.process.stdout, beside.process.stderr):
                pipe.close()


def _consistent(team):
    """Ledger, refs and remote say the same, and git finds no fault."""
    shares = team.ann.shares.list_shares()
    live = {share.id for share in shares if share.revoked_at is None}
    here = {name.rpartition("/")[2] for name in refs(team.ann.path) if name.startswith("refs/superqode/shares/")}
    there = {name.rpartition("/")[2]: oid for name, oid in refs(team.remote).items()}
    assert there.keys() == {share.id for share in shares if share.remote_ref and share.revoked_at is None}
    assert live <= here
    for share in shares:
        if share.revoked_at is None and not share.pending:
            assert there[share.id] == refs(team.ann.path)[team.ann.record(share).local_ref]
    for path in (team.ann.path, team.remote):
        git(path, "fsck", "--strict", "--no-dangling")
    return shares


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_two_processes_update_one_share(team, visibility):
    """Each waits for the other: no number twice, no update lost, one line of commits on the remote."""
    made = team.share(visibility)
    both = [Beside("update", team.ann.path, team.remote, made.share_token, 3) for _ in range(2)]

    with running(*both):
        told = [int(word) for beside in both for word in beside.end()]

    # An update may find that the other process has shared its message already.
    assert set(told) <= set(range(1, 8))
    last = max(told)
    (share,) = _consistent(team)
    assert (share.generation, share.pending) == (last, False)
    seen = team.bob.shares.get_session_for_share(made.share_url)
    assert len(seen.messages) == 9
    assert team.bob.shares.get_share(made.share_url).generation == last
    line = git(team.remote, "rev-list", "--first-parent", team.commit_of(made)).split()
    assert visibility == "public" or len(line) == last


def test_terms_and_passwords_change_beside_updates(team):
    """Three kinds of change at once: each is there in the end."""
    made = team.share()
    started = [
        Beside("update", team.ann.path, team.remote, made.share_token, 2),
        Beside("extend", team.ann.path, team.remote, made.share_token, 2),
        Beside("lock", team.ann.path, team.remote, made.share_token, 2),
    ]

    with running(*started):
        updates, terms, numbers = (beside.end() for beside in started)

    assert all(word.isdigit() for word in updates + terms + numbers)
    assert sorted(numbers) == ["1", "2"]
    _consistent(team)
    assert [slot.number for slot in team.ann.shares.passwords(made.id)] == [0, 1, 2]
    shown = team.bob.shares.get_share(made.share_url)
    assert shown.allow_fork
    assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 5


def test_one_revokes_while_the_other_updates(team):
    """In the end it is revoked, everywhere; the other is told so, and brings nothing back."""
    made = team.share()
    updating = Beside("update", team.ann.path, team.remote, made.share_token, 5)
    revoking = Beside("revoke", team.ann.path, team.remote, made.share_token, 1)

    with running(updating, revoking):
        told, ended = updating.end(), revoking.end()

    assert ended == [made.id]
    assert all(word.isdigit() or word == "ShareRevoked" for word in told)
    (share,) = _consistent(team)
    assert share.revoked_at is not None
    assert refs(team.remote) == {}
    assert not [name for name in refs(team.ann.path) if made.id in name]


def test_two_processes_revoke_one_share(team):
    """Both are told that it is done."""
    made = team.share()
    both = [Beside("revoke", team.ann.path, team.remote, made.share_token, 1) for _ in range(2)]
    with running(*both):
        assert [beside.end() for beside in both] == [[made.id], [made.id]]
    _consistent(team)


def test_many_shares_are_made_at_once(team):
    """Four processes, eight shares: all in the ledger, all on the remote, each opens."""
    started = [Beside("create", team.ann.path, team.remote, count=2) for _ in range(4)]

    with running(*started):
        told = [word for beside in started for word in beside.end()]

    shares = _consistent(team)
    assert sorted(share.id for share in shares) == sorted(told)
    assert len(set(told)) == 8
    for share in shares:
        assert team.bob.shares.get_share(share.share_url).session_id == SESSION


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_a_reader_reads_while_the_owner_updates(team, visibility):
    """Each time a whole state, never an older one than before, never an error."""
    made = team.share(visibility)
    updating = Beside("update", team.ann.path, team.remote, made.share_token, 5)
    seen = []

    with running(updating):
        while updating.process.poll() is None or len(seen) < 2:
            shared = team.bob.shares.get_share(made.share_url)
            seen.append((shared.generation, len(team.bob.shares.get_session_for_share(made.share_url).messages)))

    assert seen == sorted(seen)
    assert team.bob.shares.get_share(made.share_url).generation == 6


def test_several_readers_share_one_store(team):
    """Two processes and this one read one share at once: all succeed, the store is whole."""
    made = team.share()
    readers = [Beside("read", team.bob.path, team.remote, made.share_url, 4) for _ in range(2)]
    with running(*readers):
        assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 3
        for beside in readers:
            assert beside.end() == ["3"] * 4
    git(team.bob.path, "fsck", "--strict")


def _new_ann(team):
    """Ann after her process died: the store opened anew."""
    store = SessionStore(team.ann.path, user=("Ann", "ann@example.invalid"))
    return store, SessionSharingManager(store, team.remote)


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_process_is_killed_in_the_middle(team, verb):
    """At any moment: what waits can be sent, every share opens, can be updated and revoked, and nothing is left over."""
    made = team.share()
    chance = random.Random(7)
    for _ in range(40 if FULL else 5):
        beside = Beside(verb, team.ann.path, team.remote, made.share_token, 50)
        beside.go()
        time.sleep(chance.uniform(0.02, 0.6))
        beside.kill()
        # Its `git push` may live a moment longer than it.
        time.sleep(0.3)

        store, manager = _new_ann(team)
        with store:
            manager.push_shares()
            shares = manager.list_shares()
            assert made.id in {share.id for share in shares}
            assert not any(share.pending for share in shares)
            assert manager.update_share(made.id).id == made.id
            assert manager.create_share(SESSION, ShareConfig()).pending is False
    carl = team.newcomer("Carl")
    store, manager = _new_ann(team)
    with store:
        tip = store.load(SESSION)
        shares = manager.list_shares()
        manager.update_share(made.id)
        assert len(carl.shares.get_session_for_share(made.share_url).messages) == len(tip.messages)
        there = {name.rpartition("/")[2] for name in refs(team.remote)}
        assert there == {share.id for share in shares}
        for share in shares:
            assert carl.shares.get_share(share.share_url).id == share.id
            manager.revoke_share(share.id)
    assert refs(team.remote) == {}
    for path in (team.ann.path, team.remote):
        git(path, "fsck", "--strict", "--no-dangling")


def test_a_reader_is_killed_in_the_middle(team):
    """Its store has not one object more, but for what `maintain` sweeps."""
    made = team.share()
    before = team.bob.state()[:2]
    for delay in (0.02, 0.1, 0.2, 0.3):
        beside = Beside("read", team.bob.path, team.remote, made.share_url, 50)
        beside.go()
        time.sleep(delay)
        beside.kill()
    assert team.bob.state()[:2] == before
    assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 3
