"""kill -9 at any moment of a save: what was acknowledged is there, the next save works, the repository is whole."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import SessionError, SessionNotFound

from . import processes
from .life import texts
from .tally import Blocked, Lost, Unreadable

GROUP = "kill -9"

KILLS = 1_000 if processes.FULL else 12
# So many kills strike one session, before the next is begun.
OF_ONE = 25
IN_OTHERS = 40 if processes.FULL else 2

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")


def _look(store_path, session_id: str, acknowledged: list[str]) -> None:
    """All that was acknowledged is there, once, in its order; the next save, by a process that never saw it, works."""
    with SessionStore(store_path) as fresh:
        try:
            session = fresh.load(session_id)
        except SessionNotFound as problem:
            if acknowledged:
                raise Lost(session_id) from problem
            session = Session(id=session_id)
        except SessionError as problem:
            raise Unreadable(session_id) from problem
        said = texts(session)
        assert len(set(said)) == len(said), "something was saved twice"
        if [text for text in said if text in set(acknowledged)] != acknowledged:
            raise Lost(f"{session_id}: {set(acknowledged) - set(said)}")
        session.add_message("user", f"next {len(acknowledged)}")
        try:
            assert len(fresh.save(session).commits) == 1
        except SessionError as problem:
            raise Blocked(f"{session_id}: {problem}") from problem
        acknowledged.append(f"next {len(acknowledged)}")


def test_kill_9_loses_nothing_and_blocks_nothing(start, store, store_path, git, saved, tally):
    """However often a saving process is killed: nothing acknowledged is missing or double, no save is blocked."""
    saved("t", 1)
    chance = random.Random(22)
    zygote = start("zygote", store_path)
    assert zygote.line() == "ready"
    acknowledged: dict[str, list[str]] = {}
    locks_left = heard = 0
    for number in range(KILLS):
        name = f"s{number // OF_ONE}"
        known = acknowledged.setdefault(name, [])
        with tally.fault(f"kill {number}"):
            zygote.say(f"{name} k{number}")
            word, pid = zygote.line().split()
            assert word == "pid"
            before = len(known)
            if number % 2:  # on a busy machine the moments below may all be before its first save
                known.append(zygote.line())
            time.sleep(chance.uniform(0, 0.12))
            os.kill(int(pid), signal.SIGKILL)
            while (line := zygote.line()) != "dead":
                known.append(line)
            heard += len(known) - before
            locks_left += len([*(store_path / "refs").rglob("*.lock")])
            _look(store_path, name, known)
            assert not [*(store_path / "refs").rglob("*.lock")]
    for name, known in acknowledged.items():
        said = texts(store.load(name))
        # At most the save that was under way at each kill was stored without being acknowledged.
        assert len(said) - len(known) <= OF_ONE
    assert texts(store.load("t")) == ("t 0",)
    git.fsck()
    assert store.maintain().skipped == ()
    assert [found.severity for found in store.verify().findings if found.severity == "error"] == []
    git.fsck()
    assert heard > KILLS // 2, "the killed processes never came to save"
    print(f"{KILLS} kills, {heard} acknowledged saves, {locks_left} locks left behind")


@pytest.mark.parametrize("verb", ["remove", "churn", "maintain"])
def test_kill_9_in_other_verbs(verb, start, store, store_path, git, saved, tally):
    """A process killed while it deletes, renames, undeletes or packs leaves a store that goes on with all sessions."""
    chance = random.Random(verb)
    saved("quiet")
    saved("x-origin")
    for number in range(IN_OTHERS):
        name = "x" if verb == "churn" else f"x{number}"
        worker = start(verb, store_path, *(() if verb == "maintain" else (name,)))
        assert worker.line() == "ready"
        time.sleep(chance.uniform(0, 0.3))
        worker.kill()
        with tally.fault(f"kill {number} of {verb}"), SessionStore(store_path) as fresh:
            for row in fresh.list_sessions():
                if row.problem:
                    raise Unreadable(f"{row.id}: {row.problem}")
                fresh.load(row.id)
            session = fresh.load("quiet")
            session.add_message("user", f"after kill {number}")
            assert fresh.save(session).commits
            for row in fresh.list_sessions():
                if row.id.startswith("x") and row.id != "x-origin":
                    assert fresh.delete(row.id)
            assert fresh.maintain().skipped == ()
            fresh.purge()
            assert {row.id for row in fresh.list_sessions()} == {"quiet", "x-origin"}
    assert len(store.load("quiet").messages) == 2 + IN_OTHERS
    git.fsck()
