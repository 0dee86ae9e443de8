"""What somebody sees who can read the remote, and no more: every object, ref, ident and date, searched for the session."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from session.sharing.team import PASSWORD, SHARE_IDENT, TOKEN, bare, everything, git, objects, person, refs
from superqode.session import Session, SessionStore
from superqode.session.sharing.manager import SessionSharingManager
from superqode.session.sharing.models import ShareConfig

SECRET_ID = "zauberlehrling-walpurgis"
OWNER = "Wilhelmina"


@pytest.fixture
def ann(tmp_path, rules):
    """An owner with a name that is like no other, and a session with something in every field."""
    remote = bare(tmp_path / "team.git")
    made = person(tmp_path, OWNER, rules, remote)
    session = Session(id=SECRET_ID, title="Quixotic marzipan", project_path="/home/wilhelmina/haberdashery")
    session.add_message("user", "Why is the kaleidoscope rusty?")
    session.add_message("assistant", "Because of the saltpetre.", agent_name="gallimaufry_tester")
    session.add_tool_execution("read_thermometer", {"path": "cellar/vinegar.txt"}, "forty fathoms", True)
    session.tags = ["rhododendron"]
    session.files_modified.append("cellar/vinegar.txt")
    session.metadata["ticket"] = "ONOMATOPOEIA-77"
    made.store.save(session)
    session.create_snapshot("before the samovar")
    made.store.save(session)
    return made


def _needles(person):
    """Words, ids, addresses, paths and times of the session, as they might stand in something that leaks."""
    session = person.store.load(SECRET_ID)
    words = {
        *("kaleidoscope", "rusty?", "saltpetre", "Quixotic", "marzipan", "haberdashery", "gallimaufry"),
        *("read_thermometer", "vinegar", "fathoms", "rhododendron", "ONOMATOPOEIA", "samovar"),
        *(SECRET_ID, "zauberlehrling", "walpurgis", OWNER, OWNER.lower(), "example.invalid"),
        *("session.json", "timeline", "-user.json", "Superqode-Session", "Superqode-Saved-At"),
    }
    words |= {entry.id for entry in [*session.messages, *session.tool_executions]}
    for snapshot in session.snapshots:
        words |= {snapshot.id, snapshot.commit}
    times = [session.created_at, session.updated_at, *(message.timestamp for message in session.messages)]
    for moment in times:
        words |= {moment.isoformat()[:16], str(int(moment.timestamp()))}
    log = git(person.path, "log", "--format=%H%n%T%n%ct", SECRET_ID).decode().split()
    words |= {line for line in log if len(line) >= 10}
    return {word.encode() for word in words}


def _found(path, needles):
    return sorted({(where, word) for where, text in everything(path) for word in needles if word in text})


def _changeeverything(person, share, password):
    """What an owner does in a share's life."""
    session = person.store.load(SECRET_ID)
    session.add_message("user", "More about the kaleidoscope")
    session.title = "Quixotic marzipan, twice"
    person.store.save(session)
    session.create_snapshot("after the samovar")
    person.store.save(session)
    person.shares.update_share(share.id)
    person.shares.add_password(share.id, "the second samovar", "rhododendron people")
    person.shares.update_share(share.id, allow_fork=False)
    person.shares.remove_password(share.id, 0)
    assert password != "the second samovar"


@pytest.mark.parametrize(
    ("visibility", "password"),
    [("unlisted", None), ("private", PASSWORD), ("public", PASSWORD)],
    ids=["unlisted", "private", "public-with-password"],
)
def test_an_encrypted_share_says_nothing(ann, tmp_path, visibility, password):
    """After creating, updating, new terms and changed passwords: no word, id, name, path or time, anywhere."""
    remote = tmp_path / "team.git"
    made = ann.shares.create_share(SECRET_ID, ShareConfig(visibility=visibility, password=password))
    _changeeverything(ann, made, password)
    record = ann.record(made)
    assert record.data_key is not None
    assert record.link_secret is not None
    needles = _needles(ann) | {PASSWORD.encode(), b"the second samovar", made.share_token.partition(".")[2].encode()}
    needles |= {record.data_key, record.link_secret}

    assert _found(remote, needles) == []

    assert list(refs(remote)) == [f"refs/superqode/shares/{made.id}"]
    kinds = [kind for kind, _ in objects(remote).values()]
    assert "tag" not in kinds
    commits = [content.decode() for kind, content in objects(remote).values() if kind == "commit"]
    assert len(commits) == kinds.count("commit") >= 4
    for commit in commits:
        head, _, message = commit.partition("\n\n")
        assert f"author {SHARE_IDENT}\ncommitter {SHARE_IDENT}" in head
        assert message == f"share\n\nSuperqode-Share: {made.id}\n"
    names = git(remote, "ls-tree", "-r", "--name-only", refs(remote)[record.remote_ref]).decode().split()
    assert all(re.fullmatch(r"share\.json|manifest|keys/\d\.json|segments/\d/\d{6}", name) for name in names)


def test_the_search_would_find_it(ann, tmp_path):
    """The same search in a public share, and in one that was not encrypted by mistake: it finds what is there."""
    ann.shares.create_share(SECRET_ID, ShareConfig(visibility="public"))

    found = {word for _, word in _found(tmp_path / "team.git", _needles(ann))}

    for word in (b"kaleidoscope", b"Quixotic", b"saltpetre", SECRET_ID.encode(), OWNER.encode(), b"timeline"):
        assert word in found


def test_an_expiry_in_clear_is_the_only_time(ann, tmp_path, still_clock):
    """In whole seconds, rounded up: nobody learns the moment of sharing from its fraction."""
    still_clock.advance(microseconds=123_456)
    from datetime import timedelta

    made = ann.shares.create_share(SECRET_ID, ShareConfig(expires_in=timedelta(days=7)))

    (commit,) = [text.decode() for kind, text in objects(tmp_path / "team.git").values() if kind == "commit"]
    told = re.findall(r"\d{4}-\d\d-\d\dT[^\n]*", commit)
    assert told == ["2026-11-29T10:00:01Z"]
    assert datetime.fromisoformat(told[0]) >= made.expires_at


def test_two_shares_of_one_session_have_nothing_in_common(ann, tmp_path):
    """Nobody can tell from the remote that it is the same session: no blob is in both."""
    shares = [ann.shares.create_share(SECRET_ID) for _ in range(2)]
    remote = tmp_path / "team.git"
    first, second = (
        {
            line.split()[2]
            for line in git(remote, "ls-tree", "-r", refs(remote)[ann.record(share).remote_ref]).decode().splitlines()
        }
        for share in shares
    )
    assert not first & second


def test_a_public_share_holds_no_masked_secret(ann, tmp_path):
    """Not in a message, a result, the title, tags, metadata, a snapshot's name, a commit's message; in no commit."""
    other = "AKIA" + "Q7X2M4N6P8R3S5T9"
    session = ann.store.load(SECRET_ID)
    for text in (f"my token is {TOKEN}", "now without it"):
        session.add_message("user", text)
        ann.store.save(session)
    session.add_tool_execution("curl", {"header": f"Authorization: token {TOKEN}"}, f"TOKEN={TOKEN}", True)
    session.title = f"Rotate {TOKEN}"
    session.tags.append(f"old:{TOKEN}")
    session.metadata["env"] = {"GITHUB_TOKEN": TOKEN, "AWS_ACCESS_KEY_ID": other}
    ann.store.save(session)
    session.create_snapshot(f"with {TOKEN}")
    ann.store.save(session)
    session.title = "Rotated"
    ann.store.save(session)

    made = ann.shares.create_share(SECRET_ID, ShareConfig(visibility="public"))
    session.add_message("assistant", f"I still see {TOKEN}")
    ann.store.save(session)
    updated = ann.shares.update_share(made.id)

    assert updated.generation == 2
    assert {place.where for place in made.masked} >= {"message", "call", "session.json", "commit message"}
    assert _found(tmp_path / "team.git", {TOKEN.encode(), TOKEN[4:].encode(), other.encode()}) == []
    assert _found(tmp_path / "team.git", {b"[REDACTED:github-pat:"}) != []
    assert _found(ann.path, {TOKEN.encode()}) != []
    assert TOKEN not in repr(made)
    assert TOKEN not in repr(updated)


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_without_history_nothing_said_leaves(ann, tmp_path, rules, visibility):
    """What was said and done is in no object of the remote; for an encrypted one, in none that the reader gets."""
    said = {b"kaleidoscope", b"saltpetre", b"fathoms", b"read_thermometer", b"samovar"}
    said |= {entry.id.encode() for entry in ann.store.load(SECRET_ID).messages}

    made = ann.shares.create_share(SECRET_ID, ShareConfig(visibility=visibility, allow_view_history=False))
    session = ann.store.load(SECRET_ID)
    session.add_message("user", "More about the kaleidoscope")
    ann.store.save(session)
    ann.shares.update_share(made.id)

    assert _found(tmp_path / "team.git", said) == []
    reader = person(tmp_path, "Reader", rules)
    assert reader.shares.fork(made.share_url).messages == []
    assert _found(reader.path, said) == []
    assert _found(reader.path, {b"Quixotic"}) != []


def test_credentials_of_remotes_stay_in_the_config(ann):
    """A remote whose URL has a password: not in the ledger, in no link, no list, no object, no error."""
    remote = "http://wilhelmina:hunter22secret@127.0.0.1:1/team.git"
    git(ann.path, "config", "remote.team.url", remote)
    for manager in (SessionSharingManager(ann.store), SessionSharingManager(ann.store, remote)):
        made = manager.create_share(SECRET_ID)
        assert made.pending
        assert made.share_url == f"http://127.0.0.1:1/team.git#{made.share_token}"
        assert "hunter22secret" not in repr(made)
    listed = SessionSharingManager(ann.store).list_shares()
    assert "hunter22secret" not in repr(listed)
    config = ann.path / "config"
    assert b"hunter22secret" in config.read_bytes()
    assert {where for where, _ in _found(ann.path, {b"hunter22secret"})} == {"config"}


def test_the_reader_s_store_holds_no_key(ann, tmp_path, rules):
    """After reading and forking: no link secret, no password, no credentials of the link; only that it was seen."""
    made = ann.shares.create_share(SECRET_ID, ShareConfig(visibility="private", password=PASSWORD))
    reader = person(tmp_path, "Reader", rules)

    forked = reader.shares.fork(made.share_url, None, PASSWORD)

    secret = made.share_token.partition(".")[2].encode()
    record = ann.record(made)
    assert record.data_key is not None
    assert _found(reader.path, {secret, PASSWORD.encode(), record.data_key}) == []
    with SessionStore(reader.path) as store:
        assert store.load(forked.id).metadata["forked_from_share"]["share"] == made.id
