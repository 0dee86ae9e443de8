"""kill -9 at any moment of a save: what was acknowledged is there, the next save works, the repository is whole."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from superqode.session import SessionStore

from . import processes

GROUP = "kill -9"

KILLS = 100 if processes.FULL else 12

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")


def test_kill_9_loses_nothing_and_blocks_nothing(start, store, store_path, git, saved):
    """However often a saving process is killed: nothing acknowledged is missing or double, no save is blocked."""
    saved("s", 1)
    saved("t", 1)
    chance = random.Random(22)
    zygote = start("zygote", store_path, "s")
    assert zygote.line() == "ready"
    acknowledged: list[str] = []
    locks_left = 0
    for number in range(KILLS):
        zygote.say(f"k{number}")
        word, pid = zygote.line().split()
        assert word == "pid"
        if number % 2:  # on a busy machine the moments below may all be before its first save
            acknowledged.append(zygote.line())
        time.sleep(chance.uniform(0, 0.12))
        os.kill(int(pid), signal.SIGKILL)
        while (line := zygote.line()) != "dead":
            acknowledged.append(line)
        locks_left += len([*(store_path / "refs").rglob("*.lock")])
        # The next save: a process that never saw the killed one.
        with SessionStore(store_path) as fresh:
            session = fresh.load("s")
            session.add_message("user", f"next {number}")
            assert len(fresh.save(session).commits) == 1
            acknowledged.append(f"next {number}")
        assert not [*(store_path / "refs").rglob("*.lock")]
    said = [message.content for message in store.load("s").messages]
    assert len(set(said)) == len(said)
    assert [text for text in said if text in set(acknowledged)] == acknowledged
    # At most the save that was under way at each kill was stored without being acknowledged.
    assert len(said) - 1 - len(acknowledged) <= KILLS
    assert [message.content for message in store.load("t").messages] == ["t 0"]
    git.fsck()
    assert store.maintain().skipped == ()
    assert [found.severity for found in store.verify().findings if found.severity == "error"] == []
    git.fsck()
    assert len(acknowledged) > KILLS, "the killed processes never came to save"
    print(f"{KILLS} kills, {len(acknowledged)} acknowledged saves, {locks_left} locks left behind")


@pytest.mark.parametrize("verb", ["remove", "churn", "maintain"])
def test_kill_9_in_other_verbs(verb, start, store, store_path, git, saved):
    """A process killed while it deletes, renames, undeletes or packs leaves a store that goes on with all sessions."""
    chance = random.Random(verb)
    saved("quiet")
    saved("x-origin")
    for number in range(15 if processes.FULL else 2):
        name = "x" if verb == "churn" else f"x{number}"
        worker = start(verb, store_path, *(() if verb == "maintain" else (name,)))
        assert worker.line() == "ready"
        time.sleep(chance.uniform(0, 0.3))
        worker.kill()
        with SessionStore(store_path) as fresh:
            for row in fresh.list_sessions():
                assert row.problem == ""
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
    assert len(store.load("quiet").messages) == 2 + (15 if processes.FULL else 2)
    git.fsck()
