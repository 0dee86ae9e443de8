"""Histories without their secrets: what is clean stays as it is, what is not holds the secret nowhere any more."""

import shutil
import subprocess

import pytest

from session.store.spotless import holding, reachable
from superqode.session import Session, SessionStore
from superqode.session.errors import CorruptSession
from superqode.session.git.objects import Objects
from superqode.session.redaction import Redactor
from superqode.session.store.index.verdicts import Verdicts
from superqode.session.store.rewrite import Rewriter
from superqode.session.store.secrets import forget_verdicts, rewriting

KEY = bytes(range(32))
# Longer than any mark, so that lengths change where it stood.
SECRET = "Zugang-zum-Rechenzentrum-ist-4711-und-sonst-nichts"
MARK = "[REDACTED:scrubbed:"
MIB = 1024 * 1024


def _redactor(secret=SECRET):
    return Redactor(KEY, literals=[secret], detect=False)


def _tip(store, name="s"):
    return store._open().refs.read(f"refs/heads/{name}")


def _rewrite(store, name="s", *, redactor=None, progress=None):
    """The commit that stands for a session's tip."""
    with rewriting(store._open(), redactor or _redactor(), progress) as rewriter:
        return rewriter.commit(_tip(store, name), name)


def _places(store, name="s", *, redactor=None):
    with rewriting(store._open(), redactor or _redactor()) as rewriter:
        return rewriter.places(_tip(store, name), name)


def _load(store, git, tip, name="rewritten"):
    git("update-ref", f"refs/heads/{name}", tip)
    return store.load(name)


def _commits(git, tip):
    return git("rev-list", "--topo-order", "--reverse", tip).splitlines()


def _commit_file(git, path, data, *, branch="s", mode="100644", message="by hand"):
    """A commit by plain git that puts a file into a session's tree."""
    hashed = subprocess.run(
        ["git", "-C", str(git.path), "hash-object", "-w", "--stdin"], input=data, capture_output=True, check=True
    )
    git("read-tree", branch)
    git("update-index", "--add", "--cacheinfo", f"{mode},{hashed.stdout.decode().strip()},{path}")
    commit = git("commit-tree", git("write-tree"), "-p", branch, "-F", "-", stdin=message)
    git("update-ref", f"refs/heads/{branch}", commit)
    return commit


@pytest.fixture
def session(store, still_clock):
    """Three saves without any secret."""
    session = Session(id="s", title="T")
    for number in range(3):
        still_clock.advance(minutes=1)
        session.add_message("user", f"message {number}")
        store.save(session)
    still_clock.advance(minutes=1)
    return session


@pytest.fixture
def count_reads(monkeypatch):
    """The ids of the objects that are read, by any repository of this process."""
    read: list[str] = []
    real = Objects.read
    monkeypatch.setattr(Objects, "read", lambda self, oid: (read.append(oid), real(self, oid))[1])
    return read


def test_a_clean_history_is_itself(store, session, git):
    """The same commit, and not one object more."""
    before = git("count-objects", "-v")

    assert _rewrite(store) == _tip(store)

    assert git("count-objects", "-v") == before
    assert _places(store) == []


def test_it_begins_where_something_changes(store, session, git):
    """Commits before the first secret keep their ids; it and all after it are new, with authors, times and order."""
    session.add_message("assistant", f"it is {SECRET}", agent_name="helper")
    store.save(session)
    session.add_message("user", "thanks")
    store.save(session)

    tip = _rewrite(store)

    old, new = _commits(git, "s"), _commits(git, tip)
    assert (len(new), new[:3]) == (5, old[:3])
    assert not set(new[3:]) & set(old)
    told = "--format=%an %ae %at %cn %ce %ct"
    assert git("log", told, tip) == git("log", told, "s")
    assert [message.content[:16] for message in _load(store, git, tip).messages[2:]] == [
        "message 2",
        "it is [REDACTED:",
        "thanks",
    ]
    assert holding(reachable(store.path, tip), SECRET) == []
    git.fsck()


def _in_content(session):
    session.add_message("user", f"use {SECRET}, please")


def _in_side_text(session):
    session.add_message("user", "long\n" * 4000 + SECRET + "\nlong" * 10)


def _in_result(session):
    session.add_tool_execution("sh", {"command": "env"}, f"A={SECRET}\n", True)


def _in_long_result(session):
    session.add_tool_execution("sh", {}, "x" * 20_000 + SECRET, True)


def _in_arguments(session):
    session.add_tool_execution("sh", {"deep": [{"er": f"curl -u me:{SECRET} x"}], SECRET: 1}, "", True)


def _in_tool_calls(session):
    call = {"id": "c", "name": "sh", "arguments": {"a": SECRET}}
    session.add_message("assistant", "", tool_calls=[call])


def _in_entry_metadata(session):
    session.add_message("user", "x", metadata={"env": {"TOKEN": SECRET}})


def _in_title(session):
    session.title = f"about {SECRET}"


def _in_tags(session):
    session.tags.append(SECRET)


def _in_files(session):
    session.files_modified.append(f"notes/{SECRET}.md")


def _in_metadata(session):
    session.metadata = {"a": [{"b": SECRET}], SECRET: 1}


HIDING = {
    "content": _in_content,
    "side text": _in_side_text,
    "result": _in_result,
    "long result": _in_long_result,
    "arguments": _in_arguments,
    "tool calls": _in_tool_calls,
    "entry metadata": _in_entry_metadata,
    "title": _in_title,
    "tags": _in_tags,
    "files": _in_files,
    "metadata": _in_metadata,
}


@pytest.mark.parametrize("hide", HIDING.values(), ids=HIDING.keys())
def test_no_object_holds_it(store, session, git, hide):
    """Wherever a session can hold it: no commit, tree or blob that the new tip reaches does, and the rest is the same.

    Afterwards it was taken out of the session again, and the commits between still held it.
    """
    hide(session)
    store.save(session)
    whole = store.load("s")
    session.add_message("user", "later")
    session.title, session.tags, session.metadata = "T", [], {}
    store.save(session)

    tip = _rewrite(store)

    found = reachable(store.path, tip)
    assert holding(found, SECRET, SECRET[10:]) == []
    assert holding(found, MARK) != []
    assert _commits(git, tip)[:3] == _commits(git, "s")[:3]
    before = _load(store, git, f"{tip}~1", "before")
    assert len(before.timeline) == len(whole.timeline)
    assert [entry.id for entry in before.timeline] == [entry.id for entry in whole.timeline]
    assert _load(store, git, tip).messages[-1].content == "later"
    git.fsck()


@pytest.mark.parametrize("ahead", [1, 20, len(SECRET) - 1], ids=["one behind", "half", "one ahead"])
def test_a_secret_across_the_border_of_two_parts_goes(store, session, git, ahead):
    """A text of more than 1 MiB is stored in parts; a secret that begins in one and ends in the next is found."""
    text = "ö" * ((MIB - ahead) // 2) + "x" * ((MIB - ahead) % 2) + SECRET + "y" * 100
    session.add_tool_execution("sh", {}, text, True)
    store.save(session)
    stored = reachable(store.path, "s")
    assert holding(stored, SECRET) == []  # in no single object even before

    tip = _rewrite(store)

    result = _load(store, git, tip).tool_executions[0].result
    assert (result[0], result[-100:]) == ("ö", "y" * 100)
    assert result.count(MARK) == 1
    assert len(result) == len(text) - len(SECRET) + len(f"{MARK}12345678]")


def test_commit_messages_are_looked_through(store, session, git):
    """Of our own saves, whose subject quotes what was said, and of commits that plain git made."""
    session.add_message("user", SECRET)
    store.save(session)
    _commit_file(git, "notes", b"clean", message=f"by hand\n\nthe body says {SECRET}\n")

    tip = _rewrite(store)

    assert holding(reachable(store.path, tip), SECRET) == []
    assert git("log", "-1", "--format=%b", tip).startswith("the body says [REDACTED:scrubbed:")
    assert git("log", "-1", "--skip=1", "--format=%s", tip).startswith("user: [REDACTED")
    assert [place.where for place in _places(store)] == ["message", "commit message"]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("notes.txt", f"see {SECRET}\n".encode()),
        ("deep/er/notes.txt", SECRET.encode()),
        ("latin.txt", b"\xff\xfe caf\xe9 " + SECRET.encode()),
        ("late.bin", SECRET.encode() + b" " * 8000 + b"\0"),
        ("timeline/odd.txt", SECRET.encode()),
        ("timeline/0000/odd.txt", SECRET.encode()),
        ("timeline/0000/00/odd.txt", SECRET.encode()),
        ("timeline/0000/00/03-user.content.txt", SECRET.encode()),
        ("timeline/0000/00/03-user.json", b'{"kind": "message", "content": "' + SECRET.encode()),
        ("timeline/0000/00/02-user.json", b'{"content": "' + SECRET.encode() + b'", "news": 1}'),
        ("timeline/0000/00/02-call.json", SECRET.encode()),
        ("session.json", b'{"id": "s", "news": "' + SECRET.encode() + b'"}'),
        ("session.json", SECRET.encode()),
    ],
    ids=[
        "file",
        "folders",
        "latin-1",
        "binary late",
        "top",
        "middle",
        "directory",
        "side text alone",
        "cut entry",
        "unknown entry",
        "label twice",
        "unknown meta",
        "no meta",
    ],
)
def test_odd_files_of_plain_git_are_looked_through(store, session, git, path, data):
    """Whatever somebody put into the tree, where it is no entry of ours: its text is, byte for byte, without it."""
    _commit_file(git, path, data)

    tip = _rewrite(store)

    assert holding(reachable(store.path, tip), SECRET) == []
    shown = subprocess.run(["git", "-C", str(git.path), "show", f"{tip}:{path}"], capture_output=True, check=True)
    before, after = data.split(SECRET.encode())
    assert shown.stdout.startswith(before + MARK.encode())
    assert shown.stdout.endswith(after)
    assert _commits(git, tip)[:3] == _commits(git, "s")[:3]
    git.fsck()


def test_sessions_of_a_newer_format_are_looked_through(store, session, git):
    """What this version cannot read is text to it; names it does not know stay."""
    session.add_message("user", f"say {SECRET}", metadata={"k": SECRET})
    store.save(session)
    _commit_file(git, "format", b"superqode-session 2\n")
    _commit_file(git, "news/a.json", f'{{"x": "{SECRET}"}}'.encode())
    _commit_file(git, "timeline/0000/00/zz-news", SECRET.encode())
    git("update-ref", "refs/heads/s", git("commit-tree", "s^{tree}", "-m", "of the newer format only"))

    tip = _rewrite(store)

    assert holding(reachable(store.path, tip), SECRET) == []
    assert git("ls-tree", "-r", "--name-only", tip) == git("ls-tree", "-r", "--name-only", "s")
    assert git("show", f"{tip}:format") == "superqode-session 2"


def test_a_clean_odd_tree_is_itself(store, session, git):
    """Files, links and executables that hold no secret change nothing, nor does what only looks binary."""
    _commit_file(git, "a/b.bin", b"\0\1\2" * 5000)
    _commit_file(git, "run.sh", b"#!/bin/sh\n", mode="100755")
    _commit_file(git, "link", b"run.sh", mode="120000")
    _commit_file(git, "latin", b"caf\xe9")

    assert _rewrite(store) == _tip(store)


def test_modes_stay(store, session, git):
    """An executable file stays one."""
    _commit_file(git, "run.sh", b"#!/bin/sh\nlogin " + SECRET.encode(), mode="100755")

    tip = _rewrite(store)

    assert git("ls-tree", "--format=%(objectmode)", tip, "run.sh") == "100755"


def test_merges_keep_their_shape(store, session, git):
    """A secret in one parent: that line is new, the clean one is itself, and the merge has both in the same order."""
    git("update-ref", "refs/heads/side", "s")
    dirty = _commit_file(git, "odd", SECRET.encode(), branch="side")
    clean = _commit_file(git, "even", b"clean")
    merge = git("commit-tree", f"{clean}^{{tree}}", "-p", clean, "-p", dirty, "-m", "merge")
    git("update-ref", "refs/heads/s", merge)

    tip = _rewrite(store)

    first, second = git("log", "-1", "--format=%P", tip).split()
    assert (first, second) == (clean, _rewrite(store, "side"))
    assert second != dirty
    assert git("rev-parse", f"{second}^") == git("rev-parse", f"{dirty}^")
    assert holding(reachable(store.path, tip), SECRET) == []
    assert git("rev-parse", f"{tip}^{{tree}}") == git("rev-parse", f"{merge}^{{tree}}")


def test_forks_share_what_they_shared(store, session, git):
    """A fork's rewritten history has the rewritten commits of where it began, and not copies."""
    session.add_message("user", SECRET)
    store.save(session)
    store.fork("s", new_id="f")
    fork = store.load("f")
    fork.add_message("user", "in the fork")
    store.save(fork)
    session.add_message("user", "in the session")
    store.save(session)

    one, two = _rewrite(store, "s"), _rewrite(store, "f")

    assert git("merge-base", one, two) == _commits(git, one)[3]
    assert holding(reachable(store.path, one, two), SECRET) == []


def test_ways_back_lead_to_rewritten_saves(store, session, git):
    """Undo, redo and restore name the commit they go back to: the one that is in this history."""
    session.add_message("user", SECRET)
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    session.add_message("user", "more")
    store.save(session)
    store.undo("s")
    store.redo("s")
    store.undo("s")
    store.restore("s", "~5")

    tip = _rewrite(store)

    old, new = _commits(git, "s"), _commits(git, tip)
    stand_for = dict(zip(old, new, strict=True))
    named = "--format=%(trailers:key=Superqode-Restores,valueonly)"
    before = [line.split()[0] for line in git("log", named, "s").split("\n") if line]
    after = [line.split()[0] for line in git("log", named, tip).split("\n") if line]
    assert len(before) == 4
    assert after == [stand_for[oid] for oid in before]
    assert after != before
    assert holding(reachable(store.path, tip), SECRET) == []
    git("update-ref", "refs/heads/rewritten", tip)
    store.undo("rewritten")
    assert MARK in store.load("rewritten").messages[3].content


def test_rewriting_again_changes_nothing(store, session, git):
    """What came of it is clean, for one who has never seen it too."""
    session.add_message("user", SECRET * 3)
    session.title = SECRET
    store.save(session)
    _commit_file(git, "odd", SECRET.encode())
    tip = _rewrite(store)
    git("update-ref", "refs/heads/rewritten", tip)

    assert _rewrite(store, "rewritten") == tip
    forget_verdicts(store._open())
    assert _rewrite(store, "rewritten") == tip


def test_the_same_comes_of_the_same(store, session, git, tmp_path, still_clock):
    """In a copy of the store, later, with nothing remembered, saves taken one by one: the very same commits."""
    session.add_message("user", f"{SECRET} and more")
    store.save(session)
    session.title = SECRET
    store.save(session)
    tip = _rewrite(store)
    shutil.copytree(store.path, tmp_path / "copy")
    still_clock.advance(days=3)

    with SessionStore(tmp_path / "copy") as copy:
        forget_verdicts(copy._open())
        with rewriting(copy._open(), _redactor()) as rewriter:
            for commit in _commits(git, "s"):
                rewriter.commit(commit, "s")
        assert _rewrite(copy) == tip


def test_another_secret_is_another_history(store, session):
    """Verdicts under one set of rules say nothing about another."""
    session.add_message("user", f"{SECRET} and other-secret")
    store.save(session)

    both = {_rewrite(store), _rewrite(store, redactor=_redactor("other-secret")), _tip(store)}

    assert len(both) == 3
    assert _rewrite(store, redactor=_redactor("not in there")) == _tip(store)


def test_a_clean_history_is_read_once(store, session, count_reads):
    """The second look reads not one object, in another process's place too."""
    _rewrite(store)
    count_reads.clear()

    _rewrite(store)
    with SessionStore(store.path) as other:
        _rewrite(other)

    assert count_reads == []


def test_a_history_with_secrets_is_read_once(store, session, count_reads):
    """The second look only asks whether what it made is still there."""
    for number in range(5):
        session.add_message("user", f"{SECRET} {number}")
        store.save(session)
    tip = _rewrite(store)
    count_reads.clear()

    with SessionStore(store.path) as other:
        assert _rewrite(other) == tip

    assert set(count_reads) == {tip}


def test_more_saves_are_all_that_is_looked_at(store, session, count_reads):
    """After 10 more saves of a long session: 10 commits, and of its entries the new ones only."""
    for number in range(150):
        session.add_message("user", f"{number} {SECRET if number == 3 else ''}")
        store.save(session)
    _rewrite(store)
    old = set(reachable(store.path, "s"))
    for number in range(10):
        session.add_message("user", f"new {number}")
        store.save(session)
    count_reads.clear()
    told = []

    _rewrite(store, progress=lambda *step: told.append(step))

    assert told == [(number, 10, "looking for secrets") for number in range(1, 11)]
    blobs = {name.partition(" ")[2] for name in old if name.startswith("blob")}
    formats = {store._open().objects.tree(store._open().objects.commit(_tip(store)).tree)[0].oid}
    read_again = blobs & set(count_reads) - formats
    assert len(read_again) <= 1, "the rewritten entry's old blob at most"


def test_what_was_pruned_is_made_again(store, session, git):
    """The cache may say more than the store has: the same commits come again."""
    session.add_message("user", f"{SECRET} " + "long " * 3000)
    session.title = SECRET
    store.save(session)
    _commit_file(git, "odd", SECRET.encode())
    tip = _rewrite(store)
    git("reflog", "expire", "--expire=now", "--all")
    git("prune", "--expire=now")
    assert not store._open().objects.has(tip)

    with SessionStore(store.path) as other:
        assert _rewrite(other) == tip
        assert holding(reachable(store.path, tip), SECRET) == []
    git.fsck()


@pytest.mark.parametrize("damage", ["junk", "gone", "a folder"])
def test_a_bad_cache_is_only_slower(store, session, damage):
    """Damaged, deleted or unusable: the same commits come of it."""
    session.add_message("user", SECRET)
    store.save(session)
    tip = _rewrite(store)
    cache = store._open().own / "verdicts.sqlite"
    assert cache.is_file()
    for file in cache.parent.glob("verdicts.sqlite*"):
        file.unlink()
    if damage == "junk":
        cache.write_bytes(b"junk" * 5000)
    if damage == "a folder":
        cache.mkdir()

    assert _rewrite(store) == tip


def test_places_are_told_once_at_the_earliest_save(store, session):
    """Each secret once for each thing it is in, with the first save that held it, in the order of saves."""
    execution = session.add_tool_execution("sh", {"a": SECRET}, f"{SECRET} {SECRET}", True)
    first = store.save(session).tip
    session.title = f"{SECRET}!"
    second = store.save(session).tip
    message = session.add_message("user", f"it is {SECRET}")
    third = store.save(session).tip
    session.add_message("user", "x")
    store.save(session)
    store.undo("s")

    places = _places(store)

    told = [(place.where, place.commit, place.entry_id, place.position, place.count) for place in places]
    assert told == [
        ("call", first, execution.id, 3, 3),
        ("session.json", second, "", -1, 1),
        ("message", third, message.id, 4, 1),
        ("commit message", third, "", -1, 1),
    ]
    assert {(place.session_id, place.rule) for place in places} == {("s", "scrubbed")}
    assert len({place.mark for place in places}) == 1
    assert _places(store) == places


def test_two_secrets_have_two_marks(store, session):
    """Equal ones have equal marks, wherever they are; others have others."""
    session.add_message("user", f"{SECRET} and then-another-one and {SECRET}")
    session.add_message("user", SECRET)
    store.save(session)

    places = _places(store, redactor=Redactor(KEY, literals=[SECRET, "then-another-one"], detect=False))

    entries = [(place.position, place.mark, place.count) for place in places if place.where == "message"]
    marks = {mark for _, mark, _ in entries}
    assert len(marks) == 2
    assert sorted((position, count) for position, _, count in entries) == [(3, 1), (3, 2), (4, 1)]


def test_damage_is_told_and_nothing_remembered_of_it(store, session, git):
    """A missing object: an error that names the session; when it is back, all is as if nothing had been."""
    session.add_message("user", f"{SECRET} " + "x" * 9000)
    store.save(session)
    wanted = _rewrite(store)
    forget_verdicts(store._open())
    oid = git("rev-parse", "s:timeline/0000/00/03-user.content.txt")
    path = store.path / "objects" / oid[:2] / oid[2:]
    path.rename(store.path / "away")

    with pytest.raises(CorruptSession, match="Session s "):
        _rewrite(store)

    (store.path / "away").rename(path)
    assert _rewrite(store) == wanted


def test_many_directories(store, git):
    """Entries beyond the first directory have their right places."""
    session = Session(id="s")
    for number in range(250):
        session.add_message("user", SECRET if number in (99, 100, 249) else f"{number}")
    store.save(session)

    tip = _rewrite(store)

    assert [place.position for place in _places(store) if place.where == "message"] == [99, 100, 249]
    assert holding(reachable(store.path, tip), SECRET) == []
    loaded = _load(store, git, tip).messages
    assert [number for number, message in enumerate(loaded) if MARK in message.content] == [99, 100, 249]


def test_a_rewriter_needs_no_file(store, session, tmp_path):
    """With verdicts that can be kept nowhere, it works all the same."""
    session.add_message("user", SECRET)
    store.save(session)
    (tmp_path / "file").write_bytes(b"")
    verdicts = Verdicts(tmp_path / "file" / "x", _redactor().fingerprint)

    rewriter = Rewriter(store._open(), _redactor(), verdicts)

    assert rewriter.commit(_tip(store), "s") == _rewrite(store)
    verdicts.close()
