"""`scan` tells which secrets stored sessions hold; `scrub` takes them out of a session's history, for ever."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from session.store.spotless import anywhere
from superqode.session import Session, SessionStore
from superqode.session.errors import GitMissing, InvalidSession, SessionNotFound, UnknownRule
from superqode.session.store.ledger import LEDGER
from superqode.session.store.operations.log import OPLOG
from superqode.session.store.results import ScrubResult
from superqode.session.store.scrubbed import SCRUBBED
from superqode.session.store.secrets import PREPARED

SECRET = "Zugang-zum-Rechenzentrum-ist-4711"
MARK = "[REDACTED:scrubbed:"
# What a vendor's token looks like; made here, so that no scanner of this repository stumbles over it.
TOKEN = "ghp_" + "".join("aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2"[number] for number in range(36))

SCRUB = """
import sys
from superqode.session import SessionStore
with SessionStore(sys.argv[1]) as store:
    store.load("s")
    print("ready", flush=True)
    store.scrub("s", secrets=[sys.argv[2]])
"""

SAVE = """
import sys
from superqode.session import Session, SessionStore
with SessionStore(sys.argv[1]) as store:
    session = Session(id="beside")
    print("ready", flush=True)
    for number in range(60):
        session.add_message("user", f"beside {number}")
        store.save(session)
"""


@pytest.fixture
def session(store):
    """Four saves; the second says the secret, and the fourth again."""
    session = Session(id="s", title="T")
    for text in ("hello", f"it is {SECRET}", "thanks", f"again: {SECRET}"):
        session.add_message("user", text)
        store.save(session)
    return session


def _refs(git):
    return git("for-each-ref", "--format=%(refname) %(objectname)")


def _files(path):
    """Every file's name and content, but the caches'."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and "sqlite" not in file.name and "locks" not in file.parts
    }


# -- scan -------------------------------------------------------------------------------------------------------------


def test_a_scan_tells_each_secret_once(store):
    """With session, earliest save, entry and position; the same secret has the same mark everywhere."""
    session = Session(id="a", title="T")
    session.add_message("user", "hello")
    store.save(session)
    execution = session.add_tool_execution("sh", {}, f"token {TOKEN}\n" * 3, True)
    first = store.save(session).tip
    session.add_message("user", "thanks")
    store.save(session)
    other = Session(id="b", title="T")
    message = other.add_message("user", f"use {TOKEN}")
    second = store.save(other).tip

    places = store.scan()

    entries = [place for place in places if place.entry_id]
    assert [(p.session_id, p.commit, p.entry_id, p.position, p.where, p.count) for p in entries] == [
        ("a", first, execution.id, 1, "call", 3),
        ("b", second, message.id, 0, "message", 1),
    ]
    assert len({(place.rule, place.mark) for place in places}) == 1
    assert TOKEN not in repr(places)
    assert store.scan(["b"]) == [place for place in places if place.session_id == "b"]
    assert store.scan() == places


def test_a_scan_changes_no_session(store, session, git):
    """No ref but the ledger's, which keeps the key of the marks; not one object that was there."""
    session.add_message("user", TOKEN)
    store.save(session)
    before, objects = _refs(git), set(_files(store.path))

    assert store.scan()

    assert [line for line in _refs(git).splitlines() if not line.startswith(LEDGER)] == before.splitlines()
    assert objects <= set(_files(store.path))
    git.fsck()


def test_a_scan_of_nothing(store):
    """Without a store, and in clean sessions, there is nothing to tell; a session that is not there is an error."""
    assert store.scan() == []
    clean = Session(id="clean")
    clean.add_message(
        "user", "the commit 3f786850e387550fdab836ed7e6dc881de23001b, id 0f8fad5b-d9cb-469f-a165-70867728950e"
    )
    store.save(clean)
    assert store.scan() == []
    with pytest.raises(SessionNotFound):
        store.scan(["missing"])


def test_a_scan_tells_how_far_it_is(store, session):
    """One step for each session."""
    other = Session(id="t")
    other.add_message("user", "x")
    store.save(other)
    told = []

    store.scan(progress=lambda *step: told.append(step))

    assert told == [(1, 2, "looking for secrets"), (2, 2, "looking for secrets")]


# -- scrub ------------------------------------------------------------------------------------------------------------


def test_scrubbing_leaves_it_nowhere(store, session, git):
    """Branch, snapshots, reflogs, index, cache, loose objects and packs: no byte of the store's folder says it."""
    session.title = f"about {SECRET}"
    session.add_tool_execution("sh", {"a": SECRET}, "x" * 10_000 + SECRET, True)
    session.create_snapshot(f"before {SECRET} was renewed", snapshot_id="snap")
    store.save(session)
    store.maintain()  # some of it in packs
    session.add_message("user", f"{SECRET} once more")
    store.save(session)
    store.undo("s")
    assert store.search("Rechenzentrum")
    assert anywhere(store.path, SECRET) != []
    old, saves = git("rev-parse", "s"), len(store.history("s"))

    result = store.scrub("s", secrets=[SECRET])

    assert anywhere(store.path, SECRET, "Rechenzentrum") == []
    assert git.run("cat-file", "-e", old).returncode != 0
    assert result.tip == git("rev-parse", "s")
    assert (result.session_id, result.rewritten, result.also_in, result.shares) == ("s", saves - 1, (), ())
    assert result.freed_bytes > 0
    assert len(store.history("s")) == saves
    assert store.search("Rechenzentrum") == []
    with SessionStore(store.path) as again:
        assert again.load("s").title.startswith(f"about {MARK}")
        assert MARK in again.at("s", "snap").messages[1].content
        assert again.load("s").snapshots[0].description.startswith(f"before {MARK}")
        assert again.verify().ok
    git.fsck()


def test_a_dry_run_tells_and_changes_nothing(store, session, git):
    """The same places as the real one, and the store's files as they were, but for objects that nothing names."""
    session.create_snapshot("x", snapshot_id="snap")
    store.save(session)
    store.scrub("s", secrets=["not in there"], dry_run=True)  # makes the key of the marks
    before, refs, logs = _files(store.path), _refs(git), _files(store.path / "logs")

    dry = store.scrub("s", secrets=[SECRET], dry_run=True)

    assert (_refs(git), _files(store.path / "logs")) == (refs, logs)
    after = _files(store.path)
    assert {name: after.get(name) for name in before} == before
    assert all(name.startswith("objects/") for name in set(after) - set(before))
    assert store.load("s").messages[1].content == f"it is {SECRET}"
    assert (dry.freed_bytes, dry.tip) == (0, git("rev-parse", "s"))
    real = store.scrub("s", secrets=[SECRET])
    assert (dry.places, dry.rewritten) == (real.places, real.rewritten)
    assert [place.where for place in dry.places] == ["message", "commit message", "message"]


def test_places_do_not_say_the_secret(store, session):
    """What is printed of a scrub may be pasted anywhere."""
    result = store.scrub("s", secrets=[SECRET])

    assert SECRET not in repr(result)
    assert SECRET not in str(result.to_dict())
    assert isinstance(result, ScrubResult)


def test_what_a_scan_found_can_be_scrubbed_by_its_mark(store):
    """By rule or mark as `scan` names them, without typing the secret; others of the session stay."""
    session = Session(id="s")
    session.add_message("user", f"first {TOKEN}")
    session.add_message("user", "second " + TOKEN[:-4] + "Zz9Y")
    store.save(session)
    entries = [place for place in store.scan() if place.where == "message"]
    assert len({place.mark for place in entries}) == 2

    store.scrub("s", rules=[entries[0].mark])

    first, second = (message.content for message in store.load("s").messages)
    assert entries[0].mark in first
    assert TOKEN not in first
    assert "Zz9Y" in second
    assert anywhere(store.path, TOKEN) == []
    left = [place for place in store.scan() if place.where == "message"]
    assert [place.mark for place in left] == [entries[1].mark]

    store.scrub("s", rules=[entries[1].rule])

    assert store.scan() == []
    assert anywhere(store.path, "Zz9Y") == []


def test_a_rule_that_is_none_is_refused(store, session, git):
    """A slip of the pen must not read as "there is no secret": rules that look alike are named, nothing is changed."""
    session.add_message("user", TOKEN)
    store.save(session)
    tip = git("rev-parse", "s")
    for named, near in (("github-tokn", "github-token"), ("AWS-access-key", "aws-access-key-id"), ("12345678u", "")):
        with pytest.raises(UnknownRule) as caught:
            store.scrub("s", rules=["github-token", named])
        assert (caught.value.named, near in str(caught.value)) == (named, True)
    assert git("rev-parse", "s") == tip

    # A mark that is none any more, and a rule of the library's that found nothing.
    assert store.scrub("s", rules=["00000000", "zendesk-secret-key"]).places == ()


@pytest.mark.parametrize(
    ("secrets", "rules"),
    [((), ()), (("abc",), ()), ((SECRET, "x"), ()), (("",), ()), (("ö😀",), ())],
    ids=["nothing", "short", "one short", "empty", "two characters"],
)
def test_too_little_is_refused(store, session, git, secrets, rules):
    """What would be found everywhere is no secret; nothing is changed."""
    before = _refs(git)

    with pytest.raises(InvalidSession, match="Nothing was scrubbed"):
        store.scrub("s", secrets=secrets, rules=rules)

    assert [line for line in _refs(git).splitlines() if not line.startswith(LEDGER)] == before.splitlines()


def test_a_session_that_is_not_there(store, session):
    """Is an error that says so."""
    with pytest.raises(SessionNotFound):
        store.scrub("t", secrets=[SECRET])


def test_without_git_nothing_is_changed(store, session, git, monkeypatch):
    """The old bytes could not be freed, so nothing is begun."""
    before, path = _refs(git), os.environ["PATH"]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitMissing):
        store.scrub("s", secrets=[SECRET])
    monkeypatch.setenv("PATH", path)

    assert _refs(git) == before
    assert anywhere(store.path, SECRET) != []


def test_who_else_holds_it_is_named(store, session, git):
    """Forks, what is in the trash, and shares that carry it: each can only be told of."""
    store.fork("s", new_id="late")
    store.fork("s", new_id="early", at="~3")
    store.fork("s", new_id="thrown")
    store.delete("thrown")
    git("update-ref", f"{PREPARED}carrying", "s")
    git("update-ref", f"{PREPARED}clean", "s~3")

    result = store.scrub("s", secrets=[SECRET])

    assert result.also_in[0] == "late"
    assert [name.split("/")[0] for name in result.also_in[1:]] == ["trash: thrown"]
    assert result.shares == ("carrying",)
    for name in (SECRET, MARK):
        holder = "late" if name == SECRET else "s"
        assert name in store.load(holder).messages[1].content

    store.scrub("late", secrets=[SECRET])
    store.purge("thrown")
    git("update-ref", "-d", f"{PREPARED}carrying")
    assert store.scrub("late", secrets=["not in there"]).also_in == ()


def test_a_fork_scrubbed_too_shares_its_history_again(store, session, git):
    """The same secret becomes the same mark, so the same old commits become the same new ones."""
    store.fork("s", new_id="f")
    before = git("merge-base", "s", "f")

    store.scrub("s", secrets=[SECRET])
    store.scrub("f", secrets=[SECRET])

    assert git("log", "-1", "--format=%ct", git("merge-base", "s", "f")) == git("log", "-1", "--format=%ct", "s")
    assert git.run("cat-file", "-e", before).returncode != 0
    assert anywhere(store.path, SECRET) == []


def test_other_sessions_are_not_touched(store, session, git):
    """Their branches, snapshots and trash stay what they are."""
    other = Session(id="other")
    other.add_message("user", "x")
    other.create_snapshot("x", snapshot_id="x")
    store.save(other)
    gone = Session(id="gone")
    gone.add_message("user", "x")
    store.save(gone)
    store.delete("gone")
    before = [line for line in _refs(git).splitlines() if "/s " not in line and not line.startswith(OPLOG)]

    store.scrub("s", secrets=[SECRET])

    own = (LEDGER, OPLOG, SCRUBBED)
    after = [line for line in _refs(git).splitlines() if "/s " not in line and not line.startswith(own)]
    assert after == before
    assert store.undelete("gone") == "gone"


def test_scrubbing_goes_on_working_with_the_session(store, session):
    """Saves, undo and snapshots go on on the new history; a second scrub has nothing to do."""
    store.scrub("s", secrets=[SECRET])
    loaded = store.load("s")
    loaded.add_message("user", "and on")
    loaded.create_snapshot("x", snapshot_id="x")
    store.save(loaded)
    store.undo("s")
    tip = store.history("s")[0].commit

    again = store.scrub("s", secrets=[SECRET])

    assert (again.places, again.rewritten, again.tip) == ((), 0, tip)
    assert [message.content[:9] for message in store.load("s").messages] == [
        "hello",
        "it is [RE",
        "thanks",
        "again: [R",
    ]


def test_a_snapshot_before_the_secret_stays(store, session, git):
    """Tags of commits that did not change are not touched."""
    store.load("s")
    early = store.at("s", "~3")
    assert [message.content for message in early.messages] == ["hello"]
    git("tag", "-a", "-m", "early", "s/early", "s~3")
    before = git("rev-parse", "refs/tags/s/early")

    store.scrub("s", secrets=[SECRET])

    assert git("rev-parse", "refs/tags/s/early") == before
    assert [snapshot.id for snapshot in store.load("s").snapshots] == ["early"]


def test_saves_beside_a_scrub_lose_nothing(store, session, git):
    """Another process saves another session all the while: every message is there, and the store is without fault."""
    worker = subprocess.Popen([sys.executable, "-c", SAVE, str(store.path)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "ready\n"
    for number in range(3):
        store.scrub("s", secrets=[SECRET])
        loaded = store.load("s")
        loaded.add_message("user", f"{number}: {SECRET}")
        store.save(loaded)
    worker.communicate(timeout=120)

    assert worker.returncode == 0
    with SessionStore(store.path) as again:
        assert [message.content for message in again.load("beside").messages] == [f"beside {n}" for n in range(60)]
        assert len(again.load("s").messages) == 7
    git.fsck()


def test_a_scrub_that_is_killed_leaves_the_session_readable(store, session, tmp_path):
    """Whenever it ends: the session is whole, in its old form or its new one, and git finds no fault."""
    for number in range(30):
        session.add_message("user", f"{number} {SECRET}")
        store.save(session)
    store.close()
    seen = set()
    for number in range(6):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(store.path, copy)
        worker = subprocess.Popen(
            [sys.executable, "-c", SCRUB, str(copy), SECRET],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that the git it runs dies with it
        )
        assert worker.stdout.readline() == b"ready\n"
        time.sleep(0.05 * number)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.communicate(timeout=60)

        with SessionStore(copy) as again:
            loaded = again.load("s")
            assert len(loaded.messages) == 34
            held = [SECRET in message.content for message in loaded.messages]
            assert held.count(True) in (0, 32)
            seen.add(held.count(True))
            assert again.verify().ok
            loaded.add_message("user", "goes on")
            again.save(loaded)
        done = subprocess.run(["git", "-C", str(copy), "fsck", "--strict", "--full"], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(copy)
    assert 32 in seen  # the first is killed before it began
