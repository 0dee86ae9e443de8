"""Shares of one person's machines: a share that two of them changed at once is one share afterwards, and goes on."""

from __future__ import annotations

import subprocess

import pytest

from session.sharing import team as teams
from session.sync.circle import Machine, git, settle
from superqode.session.errors import RemoteError, RemoteRefMoved, RemoteRejected
from superqode.session.git.repository import Repository
from superqode.session.sharing.ledger import load_record
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.sharing.models import ShareConfig, SharedSession
from superqode.session.store.ledger import Ledger


class Shared:
    """A share on a remote of its own that two machines know, and somebody who reads it."""

    def __init__(self, machines: tuple[Machine, Machine], reader: Machine, place: str, visibility: str) -> None:
        self.machines = machines
        self.place = place
        machines[0].say("a", "x")
        self.reader = SessionSharingManager(reader.store)
        self.share = SessionSharingManager(machines[0].store, place).create_share("a", ShareConfig(visibility))
        settle(list(machines))

    def update(self, machine: Machine, text: str, **terms: object) -> SharedSession:
        """Say something and bring the share up to it."""
        machine.say("a", text)
        return SessionSharingManager(machine.store).update_share(self.share.id, **terms)

    def read(self) -> list[str]:
        """What the reader gets."""
        return [message.content for message in self.reader.get_session_for_share(self.share.share_url).messages]

    def states(self) -> list[tuple[bool, int]]:
        """Whether the share waits, and its generation, on each machine."""
        found = [SessionSharingManager(machine.store).list_shares()[0] for machine in self.machines]
        return [(share.pending, share.generation) for share in found]


@pytest.fixture
def shared(pair, machine, rules, tmp_path):
    """Makes the share."""
    place = tmp_path / "shares.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(place)], check=True)
    for one in pair:
        teams.seed(one.path, rules)
    return lambda visibility="unlisted": Shared(pair, machine("reader"), str(place), visibility)


@pytest.mark.parametrize(("first", "visibility"), [(0, "unlisted"), (1, "unlisted"), (1, "public")])
def test_a_share_that_two_machines_updated_goes_on(shared, first, visibility):
    """The update that readers have counts, whichever machine syncs first, and the next one brings in the other's."""
    made = shared(visibility)
    one, other = made.machines
    made.update(one, "by one")
    with pytest.raises(RemoteRefMoved):
        made.update(other, "by other")
    order = [made.machines[first], made.machines[1 - first]]
    told = [line for machine in [*order, *order] for line in machine.sync().notices if made.share.id in line]
    settle(order)
    assert len(told) == 1
    assert made.states() == [(False, 2), (False, 2)]
    assert made.read() == ["x", "by one"]
    for machine in (other, one):
        assert not made.update(machine, f"later by {machine.path.name}").pending
        settle(list(made.machines))
    assert set(made.read()) == {"x", "by one", "by other", "later by other", "later by one"}


def test_of_two_updates_that_wait_one_is_sent(shared, tmp_path):
    """The remote took neither: the share is that of the later update, as its ledger tells it."""
    made = shared()
    one, other = made.machines
    hook = tmp_path / "shares.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    for machine, terms in ((one, {}), (other, {"allow_fork": False})):
        with pytest.raises(RemoteRejected):
            made.update(machine, f"by {machine.path.name}", **terms)
    hook.unlink()
    settle([one, other])
    assert [share.allow_fork for share in SessionSharingManager(one.store).push_shares()] == [False]
    settle([one, other])
    assert made.states() == [(False, 2), (False, 2)]
    assert not made.reader.get_share(made.share.share_url).allow_fork


def test_a_revoked_share_stays_gone(shared, tmp_path):
    """Updated on a machine that did not know yet: the update goes, and so does all that it was made from."""
    made = shared()
    one, other = made.machines
    SessionSharingManager(one.store).revoke_share(made.share.id)
    with pytest.raises(RemoteRefMoved):
        made.update(other, "more")
    settle([other, one])
    for machine in (one, other):
        assert git(machine.path, "for-each-ref", "refs/superqode/shares", "refs/superqode/prepared") == ""
        record = load_record(Ledger(Repository(machine.path)), made.share.id)
        assert record is not None
        assert (record.revoked_at is not None, record.data_key) == (True, None)
    assert git(tmp_path / "shares.git", "for-each-ref") == ""


def test_a_share_that_is_sent_after_it_was_revoked_is_told(pair, rules, tmp_path):
    """It waited on two machines, one revoked it, the other sent it: revoked once more it is gone from the remote."""
    one, other = pair
    place = tmp_path / "shares.git"
    one.say("a", "x")
    teams.seed(one.path, rules)
    manager = SessionSharingManager(one.store, str(place))
    with pytest.raises(RemoteError):
        manager.create_share("a")
    (share,) = manager.list_shares()
    settle([one, other])
    subprocess.run(["git", "init", "--quiet", "--bare", str(place)], check=True)
    manager.revoke_share(share.id)
    SessionSharingManager(other.store).push_shares()
    told = [line for machine in (one, other, one) for line in machine.sync().notices]
    assert [share.id in line and "share revoke" in line for line in told] == [True]
    assert git(place, "for-each-ref") != ""
    manager.revoke_share(share.id)
    assert git(place, "for-each-ref") == ""
