"""Saving: what a save writes and answers, and whose word counts when two save."""

from __future__ import annotations

import errno
import random
from datetime import timedelta

import pytest

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.errors import SaveFailed, SessionDeleted, SessionExists, SessionNotFound
from superqode.session.git import durability, loose
from superqode.session.models import Message


def begun(store, session_id="work", *texts):
    """A saved session with one message a text."""
    session = Session(id=session_id, title=f"About {session_id}")
    for text in texts or ("Fix it",):
        session.add_message(MessageRole.USER, text)
    store.save(session)
    return session


def texts_of(session):
    return [message.content for message in session.messages]


def loose_objects(path):
    return {file.name for folder in (path / "objects").glob("??") for file in folder.iterdir()}


def test_a_save_tells_what_it_did(store, git):
    """A save gives its commit, which is the branch's tip, and how many entries it brought in."""
    session = begun(store)
    session.add_message(MessageRole.ASSISTANT, "Done", agent_name="fixer")
    session.add_tool_execution("read_file", {"path": "a.py"}, "text", success=True)
    result = store.save(session)
    assert result.commits == (git("rev-parse", "work"),) == (result.tip,)
    assert (result.messages_added, result.executions_added, result.merged) == (1, 1, 0)
    assert (result.snapshots, result.notice) == ((), "")
    git.fsck()


def test_saving_unchanged_content_makes_no_commit(store, git):
    """Saved again, loaded and saved again: the branch stays where it is."""
    session = begun(store)
    tip = git("rev-parse", "work")
    for again in (store.save(session), store.save(store.load("work"))):
        assert (again.commits, again.tip, again.messages_added) == ((), tip, 0)


def test_another_session_of_the_same_id_is_refused_unless_it_is_to_replace(store):
    """A new session over a stored one is an error; with `replace` it goes on top, and the old one stays in history."""
    begun(store, "work", "old")
    other = Session(id="work", title="Other")
    other.add_message(MessageRole.USER, "new")
    with pytest.raises(SessionExists):
        store.save(other)
    assert texts_of(store.load("work")) == ["old"]
    store.save(other, replace=True)
    assert texts_of(store.load("work")) == ["new"]
    assert texts_of(store.at("work", "~1")) == ["old"]


def test_a_session_deleted_meanwhile_is_not_made_again(store):
    """Whoever still holds a deleted session is told, and the deletion stands."""
    session = begun(store)
    store.delete("work")
    session.add_message(MessageRole.USER, "more")
    with pytest.raises(SessionDeleted):
        store.save(session)
    assert not store.exists("work")


def test_a_look_back_is_not_saved_where_its_session_is_gone(store):
    """A save that is acknowledged has a branch, also where a look back outlived its session."""
    begun(store)
    old = store.at("work", None)
    store.delete("work")
    try:
        store.save(old)
    except SessionDeleted:
        return
    assert store.exists("work")


def exported(session):
    return Session.from_dict(session.to_dict())


def test_an_export_saved_over_its_session_changes_nothing(store, git):
    """Export, import, save: no commit and no second tag, with snapshots of old states too."""
    session = begun(store)
    session.create_snapshot("one")
    session.add_message(MessageRole.ASSISTANT, "Done")
    session.create_snapshot("two")
    session.add_tool_execution("write_file", {"path": "a.py"}, "ok", success=True)
    store.save(session)
    before = git("for-each-ref")
    assert store.save(exported(store.load("work"))).commits == ()
    assert git("for-each-ref") == before


@pytest.mark.parametrize("arguments", [("-m", "work", "other"), ("other", "work")], ids=["renamed", "forked"])
def test_an_export_of_a_branch_that_plain_git_named_is_no_other_session(store, git, arguments):
    """Its tree still says the old id, which the save corrects in one commit; snapshots are the same and come along."""
    session = begun(store)
    taken = session.create_snapshot("one")
    session.add_message(MessageRole.USER, "two")
    store.save(session)
    git("branch", *arguments)
    before = store.load("other")
    assert len(store.save(exported(before)).commits) == 1
    after = store.load("other")
    assert (after.timeline, after.parent_session_id) == (before.timeline, before.parent_session_id)
    assert after.snapshots == [taken]
    assert store.save(exported(after)).commits == ()


def test_updated_at_is_the_time_of_the_save_unless_the_session_tells_an_older_one(store, still_clock):
    """A change counts from its save; an import keeps the time its source tells."""
    begun(store)
    still_clock.advance(hours=1)
    session = store.load("work")
    session.title = "New"
    store.save(session)
    assert store.load("work").updated_at == session.updated_at == still_clock.moment
    old = Session(id="old", created_at=still_clock.moment - timedelta(days=9))
    old.updated_at = still_clock.moment - timedelta(days=8)
    store.save(old)
    assert store.load("old").updated_at == still_clock.moment - timedelta(days=8)


def test_a_save_that_changes_nothing_leaves_the_session_as_it_is_stored(store, still_clock):
    """Only the content counts: a time of one's own on top of the same content is not stored, nor kept in memory."""
    begun(store)
    session = exported(store.load("work"))
    session.updated_at = still_clock.moment + timedelta(days=1)
    assert store.save(session).commits == ()
    assert session == store.load("work")


def test_a_clock_that_goes_back_does_not_turn_history_round(store, still_clock):
    """Saves stay in order of saving."""
    session = begun(store)
    still_clock.advance(days=-1)
    session.add_message(MessageRole.USER, "more")
    store.save(session)
    newer, older = store.history("work")
    assert newer.saved_at > older.saved_at


def edit_replace(session):
    session.messages[1] = session.messages[1].model_copy(update={"content": "replaced"})


def edit_remove(session):
    del session.messages[0]


def edit_reorder(session):
    session.messages.reverse()


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (edit_replace, ["0", "replaced", "2"]),
        (edit_remove, ["1", "2"]),
        (edit_reorder, ["2", "1", "0"]),
    ],
    ids=["replace", "remove", "reorder"],
)
def test_edits_of_the_lists_are_stored(store, edit, expected):
    """What was done to the list of messages is what comes back."""
    session = begun(store, "work", "0", "1", "2")
    edit(session)
    assert len(store.save(session).commits) == 1
    assert texts_of(store.load("work")) == expected
    assert store.load("work") == session


def test_autosave_saves_after_each_entry_and_on_leaving(store):
    """Each entry is in the store at once; other changes are when the block ends, also by an error."""
    session = begun(store)

    def work():
        with store.autosave(session):
            session.add_message(MessageRole.USER, "now")
            assert texts_of(store.load("work"))[-1] == "now"
            session.add_tool_execution("ls", {}, "", success=True)
            assert len(store.load("work").tool_executions) == 1
            session.tags = ["late"]
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert store.load("work").tags == ["late"]
    session.add_message(MessageRole.USER, "after")
    assert texts_of(store.load("work"))[-1] == "now"


@pytest.mark.parametrize("length", [10, 250])
def test_saving_one_message_writes_six_objects_at_any_length(store, store_path, length):
    """One blob, the trees on its way up, and the commit."""
    session = begun(store, "work", *map(str, range(length)))
    before = loose_objects(store_path)
    session.add_message(MessageRole.USER, "one more")
    store.save(session)
    assert len(loose_objects(store_path) - before) == 6


def test_two_writers_of_one_session_lose_nothing(store):
    """Entries, tags, files and metadata of both are there; the later save's title wins; both hold the same then."""
    begun(store)
    one, two = store.load("work"), store.load("work")
    for name, session in (("one", one), ("two", two)):
        session.add_message(MessageRole.USER, f"from {name}")
        session.add_tool_execution("write_file", {"path": f"{name}.py"}, "", success=True, agent_name=name)
        session.tags.append(name)
        session.title = name
        session.metadata[name] = {"by": name}
    store.save(one)
    result = store.save(two)
    assert (result.merged, result.notice) == (2, "merged 2 entries from another process")
    stored = store.load("work")
    assert stored == two
    assert texts_of(stored) == ["Fix it", "from one", "from two"]
    assert (stored.tags, stored.files_created, stored.agents_used) == (
        ["one", "two"],
        ["one.py", "two.py"],
        ["one", "two"],
    )
    assert (stored.title, sorted(stored.metadata)) == ("two", ["one", "two"])
    assert store.at("work", "~1").title == "one"


def test_a_file_made_by_one_writer_and_changed_by_the_other_counts_as_created(store):
    """Created wins, in a merge too."""
    begun(store)
    one, two = store.load("work"), store.load("work")
    one.add_tool_execution("write_file", {"path": "a.py"}, "", success=True)
    two.add_tool_execution("edit_file", {"path": "a.py"}, "", success=True)
    store.save(one)
    store.save(two)
    stored = store.load("work")
    assert (stored.files_created, stored.files_modified) == (["a.py"], [])


def test_one_writer_removes_what_the_other_kept(store):
    """A removal is a change like any other: it survives the merge."""
    begun(store, "work", "keep", "drop")
    one, two = store.load("work"), store.load("work")
    one.messages.pop()
    two.add_message(MessageRole.USER, "more")
    store.save(two)
    store.save(one)
    assert texts_of(store.load("work")) == ["keep", "more"]


def test_a_session_from_another_store_brings_its_snapshots(store, tmp_path):
    """Saved into another store, a session is whole there: nothing of it is silently left out."""
    session = begun(store)
    taken = session.create_snapshot("one")
    session.add_message(MessageRole.USER, "later")
    store.save(session)
    with SessionStore(tmp_path / "second") as second:
        second.save(store.load("work"))
        (snapshot,) = second.load("work").snapshots
        assert (snapshot, texts_of(snapshot.state)) == (taken, ["Fix it"])


def test_messages_put_into_the_list_directly_are_saved(store):
    """The list is the session's: what stands in it is stored."""
    session = begun(store)
    session.messages.append(Message(role=MessageRole.USER, content="straight in"))
    store.save(session)
    assert texts_of(store.load("work")) == ["Fix it", "straight in"]


def test_the_ending_of_a_session_is_read_alone(store):
    """The last entries are those of the whole session, of a short one all; a commit that tells too much is seen through."""
    session = Session(id="s")
    for number in range(250):
        session.add_message(MessageRole.USER, f"number {number}")
    store.save(session)

    assert store.ending("s", 3) == session.timeline[-3:]
    assert store.ending("s", 1000) == session.timeline
    with pytest.raises(SessionNotFound):
        store.ending("t", 3)


def test_a_large_save_that_failed_midway_leaves_nothing_unflushed(store, monkeypatch):
    """Without one call for all (macOS, Windows): what a failed try wrote is synced with the next one, too."""
    monkeypatch.setattr(durability, "_syncfs", lambda: None)
    session = Session(id="s")
    for number in range(40):  # more than a record of the journal holds
        session.add_message("user", f"{number} " + random.Random(number).randbytes(40_000).hex())
    real, calls = loose.write_all, []

    def full_once(handle, data):
        calls.append(handle)
        if len(calls) == 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle, data)

    store.save(Session(id="other"))
    before = set(store.path.glob("objects/??/*"))
    monkeypatch.setattr(loose, "write_all", full_once)
    with pytest.raises(SaveFailed):
        store.save(session)
    synced, sync = set(), durability._sync_path
    monkeypatch.setattr(durability, "_sync_path", lambda path: (synced.add(str(path)), sync(path)))
    store.save(session)

    made = {str(path) for path in set(store.path.glob("objects/??/*")) - before}
    assert len(made) > 40
    assert made <= synced
