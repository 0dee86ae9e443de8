"""The life of a share, from its owner's first call to the last: two stores and a bare repository between them."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from faults.harms import harm
from servers import install_hook
from session.sharing.team import (
    LEDGER,
    PASSWORD,
    SESSION,
    TOKEN,
    bare,
    files_of,
    git,
    objects,
    person,
    put,
    refs,
    seed,
)
from superqode.session import ExportedSession, Session, SessionStore
from superqode.session.errors import (
    InvalidShareConfig,
    NoDefaultRemote,
    RemoteError,
    RemoteRejected,
    SessionNotFound,
    ShareNotFound,
    ShareRevoked,
    WrongPassword,
)
from superqode.session.git.remotes import set_default
from superqode.session.sharing.ledger import save_record
from superqode.session.sharing.manager import SessionSharingManager, create_quick_share
from superqode.session.sharing.models import ShareConfig

KINDS = [("public", {}), ("unlisted", {}), ("private", {"password": PASSWORD})]
NAMES = [kind for kind, _ in KINDS]


def _contents(session):
    return [message.content for message in session.messages]


# -- made, opened, forked ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("visibility", "options"), KINDS, ids=NAMES)
def test_what_is_shared_is_what_the_reader_sees(team, visibility, options):
    """Messages, title, snapshots with their states: the reader has what the owner has, under the same ids."""
    made = team.share(visibility, **options)

    told = team.bob.shares.get_share(made.share_url, options.get("password"))
    seen = team.bob.shares.get_session_for_share(made.share_url, options.get("password"))

    own = team.ann.store.load(SESSION)
    assert (seen.id, seen.title, seen.messages) == (own.id, own.title, own.messages)
    assert [(taken.id, taken.state) for taken in seen.snapshots] == [(taken.id, taken.state) for taken in own.snapshots]
    assert (told.id, told.share_token, told.share_url) == (made.id, made.share_token, made.share_url)
    assert (told.visibility, told.generation, told.mine, made.mine) == (visibility, 1, False, True)
    assert told.has_password == made.has_password == (visibility == "private")
    assert made.created_by == "Ann"
    assert not made.pending
    assert team.bob.store.list_sessions() == []


@pytest.mark.parametrize(("visibility", "options"), KINDS, ids=NAMES)
def test_another_sessions_damage_is_in_no_ones_way(team, visibility, options):
    """Git looks at all tags of a repository whatever it packs: a cut-off snapshot of another session is no reason."""
    other = Session(id="other")
    other.add_message("user", "something else")
    other.create_snapshot("Here", snapshot_id="here")
    team.ann.store.save(other)
    oid = git(team.ann.path, "rev-parse", "refs/tags/other/here").decode().strip()
    harm(team.ann.path / "objects" / oid[:2] / oid[2:], "truncated")

    made = team.share(visibility, **options)

    seen = team.bob.shares.get_session_for_share(made.share_url, options.get("password"))
    assert _contents(seen) == _contents(team.ann.store.load(SESSION))


@pytest.mark.parametrize("how", ["truncated", "gone", "zero length"])
def test_a_damaged_share_keeps_no_other_from_being_pushed(team, how):
    """Git builds on all that a remote has: the commit of a share that is cut off here is passed over."""
    first = team.share("unlisted")
    oid = git(team.ann.path, "rev-parse", f"refs/superqode/shares/{first.id}").decode().strip()
    for pack in (team.ann.path / "objects" / "pack").glob("*.pack"):
        data = pack.read_bytes()
        for ending in (".pack", ".idx", ".rev", ".keep"):
            pack.with_suffix(ending).unlink(missing_ok=True)
        git(team.ann.path, "unpack-objects", "-q", stdin=data)
    harm(team.ann.path / "objects" / oid[:2] / oid[2:], how)
    with SessionStore(team.ann.path) as store:
        second = SessionSharingManager(store, first.remote).create_share(SESSION, ShareConfig())

    assert not second.pending
    assert team.bob.shares.get_session_for_share(first.share_url).id == SESSION
    assert team.bob.shares.get_session_for_share(second.share_url).id == SESSION


def test_a_share_is_unlisted_unless_something_else_is_asked_for(team):
    """Without a word: encrypted, opened by the link alone, for ever, to be forked, with its history."""
    made = team.ann.shares.create_share(SESSION)

    assert (made.visibility, made.sealed, made.has_password, made.expires_at) == ("unlisted", True, False, None)
    assert made.allow_fork
    assert made.allow_view_history
    assert made.share_url == f"{team.remote}#{made.share_token}"
    assert made.share_token.partition(".")[0] == made.id


def test_a_token_opens_where_the_remote_is_named(team):
    """The part behind the # is enough for somebody who says where to look; space around it is of no account."""
    made = team.share()
    reader = SessionSharingManager(team.bob.store, team.remote)

    assert reader.get_share(f"  {made.share_token}\n").title == "Fix SQL injection"
    assert reader.get_share(made.share_url).share_url == made.share_url


def test_the_owner_names_a_share_by_the_beginning_of_its_id(team):
    """As people shorten ids; the link secret comes from the ledger."""
    made = team.share()

    assert team.ann.shares.get_share(made.id[:8]).id == made.id
    assert team.ann.shares.get_share(made.id).share_token == made.share_token


def test_a_password_makes_a_public_share_ciphertext(team):
    """Then it is not listed either, and the password is needed."""
    made = team.share("public", password=PASSWORD)

    assert made.sealed
    assert SessionSharingManager(team.bob.store, team.remote).list_shares(remote=True) == []
    with pytest.raises(WrongPassword):
        team.bob.shares.get_share(made.share_url)
    assert team.bob.shares.get_share(made.share_url, PASSWORD).visibility == "public"


def test_sharing_is_previewed_without_anything_leaving(team):
    """What would be sent and masked, and no ref anywhere, no share, nothing on the remote."""
    team.ann.say(f"the token is {TOKEN}")
    before = refs(team.ann.path)

    told = team.ann.shares.preview(SESSION)

    after = refs(team.ann.path)
    after.pop(LEDGER)
    before.pop(LEDGER, None)
    assert (after, refs(team.remote), team.ann.shares.list_shares()) == (before, {}, [])
    assert (told.commits, told.rewritten) == (4, 1)
    assert [(place.where, place.rule) for place in told.masked] == [
        ("message", "github-pat"),
        ("commit message", "github-pat"),
    ]
    assert TOKEN not in repr(told)
    shared = team.share("public")
    assert [place.mark for place in shared.masked] == [place.mark for place in told.masked]


def test_secrets_stay_at_home_unless_their_owner_insists(team):
    """Masked as a rule; with `redact=False` the session goes out as it is."""
    team.ann.say(f"the token is {TOKEN}")

    masked = team.bob.shares.get_session_for_share(team.share().share_url)
    whole = team.bob.shares.get_session_for_share(team.share(redact=False).share_url)

    assert TOKEN not in masked.to_json()
    assert "[REDACTED:github-pat:" in masked.messages[-1].content
    assert TOKEN in whole.messages[-1].content


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_without_the_right_to_history_nothing_said_is_in_it(team, visibility):
    """Title, files, agents and tags stay; messages, tool executions and snapshots do not, also after an update."""
    session = team.ann.store.load(SESSION)
    session.tags = ["security"]
    session.add_tool_execution("read_file", {"path": "users.py"}, "select *", True, agent_name="security_tester")
    session.files_modified.append("users.py")
    team.ann.store.save(session)

    made = team.share(visibility, allow_view_history=False)
    team.ann.say("and more")
    assert team.ann.shares.update_share(made.id).generation == 2
    seen = team.bob.shares.get_session_for_share(made.share_url)

    assert not made.allow_view_history
    assert (seen.messages, seen.tool_executions, seen.snapshots) == ([], [], [])
    assert (seen.title, seen.tags, seen.files_modified) == ("Fix SQL injection", ["security"], ["users.py"])
    assert seen.agents_used == ["security_tester"]


def test_forking_is_awaited(team):
    """`fork_session` is a coroutine; the fork is saved, says where it comes from, and has the snapshots."""
    made = team.share("private", password=PASSWORD)

    forked = asyncio.run(team.bob.shares.fork_session(made.share_url, "My try", PASSWORD))

    loaded = team.bob.store.load(forked.id)
    assert (loaded.title, loaded.parent_session_id) == ("My try", SESSION)
    assert _contents(loaded) == ["Fix the SQL injection", "It is in users.py", "Parametrise it"]
    told = loaded.metadata["forked_from_share"]
    assert (told["share"], told["remote"], told["session"]) == (made.id, str(team.remote), SESSION)
    assert made.share_token not in json.dumps(told)
    assert [taken.description for taken in loaded.snapshots] == ["before the fix"]
    assert len(loaded.snapshots[0].state.messages) == 2


def test_a_session_that_was_looked_at_can_be_kept(team):
    """Saved, it is a session like any other, with its snapshots."""
    made = team.share()
    seen = team.bob.shares.get_session_for_share(made.share_url)

    team.bob.store.save(seen)

    kept = team.bob.store.load(SESSION)
    assert len(kept.messages) == 3
    assert [len(taken.state.messages) for taken in kept.snapshots] == [2]
    git(team.bob.path, "fsck", "--strict")


def test_the_owner_opens_and_forks_their_own(team):
    """As readers see it, out of the store: the remote is not asked."""
    made = team.share()
    team.remote.rename(team.folder / "away")

    assert len(team.ann.shares.get_session_for_share(made.share_url).messages) == 3
    assert team.ann.shares.fork(made.id, "again").parent_session_id == SESSION


def test_what_is_no_session_cannot_be_shared(team):
    """SessionNotFound, and no share is left over."""
    with pytest.raises(SessionNotFound):
        team.ann.shares.create_share("nothing-here")
    assert team.ann.shares.list_shares() == []
    assert refs(team.remote) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"visibility": "private"},
        {"visibility": "secret"},
        {"password": ""},
        {"expires_in": timedelta(0)},
        {"expires_in": timedelta(seconds=-1)},
    ],
    ids=["private-without-password", "unknown-visibility", "empty-password", "over-at-once", "over-already"],
)
def test_a_share_that_makes_no_sense_is_refused(options):
    """Before anything is made."""
    with pytest.raises(InvalidShareConfig):
        ShareConfig(**options)


def test_a_share_that_would_outlive_the_calendar_is_refused(team):
    """InvalidShareConfig, and nothing was made."""
    with pytest.raises(InvalidShareConfig, match="Leave the time out"):
        team.share(expires_in=timedelta(days=999_999_999))
    assert team.ann.shares.list_shares() == []


def test_a_quick_share_ends_after_a_day(team, still_clock):
    """One call: unlisted, by the link alone."""
    made = create_quick_share(SESSION, team.ann.store)

    assert (made.visibility, made.has_password) == ("unlisted", False)
    assert made.expires_at == still_clock.moment + timedelta(hours=24)


# -- with and without a remote ----------------------------------------------------------------------------------------


def test_of_several_remotes_none_is_taken_by_chance(team):
    """A new share waits where none of several is the default; what asks a remote is refused, naming them."""
    for name in ("other", "team"):
        git(team.ann.path, "config", f"remote.{name}.url", str(team.remote))
    manager = SessionSharingManager(team.ann.store)
    made = manager.create_share(SESSION, ShareConfig(visibility="public"))
    assert (made.pending, made.remote) == (True, "")
    refused = (
        manager.push_shares,
        lambda: manager.list_shares(remote=True),
        lambda: manager.prune(all_owners=True),
        lambda: manager.get_share("z" * 26),
    )
    for ask in refused:
        with pytest.raises(NoDefaultRemote, match=r"^other and team are set, and none is the default") as caught:
            ask()
        assert caught.value.known == ("other", "team")
    manager.prune()

    set_default(team.ann.path, "team")

    assert [share.id for share in manager.push_shares()] == [made.id]
    assert [share.id for share in manager.list_shares(remote=True)] == [made.id]


def test_a_share_without_a_remote_lives_in_the_store(team):
    """Its URL is the store's, and opens for who may read the folder; once there is a remote, `push_shares` sends it."""
    manager = SessionSharingManager(team.ann.store)
    made = manager.create_share(SESSION)
    assert made.share_url == f"{team.ann.path.as_uri()}#{made.share_token}"
    assert (made.pending, made.remote) == (True, "")
    assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 3
    with pytest.raises(NoDefaultRemote, match=r"^No remote to share through is set\. `superqode remote add"):
        manager.push_shares()

    git(team.ann.path, "config", "remote.team.url", str(team.remote))
    (sent,) = manager.push_shares()

    assert (sent.pending, sent.remote) == (False, "team")
    assert sent.share_url == f"{team.remote}#{made.share_token}"
    assert team.bob.shares.get_share(sent.share_url).title == "Fix SQL injection"
    assert manager.push_shares() == []


def test_a_share_that_is_not_to_be_pushed_waits(team):
    """`push=False` leaves it here, and `push_shares` with its name sends that one only."""
    first = team.ann.shares.create_share(SESSION, push=False)
    second = team.ann.shares.create_share(SESSION, push=False)
    assert refs(team.remote) == {}

    assert [share.id for share in team.ann.shares.push_shares([second.id])] == [second.id]

    pending = {share.id: share.pending for share in team.ann.shares.list_shares()}
    assert pending == {first.id: True, second.id: False}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _daemon(folder, port):
    command = ["git", "daemon", "--reuseaddr", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1"]
    served = subprocess.Popen(
        [*command, f"--port={port}", f"--base-path={folder}", str(folder)], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        served.terminate()
        served.wait()


def test_offline_everything_waits_and_is_sent_later(team):
    """A server that does not answer: created, updated and locked without an error; one push sends the newest state."""
    port = _free_port()
    git(team.ann.path, "config", "remote.team.url", f"git://127.0.0.1:{port}/team.git")
    manager = SessionSharingManager(team.ann.store)

    made = manager.create_share(SESSION)
    team.ann.say("written on a train")
    updated = manager.update_share(made.id)
    manager.add_password(made.id, PASSWORD)
    assert (made.pending, updated.pending, updated.generation) == (True, True, 2)
    with pytest.raises(RemoteError):
        manager.push_shares()

    with _daemon(team.folder, port):
        (sent,) = manager.push_shares()
        assert not sent.pending
        assert _contents(team.bob.shares.get_session_for_share(sent.share_url))[-1] == "written on a train"
        team.ann.say("and at home")
        assert not manager.update_share(made.id).pending


def _hook(team, text, name="pre-receive"):
    file = team.remote / "hooks" / name
    file.write_text("#!/bin/sh\n" + text, "utf-8")
    file.chmod(0o755)
    return file


def test_a_share_that_the_remote_refuses_is_kept_and_told(team):
    """RemoteRejected with the server's words; the share waits, and goes out when the server lets it."""
    hook = _hook(team, "echo 'no shares on Sundays' >&2\nexit 1\n")
    with pytest.raises(RemoteRejected, match="no shares on Sundays"):
        team.share()
    (waiting,) = team.ann.shares.list_shares()
    assert (waiting.pending, refs(team.remote)) == (True, {})

    hook.unlink()

    assert [share.pending for share in team.ann.shares.push_shares()] == [False]
    assert team.bob.shares.get_share(waiting.share_url).generation == 1


def test_an_update_that_the_remote_refuses_waits(team):
    """Readers go on seeing the state before; the next push brings them the new one."""
    made = team.share()
    hook = _hook(team, "exit 1\n")
    team.ann.say("more")
    with pytest.raises(RemoteRejected):
        team.ann.shares.update_share(made.id)
    assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 3
    assert team.ann.shares.list_shares()[0].pending

    hook.unlink()
    team.ann.shares.push_shares()

    assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 4


def test_a_host_that_takes_branches_only_gets_branches(team):
    """Refused in our namespace, the share becomes a branch; that is remembered, and readers find it there."""
    _hook(team, "case $1 in refs/heads/*) exit 0;; esac\necho 'funny refname' >&2\nexit 1\n", "update")
    git(team.ann.path, "config", "remote.team.url", str(team.remote))
    manager = SessionSharingManager(team.ann.store)
    made = manager.create_share(SESSION)

    assert list(refs(team.remote)) == [f"refs/heads/superqode-shares/{made.id}"]
    assert team.bob.shares.get_share(made.share_url).title == "Fix SQL injection"
    assert git(team.ann.path, "config", "remote.team.superqodenamespace").strip() == b"heads"
    team.ann.say("more")
    assert manager.update_share(made.id).remote_ref == f"refs/heads/superqode-shares/{made.id}"
    manager.revoke_share(made.id)
    assert refs(team.remote) == {}


# -- updated ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("visibility", "options"), KINDS, ids=NAMES)
def test_an_update_shows_readers_the_new_state(team, visibility, options):
    """New messages and snapshots, a new title; the link stays, the number counts, and nothing new means no update."""
    password = options.get("password")
    made = team.share(visibility, **options)
    team.ann.say("more")
    taken = team.ann.snapshot("after")
    session = team.ann.store.load(SESSION)
    session.title = "Fixed"
    team.ann.store.save(session)

    updated = team.ann.shares.update_share(made.share_url)
    again = team.ann.shares.update_share(made.share_url)

    seen = team.bob.shares.get_session_for_share(made.share_url, password)
    assert (updated.generation, again.generation, updated.share_url) == (2, 2, made.share_url)
    assert (seen.title, _contents(seen)[-1]) == ("Fixed", "more")
    assert taken in [snapshot.id for snapshot in seen.snapshots]
    assert team.bob.shares.get_share(made.share_url, password).generation == 2


def test_an_update_adds_a_segment_and_touches_no_other(team):
    """What was there keeps its bytes: the chunks of earlier segments are the same objects."""
    made = team.share()
    before = files_of(team.remote, team.commit_of(made))
    known = set(objects(team.remote))
    team.ann.say("more")

    team.ann.shares.update_share(made.id)

    after = files_of(team.remote, team.commit_of(made))
    added = {name for name in after if name not in before}
    assert added == {"segments/1/000000"}
    assert all(after[name] == data for name, data in before.items() if name != "manifest")
    new = {oid: content for oid, content in objects(team.remote).items() if oid not in known}
    assert sum(len(content) for _, content in new.values()) < 8 * 1024


def test_an_update_of_a_public_share_is_a_fast_forward(team):
    """Its first parent is the session's commit, the second the share before."""
    made = team.share("public")
    before = team.commit_of(made)
    team.ann.say("more")

    team.ann.shares.update_share(made.id)

    parents = git(team.remote, "log", "-1", "--format=%P", team.commit_of(made)).decode().split()
    assert parents == [git(team.ann.path, "rev-parse", SESSION).decode().strip(), before]


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_terms_change_with_an_update(team, still_clock, visibility):
    """Its time and whether it may be forked, also where the session is the same; what is not named stays."""
    made = team.share(visibility, expires_in=timedelta(days=1))
    still_clock.advance(hours=1)

    longer = team.ann.shares.update_share(made.id, expires_in=timedelta(days=7), allow_fork=False)
    for_ever = team.ann.shares.update_share(made.id, expires_in=None)
    same = team.ann.shares.update_share(made.id)

    assert longer.expires_at == still_clock.moment + timedelta(days=7)
    assert (for_ever.expires_at, for_ever.allow_fork, for_ever.generation) == (None, False, 3)
    assert same.generation == 3
    seen = team.bob.shares.get_share(made.share_url)
    assert (seen.expires_at, seen.allow_fork) == (None, False)


def test_an_expired_share_can_be_extended(team, still_clock):
    """The owner's update gives it a new time, and readers get in again."""
    made = team.share(expires_in=timedelta(hours=1))
    still_clock.advance(days=1)

    team.ann.shares.update_share(made.id, expires_in=timedelta(hours=1))

    assert not team.bob.shares.get_share(made.share_url).is_expired


def test_a_share_of_a_deleted_session_is_not_updated(team):
    """SessionNotFound; the share stays as it is, and can be read and revoked."""
    made = team.share()
    team.ann.store.delete(SESSION)

    with pytest.raises(SessionNotFound):
        team.ann.shares.update_share(made.id)

    assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 3
    assert [share.id for share in team.ann.shares.list_shares()] == [made.id]
    assert team.ann.shares.revoke_share(made.id).revoked_at is not None
    assert refs(team.remote) == {}


def test_a_share_follows_its_session_s_new_name(team):
    """Renamed, it is listed under the new name, updated from there, and revocable."""
    made = team.share("public")
    team.ann.store.rename(SESSION, "sql-injection")
    team.ann.say("more", session_id="sql-injection")

    (listed,) = team.ann.shares.list_shares("sql-injection")
    updated = team.ann.shares.update_share(made.id)

    assert (listed.id, updated.session_id, updated.generation) == (made.id, "sql-injection", 2)
    assert _contents(team.bob.shares.get_session_for_share(made.share_url))[-1] == "more"
    assert team.ann.shares.list_shares(SESSION) == []
    team.ann.shares.revoke_share(made.id)
    assert refs(team.remote) == {}


def test_a_share_that_holds_a_secret_known_today_is_not_updated(team):
    """What was sent stays sent: its owner is told to revoke it, not to send more."""
    team.ann.say(f"the token is {TOKEN}")
    made = team.share(redact=False)
    record = team.ann.record(made)
    save_record(team.ann.ledger, replace(record, redact=True), "a share from before the rule was known")

    with pytest.raises(InvalidShareConfig, match="Revoke it, renew that secret"):
        team.ann.shares.update_share(made.id)


# -- ended ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("visibility", "options"), KINDS, ids=NAMES)
def test_a_revoked_share_is_gone(team, visibility, options):
    """From the remote, with its refs and keys here; it stays in the list, and twice does no harm."""
    made = team.share(visibility, **options)

    ended = team.ann.shares.revoke_share(made.share_url)
    again = team.ann.shares.revoke_share(made.id)

    assert ended.revoked_at == again.revoked_at is not None
    assert refs(team.remote) == {}
    assert not [name for name in refs(team.ann.path) if made.id in name]
    record = team.ann.record(made)
    assert (record.data_key, record.link_secret) == (None, None)
    assert [share.id for share in team.ann.shares.list_shares()] == [made.id]
    with pytest.raises(ShareNotFound):
        team.bob.shares.get_share(made.share_url)
    with pytest.raises(ShareRevoked):
        team.ann.shares.get_share(made.share_url)
    for change in (
        lambda: team.ann.shares.update_share(made.id),
        lambda: team.ann.shares.push_shares([made.id]),
        lambda: team.ann.shares.add_password(made.id, "another"),
        lambda: team.ann.shares.remove_password(made.id, 0),
    ):
        with pytest.raises(ShareRevoked):
            change()
    assert team.ann.shares.push_shares() == []


def test_a_share_that_cannot_be_revoked_there_is_not_revoked_here(team):
    """An unreachable remote: an error, and everything as before, so that it can be tried again."""
    made = team.share()
    away = team.remote.rename(team.folder / "away")

    with pytest.raises(RemoteError):
        team.ann.shares.revoke_share(made.id)
    assert team.ann.shares.list_shares()[0].revoked_at is None

    away.rename(team.remote)
    assert team.ann.shares.revoke_share(made.id).revoked_at is not None
    assert refs(team.remote) == {}


def test_a_share_that_somebody_deleted_there_can_be_revoked(team):
    """What is gone already is fine."""
    made = team.share()
    git(team.remote, "update-ref", "-d", team.ann.record(made).remote_ref)

    assert team.ann.shares.revoke_share(made.id).revoked_at is not None


def test_pruning_removes_what_expired_and_nothing_else(team, still_clock):
    """Own expired shares go here and there; live ones stay, a second time there is nothing to do."""
    short = team.share(expires_in=timedelta(hours=1))
    long = team.share(expires_in=timedelta(days=9))
    ever = team.share("public")
    still_clock.advance(hours=2)

    assert team.ann.shares.prune().pruned == (short.id,)
    assert team.ann.shares.prune().pruned == ()

    assert {name.rpartition("/")[2] for name in refs(team.remote)} == {long.id, ever.id}
    assert {share.id for share in team.ann.shares.list_shares() if share.revoked_at} == {short.id}


def test_pruning_tells_what_could_not_be_removed(team, still_clock):
    """An unreachable remote is no error: the share is named with the reason, and goes the next time."""
    made = team.share(expires_in=timedelta(hours=1))
    still_clock.advance(hours=2)
    away = team.remote.rename(team.folder / "away")

    told = team.ann.shares.prune()
    away.rename(team.remote)

    assert (told.pruned, list(told.failed)) == ((), [made.id])
    assert team.ann.shares.prune().pruned == (made.id,)


def test_a_folder_that_filters_is_listed_and_pruned(team, still_clock):
    """Git takes a path for no promisor of what a filter left out: a folder is asked by its URL."""
    git(team.remote, "config", "uploadpack.allowFilter", "true")
    shown = team.share("public")
    gone = [team.share(kind, expires_in=timedelta(hours=1)).id for kind in ("public", "unlisted")]
    still_clock.advance(hours=2)
    bob = SessionSharingManager(team.bob.store, team.remote)

    assert sorted(bob.prune(all_owners=True).pruned) == sorted(gone)
    assert [share.id for share in bob.list_shares(remote=True)] == [shown.id]


def test_expired_shares_go_in_one_push(team, still_clock):
    """However many there are of one remote; where one was continued by somebody else, it and the others go all the same."""
    made = [team.share(kind, expires_in=timedelta(hours=1)) for kind in ("public", "unlisted", "unlisted")]
    install_hook(team.remote, "pre-receive", "#!/bin/sh\necho push >>pushes\n")
    still_clock.advance(hours=2)

    assert set(team.ann.shares.prune().pruned) == {share.id for share in made}
    assert (team.remote / "pushes").read_text() == "push\n"
    assert refs(team.remote) == {}

    made = [team.share(expires_in=timedelta(hours=1)) for _ in range(2)]
    git(team.remote, "update-ref", team.ann.record(made[0]).remote_ref, team.commit_of(made[1]))
    still_clock.advance(hours=2)

    assert set(team.ann.shares.prune().pruned) == {share.id for share in made}
    assert refs(team.remote) == {}
    assert not [share for share in team.ann.shares.list_shares() if share.revoked_at is None]


def test_what_a_remote_refuses_to_delete_does_not_hold_the_others(team, still_clock):
    """One of several is refused by the server's hook: it is named with the reason, and the others go."""
    made = [team.share(expires_in=timedelta(hours=1)) for _ in range(3)]
    install_hook(team.remote, "pre-receive", f"#!/bin/sh\nif grep -q {made[1].id}; then echo no >&2; exit 1; fi\n")
    still_clock.advance(hours=2)

    told = team.ann.shares.prune()

    assert set(told.pruned) == {made[0].id, made[2].id}
    assert list(told.failed) == [made[1].id]
    assert [name.rpartition("/")[2] for name in refs(team.remote)] == [made[1].id]


def test_pruning_for_all_removes_others_expired_shares(team, still_clock):
    """Of either kind, told by what stands in clear; Ann's live ones stay."""
    gone = [team.share(kind, expires_in=timedelta(hours=1)).id for kind in ("public", "unlisted")]
    live = team.share(expires_in=timedelta(days=9)).id
    still_clock.advance(hours=2)

    told = SessionSharingManager(team.bob.store, team.remote).prune(all_owners=True)

    assert sorted(told.pruned) == sorted(gone)
    assert [name.rpartition("/")[2] for name in refs(team.remote)] == [live]


# -- passwords --------------------------------------------------------------------------------------------------------


def test_passwords_are_added_and_taken_away(team):
    """Each opens the same share; the one that is taken away does not any more; the content is not encrypted anew."""
    made = team.share("private", password=PASSWORD)
    before = files_of(team.remote, team.commit_of(made))

    slot = team.ann.shares.add_password(made.id, "for the auditors", "auditors")
    assert [(one.number, one.kind, one.label) for one in team.ann.shares.passwords(made.id)] == [
        (0, "password", ""),
        (1, "password", "auditors"),
    ]
    for password in (PASSWORD, "for the auditors"):
        assert team.bob.shares.get_share(made.share_url, password).generation == 1
    team.ann.shares.remove_password(made.id, 0)

    after = files_of(team.remote, team.commit_of(made))
    assert (slot.number, slot.label) == (1, "auditors")
    assert {name for name in after if name not in before} == {"keys/1.json"}
    assert all(after[name] == data for name, data in before.items() if not name.startswith("keys/"))
    assert team.bob.shares.get_share(made.share_url, "for the auditors").id == made.id
    with pytest.raises(WrongPassword):
        team.bob.shares.get_share(made.share_url, PASSWORD)
    team.ann.say("more")
    assert team.ann.shares.update_share(made.id).generation == 2
    assert len(team.bob.shares.get_session_for_share(made.share_url, "for the auditors").messages) == 4


def test_the_link_alone_can_be_taken_away(team):
    """An unlisted share gets a password: with both it opens by either, then by the password only."""
    made = team.share()
    team.ann.shares.add_password(made.id, PASSWORD)
    assert not team.bob.shares.get_share(made.share_url).has_password

    team.ann.shares.remove_password(made.id, 0)

    with pytest.raises(WrongPassword):
        team.bob.shares.get_share(made.share_url)
    assert team.bob.shares.get_share(made.share_url, PASSWORD).has_password
    assert team.ann.shares.list_shares()[0].has_password


def test_a_share_keeps_something_that_opens_it(team):
    """The last password stays, what is not there cannot go, an empty one is none, a public share has none."""
    made, public = team.share(), team.share("public")
    before = team.commit_of(made)
    for refused in (
        lambda: team.ann.shares.remove_password(made.id, 0),
        lambda: team.ann.shares.remove_password(made.id, 7),
        lambda: team.ann.shares.add_password(made.id, ""),
        lambda: team.ann.shares.add_password(public.id, PASSWORD),
    ):
        with pytest.raises(InvalidShareConfig):
            refused()
    assert team.commit_of(made) == before


# -- listed -----------------------------------------------------------------------------------------------------------


def test_shares_are_listed_newest_first(team, still_clock):
    """All of them, or those of one session; a store without any has none."""
    team.ann.say("hello", session_id="other")
    first = team.share()
    still_clock.advance(seconds=1)
    second = team.ann.shares.create_share("other")
    still_clock.advance(seconds=1)
    third = team.share("public")

    assert [share.id for share in team.ann.shares.list_shares()] == [third.id, second.id, first.id]
    assert [share.id for share in team.ann.shares.list_shares(SESSION)] == [third.id, first.id]
    assert team.bob.shares.list_shares() == []
    assert SessionSharingManager(SessionStore(team.folder / "none")).list_shares() == []


def test_a_remote_lists_its_public_shares_only(team, still_clock):
    """Whoever made them, newest first; encrypted ones are not there, nor what somebody else put into the namespace."""
    first = team.share("public", allow_fork=False)
    team.share()
    team.share("private", password=PASSWORD)
    still_clock.advance(seconds=5)
    bob = SessionSharingManager(team.bob.store, team.remote)
    team.bob.say("hello", session_id="bobs", title="Bob's")
    second = bob.create_share("bobs", ShareConfig(visibility="public"))
    plain = git(team.ann.path, "rev-parse", SESSION).decode().strip()
    git(team.ann.path, "push", "-q", "--no-verify", str(team.remote), f"{plain}:refs/superqode/shares/public/x")
    team.put(first, put(team.remote, "blob", b"no commit"), "refs/superqode/shares/public/" + "z" * 26)

    listed = bob.list_shares(remote=True)

    assert [(share.id, share.title, share.allow_fork) for share in listed] == [
        (second.id, "Bob's", True),
        (first.id, "Fix SQL injection", False),
    ]
    assert [share.share_url for share in listed] == [second.share_url, first.share_url]
    assert [share.id for share in bob.list_shares("bobs", remote=True)] == [second.id]
    assert SessionSharingManager(team.bob.store).list_shares(remote=True) == []


# -- durable ----------------------------------------------------------------------------------------------------------


def test_the_key_is_in_the_ledger_before_anything_is_pushed(team):
    """The remote itself looks into the store while it is being pushed to: the data key and the link secret are there."""
    copy = team.folder / "seen.json"
    look = (
        "import subprocess, sys, os\n"
        "env = {k: v for k, v in os.environ.items() if not k.startswith('GIT_')}\n"
        f"git = ['git', '--git-dir', {str(team.ann.path)!r}]\n"
        f"names = subprocess.run([*git, 'ls-tree', '-r', '--name-only', '{LEDGER}', 'shares/'],"
        " capture_output=True, text=True, env=env, check=True).stdout.split()\n"
        f"with open({str(copy)!r}, 'w') as file:\n"
        "    for name in names:\n"
        f"        subprocess.run([*git, 'cat-file', 'blob', '{LEDGER}:' + name], stdout=file, env=env, check=True)\n"
    )
    (team.folder / "look.py").write_text(look, "utf-8")
    _hook(team, f"exec {sys.executable} {team.folder / 'look.py'}\n")

    made = team.share()

    seen, kept = json.loads(copy.read_text("utf-8")), team.ann.record(made).to_document()
    for name in ("id", "session_id", "data_key", "link_secret", "remote_url", "generation"):
        assert seen[name] == kept[name]
    assert seen["data_key"] is not None
    assert seen["pushed"] == ""
    team.ann.say("more")
    team.ann.shares.update_share(made.id)
    assert json.loads(copy.read_text("utf-8"))["generation"] == 2


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_shares_live_on_in_a_restored_backup(team, visibility):
    """A store that came out of a backup updates, locks and revokes what the lost one shared."""
    made = team.share(visibility)
    team.ann.store.backup(team.folder / "backup.bundle")
    team.ann.store.close()
    team.ann.path.rename(team.folder / "lost")

    with SessionStore.restore_backup(team.folder / "backup.bundle", team.folder / "restored") as store:
        seed(team.folder / "restored", team.ann.rules)
        manager = SessionSharingManager(store)
        session = store.load(SESSION)
        session.add_message("user", "after the fire")
        store.save(session)

        assert manager.update_share(made.share_token).generation == 2
        seen = team.bob.shares.get_session_for_share(made.share_url)
        assert _contents(seen)[-1] == "after the fire"
        assert [snapshot.description for snapshot in seen.snapshots] == ["before the fix"]
        manager.revoke_share(made.id)
    assert refs(team.remote) == {}


def test_a_new_manager_knows_what_another_did(team):
    """Everything stands in the store: another process, another remote's default, the same shares."""
    made = team.share()
    with SessionStore(team.ann.path) as store:
        manager = SessionSharingManager(store)

        assert [share.share_url for share in manager.list_shares()] == [made.share_url]
        assert manager.update_share(made.id).generation == 1
        assert manager.revoke_share(made.id[:10]).revoked_at is not None


def test_a_share_stays_on_its_remote(team):
    """A manager for another remote updates and revokes it where it is."""
    made = team.share()
    other = bare(team.folder / "other.git")
    manager = SessionSharingManager(team.ann.store, other)
    team.ann.say("more")

    manager.update_share(made.id)

    assert refs(other) == {}
    assert team.bob.shares.get_share(made.share_url).generation == 2
    manager.revoke_share(made.id)
    assert refs(team.remote) == {}


# -- files ------------------------------------------------------------------------------------------------------------


def test_sessions_travel_as_files(team):
    """Exported by one store, imported by another; where the id is taken, under an id of its own."""
    exported = ExportedSession.from_json(team.ann.shares.export_session(SESSION).to_json())

    first = team.bob.shares.import_session(exported)
    team.bob.say("mine now")
    second = team.bob.shares.import_session(exported, "From Ann")

    assert (first.id, second.title) == (SESSION, "From Ann")
    assert second.id != SESSION
    assert len(team.bob.store.load(second.id).messages) == 3
    assert len(team.bob.store.load(SESSION).messages) == 4


def test_two_people_share_through_one_remote(team):
    """Neither can revoke, update or list the other's."""
    made = team.share()
    carl = person(team.folder, "Carl", team.ann.rules, team.remote)
    carl.store.save(Session(id="carls", title="Carl's"))
    theirs = carl.shares.create_share("carls")

    for share, manager in ((made, carl.shares), (theirs, team.ann.shares)):
        for call in (manager.revoke_share, manager.update_share, manager.passwords):
            with pytest.raises(ShareNotFound):
                call(share.share_url)
    assert len(refs(team.remote)) == 2
