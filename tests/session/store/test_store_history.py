"""History: saves, looks back, differences, forks, undo and redo, and going back to snapshots."""

from __future__ import annotations

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.errors import (
    CorruptSession,
    NothingToRedo,
    NothingToUndo,
    RevisionNotFound,
    SessionExists,
    SessionNotFound,
    SnapshotNotFound,
)


def grown(store, *texts, session_id="work"):
    """A session with one save a text."""
    session = Session(id=session_id, title="Work")
    for text in texts:
        session.add_message(MessageRole.USER, text)
        store.save(session)
    return session


def texts_of(session):
    return [message.content for message in session.messages]


def stored(store, session_id="work"):
    return texts_of(store.load(session_id))


def test_history_gives_the_saves_newest_first(store, git):
    """Each save with its story, counts, and the snapshots that name it; as many as asked for."""
    session = grown(store, "one", "two")
    snapshot = session.create_snapshot("here")
    session.add_tool_execution("ls", {}, "", success=True, agent_name="helper")
    store.save(session)
    last, middle, first = store.history("work")
    assert [record.commit for record in (last, middle, first)] == git("rev-list", "work").split()
    assert [record.subject for record in (middle, first)] == ["user: two", "user: one"]
    assert (last.author, last.messages, last.executions, last.executions_added) == ("helper", 2, 1, 1)
    assert (middle.snapshots, first.snapshots) == ((snapshot.id,), ())
    assert (first.parents, middle.parents) == ((), (first.commit,))
    assert store.history("work", limit=1) == [last]


def test_a_look_back_takes_any_name_of_a_save(store):
    """A snapshot's id, a count of saves back, a commit and the beginning of one name the same state."""
    session = grown(store, "one")
    snapshot = session.create_snapshot("first")
    store.save(session)
    grown_on = store.load("work")
    grown_on.add_message(MessageRole.USER, "two")
    store.save(grown_on)
    commit = store.history("work")[1].commit
    for revision in (snapshot.id, "~1", commit, commit[:7]):
        assert texts_of(store.at("work", revision)) == ["one"]
    for revision in (None, "", "~0"):
        assert texts_of(store.at("work", revision)) == ["one", "two"]


@pytest.mark.parametrize("revision", ["~9", "nothing", "dead", "HEAD", "work", "../x", "-n", "~", "\ud800"])
def test_a_revision_of_nothing_is_a_clear_error(store, revision):
    """What names no save of this session is RevisionNotFound, whatever it is."""
    grown(store, "one")
    with pytest.raises(RevisionNotFound):
        store.at("work", revision)


def test_a_commit_of_another_session_is_none_of_this_one(store):
    """Neither a foreign commit nor a foreign snapshot opens through this session."""
    grown(store, "one")
    other = grown(store, "secret", session_id="other")
    snapshot = other.create_snapshot("theirs")
    store.save(other)
    for revision in (store.history("other")[0].commit, snapshot.id):
        with pytest.raises(RevisionNotFound):
            store.at("work", revision)


def test_saving_an_unchanged_look_back_changes_nothing_there(store):
    """An old state is not saved over the new one by accident."""
    grown(store, "one", "two")
    with pytest.raises(SessionExists):
        store.save(store.at("work", "~1"))
    assert stored(store) == ["one", "two"]


def test_diff_tells_what_turns_one_state_into_another(store):
    """Entries added, changed and removed, fields that differ, and how much is common."""
    session = grown(store, "same", "edit", "drop")
    kept, edited, dropped = session.messages
    session.messages[1] = edited.model_copy(update={"content": "edited"})
    session.messages.pop()
    added = session.add_tool_execution("ls", {}, "", success=True)
    session.title = "Renamed"
    store.save(session)
    diff = store.diff("work", a_rev="~1")
    assert diff.common == 1
    assert {(change.kind, change.name) for change in diff.changes} == {
        ("changed", edited.id),
        ("removed", dropped.id),
        ("added", added.id),
        ("field", "title"),
    }
    assert kept.id not in {change.name for change in diff.changes}
    assert store.diff("work").changes == ()


def test_diff_tells_of_another_order(store):
    """Of entries that both have, as few as possible are moved, each with its places; what only one has moves nothing."""
    session = grown(store, "a", "b", "c", "d", "e")
    order = [message.id for message in session.messages]
    a, b, c, d, e = session.messages
    session.messages[:] = [e, a, c, b, d]
    store.save(session)

    moved = store.diff("work", a_rev="~1").changes

    assert [(change.kind, change.name) for change in moved] == [("moved", e.id), ("moved", c.id)]
    assert all(change.before == order.index(change.name) for change in moved)
    assert all(session.messages[change.after].id == change.name for change in moved)
    session.messages.pop(0)
    session.messages[:] = [session.messages[0], session.messages[2], session.messages[1], session.messages[3]]
    session.add_message("user", "f")
    store.save(session)
    assert {change.kind for change in store.diff("work", a_rev="~2").changes} == {"removed", "added"}


def test_a_fork_goes_on_from_a_revision_by_itself(store, git):
    """The fork has the state of that save, its parent's id and a branch of its own; neither changes the other."""
    session = grown(store, "one", "two")
    first = store.history("work")[1].commit
    forked = store.fork("work", title="Try", at="~1", new_id="try")
    assert (forked.id, forked.title, forked.parent_session_id) == ("try", "Try", "work")
    assert git("rev-parse", "try~1") == first
    forked.add_message(MessageRole.USER, "else")
    store.save(forked)
    session.add_message(MessageRole.USER, "three")
    store.save(session)
    assert stored(store, "try") == ["one", "else"]
    assert stored(store) == ["one", "two", "three"]
    assert [child.id for child in store.list_sessions(parent="work")] == ["try"]


def test_a_fork_writes_no_entry_again(store, git):
    """A fork costs one commit, its tree and its description; the conversation is shared."""
    grown(store, *"abc")
    before = {line.split()[0] for line in git("rev-list", "--objects", "--all").splitlines()}
    store.fork("work", new_id="try")
    after = {line.split()[0] for line in git("rev-list", "--objects", "--all").splitlines()}
    assert len(after - before) == 3
    assert git("rev-parse", "try:timeline") == git("rev-parse", "work:timeline")


def test_a_fork_keeps_the_snapshots_up_to_its_beginning(store):
    """Snapshots of shared saves come along and can be gone back to; later ones stay with the parent."""
    session = grown(store, "one")
    early = session.create_snapshot("early")
    store.save(session)
    session.add_message(MessageRole.USER, "two")
    session.create_snapshot("late")
    store.save(session)
    store.fork("work", at=early.id, new_id="try")
    store.delete("work")
    forked = store.load("try")
    assert [snapshot.id for snapshot in forked.snapshots] == [early.id]
    assert texts_of(forked.snapshots[0].state) == ["one"]


def test_a_fork_needs_a_free_id_and_a_parent(store):
    """A taken id and a missing session are errors, and nothing is made."""
    grown(store, "one")
    with pytest.raises(SessionExists):
        store.fork("work", new_id="work")
    with pytest.raises(SessionNotFound):
        store.fork("wrok")
    assert len(store.list_sessions()) == 1


def test_undo_and_redo_go_back_and_forth_in_chains(store, git):
    """Each undo is one save further back, each redo one forward; every step is a commit, none is lost."""
    grown(store, "1", "2", "3")
    for expected in (["1", "2"], ["1"]):
        assert len(store.undo("work").commits) == 1
        assert stored(store) == expected
    with pytest.raises(NothingToUndo):
        store.undo("work")
    for expected in (["1", "2"], ["1", "2", "3"]):
        store.redo("work")
        assert stored(store) == expected
    with pytest.raises(NothingToRedo):
        store.redo("work")
    store.undo("work")
    assert stored(store) == ["1", "2"]
    assert len(git("rev-list", "work").split()) == 8
    assert store.history("work")[0].action == "undo"


def test_undo_passes_over_saves_that_only_named_the_session(store):
    """A save of title, tags or metadata is no step of the conversation, and keeps its value."""
    session = grown(store, "1", "2")
    session.title = "Better"
    store.save(session)
    session.tags = ["t"]
    store.save(session)
    store.undo("work")
    loaded = store.load("work")
    assert (texts_of(loaded), loaded.title, loaded.tags) == (["1"], "Better", ["t"])


def test_a_new_save_clears_redo(store):
    """After something new there is nothing to redo; undo goes back to what was before it."""
    grown(store, "1", "2")
    store.undo("work")
    session = store.load("work")
    session.add_message(MessageRole.USER, "other")
    store.save(session)
    with pytest.raises(NothingToRedo):
        store.redo("work")
    store.undo("work")
    assert stored(store) == ["1"]


def test_a_fork_begins_with_its_first_save(store):
    """Undo in a fork stops where the fork began, and does not walk into its parent."""
    grown(store, "1", "2")
    forked = store.fork("work", new_id="try")
    with pytest.raises(NothingToUndo):
        store.undo("try")
    forked.add_message(MessageRole.USER, "3")
    store.save(forked)
    store.undo("try")
    assert stored(store, "try") == ["1", "2"]
    with pytest.raises(NothingToUndo):
        store.undo("try")


@pytest.mark.parametrize("saved_before", [True, False], ids=["saved", "never-saved"])
def test_a_restored_snapshot_is_a_new_save_on_top(store, git, saved_before):
    """Timeline, files and agents go back; title, tags and metadata stay; the history keeps what was there."""
    session = grown(store, "one")
    session.add_tool_execution("write_file", {"path": "a.py"}, "", success=True, agent_name="early")
    snapshot = session.create_snapshot("Before fix")
    if saved_before:
        store.save(session)
        session = store.load("work")
    session.add_message(MessageRole.ASSISTANT, "worse", agent_name="late")
    session.add_tool_execution("write_file", {"path": "b.py"}, "", success=True)
    session.title, session.tags = "Kept", ["kept"]
    session.restore_snapshot(snapshot.id)
    store.save(session)
    loaded = store.load("work")
    assert loaded == session
    assert (texts_of(loaded), loaded.files_created, loaded.agents_used) == (["one"], ["a.py"], ["early"])
    assert (loaded.title, loaded.tags) == ("Kept", ["kept"])
    assert texts_of(store.at("work", "~1")) == ["one", "worse"]
    newest = store.history("work")[0]
    assert (newest.subject, newest.restores) == ("restore: Before fix", git("rev-parse", f"work/{snapshot.id}^{{}}"))


def test_a_snapshot_holds_exactly_its_moment(store, git):
    """An unsaved state gets a commit of its own; the tag's message is the description, its state is read when asked."""
    session = grown(store, "one")
    session.add_message(MessageRole.USER, "two")
    new = session.create_snapshot("Before\n\nall of it")
    session.add_message(MessageRole.USER, "three")
    assert store.save(session).snapshots == (new.id,)
    assert git("for-each-ref", "--format=%(contents)", f"refs/tags/work/{new.id}").rstrip() == new.description
    (old,) = store.load("work").snapshots
    assert old == new
    for snapshot in (old, new):
        assert texts_of(snapshot.state) == ["one", "two"]
        assert snapshot.state["timeline"] == [entry.id for entry in session.timeline[:2]]
    assert stored(store) == ["one", "two", "three"]


def test_a_snapshot_of_nobody_is_not_found(store):
    """The error names the snapshots there are."""
    session = grown(store, "one")
    known = session.create_snapshot("here")
    with pytest.raises(SnapshotNotFound) as raised:
        session.restore_snapshot("other")
    assert raised.value.known == (known.id,)


def spoil(store, git, revision):
    """Take a revision's object away, as a disk does; gives the store as a process finds it that opens it now."""
    oid = git("rev-parse", revision)
    store._open().checkpoint()
    (store.path / "objects" / oid[:2] / oid[2:]).unlink()
    return SessionStore(store.path)


def test_history_gives_what_can_be_read_to_whom_damage_is_told(store, git):
    """A damaged save in the middle is raised, or told beside the newer ones; the newest is what all are found from."""
    grown(store, "one", "two", "three", "four")
    tip, newer, lost = git("rev-list", "work").split()[:3]
    told = []
    with spoil(store, git, "work~2") as fresh:
        with pytest.raises(CorruptSession):
            fresh.history("work")
        assert [save.commit for save in fresh.history("work", damaged=told.append)] == [tip, newer]
        assert [lost in str(problem) for problem in told] == [True]
    with spoil(store, git, "work") as fresh:
        with pytest.raises(CorruptSession, match="superqode sessions repair"):
            fresh.history("work", damaged=told.append)
        assert len(told) == 1


def test_history_tells_the_saves_of_a_newest_one_whose_content_is_damaged(store, git):
    """The commits are all there; what the last one holds is none of a history's business but for its damage."""
    grown(store, "one", "two")
    told = []
    with spoil(store, git, "work:session.json") as fresh:
        assert len(fresh.history("work", damaged=told.append)) == 2
    assert len(told) == 1


@pytest.mark.parametrize("lost", ["work", "work^{tree}", "work~1"])
def test_a_fork_from_an_earlier_save_does_not_need_the_newest(store, git, lost):
    """A commit's id, its beginning and a snapshot lead past damage that lies between the newest save and them."""
    session = grown(store, "one")
    session.create_snapshot("here", snapshot_id="here")
    for text in ("two", "three"):
        session.add_message(MessageRole.USER, text)
        store.save(session)
    first = git("rev-list", "work").split()[-1]
    with spoil(store, git, lost) as fresh:
        for revision in (first, first[:12]):
            assert texts_of(fresh.fork("work", at=revision)) == ["one"]
        assert texts_of(fresh.fork("work", at="here")) == ["one"]
        with pytest.raises(CorruptSession):
            fresh.fork("work", at="0" * 40)
