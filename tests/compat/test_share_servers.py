"""The whole life of shares through real servers: who may, who may not, who is gone in the middle, and by hand."""

from __future__ import annotations

import json
import random
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from compat.share_people import COUNT, EVERYWHERE, SERVED, WITH_USERS, People, Place, Somebody, allow, place_of
from servers import CuttingProxy
from servers.repositories import clean_environment
from session.sharing.team import PASSWORD, SESSION, Team, files_of, put_commit, put_files, state
from superqode.session.errors import (
    HostKeyRejected,
    InvalidShareConfig,
    NamespaceRefused,
    NoRepository,
    NotForkable,
    RemoteRejected,
    RemoteUnauthorized,
    RemoteUnreachable,
    ShareExpired,
    ShareNotFound,
    ShareRevoked,
    ShareRolledBack,
    ShareTampered,
    WrongPassword,
)
from superqode.session.git.remotes import add_remote
from superqode.session.sharing.models import ShareConfig
from superqode.session.store.hooks import install_server_hooks

CONFIGS = {
    "public": {"visibility": "public"},
    "unlisted": {"visibility": "unlisted"},
    "private": {"visibility": "private", "password": PASSWORD},
}
SESSION_REF = f"refs/heads/{SESSION}"
FIRST, SECOND, THIRD = "Fix the SQL injection", "It is in users.py", "Parametrise it"


def pairs(*named: str):
    """Pairs of a kind of remote and a share's config, by their names with a space between."""
    return [pytest.param(kind, CONFIGS[config], id=name) for name in named for kind, config in [name.split()]]


def owner_at(people: People, place: Place, remote: str = "") -> Somebody:
    """Alice, who may write, with a session of three messages and a snapshot."""
    alice = people.meet("alice", place, "alice", remote=remote or place.url)
    alice.person.say(FIRST, SECOND)
    alice.person.snapshot("before the fix")
    alice.person.say(THIRD)
    return alice


def said(session) -> list[str]:
    return [message.content for message in session.messages]


def noise(count: int) -> str:
    """So many letters that nothing makes shorter and no rule takes for a secret."""
    return "".join(map(chr, random.Random(count).choices(range(0x4E00, 0x9FA5), k=count)))


# -- a whole life -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "config"),
    pairs(*(f"{kind} {config}" for kind in EVERYWHERE for config in CONFIGS), "branches unlisted"),
)
def test_a_whole_life(kind, config, request, people):
    """Made, opened and forked by who only reads, updated, shown anew, revoked: the remote has it, then has nothing."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    bob = people.meet("bob", place, "bob")
    password = config.get("password")

    made = alice.shares.create_share(SESSION, ShareConfig(**config))
    public = made.visibility == "public"
    space = "refs/heads/superqode-shares" if kind == "branches" else "refs/superqode/shares"
    name = f"{space}{'-' if kind == 'branches' else '/'}public/{made.id}" if public else f"{space}/{made.id}"
    assert (made.pending, made.remote, made.remote_ref, list(place.refs())) == (False, "team", name, [name])

    opened = bob.shares.get_session_for_share(made.share_url, password)
    assert (said(opened), opened.snapshots[0].description) == ([FIRST, SECOND, THIRD], "before the fix")
    assert len(opened.snapshots[0].state.messages) == 2
    fork = bob.shares.fork(made.share_url, "My try", password)
    assert said(bob.store.load(fork.id)) == [FIRST, SECOND, THIRD]
    # A clean session's commits are shared under their own ids, so that both sides can be compared.
    assert bob.git("merge-base", fork.id, alice.git("rev-parse", SESSION)) == alice.git("rev-parse", SESSION)

    alice.person.say("One more thing")
    updated = alice.shares.update_share(made.id)
    assert (updated.generation, updated.pending, updated.share_url) == (2, False, made.share_url)
    assert said(bob.shares.get_session_for_share(made.share_url, password))[-1] == "One more thing"
    if public:
        assert [share.id for share in bob.sharing(place.url).list_shares(remote=True)] == [made.id]

    assert alice.shares.revoke_share(made.id).revoked_at is not None
    assert place.refs() == {}
    with pytest.raises(ShareRevoked):
        alice.shares.get_share(made.share_url, password)
    assert said(bob.store.load(fork.id)) == [FIRST, SECOND, THIRD]
    bob.git("fsck", "--strict", "--full")


@pytest.mark.parametrize("kind", EVERYWHERE)
def test_passwords_come_and_go(kind, request, people):
    """What is added opens from then on, what is removed does not; no byte of the content travels again."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    bob = people.meet("bob", place, "bob")
    made = alice.shares.create_share(SESSION, ShareConfig(visibility="private", password=PASSWORD))
    before = files_of(place.path, place.refs()[made.remote_ref])

    slot = alice.shares.add_password(made.id, "another one", "reviewers")
    assert bob.shares.get_share(made.share_url, "another one").has_password
    alice.shares.remove_password(made.id, 0)

    for wrong in (PASSWORD, None):
        with pytest.raises(WrongPassword):
            bob.shares.get_share(made.share_url, wrong)
    assert said(bob.shares.get_session_for_share(made.share_url, "another one")) == [FIRST, SECOND, THIRD]
    after = files_of(place.path, place.refs()[made.remote_ref])
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {
        "keys/0.json",
        f"keys/{slot.number}.json",
    }
    with pytest.raises(InvalidShareConfig):
        alice.shares.remove_password(made.id, slot.number)


@pytest.mark.parametrize("kind", EVERYWHERE)
def test_expired_shares_are_pruned(kind, request, people, still_clock):
    """An expired share stays closed; pruning takes it off, one's own and with leave others', and leaves the rest."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    carol = people.meet("carol", place, "alice", remote=place.url)
    bob = people.meet("bob", place, "bob")
    carol.person.say(FIRST)
    soon = alice.shares.create_share(SESSION, ShareConfig(expires_in=timedelta(hours=1)))
    late = alice.shares.create_share(SESSION, ShareConfig(visibility="public", expires_in=timedelta(days=1)))
    hers = carol.shares.create_share(SESSION, ShareConfig(visibility="public", expires_in=timedelta(hours=1)))

    still_clock.advance(hours=2)
    for share in (soon, hers):
        with pytest.raises(ShareExpired):
            bob.shares.get_share(share.share_url)
    assert alice.shares.prune().pruned == (soon.id,)
    assert set(place.refs()) == {late.remote_ref, hers.remote_ref}
    others = alice.shares.prune(all_owners=True)
    assert (others.pruned, others.failed) == ((hers.id,), {})
    assert set(place.refs()) == {late.remote_ref}
    assert bob.shares.get_share(late.share_url).title == "Fix SQL injection"
    # What somebody else pruned is no obstacle to its owner's own pruning.
    assert carol.shares.prune().pruned == (hers.id,)


@pytest.mark.parametrize("kind", SERVED)
def test_shared_back(kind, request, people):
    """Who may write goes on from a fork and shares it back: the first owner's branch is in it."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    carol = people.meet("carol", place, "alice", remote=place.url)
    made = alice.shares.create_share(SESSION)
    fork = carol.shares.fork(made.share_url)
    carol.person.say("I tried this", session_id=fork.id)
    back = carol.shares.create_share(fork.id, ShareConfig(visibility="public"))

    again = alice.shares.fork(back.share_url)

    assert said(alice.store.load(again.id)) == [FIRST, SECOND, THIRD, "I tried this"]
    tip = alice.git("rev-parse", SESSION)
    assert alice.git("merge-base", again.id, SESSION) == tip
    alice.git("fsck", "--strict", "--full")


# -- who may not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WITH_USERS)
def test_who_only_reads(kind, request, people):
    """With the owner's own store, but not her rights: nothing can be changed there, and nothing is half done here."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION)
    bob = people.lend(alice, "bob", place, "bob")
    reader = people.meet("reader", place, "bob")
    there = place.refs()

    before = bob.state(), bob.shares.list_shares()
    with pytest.raises(RemoteUnauthorized):
        bob.shares.revoke_share(made.id)
    assert (bob.state(), bob.shares.list_shares()) == before
    with pytest.raises(RemoteUnauthorized):
        bob.shares.create_share(SESSION)
    bob.person.say("not for long")
    with pytest.raises(RemoteUnauthorized):
        bob.shares.update_share(made.id)
    with pytest.raises(RemoteUnauthorized):
        bob.shares.add_password(made.id, PASSWORD)
    with pytest.raises(RemoteUnauthorized):
        bob.shares.push_shares()

    assert place.refs() == there
    assert len(bob.pending()) == 2
    assert reader.shares.get_share(made.share_url).generation == 1
    # With the right to write everything that was kept goes out.
    allow(place, bob.home, "alice")
    assert {share.pending for share in bob.shares.push_shares()} == {False}
    assert said(reader.shares.get_session_for_share(made.share_url, PASSWORD))[-1] == "not for long"
    assert len(place.refs()) == 2


def test_a_daemon_that_only_reads(reading_daemon, people):
    """A git daemon without leave to push: unauthorised, the share waits, and can be dropped without the server."""
    served = reading_daemon.repository()
    place = Place(served.url, served.path, reading_daemon, served.port)
    alice = owner_at(people, place)
    with pytest.raises(RemoteUnauthorized):
        alice.shares.create_share(SESSION)
    (waiting,) = alice.shares.list_shares()
    assert waiting.pending
    assert alice.shares.revoke_share(waiting.id).revoked_at is not None
    assert (alice.pending(), place.refs()) == ([], {})


@pytest.mark.parametrize(
    ("kind", "who", "trust", "error"),
    [
        pytest.param("ssh", "stranger", "right", RemoteUnauthorized, id="ssh key that nobody knows"),
        pytest.param("ssh", "nobody", "right", RemoteUnauthorized, id="no ssh key"),
        pytest.param("ssh", "alice", "unknown", HostKeyRejected, id="host key unknown"),
        pytest.param("ssh", "alice", "other", HostKeyRejected, id="host key changed"),
        pytest.param("https", "alice", "unknown", HostKeyRejected, id="authority unknown"),
        pytest.param("https", "alice", "other", HostKeyRejected, id="other authority"),
        pytest.param("https", "stranger", "right", RemoteUnauthorized, id="wrong password"),
        pytest.param("http", "nobody", "right", RemoteUnauthorized, id="no password"),
    ],
)
def test_who_is_not_let_in(kind, who, trust, error, request, people):
    """Every call says who is not trusted, changes nothing there, and goes through once that is set right."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION)
    there = place.refs()
    bob = people.meet("bob", place, who, trust)
    empty = bob.state()
    allow(place, alice.home, who, trust)

    for call in (
        lambda: bob.shares.get_session_for_share(made.share_url),
        lambda: bob.shares.fork(made.share_url),
        lambda: alice.shares.list_shares(remote=True),
        lambda: alice.shares.prune(all_owners=True),
        lambda: alice.shares.revoke_share(made.id),
        lambda: alice.shares.create_share(SESSION),
        alice.shares.push_shares,
    ):
        with pytest.raises(error) as raised:
            call()
        assert raised.value.outcome == "not sent"
        assert "\n" not in str(raised.value)
    assert bob.state() == empty
    assert place.refs() == there

    allow(place, alice.home, "alice")
    (sent,) = alice.shares.push_shares()
    assert set(place.refs()) == {made.remote_ref, sent.remote_ref}


@pytest.mark.parametrize("kind", ["https", "git", "file", "path"])
def test_a_wrong_address(kind, request, people):
    """Where there is no repository that is said, the share is kept, and goes to the right address once it is set."""
    place = place_of(request, kind)
    alice = owner_at(people, place, remote=place.url + "-gone")
    with pytest.raises(NoRepository):
        alice.shares.create_share(SESSION)
    (waiting,) = alice.shares.list_shares()
    assert waiting.pending
    with pytest.raises(NoRepository):
        people.meet("bob", place, "bob").shares.get_share(waiting.share_url)


# -- what stays closed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ssh", "https", "git", "path"])
def test_what_stays_closed(kind, request, people, still_clock):
    """Wrong password, no fork, tampered, put back, expired, not there: each is told as that, and nothing is kept."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    bob = people.meet("bob", place, "bob")
    team = Team(place.path.parent, place.path, alice.person, bob.person)
    config = ShareConfig(
        visibility="private", password=PASSWORD, allow_fork=False, expires_in=timedelta(days=1), redact=False
    )
    made = alice.shares.create_share(SESSION, config)
    url = made.share_url
    empty = bob.state()
    with pytest.raises(WrongPassword):
        bob.shares.fork(url, password="wrong")
    with pytest.raises(NotForkable):
        bob.shares.fork(url, password=PASSWORD)
    with pytest.raises(ShareNotFound):
        bob.shares.get_share(url.replace(made.id, "0" * 26), PASSWORD)

    first = place.refs()[made.remote_ref]
    files = files_of(place.path, first)
    chunk = files["segments/0/000000"]
    team.forge(made, files | {"segments/0/000000": chunk[:-1] + bytes([chunk[-1] ^ 1])})
    with pytest.raises(ShareTampered):
        bob.shares.get_session_for_share(url, PASSWORD)
    team.put(made, first)
    alice.person.say("One more thing")
    alice.shares.update_share(made.id)
    assert bob.shares.get_share(url, PASSWORD).generation == 2
    team.put(made, first)
    with pytest.raises(ShareRolledBack):
        bob.shares.get_share(url, PASSWORD)

    still_clock.advance(days=2)
    with pytest.raises(ShareExpired):
        people.meet("carol", place, "bob").shares.fork(url, password=PASSWORD)
    refs, objects, unfinished = bob.state()
    assert (refs, unfinished) == (empty[0], [])
    # The ledger's earlier states are new; nothing of the session or the share is there.
    assert not (objects - empty[1]) & (alice.state()[1] | state(place.path)[1])


# -- gone in the middle -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [pytest.param(0, id="at once"), pytest.param(150_000, id="in the middle")])
@pytest.mark.parametrize("kind", SERVED)
def test_a_server_gone_while_sending(kind, sent, request, people):
    """The share waits, and is sent later exactly once, with all that happened meanwhile."""
    place = place_of(request, kind)
    place.hook("post-receive", COUNT)
    with CuttingProxy(place.port, sent=sent) as proxy:
        alice = owner_at(people, place, remote=place.through(proxy.port))
        alice.person.say(noise(100_000))
        made = alice.shares.create_share(SESSION)
        assert (made.pending, alice.pending(), place.refs()) == (True, [made.id], {})
        alice.person.say("Meanwhile")
        assert alice.shares.update_share(made.id).pending
        with pytest.raises(RemoteUnreachable):
            alice.shares.push_shares()
        with pytest.raises(RemoteUnreachable):
            alice.shares.revoke_share(made.id)
        assert (alice.pending(), place.refs()) == ([made.id], {})

        proxy.heal()
        (sent_one,) = alice.shares.push_shares()
        assert (sent_one.id, sent_one.pending) == (made.id, False)
        assert alice.shares.push_shares() == []
        alice.shares.push_shares([made.id])
        assert alice.shares.update_share(made.id).generation == 2
    assert place.taken() == [sent_one.remote_ref]
    bob = people.meet("bob", place, "bob")
    link = place.url + "#" + made.share_token
    assert said(bob.shares.get_session_for_share(link))[-1] == "Meanwhile"


@pytest.mark.parametrize("kind", SERVED)
def test_an_answer_that_is_lost(kind, request, people):
    """Where the server took it and could not say so, `push_shares` finds it there, and revoking takes it off."""
    place = place_of(request, kind)
    place.hook("pre-receive", COUNT)  # git runs no post-receive where the pusher is gone
    with CuttingProxy(place.port, gate=lambda: not place.refs()) as proxy:
        alice = owner_at(people, place, remote=place.through(proxy.port))
        made = alice.shares.create_share(SESSION)
        assert made.pending
        (name,) = place.refs()
        proxy.heal()
        (found,) = alice.shares.push_shares()
        assert (found.pending, place.taken()) == (False, [name])

    other = place_of(request, kind)
    with CuttingProxy(other.port, gate=lambda: not other.refs()) as proxy:
        add_remote(alice.path, "other", other.through(proxy.port))
        shares = alice.sharing("other")
        unsure = shares.create_share(SESSION)
        assert (unsure.pending, len(other.refs())) == (True, 1)
        proxy.heal()
        shares.revoke_share(unsure.id)
        assert other.refs() == {}


@pytest.mark.parametrize(
    ("kind", "config"), pairs("ssh public", "ssh unlisted", "https unlisted", "http public", "git unlisted")
)
def test_a_server_gone_while_opening(kind, config, request, people):
    """The reader is told, their store has nothing of it, and the next try goes through."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    alice.person.say(noise(100_000))
    made = alice.shares.create_share(SESSION, ShareConfig(**config))
    bob = people.meet("bob", place, "bob")
    empty = bob.state()
    with CuttingProxy(place.port, answered=150_000) as proxy:
        link = f"{place.through(proxy.port)}#{made.share_token}"
        for call in (bob.shares.get_session_for_share, bob.shares.fork):
            with pytest.raises(RemoteUnreachable):
                call(link)
        assert proxy.broken.is_set()
        assert bob.state() == empty
        proxy.heal()
        assert said(bob.store.load(bob.shares.fork(link).id))[:3] == [FIRST, SECOND, THIRD]


@pytest.mark.parametrize("kind", SERVED)
def test_a_server_gone_while_revoking(kind, request, people):
    """The share is not revoked here either, and still opens; the second try takes it off."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION)
    with CuttingProxy(place.port, sent=0) as proxy:
        alice.git("config", "remote.team.url", place.through(proxy.port))
        alice.git("config", f"url.{place.through(proxy.port)}.insteadOf", place.url)
        before = alice.state()
        with pytest.raises(RemoteUnreachable):
            alice.shares.revoke_share(made.id)
        assert alice.state() == before
        assert alice.shares.list_shares()[0].revoked_at is None
        proxy.heal()
        alice.shares.revoke_share(made.id)
    assert place.refs() == {}


@pytest.mark.parametrize("kind", ["ssh", "http"])
def test_two_who_push_what_waits(kind, request, people):
    """Two calls at the same time send what waits once, and both end well."""
    place = place_of(request, kind)
    place.hook("post-receive", COUNT)
    alice = owner_at(people, place)
    made = [alice.shares.create_share(SESSION, push=False) for _ in range(2)]
    shares = alice.shares
    together = threading.Barrier(2)

    def push() -> int:
        together.wait()
        return len(shares.push_shares())

    with ThreadPoolExecutor(2) as pool:
        counts = [done.result() for done in [pool.submit(push), pool.submit(push)]]
    assert max(counts) == 2
    assert sorted(place.taken()) == sorted(f"refs/superqode/shares/{share.id}" for share in made)
    assert alice.pending() == []


# -- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "config"), pairs("ssh unlisted", "https public", "git unlisted", "path public", "path private")
)
def test_a_share_pushed_by_hand(kind, config, request, people):
    """The store's own hook lets `git push` send a share and no session; readers open it, `push_shares` finds it."""
    place = place_of(request, kind)
    place.hook("post-receive", COUNT)
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION, ShareConfig(**config), push=False)
    assert (made.pending, place.refs()) == (True, {})
    for what in (SESSION, "--all", "--mirror", "--tags", f"{SESSION}:{made.remote_ref or 'refs/superqode/x'}"):
        refused = alice.try_git("push", "team", what)
        assert refused.returncode != 0
        assert "superqode share create" in refused.stderr
    assert place.refs() == {}

    space = "refs/superqode/shares/public/" if config["visibility"] == "public" else "refs/superqode/shares/"
    alice.git("push", "team", space + made.id)

    assert place.refs() == {space + made.id: alice.git("rev-parse", space + made.id)}
    bob = people.meet("bob", place, "bob")
    link = f"{place.url}#{made.share_token}"
    assert said(bob.shares.get_session_for_share(link, config.get("password"))) == [FIRST, SECOND, THIRD]
    (found,) = alice.shares.push_shares()
    assert (found.pending, found.share_url) == (False, link)
    assert place.taken() == [space + made.id]
    alice.shares.revoke_share(made.id)
    assert place.refs() == {}


@pytest.mark.parametrize("kind", ["ssh", "https", "git", "path"])
def test_a_share_fetched_by_hand(kind, request, people):
    """`git fetch` and `git branch` in a store make a session of a public share, with its snapshots."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION, ShareConfig(visibility="public"))
    bob = people.meet("bob", place, "bob", remote=place.url)

    bob.git("fetch", "team", made.remote_ref)
    bob.git("branch", "my-fork", "FETCH_HEAD")

    assert [row.id for row in bob.store.list_sessions()] == ["my-fork"]
    session = bob.store.load("my-fork")
    assert (session.title, said(session)) == ("Fix SQL injection", [FIRST, SECOND, THIRD])
    (snapshot,) = session.snapshots
    assert (snapshot.description, len(snapshot.state.messages)) == ("before the fix", 2)
    session.add_message("user", "I go on")
    bob.store.save(session)
    assert said(bob.store.load("my-fork"))[-1] == "I go on"
    assert bob.git("merge-base", "my-fork", place.refs()[made.remote_ref]) == place.refs()[made.remote_ref]
    bob.git("fsck", "--strict", "--full")


# -- a server with hooks ----------------------------------------------------------------------------------------------


def let_write(place: Place, who: str) -> None:
    """Give one more user of gitolite the right to change everything in a repository, deletions too."""
    assert place.server is not None
    folder = place.server.folder
    conf = folder / ".gitolite" / "conf" / "gitolite.conf"
    conf.write_text(f"{conf.read_text('utf-8')}repo {place.path.stem}\n    RW+ = {who}\n", "utf-8")
    subprocess.run(["gitolite", "compile"], check=True, timeout=60, env=clean_environment(folder), capture_output=True)


def guard(place: Place, **settings: str) -> None:
    """Put the hooks of this project into a server's repository, which keeps those of its own."""
    assert install_server_hooks(place.path).guarding
    for name, value in settings.items():
        place.set(f"superqode.{name}", value)


@pytest.mark.parametrize(
    ("kind", "config"), pairs("ssh public", "ssh private", "https public", "https unlisted", "git private")
)
def test_a_guarded_server_takes_good_shares(kind, config, request, people):
    """Whatever the library makes passes: with an end, of several chunks, updated, with other passwords, revoked."""
    place = place_of(request, kind)
    guard(place, onlyShares="true", maxDays="30", allowDelete="true" if kind == "git" else "false")
    alice = owner_at(people, place)
    alice.person.say(noise(300_000), noise(299_999))
    bob = people.meet("bob", place, "bob")
    password = config.get("password")
    made = alice.shares.create_share(SESSION, ShareConfig(**config, expires_in=timedelta(days=20)))
    if password:
        tree = files_of(place.path, place.refs()[made.remote_ref])
        assert "segments/0/000001" in tree
        alice.shares.add_password(made.id, "another one")
        alice.shares.remove_password(made.id, 0)
        password = "another one"
    alice.person.say("One more thing")
    alice.shares.update_share(made.id, expires_in=timedelta(days=10))
    alice.person.snapshot("later")
    alice.person.say("And another")
    assert alice.shares.update_share(made.id).generation == 3
    opened = bob.shares.get_session_for_share(made.share_url, password)
    assert said(opened)[-2:] == ["One more thing", "And another"]
    alice.shares.revoke_share(made.id)
    assert place.refs() == {}


@pytest.mark.parametrize(("kind", "config"), pairs("branches public", "branches unlisted"))
def test_a_guarded_server_with_branches_only(kind, config, request, people):
    """Where a host takes branches only the hooks know shares by their branches' names."""
    place = place_of(request, kind)
    guard(place)
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION, ShareConfig(**config))
    assert made.remote_ref.startswith("refs/heads/superqode-shares")
    alice.person.say("One more thing")
    alice.shares.update_share(made.id)
    why = "not a public share's" if config["visibility"] == "public" else "not an encrypted share's"
    with pytest.raises(RemoteRejected, match=why):
        alice.push(place, SESSION_REF, made.remote_ref.replace(made.id, "0" * 26))
    alice.shares.revoke_share(made.id)
    assert place.refs() == {}


def test_a_guarded_server_keeps_ones_share_from_others(request, people):
    """Another who may write the repository makes shares of their own, and neither changes nor deletes hers."""
    place = place_of(request, "ssh")
    guard(place)
    let_write(place, "bob")
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION)
    bob = people.lend(alice, "bob", place, "bob")
    there = place.refs()

    with pytest.raises(RemoteRejected, match=r"it belongs to alice, and is deleted by them alone"):
        bob.shares.revoke_share(made.id)
    bob.person.say("not for long")
    with pytest.raises(RemoteRejected, match=r"it belongs to alice, and is continued by them alone"):
        bob.shares.update_share(made.id)
    assert bob.try_git("push", "--force", "team", f":{made.remote_ref}").returncode != 0
    assert place.refs() == there
    own = bob.shares.create_share(SESSION)
    with pytest.raises(RemoteRejected, match="it belongs to bob"):
        alice.push(place, "", own.remote_ref, place.refs()[own.remote_ref])
    bob.shares.revoke_share(own.id)
    assert place.refs() == there
    alice.shares.revoke_share(made.id)
    assert place.refs() == {}


@pytest.mark.parametrize("kind", ["ssh", "https"])
def test_a_guarded_server_refuses_what_is_no_share(kind, request, people):
    """Garbage, a session in the encrypted namespace, a weak password's key: refused, each with its reason."""
    place = place_of(request, kind)
    guard(place)
    alice = owner_at(people, place)
    made = alice.shares.create_share(SESSION, ShareConfig(visibility="private", password=PASSWORD), push=False)
    public = alice.shares.create_share(SESSION, ShareConfig(visibility="public"), push=False)
    sealed, clear = (
        alice.git("rev-parse", f"refs/superqode/shares/{name}{share.id}")
        for name, share in (("", made), ("public/", public))
    )
    message = f"share\n\nSuperqode-Share: {made.id}\n".encode()

    def forged(**changes: bytes) -> str:
        files = {
            name: changes.get(name.replace("/", "_").replace(".", "_"), data)
            for name, data in files_of(alice.path, sealed).items()
        }
        return put_commit(alice.path, put_files(alice.path, dict(files)), message)

    def key(**changes: int) -> bytes:
        told = json.loads(files_of(alice.path, sealed)["keys/0.json"])
        told["kdf"] |= changes
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    plain = files_of(alice.path, sealed)["segments/0/000000"]
    for commit, name, why in (
        (alice.git("rev-parse", SESSION), made.id, "not an encrypted share's"),
        (clear, made.id, "not an encrypted share's"),
        (sealed, f"public/{made.id}", "not a public share's"),
        (sealed, "0" * 26, "of another share"),
        (sealed, "not-an-id", "26 letters and digits"),
        (forged(manifest=b"{}"), made.id, "not as long as an encrypted one"),
        (forged(segments_0_000000=(b"plain text, " * len(plain))[: len(plain)]), made.id, "should be encrypted"),
        (forged(share_json=b"{}\n"), made.id, "share.json is not as the format says"),
        (forged(keys_0_json=key(iterations=1)), made.id, "too easy or too costly"),
        (forged(keys_0_json=key(memory_kib=1024)), made.id, "too easy or too costly"),
        (forged(keys_0_json=key(memory_kib=4_000_000)), made.id, "too easy or too costly"),
    ):
        with pytest.raises(RemoteRejected, match=why) as raised:
            alice.push(place, commit, f"refs/superqode/shares/{name}")
        assert not isinstance(raised.value, NamespaceRefused)
        assert "\n" not in str(raised.value)
    assert place.refs() == {}
    assert not any((place.path / "objects").rglob("tmp_*"))
    assert {share.pending for share in alice.shares.push_shares()} == {False}
    assert len(place.refs()) == 2


@pytest.mark.parametrize("kind", ["ssh", "https", "git", "path"])
def test_a_guarded_server_tells_its_owners_rules(kind, request, people):
    """What a server's owner set is told to who shares; the share is kept, and goes out when it keeps to that."""
    place = place_of(request, kind)
    guard(place, maxDays="7")
    alice = owner_at(people, place)
    with pytest.raises(RemoteRejected, match=r"shares live at most 7 days here\. Let it end sooner"):
        alice.shares.create_share(SESSION)
    (waiting,) = alice.shares.list_shares()
    assert (waiting.pending, place.refs()) == (True, {})
    with pytest.raises(RemoteRejected, match="at most 7 days"):
        alice.shares.push_shares()
    # As the server advised.
    sent = alice.shares.update_share(waiting.id, expires_in=timedelta(days=7))
    assert (sent.pending, list(place.refs())) == (False, [sent.remote_ref])


@pytest.mark.parametrize("kind", ["ssh", "https"])
def test_a_guarded_server_drops_what_expired(kind, request, people, still_clock):
    """An expired share goes with the next push of one; what its owner then prunes is gone already."""
    place = place_of(request, kind)
    alice = owner_at(people, place)
    still_clock.moment = datetime.now(UTC) - timedelta(hours=2)
    over = alice.shares.create_share(SESSION, ShareConfig(expires_in=timedelta(hours=1)))
    still_clock.advance(hours=2)
    # The hooks ask the machine's own clock, and would not have let it in.
    guard(place)
    other = alice.shares.create_share(SESSION)
    assert list(place.refs()) == [other.remote_ref]
    assert alice.shares.prune().pruned == (over.id,)
    assert list(place.refs()) == [other.remote_ref]


@pytest.mark.parametrize("kind", ["ssh", "http", "git"])
def test_an_answer_that_is_lost_before_an_update(kind, request, people):
    """What arrived unheard is an older state of the same share: the next push goes on from it."""
    place = place_of(request, kind)
    with CuttingProxy(place.port, gate=lambda: not place.refs()) as proxy:
        alice = owner_at(people, place, remote=place.through(proxy.port))
        made = alice.shares.create_share(SESSION)
        assert (made.pending, len(place.refs())) == (True, 1)
        alice.person.say("Meanwhile")
        assert alice.shares.update_share(made.id).pending
        proxy.heal()
        (sent,) = alice.shares.push_shares()
        assert (sent.generation, sent.pending, alice.pending()) == (2, False, [])
    bob = people.meet("bob", place, "bob")
    assert said(bob.shares.get_session_for_share(f"{place.url}#{made.share_token}"))[-1] == "Meanwhile"


def test_a_wrong_address_is_set_right(request, people):
    """A share that never left goes to a remote that is named, or is dropped."""
    place = place_of(request, "git")
    alice = owner_at(people, place, remote=place.url + "-gone")
    for _ in range(2):
        with pytest.raises(NoRepository):
            alice.shares.create_share(SESSION)
    alice.git("config", "remote.team.url", place.url)
    one, two = alice.shares.list_shares()
    (sent,) = alice.sharing("team").push_shares([one.id])
    assert (sent.pending, list(place.refs())) == (False, [sent.remote_ref])
    assert alice.shares.revoke_share(two.id).revoked_at
    assert alice.pending() == []
