"""Undo and redo against a model: a list of states and a place in it, over any program of edits."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superqode.session import Session
from superqode.session.errors import NothingToRedo, NothingToUndo, SessionNotFound

STEPS = st.lists(st.sampled_from(["say", "say", "title", "undo", "undo", "redo", "snapshot", "restore"]), max_size=14)


class _Model:
    """What undo means: states one after the other, and where we are among them."""

    def __init__(self):
        self.states = [[]]
        self.place = 0
        self.snapshot = None

    @property
    def now(self):
        return self.states[self.place]

    def put(self, state):
        if state != self.now:
            del self.states[self.place + 1 :]
            self.states.append(state)
            self.place += 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_program_of_edits(store, steps):
    """Said, renamed, undone, redone, snapshot and restored in any order: the conversation is where the model is."""
    session = Session()
    name = session.id
    store.save(session)
    model = _Model()
    for number, step in enumerate(steps):
        session = store.load(name)
        if step == "say":
            session.add_message("user", str(number))
            store.save(session)
            model.put([*model.now, str(number)])
        elif step == "title":
            session.title = str(number)
            store.save(session)
            model.states[model.place + 1 :] = []
        elif step == "snapshot":
            session.create_snapshot("x", snapshot_id=f"n{number}")
            store.save(session)
            model.snapshot = f"n{number}", model.now
        elif step == "restore" and model.snapshot is not None:
            session.restore_snapshot(model.snapshot[0])
            store.save(session)
            model.put(model.snapshot[1])
        elif step == "undo" and model.place == 0:
            with pytest.raises(NothingToUndo):
                store.undo(name)
        elif step == "undo":
            store.undo(name)
            model.place -= 1
        elif step == "redo" and model.place == len(model.states) - 1:
            with pytest.raises(NothingToRedo):
                store.redo(name)
        elif step == "redo":
            store.redo(name)
            model.place += 1
        assert [message.content for message in store.load(name).messages] == model.now, steps[: number + 1]


def test_nothing_is_ever_cut_off(store, git):
    """Undo and redo are commits on top: each older save is an ancestor still."""
    session = Session(id="s")
    for number in range(3):
        session.add_message("user", str(number))
        store.save(session)
    saves = git("rev-list", "s").splitlines()
    store.undo("s")
    store.undo("s")
    store.redo("s")

    assert git("rev-list", "s").splitlines()[3:] == saves
    assert [save.action for save in store.history("s")][:3] == ["redo", "undo", "undo"]
    assert [save.subject for save in store.history("s")][:2] == ["redo: user: 1", "undo: user: 0"]


def test_an_open_session_takes_an_undo_in(store):
    """Who has the session open goes on from the undone state: what was undone does not come back."""
    session = Session(id="s")
    session.add_message("user", "kept")
    store.save(session)
    session.add_message("user", "undone")
    store.save(session)
    store.undo("s")
    session.add_message("user", "new")

    store.save(session)

    assert [message.content for message in session.messages] == ["kept", "new"]
    assert store.load("s") == session


def test_undo_of_nobody(store):
    """A session that is not there cannot be undone."""
    for verb in (store.undo, store.redo):
        with pytest.raises(SessionNotFound):
            verb("nobody")


def test_a_branch_that_git_made_can_be_undone_to_where_it_began(store, git):
    """The first edit of a branch made by plain git is undone to what the branch was, no further, and redone."""
    session = Session(id="parent")
    session.add_message("user", "one")
    store.save(session)
    session.add_message("user", "two")
    store.save(session)
    git("branch", "other", "parent")
    other = store.load("other")
    other.messages.pop(0)
    store.save(other)

    store.undo("other")

    assert [message.content for message in store.load("other").messages] == ["one", "two"]
    with pytest.raises(NothingToUndo):
        store.undo("other")
    store.redo("other")
    assert [message.content for message in store.load("other").messages] == ["two"]
