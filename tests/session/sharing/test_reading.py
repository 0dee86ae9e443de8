"""What a reader is told when a share does not open: the exact error, and never a secret in it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from session.sharing.team import PASSWORD, SESSION, files_of, git, put, released
from superqode.session.errors import (
    AmbiguousId,
    InvalidRemote,
    InvalidShareToken,
    NoRepository,
    NotForkable,
    PasswordRequired,
    RemoteNotFound,
    RemoteUnreachable,
    SessionError,
    ShareExpired,
    ShareNotFound,
    ShareRevoked,
    ShareRolledBack,
    ShareTampered,
    UnknownShareVersion,
    WrongPassword,
)
from superqode.session.sharing import wire
from superqode.session.sharing.keys import decode_key_file
from superqode.session.sharing.ledger import save_record
from superqode.session.sharing.manager import SessionSharingManager

WRONG = "wrong horse, and long enough to be found"


def _told(problem):
    """All that an error tells: messages and attributes, its own and those it came from."""
    texts = []
    while problem is not None:
        texts += [str(problem), repr(problem), repr(problem.args), repr(getattr(problem, "__dict__", {}))]
        problem = problem.__cause__ or problem.__context__
    return "\n".join(texts)


def _refused(team, link, expected, *, password=None, secrets=()):
    """Opening, looking and forking fail in the same way, tell no secret, and leave nothing in the store."""
    before = team.bob.state()
    for call in (team.bob.shares.get_share, team.bob.shares.get_session_for_share):
        with pytest.raises(expected) as caught:
            call(link, password)
        assert type(caught.value) is expected
    with pytest.raises(expected) as caught:
        team.bob.shares.fork(link, "mine", password)
    told = _told(caught.value)
    token = link.rpartition("#")[2]
    for secret in (token.partition(".")[2], PASSWORD, password, *secrets):
        assert not secret or secret not in told
    problem = released(caught.value)
    assert isinstance(problem, SessionError)
    del caught
    assert team.bob.state() == before
    return problem


def test_an_expired_share_stays_closed(team, still_clock):
    """ShareExpired, with the time; for its owner, too."""
    made = team.share(expires_in=timedelta(hours=1))
    public = team.share("public", expires_in=timedelta(hours=1))
    assert team.bob.shares.get_share(made.share_url).expires_at == made.expires_at
    still_clock.advance(hours=1)

    assert _refused(team, made.share_url, ShareExpired).expired_at == made.expires_at
    assert _refused(team, public.share_url, ShareExpired).share_id == public.id
    with pytest.raises(ShareExpired):
        team.ann.shares.get_share(made.id)


def test_the_time_that_counts_is_the_encrypted_one(team, still_clock):
    """Somebody who can write the remote cannot let a share live longer."""
    made = team.share(expires_in=timedelta(hours=1))
    files = files_of(team.remote, team.commit_of(made))
    message = f"share\n\nSuperqode-Share: {made.id}\nSuperqode-Expires: 2099-01-01T00:00:00Z\n"
    team.forge(made, files, message=message.encode())
    still_clock.advance(hours=2)

    _refused(team, made.share_url, ShareExpired)


def test_a_revoked_share_is_not_found(team):
    """By others; by its owner it is ShareRevoked, with the day."""
    made = team.share()
    team.ann.shares.revoke_share(made.id)

    _refused(team, made.share_url, ShareNotFound)
    with pytest.raises(ShareRevoked, match=r"revoked on \d{4}-\d\d-\d\d") as caught:
        team.ann.shares.get_share(made.share_url)
    assert made.share_token.partition(".")[2] not in _told(caught.value)


def test_passwords_that_do_not_open(team):
    """A wrong one, none, an empty one, one with a space too many: WrongPassword, and PasswordRequired for none."""
    made = team.share("private", password=PASSWORD)

    _refused(team, made.share_url, PasswordRequired)
    _refused(team, made.share_url, WrongPassword, password=WRONG)
    _refused(team, made.share_url, WrongPassword, password=PASSWORD + " ")
    with pytest.raises(WrongPassword):
        team.bob.shares.get_share(made.share_url, "")
    assert team.bob.shares.get_share(made.share_url, PASSWORD).has_password


def test_the_owner_needs_the_password_too(team):
    """What the store shares is opened as readers open it."""
    made = team.share("private", password=PASSWORD)
    with pytest.raises(PasswordRequired):
        team.ann.shares.get_share(made.id)
    with pytest.raises(WrongPassword):
        team.ann.shares.get_share(made.share_url, WRONG)
    assert team.ann.shares.get_share(made.id, PASSWORD).id == made.id


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["link", "password"])
def test_another_link_secret_opens_nothing(team, password):
    """The right id and password with a wrong or missing secret: WrongPassword, and the message asks for the whole link."""
    made = team.share("private" if password else "unlisted", password=password)
    secret = base64.urlsafe_b64encode(bytes(16)).rstrip(b"=").decode()

    _refused(team, f"{team.remote}#{made.id}.{secret}", WrongPassword, password=password)
    cut = _refused(team, f"{team.remote}#{made.id}", WrongPassword, password=password)
    assert "link is whole" in str(cut)


def test_a_share_that_may_not_be_forked_can_be_read(team):
    """NotForkable, and nothing is saved or taken over; reading goes on."""
    for made in (team.share(allow_fork=False), team.share("public", allow_fork=False)):
        before = team.bob.state()
        assert len(team.bob.shares.get_session_for_share(made.share_url).messages) == 3
        with pytest.raises(NotForkable):
            team.bob.shares.fork(made.share_url)
        assert team.bob.state() == before
    assert team.bob.store.list_sessions() == []


def test_newer_formats_are_named(team):
    """`share.json`, a key file or a manifest of a later version: UnknownShareVersion with the number."""
    made = team.share()
    files = files_of(team.remote, team.commit_of(made))
    header = {**json.loads(files["share.json"]), "version": 2, "more": "x"}
    team.forge(made, {**files, "share.json": wire.canonical(header)})
    assert _refused(team, made.share_url, UnknownShareVersion).found == "2"

    key = {**json.loads(files["keys/0.json"]), "version": 3}
    team.forge(made, {**files, "keys/0.json": wire.canonical(key)})
    assert _refused(team, made.share_url, UnknownShareVersion).found.startswith("3 ")
    assert decode_key_file(0, files["keys/0.json"], made.id)


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_an_older_state_is_noticed_by_who_saw_a_newer_one(team, visibility):
    """ShareRolledBack with both numbers; a reader who comes new cannot know."""
    made = team.share(visibility)
    old = team.commit_of(made)
    team.ann.say("more")
    team.ann.shares.update_share(made.id)
    assert team.bob.shares.get_share(made.share_url).generation == 2
    team.put(made, old)

    problem = _refused(team, made.share_url, ShareRolledBack)

    assert (problem.seen, problem.found) == (2, 1)
    carl = team.newcomer("Carl")
    assert carl.shares.get_share(made.share_url).generation == 1


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_two_states_under_one_number_are_noticed(team, visibility):
    """As an owner could show different things to different readers: ShareTampered for who saw the other."""
    made = team.share(visibility)
    first, record = team.commit_of(made), team.ann.record(made)
    assert team.bob.shares.get_share(made.share_url).generation == 1
    team.ann.say("said to somebody else only")
    save_record(team.ann.ledger, replace(record, generation=0), "to count again")
    git(team.ann.path, "update-ref", record.local_ref, first)
    if visibility == "unlisted":
        tip = git(team.ann.path, "rev-parse", SESSION).decode().strip()
        bundle = git(team.ann.path, "bundle", "create", "-q", "-", f"refs/heads/{SESSION}")
        team.forge_bundles(made, [(bundle, tip, None)], generation=1)
    else:
        text = git(team.remote, "cat-file", "commit", first)
        team.put(made, put(team.remote, "commit", text.replace(b"share: Fix", b"share: Mix")))

    _refused(team, made.share_url, ShareTampered)


def test_what_was_seen_is_remembered_across_readers(team):
    """The memory is the store's: another manager on it knows."""
    made = team.share()
    old = team.commit_of(made)
    team.ann.shares.update_share(made.id, allow_fork=False)
    team.bob.shares.get_share(made.share_url)
    team.put(made, old)
    with pytest.raises(ShareRolledBack):
        SessionSharingManager(team.bob.store).get_share(made.share_url)


def test_shares_that_are_nowhere(team):
    """Unknown ids, another remote, a token without a remote: ShareNotFound, and where it was looked for."""
    made = team.share()
    unknown = "z" * 26

    assert _refused(team, f"{team.remote}#{unknown}", ShareNotFound).where == str(team.remote)
    problem = _refused(team, made.share_token, ShareNotFound)
    assert "no remote is configured" in str(problem)


def test_beginnings_name_own_shares_only(team):
    """ShareNotFound for a reader's, AmbiguousId where two begin alike."""
    made = team.share()
    with pytest.raises(ShareNotFound):
        team.bob.shares.get_share(made.id[:8])
    twin = made.id[:10] + ("0" if made.id[10] != "0" else "1") * 16
    save_record(team.ann.ledger, replace(team.ann.record(made), id=twin), "a twin")

    with pytest.raises(AmbiguousId) as caught:
        team.ann.shares.get_share(made.id[:10])
    assert made.share_token.partition(".")[2] not in _told(caught.value)
    assert team.ann.shares.get_share(made.id[:11]).id == made.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "#",
        "abc",
        "not a share",
        "https://example.invalid/x.git#",
        "x" * 5000,
        "0123456789abcdefghjkmnpqrs.short",
    ],
    ids=["empty", "blank", "hash", "short", "words", "url-only", "long", "cut-secret"],
)
def test_what_names_no_share(team, text):
    """InvalidShareToken, which says what to give."""
    with pytest.raises(InvalidShareToken, match="Give the whole link"):
        team.bob.shares.get_share(text)


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("ext::sh -c 'touch hacked'", InvalidRemote),
        ("-oProxyCommand=touch hacked", InvalidRemote),
        ("ssh://-oProxyCommand=touch/x", InvalidRemote),
        ("gopher://example.invalid/x", InvalidRemote),
        ("no-such-remote", RemoteNotFound),
        ("/no/such/folder.git", NoRepository),
        ("https://user:hunter22secret@127.0.0.1:1/x.git", RemoteUnreachable),
        ("http://hunter22secret@127.0.0.1:1/x.git?token=hunter22secret", RemoteUnreachable),
    ],
    ids=["ext", "option", "ssh-option", "scheme", "name", "folder", "password", "token"],
)
def test_links_to_places_that_are_none(team, remote, expected, monkeypatch):
    """A link is from outside: nothing of it is run, its credentials are in no error."""
    monkeypatch.chdir(team.folder)
    link = f"{remote}#{'z' * 26}.{base64.urlsafe_b64encode(b'0123456789abcdef').rstrip(b'=').decode()}"

    _refused(team, link, expected, secrets=("hunter22secret",))

    assert not list(team.folder.rglob("hacked"))
