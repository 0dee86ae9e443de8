"""Ctrl-C at every step of a save: what was acknowledged stays, the interrupt is heard, saving again works."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

import superqode.session
from superqode.session import SessionStore
from superqode.session.git import renames
from superqode.session.store import maintenance

from . import judging, processes
from .verbs import VERBS, make_store

GROUP = "Ctrl-C"

# An interrupt between opening a file and taking hold of it leaves the closing to Python, which says so.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

_LIBRARY = str(Path(superqode.session.__file__).parent)
# Every step in a full run, every so-many-th else; a prime, so that loops in the code are met at all their places.
STRIDE = 1 if processes.FULL else 17


@pytest.fixture(autouse=True)
def _no_maintenance_by_itself(monkeypatch):
    """Nothing runs beside what is interrupted."""
    monkeypatch.setattr(maintenance, "is_due", lambda _repository: False)


def _forgetting(frame) -> bool:
    """Whether something is forgotten in one of the next calls above; none goes deeper."""
    for _ in range(4):
        frame = frame.f_back
        if frame is None:
            return False
        if frame.f_code.co_name == "__del__":
            return True
    return False


class Interrupt:
    """Raises KeyboardInterrupt before the n-th line of the library that runs inside the block; says whether it did."""

    def __init__(self, step: int) -> None:
        self._left = step
        self.where = ""

    def _call(self, frame, _event, _argument):
        if frame.f_code.co_name == "__del__":  # what is raised while something is forgotten, Python swallows
            return None
        return self._line if frame.f_code.co_filename.startswith(_LIBRARY) and not _forgetting(frame) else None

    def _line(self, frame, event, _argument):
        if event == "line":
            self._left -= 1
            if self._left == 0:
                self.where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self._line

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)


def test_ctrl_c_at_any_line_of_a_save(store, store_path, git, saved, contents, locks, no_waiting):
    """Wherever Ctrl-C strikes: it is raised, nothing is lost or saved twice, and no lock is left but for a moment."""
    session = saved("s")
    saved("t")
    store.save(store.load("s"))
    expected = ["s 0", "s 1"]
    step, finished, left_locked = 1, False, []
    while not finished:
        text = f"at step {step}"
        session.add_message("user", text)
        if step % 2:
            session.create_snapshot(text)
        with Interrupt(step) as interrupt:
            try:
                store.save(session)
                finished = interrupt.where == ""
            except KeyboardInterrupt:
                assert interrupt.where
        assert finished or interrupt.where, "the save ended otherwise"
        left_locked += [interrupt.where for _ in locks()]
        expected.append(text)
        store.save(session)
        assert [message.content for message in session.messages] == expected, interrupt.where
        assert contents("s") == expected, interrupt.where
        assert locks() == [], interrupt.where
        step += STRIDE
    assert step > 300, "the steps were not met"
    # Only an interrupt in the very lines that take or release a lock leaves it, for the next save to move aside.
    assert {place.partition(":")[0] for place in left_locked} <= {"lockfile.py"}
    snapshots = [snapshot.description for snapshot in store.load("s").snapshots]
    assert sorted(snapshots) == sorted(text for text in expected[2:] if int(text.split()[-1]) % 2)
    assert int(git("rev-list", "--count", "s")) == len(expected), "something was saved twice"
    assert contents("t") == ["t 0", "t 1"]
    assert not list((store_path / "superqode" / "quarantine").glob("*-????????????????????????????????????????"))
    git.fsck()


def _interrupt_after(monkeypatch, name, number, store_path):
    """Let the n-th call of `os.<name>`, or of a claim, do its work and be followed by Ctrl-C, as a signal would be."""
    owner = renames if name == "claim" else os
    real = getattr(owner, name)
    calls = iter(range(1, 1_000_000))
    struck = []

    def call(*arguments, **options):
        result = real(*arguments, **options)
        if next(calls) == number:
            struck.append(arguments)
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(owner, name, call)
    return struck


@pytest.mark.parametrize("name", ["open", "write", "close", "claim", "replace", "utime", "unlink", "makedirs"])
def test_ctrl_c_right_after_a_system_call(name, store, store_path, git, saved, contents, no_waiting, monkeypatch):
    """A signal is heard when a system call returns: the interrupt is raised as it is, the next save heals the rest."""
    if name in ("replace", "utime"):  # where no name can be claimed or exchanged
        monkeypatch.setattr(renames, "_renameat2", lambda: None)
    session = saved("s")
    for session.title in ("one", "other"):  # what is saved under an earlier title stands already, and is freshened
        store.save(session)
    expected = ["s 0", "s 1"]
    number, finished = 1, False
    while not finished:
        expected.append(f"{name} {number}")
        session.add_message("user", expected[-1])
        session.title = "one" if session.title == "other" else "other"
        with monkeypatch.context() as patch:
            struck = _interrupt_after(patch, name, number, store_path)
            try:
                store.save(session)
                finished = not struck
            except KeyboardInterrupt:
                assert struck
        assert finished or struck
        store.save(session)
        assert contents("s") == expected, struck
        number += 1
    assert number > 2, f"a save makes no {name}"
    git.fsck()


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_in_a_verb_that_moves_refs(verb, tmp_path, no_waiting, tally):
    """Wherever Ctrl-C strikes: every session is there or in the trash, whole, and the verb works again."""
    make_store(tmp_path / "template")
    step, struck = 1, []
    while True:
        path = tmp_path / "store"
        shutil.copytree(tmp_path / "template", path)
        with SessionStore(path) as store, Interrupt(step) as interrupt:
            try:
                VERBS[verb](store)
            except KeyboardInterrupt:
                struck.append(interrupt.where)
        with tally.fault(interrupt.where):
            assert struck[-1:] == [interrupt.where] or not interrupt.where, "the verb ended otherwise"
            judging.check(path, verb)
            judging.go_on(path, verb)
        shutil.rmtree(path)
        if not interrupt.where:
            break
        step += _stride(verb)
    assert len(struck) > 5


def _stride(verb: str) -> int:
    if processes.FULL:
        return 7 if verb in ("maintain", "rename", "merge") else 1
    return {"maintain": 499, "rename": 307, "merge": 503}.get(verb, 101)
