"""Snapshots in the store: tags of exact states, in order, kept by forks, and the way back as a new commit."""

import pytest

from superqode.session import Session
from superqode.session.errors import InvalidSessionId


@pytest.fixture
def session(store, still_clock):
    """One message saved, one not."""
    session = Session(id="s", title="T")
    session.add_message("user", "saved")
    store.save(session)
    still_clock.advance(minutes=1)
    session.add_message("user", "not saved")
    return session


def test_a_snapshot_of_unsaved_state_commits_exactly_that(store, session, git):
    """What comes after the snapshot is a commit of its own, so the tag names the moment it was made."""
    session.create_snapshot("in between", snapshot_id="mid")
    session.add_message("user", "later")

    result = store.save(session)

    assert (len(result.commits), result.snapshots) == (2, ("mid",))
    assert result.messages_added == 2
    assert git("rev-parse", "refs/tags/s/mid^{commit}") == result.commits[0]
    assert git("cat-file", "-t", "refs/tags/s/mid") == "tag"
    assert [message.content for message in store.at("s", "mid").messages] == ["saved", "not saved"]


def test_a_snapshot_of_saved_state_needs_no_commit(store, session, git):
    """Naming what is saved already is a tag and nothing else."""
    store.save(session)
    tip = git("rev-parse", "s")
    session.create_snapshot("now", snapshot_id="now")

    result = store.save(session)

    assert (result.commits, result.snapshots, result.tip) == ((), ("now",), tip)
    assert session.snapshots[0].commit == tip


def test_descriptions_times_and_order_come_back(store, session, still_clock):
    """Loaded snapshots equal the ones in memory: description, time in whole seconds, oldest first."""
    for number, text in enumerate(["zweite — größer", "two\n\nparagraphs", ""]):
        still_clock.advance(seconds=-7)
        session.create_snapshot(text, snapshot_id=f"n{number}")
    store.save(session)

    loaded = store.load("s").snapshots

    assert [snapshot.id for snapshot in loaded] == ["n2", "n1", "n0"]
    assert session.snapshots == loaded
    assert [snapshot.state for snapshot in loaded] == [snapshot.state for snapshot in session.snapshots]


def test_states_are_read_when_asked_for(store, session, monkeypatch):
    """Loading a session with many snapshots reads none of their states."""
    session.create_snapshot("x", snapshot_id="x")
    session.add_message("user", "later")
    store.save(session)
    loaded = store.load("s")
    reads = []
    real = type(store._open().objects).commit
    monkeypatch.setattr(
        type(store._open().objects), "commit", lambda self, oid: (reads.append(oid), real(self, oid))[1]
    )

    assert reads == []
    assert len(loaded.snapshots[0].state.messages) == 2
    assert reads == [loaded.snapshots[0].commit]


def test_going_back_is_a_new_commit(store, session, git):
    """Restoring commits the old state on top, saying which commit it goes back to; unsaved work is committed before."""
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    session.add_message("user", "unsaved work")
    session.title = "New title"
    session.restore_snapshot("here")

    result = store.save(session)

    assert len(result.commits) == 2
    history = store.history("s")
    assert (history[0].action, history[0].restores) == ("restore", session.snapshots[0].commit)
    assert history[0].subject == "restore: here"
    assert history[1].subject == "user: unsaved work"
    assert git("rev-parse", "s^{tree}:timeline") == git("rev-parse", "refs/tags/s/here^{tree}:timeline")
    assert store.load("s") == session
    assert store.load("s").title == "New title"


def test_restoring_what_is_there_already_is_no_change(store, session):
    """Going back to the very present state changes nothing, so there is no commit."""
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    session.restore_snapshot("here")

    assert store.save(session).commits == ()
    assert store.load("s") == session


def test_a_save_can_be_gone_back_to_without_a_snapshot(store, session, git):
    """`restore` takes any revision, and says in the history where it went."""
    store.save(session)
    first = git("rev-parse", "s~1")

    store.restore("s", "~1")

    assert [message.content for message in store.load("s").messages] == ["saved"]
    assert (store.history("s")[0].action, store.history("s")[0].restores) == ("restore", first)


def test_a_snapshot_made_and_restored_in_one_save(store, session):
    """Made, left and gone back to without a save in between: each step is a commit, in order."""
    session.create_snapshot("one", snapshot_id="one")
    session.add_message("user", "two")
    session.create_snapshot("two", snapshot_id="two")
    session.restore_snapshot("one")
    session.restore_snapshot("two")

    store.save(session)

    assert store.load("s") == session
    assert [save.action for save in store.history("s")][:2] == ["restore", "restore"]
    assert store.history("s")[0].restores == store.load("s").snapshots[1].commit


def test_forks_keep_the_snapshots_they_come_from(store, session, git):
    """A fork has its parent's snapshots up to the fork, under its own name with its first save, by the same commits."""
    session.create_snapshot("early", snapshot_id="early")
    store.save(session)
    forked = store.fork("s", new_id="f")
    session.create_snapshot("late", snapshot_id="late")
    store.save(session)

    assert [snapshot.id for snapshot in store.load("f").snapshots] == ["early"]
    assert git("rev-parse", "refs/tags/f/early^{commit}") == git("rev-parse", "refs/tags/s/early^{commit}")
    forked.restore_snapshot("early")
    store.save(forked)
    store.delete("s")
    store.purge("s")
    assert len(store.load("f").snapshots) == 1
    assert store.load("f").snapshots[0].state.messages[0].content == "saved"


def test_an_unsaved_fork_takes_unsaved_snapshots_along(store, session):
    """A snapshot that was never saved is in both lives, whichever is saved first."""
    session.create_snapshot("shared", snapshot_id="shared")
    forked = session.fork("F")
    forked.add_message("user", "fork only")

    store.save(forked)
    store.save(session)

    for name in ("s", forked.id):
        (snapshot,) = store.load(name).snapshots
        assert [message.content for message in snapshot.state.messages] == ["saved", "not saved"]


@pytest.mark.parametrize("name", ["../x", "a.lock", "x" * 200])
def test_hostile_snapshot_names_find_nothing(store, session, name):
    """A name that no snapshot can have is not found, and never becomes a path."""
    store.save(session)
    with pytest.raises((LookupError, InvalidSessionId)):
        store.at("s", name)
    with pytest.raises(LookupError):
        session.restore_snapshot(name)


@pytest.mark.parametrize("saved", [False, True])
def test_a_tag_in_the_way_is_gone_round(store, session, git, saved):
    """Where the very tag stands already for something else, it stays, and the snapshot gets an id that is free."""
    store.save(session)
    git("tag", "-a", "-m", "by hand", "s/mine", "s")
    before = git("rev-parse", "refs/tags/s/mine")
    if not saved:
        session.add_message("user", "x")
    session.create_snapshot("ours", snapshot_id="mine")

    assert store.save(session).snapshots == ("mine-2",)

    assert git("rev-parse", "refs/tags/s/mine") == before
    told = {snapshot.id: (snapshot.description, len(snapshot.state.messages)) for snapshot in store.load("s").snapshots}
    assert told == {"mine": ("by hand", 2), "mine-2": ("ours", 2 if saved else 3)}


def test_snapshots_of_one_second_stand_as_they_are_loaded(store, session, still_clock):
    """A session in memory is what is loaded, also where the order of several snapshots is told by their ids alone."""
    for name in ("b", "c", "a"):
        session.create_snapshot(name, snapshot_id=name)
    store.save(session)
    assert [snapshot.id for snapshot in session.snapshots] == ["a", "b", "c"]
    assert session == store.load("s")


def test_a_replacement_brings_its_snapshot_under_a_free_id(store, session):
    """What replaces a session may have a snapshot of an id that is there: both are kept, each with its own state."""
    session.create_snapshot("old", snapshot_id="v1")
    store.save(session)
    other = Session(id="s", title="Other")
    other.add_message("user", "other")
    other.create_snapshot("new", snapshot_id="v1")

    assert store.save(other, replace=True).snapshots == ("v1-2",)

    stored = {
        snapshot.id: (snapshot.description, len(snapshot.state.messages)) for snapshot in store.load("s").snapshots
    }
    assert stored == {"v1": ("old", 2), "v1-2": ("new", 1)}


def test_a_tag_that_plain_git_left_behind_is_gone_round(store, session, git):
    """A new session under an id that `git branch -m` freed: its snapshot does not meet the other's."""
    session.create_snapshot("old", snapshot_id="v1")
    store.save(session)
    git("branch", "-m", "s", "moved")
    other = Session(id="s")
    other.add_message("user", "other")
    other.create_snapshot("new", snapshot_id="v1")

    assert store.save(other).snapshots == ("v1-2",)

    stored = {name: [snapshot.description for snapshot in store.load(name).snapshots] for name in ("moved", "s")}
    assert stored == {"moved": ["old"], "s": ["new"]}
