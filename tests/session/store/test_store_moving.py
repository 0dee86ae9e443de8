"""Moving: renaming, the trash and the way back, losses behind our back, and forgetting for good."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.errors import (
    InvalidSession,
    InvalidSessionId,
    OperationBlocked,
    SessionExists,
    SessionNotFound,
    StoreUnwritable,
)
from superqode.session.git.packwriting import keep_pack
from superqode.session.store import moving, renaming
from superqode.session.store.index import rows


def saved(store, session_id="work", text="Fix it"):
    """A saved session with a message and a snapshot."""
    session = Session(id=session_id, title=f"About {session_id}")
    session.add_message(MessageRole.USER, text)
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    return session


def ids_of(store):
    return sorted(session.id for session in store.list_sessions())


def trashed(store):
    return sorted(item.session_id for item in store.trash())


def test_everything_follows_a_renaming(store, git):
    """Content, snapshots, children's parent and earlier deletions stand under the new id; the old one is free."""
    saved(store)
    store.delete("work")
    saved(store)
    store.fork("work", new_id="child")
    store.rename("work", "job")
    assert ids_of(store) == ["child", "job"]
    loaded = store.load("job")
    assert (loaded.id, [snapshot.id for snapshot in loaded.snapshots]) == ("job", ["here"])
    assert store.load("child").parent_session_id == "job"
    assert trashed(store) == ["job"]
    assert "work" not in git("for-each-ref", "--format=%(refname)")
    git.fsck()


def test_a_listing_amid_a_renaming_takes_nothing_for_lost(store, store_path, monkeypatch):
    """Another process that lists while the old branch is gone, and the index does not know, puts nothing in the trash."""
    saved(store)
    with SessionStore(store_path) as other:
        assert ids_of(other) == ["work"]
        forget = renaming.forget_original

        def looks(repository, session_id):
            assert ids_of(other) == ["job"]
            forget(repository, session_id)

        monkeypatch.setattr(renaming, "forget_original", looks)
        store.rename("work", "job")
    assert trashed(store) == []


def test_a_deletion_behind_a_renaming_that_was_taken_back_is_noticed(store, git):
    """What the operation log tells of a branch is its last word on it, and not an earlier one."""
    saved(store)
    store.rename("work", "job")
    store.undo_operation()
    assert ids_of(store) == ["work"]
    git("branch", "-D", "work")
    assert trashed(store) == ["work"]


def test_a_session_is_not_renamed_onto_another(store):
    """A taken id, its own, a twin and a bad one are refused, and both stay as they are."""
    saved(store)
    saved(store, "other")
    for name, error in (
        ("other", SessionExists),
        ("work", SessionExists),
        ("Other", InvalidSessionId),
        ("a/b", InvalidSessionId),
    ):
        with pytest.raises(error):
            store.rename("work", name)
    with pytest.raises(SessionNotFound):
        store.rename("nobody", "free")
    assert ids_of(store) == ["other", "work"]


def test_a_renaming_by_plain_git_can_be_taken_back(store, git):
    """The tree already says the id it gets back; the branch is there all the same."""
    saved(store)
    git("branch", "-m", "work", "job")
    store.rename("job", "work")
    assert ids_of(store) == ["work"]
    assert store.load("work").snapshots[0].id == "here"


def test_a_deleted_session_comes_back_whole(store, git):
    """Delete moves branch and snapshots to the trash; undelete brings back the same commits."""
    saved(store)
    before = git("for-each-ref", "refs/heads", "refs/tags")
    assert store.delete("work")
    assert not store.exists("work")
    assert git("tag") == ""
    (item,) = store.trash()
    assert (item.session_id, item.title, item.snapshots) == ("work", "About work", ("here",))
    assert store.undelete("work") == "work"
    assert git("for-each-ref", "refs/heads", "refs/tags") == before
    assert store.trash() == []


def test_deleting_says_whether_there_was_one(store):
    """Where there is no such session, or no store at all, nothing is deleted."""
    assert not store.delete("work")
    saved(store)
    assert not store.delete("other")
    assert store.delete("work")
    assert not store.delete("work")


def test_undelete_needs_a_free_id(store):
    """A taken id is an error, another id is a way out, and the trash keeps what did not come back."""
    saved(store, text="old")
    store.delete("work")
    saved(store, text="new")
    with pytest.raises(SessionExists):
        store.undelete("work")
    assert store.undelete("work", new_id="old") == "old"
    assert [message.content for message in store.load("old").messages] == ["old"]
    assert [snapshot.id for snapshot in store.load("old").snapshots] == ["here"]
    with pytest.raises(SessionNotFound):
        store.undelete("work")


def test_two_deletions_at_one_moment_are_two(store, still_clock):
    """A clock that stands still (or is coarse) does not get in the way of a deletion."""
    del still_clock
    for text in ("one", "two"):
        saved(store, text=text)
        assert store.delete("work")
    assert trashed(store) == ["work", "work"]


def test_a_branch_that_plain_git_deleted_is_in_the_trash(store, git):
    """`git branch -D` is noticed, and the session comes back with its snapshots."""
    saved(store)
    store.list_sessions()
    git("branch", "-D", "work")
    assert ids_of(store) == []
    assert trashed(store) == ["work"]
    store.undelete("work")
    assert [snapshot.id for snapshot in store.load("work").snapshots] == ["here"]


@pytest.mark.parametrize("names", [["job"], ["job", "task"]], ids=["once", "twice"])
def test_a_branch_that_plain_git_renamed_is_not_lost(store, git, names):
    """`git branch -m` moves a session: listed, not in the trash, without a parent, with its snapshots."""
    saved(store)
    store.list_sessions()
    old = "work"
    for name in names:
        git("branch", "-m", old, name)
        old = name
    assert ids_of(store) == [old]
    assert trashed(store) == []
    loaded = store.load(old)
    assert (loaded.parent_session_id, [snapshot.id for snapshot in loaded.snapshots]) == (None, ["here"])


def firsts(store, name):
    """What each snapshot of a session begins with, as another process sees it."""
    with SessionStore(store.path) as fresh:
        return [snapshot.state.messages[0].content for snapshot in fresh.load(name).snapshots]


@pytest.mark.parametrize("act", ["rename", "delete", "undo", "purge"])
def test_a_branch_of_plain_git_keeps_its_snapshots(store, git, act):
    """What becomes of a session takes no snapshot of a branch that plain git made of it."""
    saved(store, text="first")
    if act == "undo":
        store.rename("work", "job")
    git("branch", "other", "job" if act == "undo" else "work")
    {
        "rename": lambda: store.rename("work", "job"),
        "delete": lambda: store.delete("work"),
        "undo": store.undo_operation,
        "purge": lambda: (store.delete("work"), store.purge("work", now=True)),
    }[act]()
    assert firsts(store, "other") == ["first"]


def test_cleaning_up_leaves_snapshots_to_a_newer_branch_of_plain_git(store, git, still_clock, monkeypatch):
    """A branch that plain git went on with stays, with the snapshots of the old session that goes."""
    saved(store, text="first")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2027-01-01T00:00:00Z")
    git("update-ref", "refs/heads/other", git("commit-tree", "work^{tree}", "-p", "work", "-m", "later"))

    assert [row.id for row in store.cleanup_old_sessions(days=0)] == ["work"]

    assert firsts(store, "other") == ["first"]


def test_an_undo_that_is_refused_saves_nothing(store, git):
    """Where something stands in the way of taking back, a branch of plain git is not saved either."""
    saved(store)
    store.delete("work")
    store.undelete("work")
    git("branch", "other", "work")
    operation = store.operations(limit=1)[0].id
    git("update-ref", "refs/heads/work", git("commit-tree", "work^{tree}", "-m", "another one"))
    before = git("rev-parse", "other")
    with pytest.raises(OperationBlocked):
        store.undo_operation(operation)
    assert git("rev-parse", "other") == before


def test_a_session_that_plain_git_renamed_keeps_its_snapshots(store, git):
    """Renamed by plain git, and its id taken by a new session: what is done to that one takes nothing of it."""
    saved(store, text="first")
    git("branch", "-m", "work", "job")
    store.save(Session(id="work"))
    store.delete("work")
    store.purge()
    assert firsts(store, "job") == ["first"]


def test_a_tag_stands_in_the_way_of_snapshots(store, git):
    """Where plain git made a tag of a session's id, no renaming or return is begun; the error says what to do."""
    saved(store)
    saved(store, "gone")
    store.delete("gone")
    for name in ("job", "gone"):
        git("tag", name, "refs/heads/work")
    before = git("for-each-ref", "refs/heads", "refs/tags", "refs/superqode/trash")
    for act in (lambda: store.rename("work", "job"), lambda: store.undelete("gone")):
        with pytest.raises(InvalidSession, match=r"nothing was changed.*git tag -d"):
            act()
    assert git("for-each-ref", "refs/heads", "refs/tags", "refs/superqode/trash") == before

    git("tag", "-d", "job", "gone")
    store.undelete("gone")
    store.rename("work", "job")
    for name in ("job", "gone"):
        assert [snapshot.id for snapshot in store.load(name).snapshots] == ["here"]


def test_snapshots_that_plain_git_left_behind_stand_in_the_way_of_a_renaming(store, git):
    """A snapshot that would meet another session's of the same id is told before anything moves; both stay whole."""
    saved(store, text="first")
    git("branch", "-m", "work", "moved")
    saved(store, "other", text="second")

    with pytest.raises(InvalidSession, match=r"work/here.*git tag -d work/here"):
        store.rename("other", "work")

    assert ids_of(store) == ["moved", "other"]
    session = store.load("moved")
    session.add_message(MessageRole.USER, "more")
    store.save(session)
    git("tag", "-d", "work/here")
    store.rename("other", "work")
    texts = {name: store.load(name).snapshots[0].state.messages[0].content for name in ids_of(store)}
    assert texts == {"moved": "first", "work": "second"}


def test_the_first_save_under_a_new_name_writes_it_down(store, git):
    """After a save the renamed branch says its own id, and its snapshots stand under it."""
    saved(store)
    git("branch", "-m", "work", "job")
    session = store.load("job")
    session.add_message(MessageRole.USER, "more")
    store.save(session)
    assert '"id": "job"' in git("show", "job:session.json")
    assert "refs/tags/job/here" in git("for-each-ref", "--format=%(refname)", "refs/tags")


def test_what_was_purged_does_not_come_back(store, store_path):
    """Another open store that had it in its index does not take its going for a loss."""
    for name in ("one", "two"):
        saved(store, name)
    with SessionStore(store_path) as other:
        assert ids_of(other) == ["one", "two"]
        for name in ("one", "two"):
            store.delete(name)
            assert len(store.purge(name).purged) == 1
        assert (ids_of(other), trashed(other)) == ([], [])
    assert trashed(store) == []


def test_purge_takes_what_it_is_told(store, still_clock):
    """One session, or all that lie there longer than an age; living sessions never."""
    for name in ("one", "two", "three"):
        saved(store, name)
        still_clock.advance(days=10)
        if name != "three":
            store.delete(name)
    assert len(store.purge(older_than=timedelta(days=15)).purged) == 1
    assert (trashed(store), ids_of(store)) == (["two"], ["three"])
    with pytest.raises(SessionNotFound):
        store.purge("three")
    assert len(store.purge().purged) == 1
    assert (trashed(store), ids_of(store)) == ([], ["three"])


def test_a_purge_now_leaves_no_object_with_the_text(store, store_path, git):
    """The bytes are gone: from loose objects, packs, reflogs and the index; other sessions stay whole."""
    saved(store, "other")
    saved(store, text="the password is hunter2")
    store.maintain()
    session = store.load("work")
    session.add_message(MessageRole.USER, "hunter2 it is")
    store.save(session)
    assert store.search("hunter2")
    store.delete("work")
    assert store.purge("work", now=True).freed_bytes > 0
    objects = git("cat-file", "--batch-all-objects", "--batch")
    assert "About other" in objects
    assert "hunter2" not in objects
    leftovers = [path for path in store_path.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert leftovers == []
    assert store.search("hunter2") == []
    assert store.verify().ok
    git.fsck()


def test_cleaning_up_takes_only_old_sessions_and_first_tells_which(store, still_clock):
    """A dry run changes nothing; the real one moves the same sessions into the trash."""
    saved(store, "old")
    still_clock.advance(days=40)
    saved(store, "young")
    told = store.cleanup_old_sessions(dry_run=True)
    assert [summary.id for summary in told] == ["old"]
    assert ids_of(store) == ["old", "young"]
    assert store.cleanup_old_sessions() == told
    assert (ids_of(store), trashed(store)) == (["young"], ["old"])


def test_many_are_cleaned_up_and_purged_in_parts(store, still_clock, git, monkeypatch):
    """Whatever the parts: snapshots go along, what was saved meanwhile stays, one operation takes all of it back."""
    monkeypatch.setattr(moving, "_TOGETHER", 2)
    for name in ("a", "b", "c", "d", "e"):
        saved(store, name)
    store.maintain()
    still_clock.advance(days=40)
    old = store.list_sessions()
    going_on = store.load("c")
    going_on.add_message("user", "meanwhile")
    real = store.list_sessions
    monkeypatch.setattr(store, "list_sessions", lambda **wanted: (store.save(going_on), old)[1])
    heard = []
    moved = store.cleanup_old_sessions(progress=lambda *step: heard.append(step))
    monkeypatch.setattr(store, "list_sessions", real)
    assert [step[:2] for step in heard] == [(0, 5), (2, 5), (4, 5)]

    assert {summary.id for summary in moved} == {"a", "b", "d", "e"}
    assert ids_of(store) == ["c"]
    assert {(item.session_id, item.snapshots) for item in store.trash()} == {(name, ("here",)) for name in "abde"}
    assert [operation.verb for operation in store.operations()] == ["prune"]
    git.fsck()

    store.undo_operation()
    assert sorted(ids_of(store)) == ["a", "b", "c", "d", "e"]
    assert [snapshot.id for snapshot in store.load("a").snapshots] == ["here"]

    store.undo_operation(1)
    assert len(store.purge().purged) == 4
    assert (ids_of(store), trashed(store)) == (["c"], [])
    assert git("for-each-ref", "refs/superqode/trash") == ""
    git.fsck()


def test_a_ref_in_the_trash_that_is_no_deletion_is_left_alone(store, git):
    """Whatever somebody put there, the trash can be listed."""
    saved(store)
    git("update-ref", "refs/superqode/trash/x/99999999T999999.999999Z/branch", "refs/heads/work")
    store.delete("work")
    assert trashed(store) == ["work"]


def test_a_purge_forgets_words_and_lists_on(store, store_path, monkeypatch):
    """The other sessions are not read again to be listed, and found again, also by a process that had looked before."""
    for name in ("gone", "kept"):
        saved(store, name, f"the word-of-{name}")
    with SessionStore(store_path) as other:
        assert len(other.search("word")) == 2
        store.delete("gone")
        store.purge("gone")
        monkeypatch.setattr(rows, "row_of", None)
        for asked in (store, other):
            assert ids_of(asked) == ["kept"]
            assert [hit.session_id for hit in asked.search("word")] == ["kept"]
    left = [path for path in (store_path / "superqode").rglob("*") if path.is_file() and b"gone" in path.read_bytes()]
    assert left == []


def test_a_purge_beside_somebody_who_reads_throws_the_index_away(store, store_path, monkeypatch):
    """Where the index cannot be written anew, it goes as a whole, with all that it knew of the purged session."""
    for name in ("gone", "kept"):
        saved(store, name, f"the word-of-{name}")
    store.search("word")
    store.delete("gone")
    index = store._index(store._open()).database
    monkeypatch.setattr(index, "_rewrite", lambda _change: (_ for _ in ()).throw(sqlite3.OperationalError("busy")))
    store.purge("gone")
    assert not (store_path / "superqode" / "index.sqlite").exists()
    assert [hit.session_id for hit in store.search("word")] == ["kept"]


def test_no_keep_of_a_killed_process_keeps_what_is_purged(store, git):
    """A `.keep` that a killed save left does not hold the bytes of a session that is purged; somebody's own does."""
    session = Session(id="s")
    for number in range(600):
        session.add_message("user", f"secret {number}")
    store.save(session)
    (pack,) = (store.path / "objects" / "pack").glob("*.pack")
    keep_pack(pack)
    store.delete("s")
    assert store.purge("s", now=True).freed_bytes > 0
    assert "secret" not in git("cat-file", "--batch-all-objects", "--batch", "--unordered")


@pytest.mark.parametrize("verb", ["purge", "scrub"])
def test_a_cache_that_cannot_be_emptied_is_told(store, store_path, verb):
    """What was forgotten for good is in the caches, too: where they cannot be emptied, the error says which file it is."""
    saved(store, text="a secret text")
    store.load("work")
    entries = store_path / "superqode" / "entries"
    if entries.exists():
        shutil.rmtree(entries)
    entries.write_text("in its place")
    if verb == "purge":
        store.delete("work")
    with pytest.raises(StoreUnwritable, match="entries"):
        store.purge("work") if verb == "purge" else store.scrub("work", secrets=["a secret text"])
