"""Two writers of one session: both lives are kept, in both memories, and the result says so."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session import Message, Session, SessionStore
from superqode.session.errors import NewerFormat, SessionDeleted
from superqode.session.store.merge import merge_entries


@pytest.fixture
def two(store):
    """One session in two memories; gives store, ours and theirs."""
    session = Session(id="s", title="T", tags=["a", "b"], metadata={"k": 1, "gone": 1})
    for number in range(3):
        session.add(Message(id=f"m{number}", role="user", content=str(number)))
    session.files_modified = ["f"]
    store.save(session)
    return store, session, store.load("s")


def _ids(session):
    return [entry.id for entry in session.timeline]


def test_both_lives_are_kept(two):
    """The loser takes in the winner's entries, adds its own after them, and says how many came in."""
    store, ours, theirs = two
    theirs.add(Message(id="theirs", role="user", content="x"))
    theirs.add_tool_execution("t", {}, "", True)
    store.save(theirs)
    ours.add(Message(id="ours", role="user", content="y"))

    result = store.save(ours)

    assert (result.merged, result.notice) == (2, "merged 2 entries from another process")
    assert (result.messages_added, result.executions_added) == (1, 0)
    assert _ids(ours) == ["m0", "m1", "m2", "theirs", theirs.tool_executions[0].id, "ours"]
    assert store.load("s") == ours
    result = store.save(theirs)
    assert (result.commits, result.merged, result.notice) == ((), 1, "merged 1 entry from another process")
    assert theirs == ours


def test_history_stays_one_line(two, git):
    """Both saves are in one line of commits; no merge commit, nothing rewritten."""
    store, ours, theirs = two
    theirs.add_message("user", "x")
    store.save(theirs)
    first = git("rev-parse", "s")
    ours.add_message("user", "y")
    store.save(ours)

    assert git("rev-parse", "s~1") == first
    assert git("rev-list", "--merges", "s") == ""


def test_fields_merge_by_who_changed_them(two):
    """A field that one side changed is that side's; where both did, the later save wins, and history has the other."""
    store, ours, theirs = two
    theirs.title, theirs.project_path = "Theirs", "/theirs"
    theirs.metadata.update(k=2, new=1)
    store.save(theirs)
    ours.title = "Ours"
    del ours.metadata["gone"]
    store.save(ours)

    stored = store.load("s")
    assert (stored.title, stored.project_path) == ("Ours", "/theirs")
    assert stored.metadata == {"k": 2, "new": 1}
    assert store.at("s", "~1").title == "Theirs"
    assert ours == stored


def test_lists_merge_as_sets_in_order(two):
    """Tags, files and agents keep what both added and lose what one took away."""
    store, ours, theirs = two
    theirs.tags = ["b", "theirs"]
    theirs.files_modified.append("theirs.py")
    theirs.agents_used.append("their agent")
    store.save(theirs)
    ours.tags.append("ours")
    ours.files_modified.append("ours.py")
    store.save(ours)

    stored = store.load("s")
    assert stored.tags == ["b", "theirs", "ours"]
    assert stored.files_modified == ["f", "theirs.py", "ours.py"]
    assert stored.agents_used == ["their agent"]
    assert ours == stored


def test_edits_and_removals_merge(two):
    """What one side edited is edited, what one side removed is gone, whoever saves last."""
    store, ours, theirs = two
    theirs.messages[0] = Message(id="m0", role="user", content="edited by them")
    del theirs.messages[1]
    store.save(theirs)
    ours.messages[2] = Message(id="m2", role="user", content="edited by us")
    ours.add(Message(id="new", role="user", content="x"))
    store.save(ours)

    stored = store.load("s")
    assert {entry.id: entry.content for entry in stored.timeline} == {
        "m0": "edited by them",
        "m2": "edited by us",
        "new": "x",
    }
    assert ours == stored


def test_an_edit_beats_a_removal(two):
    """What one side edited and the other removed stays, edited: nothing that somebody wrote is lost."""
    store, ours, theirs = two
    del theirs.messages[1]
    store.save(theirs)
    ours.messages[1] = Message(id="m1", role="user", content="edited")
    store.save(ours)

    assert "edited" in [message.content for message in store.load("s").messages]


def test_the_same_change_on_both_sides_is_one(two):
    """When both did the very same, there is nothing left to save."""
    store, ours, theirs = two
    for session in (ours, theirs):
        session.add(Message(id="same", role="user", content="x", timestamp=datetime(2026, 1, 1, tzinfo=UTC)))
        session.tags.append("t")
    store.save(theirs)

    result = store.save(ours)

    assert (result.commits, result.merged) == ((), 0)
    assert ours == theirs


def test_a_restore_meets_new_messages(two):
    """One side goes back to a snapshot while the other adds: the new message stays, the rest is as it was."""
    store, ours, theirs = two
    ours.create_snapshot("here", snapshot_id="here")
    ours.add(Message(id="later", role="user", content="x"))
    store.save(ours)
    theirs = store.load("s")
    theirs.add(Message(id="theirs", role="user", content="y"))
    store.save(theirs)
    ours.restore_snapshot("here")
    store.save(ours)

    assert _ids(store.load("s")) == ["m0", "m1", "m2", "theirs"]
    assert store.load("s") == ours


def test_snapshots_of_both_are_kept(two):
    """Each side's snapshot is a tag, and both are in memory after loading."""
    store, ours, theirs = two
    theirs.add_message("user", "y")
    theirs.create_snapshot("t", snapshot_id="theirs")
    store.save(theirs)
    ours.create_snapshot("o", snapshot_id="ours")
    ours.add_message("user", "x")
    store.save(ours)

    assert {snapshot.id for snapshot in store.load("s").snapshots} == {"ours", "theirs"}
    assert ours == store.load("s")
    ours.restore_snapshot("theirs")
    forked = ours.fork("Fork")
    store.save(forked)
    assert {snapshot.id for snapshot in store.load(forked.id).snapshots} == {"ours", "theirs"}


@pytest.mark.parametrize("description", ["theirs", "ours"])
def test_snapshots_of_one_id_are_both_kept(two, description):
    """Two processes give one id to two states: the later snapshot gets a free id, in memory as in the store."""
    store, ours, theirs = two
    theirs.add(Message(id="theirs", role="user", content="x"))
    theirs.create_snapshot("theirs", snapshot_id="before-fix")
    store.save(theirs)
    ours.add(Message(id="ours", role="user", content="y"))
    made = ours.create_snapshot(description, snapshot_id="before-fix")

    assert store.save(ours).snapshots == ("before-fix-2",)

    assert made.id == "before-fix-2"
    states = {snapshot.id: [entry.id for entry in snapshot.state.entries] for snapshot in store.load("s").snapshots}
    assert {name: ids[-1] for name, ids in states.items()} == {"before-fix": "theirs", "before-fix-2": "ours"}
    assert [snapshot.commit for snapshot in ours.snapshots] == [each.commit for each in store.load("s").snapshots]
    assert ours == store.load("s")
    assert store.save(ours).snapshots == ()


def test_many_rounds(store_path):
    """Two stores take turns a hundred entries long, across a directory's border, and end with the same session."""
    with SessionStore(store_path, durability="fast") as one, SessionStore(store_path, durability="fast") as two:
        first = Session(id="s")
        one.save(first)
        second = two.load("s")
        for number in range(60):
            first.add(Message(id=f"a{number}", role="user", content="x"))
            second.add(Message(id=f"b{number}", role="user", content="x"))
            one.save(first)
            two.save(second)
        one.save(first)

        assert first == second == one.load("s")
        assert len(first.messages) == 120


def test_a_newer_writer_is_not_written_over(two, git):
    """Where a newer superqode saved in between, our save is refused, and the entries in memory are not lost."""
    store, ours, _ = two
    blob = git("hash-object", "-w", "--stdin", stdin="superqode-session 2\n")
    root = git("ls-tree", "s").replace(git("rev-parse", "s:format"), blob)
    git("update-ref", "refs/heads/s", git("commit-tree", "-p", "s", "-m", "x", git("mktree", stdin=root + "\n")))
    ours.add(Message(id="ours", role="user", content="x"))

    with pytest.raises(NewerFormat):
        store.save(ours)
    assert "ours" in _ids(ours)


NAMES = st.sampled_from([f"m{number}" for number in range(7)])


def _message(name, version):
    return Message(id=name, role="user", content=str(version), timestamp=datetime(2026, 1, 1, tzinfo=UTC))


TIMELINES = st.lists(NAMES, unique=True, max_size=6).flatmap(
    lambda names: st.tuples(*(st.builds(_message, st.just(name), st.integers(0, 1)) for name in names)).map(list)
)


@given(TIMELINES, TIMELINES, TIMELINES)
def test_merging_again_changes_nothing(base, ours, theirs):
    """The merge is stable: it is what the loser saves, and saving it again adds nothing."""
    merged = merge_entries(base, ours, theirs)

    assert merge_entries(theirs, merged, theirs) == merged
    assert merge_entries(merged, merged, merged) == merged
    assert merge_entries(base, base, theirs) == theirs
    assert {entry.id: entry for entry in merge_entries(base, ours, base)} == {entry.id: entry for entry in ours}


@given(TIMELINES, TIMELINES, TIMELINES)
def test_the_others_order_stays(base, ours, theirs):
    """Where we only removed and added at the end, what the other writer stored keeps its order, and ours follows."""
    names = {entry.id for entry in ours}
    known = {entry.id for entry in base}
    ours = [entry for entry in base if entry.id in names] + [entry for entry in ours if entry.id not in known]
    merged = [entry.id for entry in merge_entries(base, ours, theirs)]
    stored = [entry.id for entry in theirs if entry.id in merged]
    last = {entry.id for entry in theirs} - known

    assert [name for name in merged if name in stored] == stored
    if not last & names:
        added = [entry.id for entry in ours if entry.id not in known]
        assert merged == stored + added


def test_what_another_process_freed_is_not_built_on(store, git):
    """A fork of a session that another process purged, packs and all, is saved whole: packs that stand open are no proof."""
    session = Session(id="s")
    for number in range(3):
        session.add_message("user", f"word {number}")
        store.save(session)
    store.maintain()
    forked = store.load("s").fork("fork")
    with SessionStore(store.path) as other:
        other.delete("s")
        other.purge("s", now=True)
    forked.add_message("user", "after")
    assert store.save(forked).messages_added == 4
    git.fsck()
    with SessionStore(store.path) as other:
        assert len(other.load(forked.id).messages) == 4


@pytest.mark.parametrize("leave", ["delete", "rename", "purge"])
def test_a_save_does_not_go_into_another_session_of_the_id(two, leave):
    """Once the session is gone and its id is taken by a new one, saving is refused; a fork keeps what was to be saved."""
    store, ours, _ = two
    with SessionStore(store.path) as other:
        other.rename("s", "done") if leave == "rename" else other.delete("s")
        if leave == "purge":
            other.purge(now=True)
        stranger = Session(id="s", title="New")
        stranger.add(Message(id="new", role="user", content="new"))
        other.save(stranger)
    ours.add(Message(id="ours", role="user", content="x"))
    ours.create_snapshot("mine", snapshot_id="mine")

    with pytest.raises(SessionDeleted, match=r"another session has its id.*session\.fork\(title\)"):
        store.save(ours)

    assert (_ids(store.load("s")), store.load("s").snapshots) == (["new"], [])
    assert (_ids(ours), ours.title) == (["m0", "m1", "m2", "ours"], "T")
    forked = ours.fork("Kept")
    store.save(forked)
    assert _ids(store.load(forked.id)) == ["m0", "m1", "m2", "ours"]


def test_a_first_save_that_was_amended_is_the_same_session(store, git):
    """A person who amends the first save leaves no save in common, and it is still the session that is open here."""
    session = Session(id="s")
    session.add(Message(id="m0", role="user", content="0"))
    store.save(session)
    git("update-ref", "refs/heads/s", git("commit-tree", "s^{tree}", "-m", "amended"))
    session.add(Message(id="m1", role="user", content="1"))

    store.save(session)

    assert _ids(store.load("s")) == ["m0", "m1"]
