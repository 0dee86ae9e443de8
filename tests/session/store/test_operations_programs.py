"""Random programs of verbs: taking all of it back, in turn, brings the store back to where it was."""

import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from superqode.session import Session, SessionStore
from superqode.session.errors import OperationNotFound, SessionError

from .operating import fill

_NAMES = st.sampled_from(["a", "b", "c"])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("delete"), _NAMES),
        st.tuples(st.just("undelete"), _NAMES),
        st.tuples(st.just("undelete-as"), _NAMES, _NAMES),
        st.tuples(st.just("rename"), _NAMES, _NAMES),
        st.tuples(st.just("restore"), _NAMES),
        st.tuples(st.just("undo"), _NAMES),
        st.tuples(st.just("redo"), _NAMES),
        st.tuples(st.just("replace"), _NAMES),
        st.tuples(st.just("prune"), _NAMES),
        st.tuples(st.just("take back"), st.integers(1, 6)),
    ),
    min_size=1,
    max_size=7,
)


def _do(store: SessionStore, step: tuple) -> None:
    verb, name, *more = step
    match verb:
        case "delete":
            store.delete(name)
        case "undelete":
            store.undelete(name)
        case "undelete-as":
            store.undelete(name, new_id=more[0])
        case "rename":
            store.rename(name, more[0])
        case "restore":
            store.restore(name, "snap")
        case "undo":
            store.undo(name)
        case "redo":
            store.redo(name)
        case "replace" if store.exists(name):
            store.save(Session(id=name, title="Replaced"), replace=True)
        case "prune":
            store.cleanup_old_sessions(days=0)
        case "take back":
            store.undo_operation(name)


def _state(store: SessionStore) -> dict[str, object]:
    """What is there: of each branch what it says, and the trash by what it holds."""
    sessions = {}
    for row in store.list_sessions():
        session = store.load(row.id)
        sessions[row.id] = (session.title, [m.content for m in session.messages], {s.id for s in session.snapshots})
    trash = sorted((item.session_id, item.title, item.snapshots) for item in store.trash())
    return {"sessions": sessions, "trash": trash}


@settings(max_examples=20)
@given(_STEPS)
def test_taking_all_back_brings_everything_back(steps):
    """Whatever was done and taken back out of turn: taking the rest back ends where it began, and nothing is lost."""
    with tempfile.TemporaryDirectory() as folder, SessionStore(Path(folder, "store")) as store:
        fill(store, "a", "b")
        begun = _state(store)
        tips = [row.tip for row in store.list_sessions()]
        for step in steps:
            try:
                _do(store, step)
            except SessionError:
                continue  # what cannot be done here says so, and has done nothing
        for _ in range(100):
            try:
                store.undo_operation()
            except OperationNotFound:
                break
        assert _state(store) == begun
        for tip in tips:
            assert store._open().objects.has(tip)
        done = subprocess.run(
            ["git", "-C", str(store.path), "fsck", "--strict", "--no-dangling"], capture_output=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, b"")
