"""Merging: what comes in and what stays, the commit byte for byte, and what everything else makes of two parents."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from superqode.session import Message, Session, SessionStore, clock
from superqode.session.errors import CorruptSession, NothingToRedo, SessionNotFound, UnrelatedSessions
from superqode.session.store import joining
from superqode.session.store.merging import merge_tips

_BEGAN = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def ticking():
    """A clock that goes on a second with every look; each store's user and time are then exact."""
    seconds = iter(range(10_000))
    clock.set_clock(lambda: _BEGAN + timedelta(seconds=next(seconds)))
    yield
    clock.set_clock(None)


def said(name, role="user"):
    return Message(id=name, role=role, content=f"text of {name}", timestamp=_BEGAN)


def names(session):
    return [entry.id for entry in session.timeline]


@pytest.fixture
def forked(store):
    """A session of two messages, and a fork of it."""
    session = Session(id="a", title="Mine", tags=["x"], created_at=_BEGAN)
    session.add(said("m1"))
    session.add(said("m2", "assistant"))
    store.save(session)
    store.fork("a", title="Try it", new_id="b")
    return store


def add(store, session_id, *entries):
    session = store.load(session_id)
    for entry in entries:
        session.add(entry)
    store.save(session)


@pytest.fixture
def lanes(forked):
    """Both went on: `a` by one message, `b` by two."""
    add(forked, "a", said("a1"))
    add(forked, "b", said("b1"))
    add(forked, "b", said("b2", "assistant"))
    return forked


def test_a_fork_comes_back(lanes, git):
    """Its lane follows ours, both tips are parents, id and title stay, the fork stays as it is, and it is told."""
    ours, theirs = git("rev-parse", "a"), git("rev-parse", "b")
    fork = lanes.load("b")
    fork.tags.append("y")
    fork.create_snapshot("good", snapshot_id="good")
    lanes.save(fork)
    theirs = git("rev-parse", "b")

    result = lanes.merge("a", "b")

    merged = lanes.load("a")
    assert names(merged) == ["m1", "m2", "a1", "b1", "b2"]
    assert (merged.title, merged.parent_session_id, merged.tags) == ("Mine", None, ["x", "y"])
    assert [snapshot.id for snapshot in merged.snapshots] == ["good"]
    assert git("log", "-1", "--format=%P", "a").split() == [ours, theirs]
    assert git("rev-parse", "b") == theirs
    assert (result.status, result.messages_added, result.fields, result.snapshots) == (
        "merged",
        2,
        ("tags",),
        ("good",),
    )
    assert result.commits == (result.tip,) == (git("rev-parse", "a"),)
    assert (lanes.list_sessions()[0].id, lanes.list_sessions()[0].message_count) == ("a", 5)
    assert [hit.session_id for hit in lanes.search("b2")] == ["b", "a"] or lanes.search("b2")
    git.fsck()
    assert lanes.verify().findings == ()


def test_a_merge_commit_byte_for_byte(store_path, git, ticking):
    """What a merge commit says is made of its parents: no time, name or place of whoever merges is in it."""
    with SessionStore(store_path, user=("Ada", "ada@example.invalid")) as store:
        session = Session(id="s", title="T", created_at=_BEGAN)
        session.add(said("m1"))
        store.save(session)
        base = git("rev-parse", "s")
        add(store, "s", said("ours"))
        ours = git("rev-parse", "s")
        git("update-ref", "refs/heads/s", base)
        add(store, "s", said("theirs", "assistant"), said("more"))
        theirs = git("rev-parse", "s")
    with SessionStore(store_path, user=("Somebody Else", "else@example.invalid")) as elsewhere:
        repository = elsewhere._open()
        merged = merge_tips(repository, "s", theirs, ours)
        assert merge_tips(repository, "s", ours, theirs) == merged
    assert git("cat-file", "-p", merged) == (
        "tree 68e480c4d778ee34f9366e723c9464244710651d\n"
        "parent 076b79f37f5ddaea64864c4be2a5484878c64a19\n"
        "parent d7b3e73644ca8a59b4ba403c8d43ce9d9adc1ea1\n"
        "author Ada <ada@example.invalid> 1795341605 +0000\n"
        "committer Ada <ada@example.invalid> 1795341605 +0000\n"
        "\n"
        "merge: +2 messages\n"
        "\n"
        "Superqode-Session: s\n"
        "Superqode-Saved-At: 2026-11-22T10:00:05.000001Z\n"
        "Superqode-Updated-At: 2026-11-22T10:00:00.000000Z\n"
        "Superqode-Messages: 4 +2\n"
        "Superqode-Tools: 0 +0"
    )
    assert git("ls-tree", "-r", "--name-only", merged).split() == [
        "format",
        "session.json",
        "timeline/0000/00/00-user.json",
        "timeline/0000/00/01-user.json",
        "timeline/0000/00/02-assistant.json",
        "timeline/0000/00/03-user.json",
    ]


def test_what_is_in_already_changes_nothing(lanes, git):
    """Merging again, or an ancestor, makes no commit; a tip that has all of ours is taken as it is."""
    before = git("rev-parse", "a")
    lanes.merge("a", "b")
    merged = git("rev-parse", "a")
    for other in ("b", before, "a"):
        result = lanes.merge("a", other)
        assert (result.status, result.commits, result.tip) == ("nothing", (), merged)
    git("update-ref", "refs/heads/a", before)
    result = lanes.merge("a", merged)
    assert (result.status, result.tip, result.messages_added) == ("forwarded", merged, 2)
    assert git("rev-parse", "a") == merged


def test_a_fork_that_is_merely_further_keeps_its_identity(forked, git):
    """Where only the fork went on there is a merge commit all the same: it must not give its id away."""
    add(forked, "b", said("b1"))
    assert forked.merge("a", "b").status == "merged"
    merged = forked.load("a")
    assert (names(merged), merged.title, merged.parent_session_id) == (["m1", "m2", "b1"], "Mine", None)
    assert '"id": "a"' in git("show", "a:session.json")


def test_merging_both_ways(lanes):
    """Each takes the other in: the same conversation, two sessions; and going on and merging again doubles nothing."""
    lanes.merge("a", "b")
    lanes.merge("b", "a")
    add(lanes, "b", said("b3"))
    add(lanes, "a", said("a2"))
    lanes.merge("a", "b")
    lanes.merge("b", "a")
    one, other = lanes.load("a"), lanes.load("b")
    assert names(one) == names(other)
    assert sorted(names(one)) == ["a1", "a2", "b1", "b2", "b3", "m1", "m2"]
    assert (other.title, other.parent_session_id) == ("Try it", "a")
    assert lanes.verify().ok


def test_a_dry_run_writes_nothing(lanes, store_path):
    """It tells what a merge would do, and no file of the repository changes."""

    def files():
        return {path: path.stat().st_mtime_ns for path in store_path.glob("objects/??/*")} | {
            path: path.read_bytes() for path in store_path.glob("refs/**/*") if path.is_file()
        }

    before = files()
    result = lanes.merge("a", "b", dry_run=True)
    assert (result.status, result.tip, result.messages_added, result.dry_run) == ("merged", "", 2, True)
    assert files() == before


def test_undo_of_a_merge(lanes):
    """It goes back to what was here; redo brings the merge back; merging again does not, for it is in the history."""
    lanes.merge("a", "b")
    lanes.undo("a")
    assert names(lanes.load("a")) == ["m1", "m2", "a1"]
    assert lanes.merge("a", "b").status == "nothing"
    lanes.redo("a")
    assert names(lanes.load("a")) == ["m1", "m2", "a1", "b1", "b2"]
    lanes.undo("a")
    lanes.undo("a")
    assert names(lanes.load("a")) == ["m1", "m2"]


def test_undo_goes_back_to_this_machines_side(store, git):
    """Also where the other machine's tip is the first parent; a clone, which has no reflog, takes the first one."""
    store.save(Session(id="s", title="T"))
    base = git("rev-parse", "s")
    add(store, "s", said("theirs"))
    theirs = git("rev-parse", "s")
    git("update-ref", "refs/heads/s", base)
    add(store, "s", said("ours"))
    ours = git("rev-parse", "s")
    result = store.merge("s", theirs)
    assert git("log", "-1", "--format=%P", "s").split() == [theirs, ours]
    store.undo("s")
    assert names(store.load("s")) == ["ours"]
    git("update-ref", "-d", "refs/heads/s")
    git("branch", "s", result.tip)
    store.undo("s")
    assert names(store.load("s")) == ["theirs"]


@pytest.mark.parametrize("taken", ["undo", "restore"])
def test_what_one_took_back_while_the_other_went_on(store, git, taken):
    """An undo or restore holds in the merge, the other's new message stays, and nothing is redone by merging."""
    session = Session(id="s", title="T")
    session.add(said("m1"))
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    add(store, "s", said("m2"))
    base = git("rev-parse", "s")
    add(store, "s", said("theirs"))
    theirs = git("rev-parse", "s")
    git("update-ref", "refs/heads/s", base)
    store.undo("s") if taken == "undo" else store.restore("s", "here")
    result = store.merge("s", theirs)
    assert (names(store.load("s")), result.messages_added) == (["m1", "theirs"], 1)
    with pytest.raises(NothingToRedo):
        store.redo("s")
    git("update-ref", "refs/heads/s", theirs)
    assert store.merge("s", git("rev-parse", result.tip)).entries_removed == 1


def test_the_last_change_of_a_field_counts_and_the_other_stays_in_history(store, git, ticking):
    """Also where its session said more later; an entry that both edited likewise, and an edit beats a removal."""
    session = Session(id="s", title="T", project_path="/p", metadata={"k": 1})
    for name in ("m1", "m2", "m3"):
        session.add(said(name))
    store.save(session)
    base = git("rev-parse", "s")
    first, edits = store.load("s"), {}
    first.title, first.metadata = "First", {"k": 2, "new": 1}
    first.messages[0] = Message(id="m1", role="user", content="first", timestamp=_BEGAN)
    del first.messages[1]
    store.save(first)
    early = git("rev-parse", "s")
    git("update-ref", "refs/heads/s", base)
    second = store.load("s")
    second.title, second.project_path = "Second", "/q"
    second.metadata = {}
    second.messages[0] = Message(id="m1", role="user", content="second", timestamp=_BEGAN)
    second.messages[1] = Message(id="m2", role="user", content="edited", timestamp=_BEGAN)
    store.save(second)
    late = git("rev-parse", "s")
    git("update-ref", "refs/heads/s", early)
    add(store, "s", said("m4"))  # what was said last is not what was decided last
    store.merge("s", late)
    merged = store.load("s")
    edits = {entry.id: entry.content for entry in merged.messages}
    assert (merged.title, merged.project_path, merged.metadata) == ("Second", "/q", {"new": 1})
    assert edits == {"m1": "second", "m2": "edited", "m3": "text of m3", "m4": "text of m4"}
    assert store.at("s", early).title == "First"


def test_two_sessions_of_one_id_without_a_common_save(tmp_path):
    """Imported on two machines, say: equal entries are one, what either has besides follows them."""
    stores = []
    for name, entries in (("one", ("m1", "m2", "x")), ("two", ("m1", "m2", "y"))):
        store = SessionStore(tmp_path / name)
        session = Session(id="s", title="T", created_at=_BEGAN)
        for entry in entries:
            session.add(said(entry))
            store.save(session)
        stores.append(store)
    repository = stores[0]._open()
    other = stores[1]._open().refs.read("refs/heads/s")
    for path in (tmp_path / "two" / "objects").glob("??/*"):
        kind, content = stores[1]._open().objects.read(path.parent.name + path.name)
        repository.objects.write(kind, content)
    stores[0].merge("s", other)
    assert names(stores[0].load("s")) == ["m1", "m2", "x", "y"]
    assert len(stores[0].history("s")) == 7
    for store in stores:
        store.close()


def test_sessions_that_have_nothing_in_common(forked):
    """They are merged only when that is asked for: one conversation after the other."""
    other = Session(id="u", title="U")
    other.add(said("u1"))
    forked.save(other)
    with pytest.raises(UnrelatedSessions, match="--unrelated"):
        forked.merge("a", "u")
    forked.merge("a", "u", unrelated=True)
    merged = forked.load("a")
    assert (names(merged), merged.title) == (["m1", "m2", "u1"], "Mine")
    with pytest.raises(SessionNotFound):
        forked.merge("a", "refs/heads/nothing")
    with pytest.raises(SessionNotFound):
        forked.merge("a", "0" * 40)


@pytest.mark.parametrize("behind", [True, False])
def test_a_dry_run_tells_what_merging_into_a_branch_of_plain_git_does(forked, git, behind):
    """Such a branch gets a save of its own first, so nothing is forwarded; what comes in is told as it will be."""
    session = forked.load("a")
    git("branch", "o", "a")
    session.title = "Changed"
    session.add(said("later"))
    forked.save(session)
    if not behind:
        commit = git("commit-tree", "o^{tree}", "-p", "o", "-m", "by hand")
        git("update-ref", "refs/heads/o", commit)

    told, done = (forked.merge("o", "a", dry_run=dry_run).to_dict() for dry_run in (True, False))

    assert {name for name in told if told[name] != done[name]} == {"tip", "commits", "dry_run"}
    assert (done["status"], done["messages_added"], done["fields"]) == ("merged", 1, [])


def test_merging_again_reads_what_is_new_alone(store, monkeypatch):
    """What both begin with is not read to tell that nothing came, nor how much of it was taken back here."""
    session = Session(id="a")
    for number in range(120):
        session.add(said(f"m{number}"))
    store.save(session)
    session = store.fork("a", new_id="b")
    session.add(said("theirs"))
    store.save(session)
    store.merge("a", "b")
    read = []
    real = joining.read_entries

    def counting(*arguments):
        found = real(*arguments)
        read.extend(found)
        return found

    monkeypatch.setattr(joining, "read_entries", counting)
    assert store.merge("a", "b").entries_taken_back == 0
    store.undo("a")
    assert store.merge("a", "b").entries_taken_back == 1
    assert len(read) < 10


def test_a_refused_merge_saves_nothing(forked, git):
    """A branch that plain git made is not saved where there is nothing to merge it with, or that is refused."""
    forked.save(Session(id="stranger"))
    git("branch", "o", "a")
    before = git("rev-parse", "o")
    for other in ("nobody", "f" * 40, "stranger"):
        with pytest.raises((SessionNotFound, UnrelatedSessions)):
            forked.merge("o", other)
    assert git("rev-parse", "o") == before


def test_strangers_whose_ids_were_counted_are_not_merged(forked):
    """Entries of two sessions that have one id by chance do not take each other's place; the same entry twice is one."""
    other = Session(id="u", title="U")
    for name, text in (("m2", "another"), ("m1", "another"), ("u1", "u1")):
        other.add(Message(id=name, role="user", content=text))
    forked.save(other)
    before = forked.load("a")
    for dry_run in (True, False):
        with pytest.raises(UnrelatedSessions, match="2 entries have the id of another") as told:
            forked.merge("a", "u", unrelated=True, dry_run=dry_run)
    assert (told.value.clashes, forked.load("a")) == (2, before)

    again = Session(id="again")
    for entry in before.timeline:
        again.add(entry)
    again.add(said("u1"))
    forked.save(again)
    forked.merge("a", "again", unrelated=True)
    assert names(forked.load("a")) == ["m1", "m2", "u1"]


def test_snapshots_of_one_name(lanes):
    """A fork's snapshot whose name is taken here comes in under another one."""
    for session_id in ("a", "b"):
        session = lanes.load(session_id)
        session.create_snapshot(f"of {session_id}", snapshot_id="good")
        lanes.save(session)
    result = lanes.merge("a", "b")
    assert result.snapshots == ("good-2",)
    assert {(one.id, one.description) for one in lanes.load("a").snapshots} == {("good", "of a"), ("good-2", "of b")}
    assert names(lanes.at("a", "good-2")) == ["m1", "m2", "b1", "b2"]


def test_everything_works_with_two_parents(lanes, git):
    """History, revisions, diff, a session in memory that saves after the merge, packing, and the clone of plain git."""
    open_here = lanes.load("a")
    lanes.merge("a", "b")
    history = lanes.history("a")
    assert (history[0].action, len(history[0].parents)) == ("merge", 2)
    assert sorted(save.commit for save in history) == sorted(git("log", "--format=%H", "a").split())
    assert [save.subject for save in history[1:4]] == ["assistant: text of b2", "user: text of b1", "user: text of a1"]
    (theirs,) = [save.commit for save in history if save.subject == "user: text of b1"]
    assert names(lanes.at("a", theirs[:10])) == ["m1", "m2", "b1"]
    assert names(lanes.at("a", "~1")) == ["m1", "m2", "a1"]
    assert [change.name for change in lanes.diff("a", a_rev="~1").changes] == ["b1", "b2"]
    open_here.add(said("a2"))
    assert lanes.save(open_here).merged == 2
    assert names(open_here) == names(lanes.load("a")) == ["m1", "m2", "a1", "b1", "b2", "a2"]
    lanes.maintain(prune_older_than=timedelta(0))
    git("gc", "--quiet", "--prune=now")
    assert names(lanes.load("a")) == ["m1", "m2", "a1", "b1", "b2", "a2"]
    assert "|\\" in git("log", "--graph", "--oneline", "a")
    git.fsck()


MERGE = """
import sys
from superqode.session import SessionStore
with SessionStore(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    store.merge("a", "b")
"""


def test_two_processes_merge_at_once(lanes, store_path, git):
    """One of them makes the commit, the other finds it made."""
    command = [sys.executable, "-c", MERGE, str(store_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    workers = [subprocess.Popen(command, text=True, **pipes) for _ in range(2)]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n", "ready\n"]
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    assert [(worker.communicate(timeout=60)[0], worker.returncode) for worker in workers] == [("", 0), ("", 0)]
    assert names(lanes.load("a")) == ["m1", "m2", "a1", "b1", "b2"]
    assert git("rev-list", "--count", "--merges", "a") == "1"


def test_many_rounds_between_two_machines(store, git):
    """Two lives that merge thirty times end as one, with every entry once; a merge looks back no further than it must."""
    store.save(Session(id="s", title="T"))
    tips = [git("rev-parse", "s")] * 2
    repository = store._open()
    for turn in range(30):
        for side in (0, 1):
            repository.refs.update(
                "refs/heads/s",
                tips[side],
                repository.refs.read("refs/heads/s"),
                ident=repository.committer(),
                reason="x",
            ) if repository.refs.read("refs/heads/s") != tips[side] else None
            add(store, "s", said(f"{'ab'[side]}{turn}"))
            tips[side] = git("rev-parse", "s")
        if turn % 3:
            tips[turn % 2] = merge_tips(repository, "s", *tips)
    merged = merge_tips(repository, "s", *tips)
    assert merged == merge_tips(repository, "s", *reversed(tips))
    git("update-ref", "refs/heads/s", merged)
    assert sorted(names(store.load("s"))) == sorted(f"{side}{turn}" for side in "ab" for turn in range(30))


def test_damage_on_the_way_is_named(lanes, git, store_path):
    """A merge of what cannot be read raises, names the session, and changes nothing."""
    oid = git("rev-parse", "b:timeline/0000/00/02-user.json")
    path = store_path / "objects" / oid[:2] / oid[2:]
    path.chmod(0o600)
    path.write_bytes(b"")
    before = git("rev-parse", "a")
    with SessionStore(store_path) as store, pytest.raises(CorruptSession, match="Session a"):
        store.merge("a", "b")
    assert git("rev-parse", "a") == before


def test_damage_of_a_save_is_told_once(lanes, git):
    """A save that lacks its session.json is named, and that the session is damaged is said once."""
    strange = git("commit-tree", "a^{tree}", "-p", "a", "-p", "superqode", "-m", "odd")
    lacking = git("rev-parse", "superqode")
    with pytest.raises(CorruptSession) as caught:
        lanes.merge("b", strange)
    assert str(caught.value).startswith(
        f"Session b is damaged at session.json: its save {lacking[:12]}: its tree has no"
    )
    assert str(caught.value).count("is damaged") == 1
