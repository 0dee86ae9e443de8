"""Servers with many other shares: no call of ours has the server tell about those, where Git lets us say what we mean.

What passes on the wire is counted, never the time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from compat.share_people import People, Place, Somebody
from servers import CuttingProxy, GitDaemon, Served, Server, WebServer
from servers.repositories import server_git
from session.sharing.team import SESSION, put_commit, put_tree
from superqode.session.entropy import random_text
from superqode.session.sharing.models import ShareConfig

MANY = 2_000
# Name, id and what git puts around them: a list of so many is larger than anything that is meant here.
LISTED = MANY * 90
SEALED = "refs/superqode/shares/"
PUBLIC = "refs/superqode/shares/public/"


class Counted:
    """What passed between a server and its clients."""

    def __init__(self, proxy: CuttingProxy) -> None:
        self._proxy = proxy
        self._before = 0

    def sent(self) -> int:
        """The bytes it was sent, in all."""
        return self._proxy.passed["sent"]

    def answered(self) -> int:
        """The bytes since the last call."""
        before, self._before = self._before, self._proxy.passed["answered"]
        return self._before - before


def crowd(served: Served) -> None:
    """Fill a server with the names of shares, packed as a server keeps them."""
    server_git(served.path, "config", "uploadpack.allowFilter", "true")
    commit = put_commit(served.path, put_tree(served.path, {}), b"share\n")
    lines = [f"{commit} {name}" for name in sorted(SEALED + random_text(26) for _ in range(MANY))]
    head = "# pack-refs with: peeled fully-peeled sorted "
    (served.path / "packed-refs").write_text("\n".join([head, *lines, ""]), "ascii")


@contextmanager
def counted(served: Served, server: Server) -> Iterator[tuple[Place, Counted]]:
    """The repository by way of a proxy that counts."""
    with CuttingProxy(served.port) as proxy:
        yield Place(served.through(proxy.port), served.path, server, proxy.port), Counted(proxy)


def owner_at(people: People, place: Place) -> Somebody:
    alice = people.meet("alice", place, "alice", remote=place.url)
    alice.person.say("Fix the SQL injection")
    return alice


def test_reading_tells_of_no_other_share(git_daemon: GitDaemon, people: People):
    """Opening one, and listing the public ones, costs the same however many others there are."""
    served = git_daemon.repository()
    crowd(served)
    with counted(served, git_daemon) as (place, wire):
        alice = owner_at(people, place)
        sealed = alice.shares.create_share(SESSION)
        public = alice.shares.create_share(SESSION, ShareConfig(visibility="public"))
        bob = people.meet("bob", place, "bob", remote=place.url)
        wire.answered()

        assert bob.shares.get_share(sealed.share_url).id == sealed.id
        assert wire.answered() < LISTED / 10
        assert bob.shares.get_share(public.share_url).id == public.id
        assert wire.answered() < LISTED / 10
        assert [share.id for share in bob.shares.list_shares(remote=True)] == [public.id]
        assert wire.answered() < LISTED / 10


def test_revoking_and_pruning_have_the_server_list_itself_once(git_daemon: GitDaemon, people: People, still_clock):
    """Git lists all refs before a push; a look before that would double it, and a push for each share multiply it."""
    served = git_daemon.repository()
    crowd(served)
    with counted(served, git_daemon) as (place, wire):
        alice = owner_at(people, place)
        made = alice.shares.create_share(SESSION)
        soon = {alice.shares.create_share(SESSION, ShareConfig(expires_in=timedelta(hours=1))).id for _ in range(3)}
        wire.answered()

        alice.shares.revoke_share(made.id)
        assert LISTED < wire.answered() < 2 * LISTED
        still_clock.advance(hours=2)
        assert set(alice.shares.prune().pruned) == soon
        assert LISTED < wire.answered() < 2 * LISTED


def test_a_push_tells_a_web_server_which_ref_it_is_about(web_server: WebServer, people: People):
    """Where nginx has git hide all others, making, updating and revoking a share list no other; others stay as safe."""
    served = web_server.plain(web_server.repository(f"many{os.getpid()}"))
    crowd(served)
    with counted(served, web_server) as (place, wire):
        alice = owner_at(people, place)
        made = alice.shares.create_share(SESSION)
        assert made.remote_ref == SEALED + made.id
        assert wire.answered() < LISTED / 10
        alice.person.say("And the other one")
        assert alice.shares.update_share(made.id).generation == 2
        assert wire.answered() < LISTED / 10
        alice.shares.revoke_share(made.id)
        assert wire.answered() < LISTED / 10
        assert made.remote_ref not in served.refs()
        assert len(served.refs()) == MANY


@pytest.mark.parametrize("count", [40, 1_000])
def test_all_shares_are_looked_at_in_parts(count, git_daemon: GitDaemon, people: People, still_clock, monkeypatch):
    """Few at once, many letter by letter: whichever, every expired share goes, and every other stays."""
    monkeypatch.setattr("superqode.session.sharing.overview._FEW", 10)
    served = git_daemon.repository()
    server_git(served.path, "config", "uploadpack.allowFilter", "true")
    tree = put_tree(served.path, {})
    over, live = [], []
    for number in range(count):
        share = random_text(26)
        told = b"\nSuperqode-Expires: 2001-01-01T00:00:00Z" if number % 10 == 0 else b""
        commit = put_commit(served.path, tree, b"share\n\nSuperqode-Share: " + share.encode() + told + b"\n")
        name = (PUBLIC if number % 3 == 0 else SEALED) + share
        (over if told else live).append(f"{commit} {name}")
    head = "# pack-refs with: peeled fully-peeled sorted "
    lines = sorted([*over, *live], key=lambda line: line.partition(" ")[2])
    (served.path / "packed-refs").write_text("\n".join([head, *lines, ""]), "ascii")
    with counted(served, git_daemon) as (place, wire):
        told = owner_at(people, place).shares.prune(all_owners=True)
        # An id for each that is wanted, and no second time for each part.
        assert wire.sent() < count * 60 + 150_000

    assert sorted(told.pruned) == sorted(line.rpartition("/")[2] for line in over)
    assert told.failed == {}
    assert sorted(served.refs()) == sorted(line.partition(" ")[2] for line in live)
