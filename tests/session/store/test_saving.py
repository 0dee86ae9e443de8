"""`save`: what changed becomes commits, nothing else does, and the result says what happened."""

import errno
import itertools
import os
import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies import sessions
from superqode.session import Message, Session, SessionStore, ids
from superqode.session.codec import layout
from superqode.session.errors import (
    InvalidSession,
    SaveFailed,
    SessionDeleted,
    StoreClosed,
    StoreNotFound,
)
from superqode.session.git import durability as durable
from superqode.session.git import packwriting
from superqode.session.store import timeline_tree
from superqode.session.store.drafts import MANY


def _session(name="s", count=1, **fields):
    session = Session(id=name, **fields)
    for number in range(count):
        session.add_message("user", f"message {number}")
    return session


def _objects(git):
    return set(git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split())


def test_a_save_is_a_commit(store, git):
    """The branch has the session's name, the commit the story, and the result says what was added."""
    session = _session(count=2)
    session.add_tool_execution("edit_file", {"path": "a"}, "", True)

    result = store.save(session)

    assert (result.session_id, result.commits, result.tip) == ("s", (git("rev-parse", "s"),), git("rev-parse", "s"))
    assert (result.messages_added, result.executions_added, result.merged, result.notice) == (2, 1, 0, "")
    assert result["messages_added"] == 2
    assert git("log", "--format=%s", "s") == "user: message 1 +1 message +1 tool"
    assert store.load("s") == session
    git.fsck()


def test_an_edit_taken_back_is_no_change(store):
    """What is as it was makes no commit, however it came so."""
    session = _session(count=3)
    store.save(session)
    taken = session.messages.pop(1)
    session.messages.insert(1, taken)
    session.title = "x"
    session.title = ""

    assert store.save(session).commits == ()


def test_each_kind_of_change_is_stored(store):
    """Titles, tags, metadata, edits, removals and a new order all come back from the branch."""
    session = _session(count=4)
    session.add_tool_execution("t", {}, "", True)
    store.save(session)

    def check():
        assert len(store.save(session).commits) == 1
        assert store.load("s") == session

    session.title, session.tags, session.project_path = "T", ["a"], "/p"
    check()
    session.metadata["k"] = {"deep": [1]}
    check()
    session.metadata["k"]["deep"].append(2)
    check()
    session.messages[1] = Message(role="system", content="other")
    check()
    del session.messages[0]
    check()
    session.messages.reverse()
    check()
    session.tool_executions.clear()
    check()
    session.messages.clear()
    check()
    session.parent_session_id = "elsewhere"
    check()


def test_unchanged_blobs_are_shared(store, git):
    """Removing entries at the end keeps what stands before them: nothing of it is written again."""
    session = _session(count=220)
    store.save(session)
    before = _objects(git)

    del session.messages[-30:]
    store.save(session)

    assert sorted(git("cat-file", "-t", oid) for oid in _objects(git) - before) == [
        "commit",
        "tree",
        "tree",
        "tree",
        "tree",
    ]
    assert store.load("s") == session


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200])
def test_any_length_comes_back(store, count):
    """Directories turn over at 100 entries, and appending across the border is right."""
    session = Session(id="s")
    session.messages = [Message(id=f"m{number}", role="user", content=str(number)) for number in range(count)]
    store.save(session)
    session.add_message("user", "one")
    session.add_message("user", "two")
    store.save(session)

    assert store.load("s") == session
    assert store.list_sessions()[0].message_count == count + 2


CUTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CUTS)
def test_any_cut_and_growth_comes_back(store, cuts):
    """With directories of three, so that all levels turn over: cut anywhere and grown again, it comes back."""
    numbers = itertools.count()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "FANOUT", 3)
        patched.setattr(timeline_tree, "FANOUT", 3)
        session = Session()
        for keep, more in cuts:
            del session.messages[keep:]
            session.messages += [Message(id=f"m{next(numbers)}", role="user", content="x") for _ in range(more)]
            store.save(session)
            assert store.load(session.id) == session
        tree = session._saved.tree.timeline
        assert timeline_tree.count_entries(store._open().objects, tree) == len(session.messages)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(sessions(max_entries=5))
def test_any_session_comes_back(store, session):
    """Whatever a session holds, the branch gives it back, and git finds no fault."""
    session.id = ids.new_session_id()
    store.save(session)

    loaded = store.load(session.id)

    assert loaded == session
    assert store.save(loaded).commits == ()
    done = subprocess.run(
        ["git", "-C", str(store.path), "fsck", "--strict", "--no-dangling"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_after_a_save_the_session_is_what_is_stored(store, still_clock):
    """`updated_at` is the commit's, in memory and on loading, also where only the title changed."""
    session = _session()
    store.save(session)
    assert session == store.load("s")
    still_clock.advance(hours=1)
    session.title = "New"
    store.save(session)

    assert session == store.load("s")
    assert session.updated_at == still_clock.moment


def test_the_author_is_who_spoke_last(store, git):
    """The agent that spoke last is the author, the user the committer; a user's words are the user's own."""
    session = _session()
    store.save(session)
    session.add_message("assistant", "x", "Security Tester")
    store.save(session)

    authors = git("log", "--format=%an <%ae>", "s").splitlines()
    committers = git("log", "--format=%cn <%ce>", "s").splitlines()

    assert authors[0] == "Security Tester <security-tester@agents.superqode.invalid>"
    assert authors[1] == committers[0] == committers[1]


def test_replacing_goes_on_top(store, git):
    """`replace=True` puts the new content on top of the old, whose saves stay in the history."""
    store.save(_session(count=3))
    other = _session(count=1, title="Other")

    result = store.save(other, replace=True)

    assert len(result.commits) == 1
    assert git("rev-list", "--count", "s") == "2"
    assert store.load("s") == other
    assert len(store.at("s", "~1").messages) == 3
    other.add_message("user", "on")
    assert store.save(other).messages_added == 1


def test_a_session_deleted_meanwhile_is_not_brought_back(store, git):
    """Saving what somebody deleted is SessionDeleted with two ways out; each of them works."""
    session = _session()
    store.save(session)
    store.delete("s")
    session.add_message("user", "more")

    with pytest.raises(SessionDeleted, match=r"sessions undelete s.*session\.fork\(title\)"):
        store.save(session)
    assert git("for-each-ref", "refs/heads/s") == ""

    store.undelete("s")
    store.save(session)
    assert store.load("s") == session


def test_a_deleted_session_can_be_saved_as_a_fork(store):
    """The other way out: a fork under a new id."""
    session = _session()
    store.save(session)
    store.delete("s")

    forked = session.fork("Saved again")
    store.save(forked)

    assert store.load(forked.id).messages == session.messages


def test_a_changed_id_is_a_fork(store, git):
    """Giving a stored session another id and saving it makes a branch off its commit; the old one stays."""
    session = _session()
    store.save(session)
    session.id = "t"
    session.add_message("user", "more")
    store.save(session)

    assert git("merge-base", "s", "t") == git("rev-parse", "s")
    assert len(store.load("s").messages) == 1


@pytest.mark.parametrize("change", ["metadata", "duplicate"])
def test_what_cannot_be_stored_is_refused_whole(store, git, change):
    """Nothing of a refused save is seen, and once it is put right the save works."""
    session = _session()
    store.save(session)
    tip = git("rev-parse", "s")
    session.add_message("user", "kept")
    if change == "metadata":
        session.metadata["bad"] = float("nan")
    else:
        session.messages.append(session.messages[0])

    with pytest.raises(InvalidSession):
        store.save(session)
    assert git("rev-parse", "s") == tip

    session.metadata.clear()
    if change == "duplicate":
        session.messages.pop()
    assert store.save(session).messages_added == 1
    assert store.load("s") == session


def test_a_failed_save_can_be_tried_again(store, monkeypatch):
    """A full disk is SaveFailed with the outcome; the session in memory is as it was, and saves when there is room."""
    session = _session()
    store.save(session)
    session.add_message("user", "more")
    before = session.to_dict()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(
        SaveFailed, match=r"Session s was not saved: the disk is full. Free some space. Saving again is safe"
    ):
        store.save(session)
    monkeypatch.undo()

    assert session.to_dict() == before
    assert store.save(session).messages_added == 1


def _files(folder, pattern):
    return sorted(path.name for path in folder.glob(pattern) if path.is_file())


@pytest.mark.parametrize("durability", ["full", "fast"])
def test_a_large_save_is_a_pack(store_path, git, monkeypatch, durability):
    """What brings very many entries leaves a pack and no file for each; that is on the disk before the branch is."""
    session = _session(count=MANY)
    flushed = []
    real = durable.flush

    def flush(folder, written):
        paths = list(written)
        flushed.append(([path.rpartition(".")[2] for path in paths], (store_path / "refs" / "heads" / "s").exists()))
        real(folder, paths)

    with SessionStore(store_path, durability=durability) as store:
        store.save(Session(id="first"))
        monkeypatch.setattr(durable, "flush", flush)
        before = len(_objects(git))
        store.save(session)
        assert len(_objects(git)) > before + MANY
        assert len(_files(store_path, "objects/pack/pack-*.pack")) == 1
        assert len(_files(store_path, "objects/??/*")) == before
        session.add_message("user", "one more")
        store.save(session)
        assert len(_files(store_path, "objects/pack/*")) == 2

    assert (["pack", "idx"], False) in flushed or durability == "fast"
    assert any({"pack", "idx"} <= set(endings) for endings, _ in flushed)
    with SessionStore(store_path) as store:
        assert store.load("s") == session
    git.fsck()


def test_a_large_save_that_fails_leaves_nothing(store, store_path, git, monkeypatch):
    """Where a disk is full in the middle of a pack, it is not saved, nothing of it stays, and saving again works."""
    store.save(Session(id="first"))
    session = _session(count=MANY)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(packwriting._Pack, "_seal", full)
        with pytest.raises(SaveFailed, match="the disk is full") as caught:
            store.save(session)

    assert caught.value.outcome == "not saved"
    assert _files(store_path, "objects/pack/*") == []
    store.save(session)
    assert store.load("s") == session
    git.fsck()


def test_a_closed_store_says_so(store_path):
    """After closing, every verb is StoreClosed; closing twice is fine."""
    store = SessionStore(store_path)
    store.save(_session())
    store.close()
    store.close()

    for verb in (
        lambda: store.save(_session("t")),
        lambda: store.load("s"),
        store.list_sessions,
        lambda: store.search("x"),
    ):
        with pytest.raises(StoreClosed):
            verb()


def test_a_missing_store_is_an_empty_one(store, store_path):
    """Until something is saved nothing is made, and there is nothing in it."""
    assert store.list_sessions() == store.search("x") == store.trash() == []
    assert store.load_latest() is None
    assert not store.exists("s")
    assert not store.delete("s")
    assert store.verify().ok
    assert store.cleanup_old_sessions() == []
    assert store.purge().purged == ()
    assert store.maintain().packed_refs == 0
    assert not store_path.exists()


def test_a_store_that_must_be_there(tmp_path):
    """`create=False` says at once that a folder is no store."""
    with pytest.raises(StoreNotFound, match="There is no session store at"):
        SessionStore(tmp_path / "nowhere", create=False)


def test_the_default_store_is_in_the_home(monkeypatch, tmp_path):
    """Without a folder the store is `~/.superqode/sessions`, made with the first save."""
    with SessionStore() as store:
        store.save(_session())

    assert store.path == tmp_path / ".home" / ".superqode" / "sessions"
    assert (store.path / "HEAD").is_file()
    assert SessionStore(create=False).path == store.path


def test_fast_saves_are_there_at_once(store_path, monkeypatch):
    """`durability="fast"` makes no save wait for the disk, and closing waits once for all of them."""
    from superqode.session.git import durability

    flushed = []
    real = durability.flush
    monkeypatch.setattr(
        durability, "flush", lambda folder, written: (flushed.append(len(list(written))), real(folder, []))
    )
    with SessionStore(store_path, durability="fast") as store:
        store.save(_session("first"))
        flushed.clear()
        for number in range(10):
            store.save(_session(f"s{number}"))
        assert flushed == []
        assert len(store.list_sessions()) == 11
    assert len(flushed) == 1
    assert flushed[0] > 10


def test_autosaves_can_be_nested(store):
    """An inner block gives way to the outer one again."""
    session = Session(id="s")
    with store.autosave(session):
        with store.autosave(session):
            session.add_message("user", "inner")
        session.add_message("user", "outer")
        assert len(store.load("s").messages) == 2


def test_a_clock_far_off_is_no_obstacle(store, still_clock):
    """Times before 1970 and near the year 9999 are stored as they are, with a commit time that Git can hold."""
    for year, name in ((3, "early"), (9998, "late")):
        still_clock.moment = datetime(year, 1, 1, tzinfo=UTC)
        session = _session(name)
        store.save(session)
        assert store.load(name) == session
    assert [found.id for found in store.list_sessions()] == ["late", "early"]


def test_a_number_that_becomes_a_truth_is_saved(store):
    """Python takes both for equal, JSON does not."""
    session = Session(id="s", metadata={"x": 1})
    store.save(session)
    session.metadata["x"] = True
    store.save(session)
    assert store.load("s").metadata["x"] is True
