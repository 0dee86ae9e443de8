"""Corners where a secret could stay behind, or something be lost, while histories are rewritten."""

import os
import shutil
import subprocess
import sys
import time
import zlib
from datetime import UTC, datetime

import pytest

from session.store.spotless import anywhere, holding, reachable
from superqode.session import Session, SessionStore
from superqode.session.codec.message import SharedSnapshot, snapshot_trailer
from superqode.session.errors import GitFailed, StoreError, StoreLocked
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.redaction import Redactor
from superqode.session.store import maintenance
from superqode.session.store.index import verdicts as caching
from superqode.session.store.ledger import LEDGER, SHARES, Ledger
from superqode.session.store.secrets import forget_verdicts, rewriting

KEY = bytes(range(32))
SECRET = "Zugang-zum-Rechenzentrum-ist-4711-und-sonst-nichts"
MARK = "[REDACTED:scrubbed:"
TOKEN = "ghp_" + "".join("aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2"[number] for number in range(36))


@pytest.fixture
def session(store):
    """One clean save."""
    session = Session(id="s", title="T")
    session.add_message("user", "hello")
    store.save(session)
    return session


def _rewrite(store, secret=SECRET, *, redactor=None, progress=None, name="s"):
    repository = store._open()
    chosen = redactor or Redactor(KEY, literals=[secret], detect=False)
    with rewriting(repository, chosen, progress) as rewriter:
        return rewriter.commit(repository.refs.read(f"refs/heads/{name}"), name)


def _commit_file(git, path, data, *, mode="100644"):
    hashed = subprocess.run(
        ["git", "-C", str(git.path), "hash-object", "-w", "--stdin"], input=data, capture_output=True, check=True
    )
    git("read-tree", "s")
    git("update-index", "--add", "--cacheinfo", f"{mode},{hashed.stdout.decode().strip()},{path}")
    git("update-ref", "refs/heads/s", git("commit-tree", git("write-tree"), "-p", "s", "-m", "by hand"))


# -- commit messages and idents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("detect", [False, True], ids=["told", "found"])
def test_a_subject_that_cut_the_secret_tells_no_part_of_it(store, session, detect):
    """Subjects quote 100 characters of what was said; where the secret ends beyond, nothing recognises it there."""
    secret = TOKEN if detect else SECRET
    session.add_message("user", "please use " + "x " * 26 + secret)
    store.save(session)
    redactor = Redactor(KEY, detect=True) if detect else None

    tip = _rewrite(store, redactor=redactor)

    assert holding(reachable(store.path, tip), secret[:10]) == []


def test_a_cut_title_tells_no_part_of_it(store, session, git):
    """The subject of a fork quotes the title."""
    session.title = "x " * 30 + SECRET
    store.save(session)
    store.fork("s", new_id="f")

    assert holding(reachable(store.path, _rewrite(store, name="f")), SECRET[:20]) == []


def test_a_secret_of_two_lines_goes_from_the_subject(store, session):
    """Subjects are one line, so line breaks in it became spaces there."""
    session.add_message("user", "it is alpha-beta\n  gamma-delta")
    store.save(session)

    assert holding(reachable(store.path, _rewrite(store, "alpha-beta\n  gamma-delta")), "gamma") == []


def test_authors_are_looked_through(store, session):
    """An agent's name is the author of what it said."""
    session.add_message("assistant", "hi", agent_name=SECRET)
    store.save(session)

    assert holding(reachable(store.path, _rewrite(store)), SECRET) == []


# -- odd files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "data", "mode"),
    [
        ("odd.bin", b"\0\1" + SECRET.encode(), "100644"),
        ("link", SECRET.encode(), "120000"),
        (f"{SECRET}.txt", b"x", "100644"),
        (f"a/{SECRET}/x", b"x", "100644"),
        ("timeline/0000/00/01-user.json", b'{"kind": "message"\0' + SECRET.encode(), "100644"),
    ],
    ids=["binary", "link", "name", "folder name", "entry with a NUL"],
)
def test_odd_files_hold_it_nowhere(store, session, git, path, data, mode):
    """Binary files, links and names as well: only then is it gone."""
    _commit_file(git, path, data, mode=mode)

    tip = _rewrite(store)

    assert holding(reachable(store.path, tip), SECRET) == []
    git.fsck()


def test_what_json_says_twice_is_looked_through(store, session, git):
    """A reader takes the last of two equal keys; the first is in the bytes all the same."""
    data = git("show", "s:timeline/0000/00/00-user.json")
    odd = data.replace("{", '{"content": "' + SECRET + '",', 1).replace('"id": "', '"id": "other-')
    _commit_file(git, "timeline/0000/00/01-user.json", odd.encode())
    assert len(store.load("s").messages) == 2

    assert holding(reachable(store.path, _rewrite(store)), SECRET) == []


# -- newer formats, copies --------------------------------------------------------------------------------------------


def test_a_newer_session_stays_readable(store, session, git):
    """Its JSON says how long the side text is; that follows."""
    session.add_message("user", "y" * 9000 + SECRET)
    store.save(session)
    _commit_file(git, "format", b"superqode-session 2\n")

    git("update-ref", "refs/heads/new", _rewrite(store))

    assert store.load("new").messages[1].content.startswith("y" * 9000 + MARK)


def test_a_newer_session_has_no_secret_across_parts(store, session, git):
    """The parts of a side text are one text there, too."""
    session.add_tool_execution("t", {}, "x" * (1024 * 1024 - 10) + SECRET + "y" * 100, True)
    store.save(session)
    _commit_file(git, "format", b"superqode-session 2\n")

    git("update-ref", "refs/heads/new", _rewrite(store))

    result = store.load("new").tool_executions[0].result
    assert (result.count(MARK), SECRET[10:] in result) == (1, False)


def test_a_copy_of_the_timeline_beside_it_changes_nothing(store, session, git):
    """The same tree as an odd folder is text there, and entries where the timeline is."""
    session.add_message("user", "y" * 9000 + SECRET)
    store.save(session)
    objects = store._open().objects
    commit = objects.commit(git("rev-parse", "s"))
    root = objects.tree(commit.tree)
    timeline = next(entry for entry in root if entry.name == "timeline")
    tree = objects.write_tree([*root, TreeEntry(TREE, "archive", timeline.oid)])
    git("update-ref", "refs/heads/s", objects.write_commit(tree, [], commit.author, commit.committer, b"x\n"))

    tip = _rewrite(store)
    git("update-ref", "refs/heads/new", tip)

    assert holding(reachable(store.path, tip), SECRET) == []
    assert store.load("new").messages[1].content.startswith("y" * 9000 + MARK)


@pytest.mark.parametrize(
    "word",
    ["title", "tags", "metadata", "project", "content", "tool_calls", "call", "arguments", "result", "session"],
)
def test_a_secret_that_is_called_like_a_field(store, session, git, word):
    """Names of our own in a session are never masked; what they hold is."""
    session.title = f"a {word} here"
    session.add_message("user", f"the {word} is secret")
    session.add_tool_execution("t", {"a": word}, f"{word} x", True)
    store.save(session)

    git("update-ref", "refs/heads/new", _rewrite(store, word))

    loaded = store.load("new")
    assert word not in loaded.title + loaded.messages[1].content + loaded.tool_executions[0].result
    assert word not in str(dict(loaded.tool_executions[0].arguments))


# -- the cache --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", range(1, 8))
def test_a_cache_that_goes_in_the_middle_lets_nothing_through(store, session, monkeypatch, when):
    """Another process discards it (`purge` and `scrub` do) while this one looks through a long session."""
    for number in range(7):
        session.add_message("user", f"{SECRET if number < 2 else ''} {number}")
        store.save(session)
    wanted = _rewrite(store)
    forget_verdicts(store._open())
    # As after hundreds of thousands of verdicts: none is only in memory.
    monkeypatch.setattr(caching, "_FLUSH", 1)
    monkeypatch.setattr(caching, "_REMEMBERED", 0)

    def discard(number, *_):
        if number == when:
            forget_verdicts(store._open())

    tip = _rewrite(store, progress=discard)

    assert tip == wanted
    assert holding(reachable(store.path, tip), SECRET) == []


# -- scrub ------------------------------------------------------------------------------------------------------------


def test_a_secret_in_a_description_alone_is_scrubbed(store, session):
    """Nothing in the history says it, only a snapshot's tag."""
    session.create_snapshot(f"with {SECRET}", snapshot_id="snap")
    store.save(session)

    result = store.scrub("s", secrets=[SECRET])

    assert [place.where for place in result.places] == ["snapshot snap"]
    assert anywhere(store.path, SECRET) == []


def test_plain_tags_follow(store, session, git):
    """`git tag` made them, without an object of their own."""
    session.add_message("user", SECRET)
    store.save(session)
    git("tag", "s/plain", "s")

    result = store.scrub("s", secrets=[SECRET])

    assert anywhere(store.path, SECRET) == []
    assert git("rev-parse", "s/plain") == result.tip


@pytest.mark.parametrize(
    "ref",
    ["refs/tags/v1", "refs/notes/x", "refs/superqode/shares/public/x", "refs/superqode/trash/x/t/tags/y"],
)
def test_every_ref_that_keeps_it_is_named(store, session, git, ref):
    """What nobody names stays unnoticed for ever."""
    session.add_message("user", SECRET)
    store.save(session)
    git("update-ref", ref, "s")

    result = store.scrub("s", secrets=[SECRET])

    assert anywhere(store.path, SECRET) != []
    assert len(result.also_in + result.shares) == 1


def test_a_scrub_that_was_cut_short_can_be_finished(store, session, monkeypatch):
    """The branch moved, then the store was busy (or the process was killed): again, and it is gone."""
    session.add_message("user", SECRET)
    session.create_snapshot(SECRET, snapshot_id="snap")
    store.save(session)
    store.search("Rechenzentrum")
    with monkeypatch.context() as patch:

        def busy(_):
            raise StoreLocked(store.path, 60)

        patch.setattr(maintenance, "free_now", busy)
        with pytest.raises(StoreLocked):
            store.scrub("s", secrets=[SECRET])

    store.scrub("s", secrets=[SECRET])

    assert anywhere(store.path, SECRET, "Rechenzentrum") == []


def test_a_scrub_whose_bytes_cannot_be_freed_leaves_the_secret_in_no_index(store, session, git):
    """Another session is damaged, so git cannot pack: what was kept for searches and loads goes, and the error helps."""
    session.add_message("user", SECRET)
    store.save(session)
    store.save(Session(id="damaged", title="another"))
    store.list_sessions()
    store.load("s")
    assert store.search("Rechenzentrum")
    oid = git("rev-parse", "damaged:session.json")
    (store.path / "objects" / oid[:2] / oid[2:]).unlink()

    with pytest.raises(GitFailed, match=r"sessions verify` names the session, and `superqode sessions repair`"):
        store.scrub("s", secrets=[SECRET])

    store.list_sessions()
    assert store.search("Rechenzentrum") == []
    store.load("s")
    own = store.path / "superqode"
    assert [path for path in own.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_damaged_file_that_was_set_aside_goes_with_what_it_was(store, session, git, packed):
    """It can be read in part, or whole; what is set aside of another session, or is no object's, stays."""
    session.add_message("user", SECRET)
    session.add_message("user", "harmless")
    store.save(session)
    if packed:
        store.maintain()
    quarantine = store.path / "superqode" / "quarantine"
    quarantine.mkdir(exist_ok=True)
    named = {number: git("rev-parse", f"s:timeline/0000/00/{number}-user.json") for number in ("00", "01", "02")}
    files = {number: quarantine / f"20261122T100000-abcdef-{oid}" for number, oid in named.items()}
    for number, path in files.items():
        path.write_bytes(zlib.compress(git("cat-file", "blob", named[number]).encode()) + b"x")
    other = quarantine / "20261122T100000-abcdef-packed-refs"
    other.write_text("damaged")

    store.scrub("s", secrets=[SECRET])

    assert anywhere(store.path, SECRET) == []
    assert [path.exists() for path in files.values()] == [True, False, True]
    assert other.exists()
    store.delete("s")
    store.purge(now=True)
    assert [path for path in quarantine.iterdir() if path.name != "locks"] == [other]


@pytest.mark.parametrize("change", [False, True], ids=["appended", "changed before"])
def test_a_session_open_elsewhere_is_saved_after_a_scrub(store, session, change):
    """What it was loaded from is gone; what was added is not lost, and the secret does not come back."""
    session.add_message("user", f"it is {SECRET}")
    session.title = SECRET
    session.tags.append(SECRET)
    store.save(session)
    with SessionStore(store.path) as other:
        opened = other.load("s")
        if change:
            opened.title = "another"
        store.scrub("s", secrets=[SECRET])
        opened.add_message("user", "not saved yet")
        opened.add_tool_execution("t", {}, "nor this", True)

        other.save(opened)

        assert [entry.kind for entry in other.load("s").timeline] == ["message", "message", "message", "call"]
        assert other.load("s").messages[2].content == "not saved yet"
        assert other.load("s") == opened
    assert anywhere(store.path, SECRET) == []


# -- ledger -----------------------------------------------------------------------------------------------------------


def _ledger_of(store, files):
    repository = store._open()
    objects, ident = repository.objects, repository.committer()
    entries = [TreeEntry(BLOB, name, objects.write("blob", data)) for name, data in files.items()]
    commit = objects.write_commit(objects.write_tree(entries), (), ident, ident, b"raw\n")
    repository.refs.update(LEDGER, commit, repository.refs.read(LEDGER), ident=ident, reason="")
    return Ledger(repository)


@pytest.mark.parametrize(
    "data", [b'{"key": ""}', b'{"key": "AAAA"}', '{"key": "ü"}'.encode()], ids=["empty", "short", "no ASCII"]
)
def test_a_key_that_is_none_is_named(store, session, data):
    """An empty key would make marks that anybody can compute."""
    ledger = _ledger_of(store, {"format": b"superqode-ledger 1\n", "marks.json": data})

    with pytest.raises(StoreError, match=r"marks\.json"):
        ledger.mark_key()


@pytest.mark.parametrize("data", [None, b"", b"junk\n", b"\xff"], ids=["none", "empty", "junk", "no text"])
def test_a_damaged_format_is_no_newer_one(store, session, data):
    """Updating superqode would not help."""
    ledger = _ledger_of(store, {} if data is None else {"format": data})

    with pytest.raises(StoreError, match="format"):
        ledger.names(SHARES)


def test_an_emptied_ref_is_damage(store, session):
    """As after a power loss: named, and not written over."""
    ledger = Ledger(store._open())
    ledger.mark_key()
    (store.path / LEDGER).write_bytes(b"")

    for action in (ledger.mark_key, lambda: ledger.put(SHARES, {"a": {}}, "x")):
        with pytest.raises(StoreError, match=LEDGER):
            action()
    assert (store.path / LEDGER).read_bytes() == b""


def test_a_damaged_ledger_does_not_halve_a_renaming(store, session, git):
    """It is refused before anything was changed."""
    _ledger_of(store, {"format": b"superqode-ledger 1\n", SHARES: b"no folder"})
    before = git("for-each-ref")

    with pytest.raises(StoreError, match="ledger"):
        store.rename("s", "new")

    assert git("for-each-ref") == before


def test_a_renaming_writes_over_nothing(store, session, monkeypatch):
    """A share that is updated at this very moment keeps its update."""
    ledger = Ledger(store._open())
    ledger.put(SHARES, {"a": {"session_id": "s", "n": 1}}, "share")
    alone = store._open().alone

    def late(what, **options):
        monkeypatch.setattr(store._open(), "alone", alone)
        ledger.put(SHARES, {"a": {"session_id": "s", "n": 2}}, "update")
        return alone(what, **options)

    monkeypatch.setattr(store._open(), "alone", late)
    ledger.rename_session("s", "new")

    assert ledger.document(SHARES, "a") == {"session_id": "new", "n": 2}


# -- snapshots that a share's commit tells of -------------------------------------------------------------------------


def test_snapshots_of_a_share_stay_under_the_same_name(store, session, git):
    """`git branch s FETCH_HEAD` under the session's own id: its first save tags what the commit told of."""
    tip = git("rev-parse", "s")
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
    line = snapshot_trailer(SharedSnapshot("snap", tip, moment, "a description"))
    commit = git("commit-tree", "s^{tree}", "-p", "s", "-F", "-", stdin=f"share: T\n\nSuperqode-Share: x\n{line}\n")
    git("update-ref", "refs/heads/s", commit)

    loaded = store.load("s")
    assert [(snapshot.id, snapshot.description) for snapshot in loaded.snapshots] == [("snap", "a description")]
    loaded.add_message("user", "on")
    store.save(loaded)

    with SessionStore(store.path) as again:
        (kept,) = again.load("s").snapshots
        assert (kept.id, kept.description, kept.commit, kept.created_at) == ("snap", "a description", tip, moment)


# -- a git that outlives us -------------------------------------------------------------------------------------------

SLOW_GIT = """#!/bin/sh
case " $* " in *" prune "*) touch "$BEGUN"; while [ ! -e "$GO_ON" ]; do sleep 0.05; done;; esac
exec {git} "$@"
"""

PURGE = """
import sys
from superqode.session import SessionStore
with SessionStore(sys.argv[1]) as store:
    store.delete("s")
    store.purge(now=True)
"""


def test_a_prune_that_outlives_its_process_keeps_saves_out(store, session, tmp_path, monkeypatch):
    """Kill -9 ends us, not the git we started: while it removes objects, no save may write any."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "git"
    fake.write_text(SLOW_GIT.replace("{git}", shutil.which("git")))
    fake.chmod(0o755)
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    monkeypatch.setenv("GO_ON", str(tmp_path / "go on"))
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    worker = subprocess.Popen([sys.executable, "-c", PURGE, str(store.path)], env=environment)
    for _ in range(1200):
        if (tmp_path / "begun").exists():
            break
        time.sleep(0.05)
    worker.kill()
    worker.wait(60)
    repository = store._open()

    with pytest.raises(StoreLocked), repository.writing("other", timeout=0):
        pass
    (tmp_path / "go on").touch()
    with repository.writing("other", timeout=60):
        pass
