"""Races of this library with itself and with git, each held still at its worst moment."""

from __future__ import annotations

import itertools
import os
import threading
import time
import zlib
from contextlib import suppress

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import SessionError
from superqode.session.git import lockfile, packed_refs, repository
from superqode.session.git.refs import Refs

GROUP = "races"

# How long a thread is given to do what must not be possible, in seconds.
A_MOMENT = 1.0


def _in_a_thread(action) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_a_branch_deleted_while_refs_are_packed_stays_deleted(store, store_path, saved, monkeypatch):
    """Packing that read a branch before it was deleted does not bring it back."""
    saved("s")
    saved("t")
    deleting: list[threading.Thread] = []
    with SessionStore(store_path) as other:
        real = packed_refs.render

        def render(refs):
            if "refs/heads/s" in refs and not deleting:  # read, and not yet written to packed-refs
                deleting.append(_in_a_thread(lambda: other.delete("s")))
                deleting[0].join(A_MOMENT)
            return real(refs)

        monkeypatch.setattr(packed_refs, "render", render)
        store.maintain()
        deleting[0].join()
        assert not other.exists("s")
        assert [row.id for row in other.list_sessions()] == ["t"]
        assert [item.session_id for item in other.trash()] == ["s"]


def test_a_session_brought_back_while_refs_are_packed_stays(store, store_path, saved, monkeypatch, contents):
    """Packing removes a branch's file only while packed-refs has it: it may have gone and come meanwhile."""
    saved("s")
    real = Refs._prune_loose
    with SessionStore(store_path) as other:

        def prune(self, name, *arguments):
            if name == "refs/heads/s" and other.delete("s"):
                other.undelete("s")
            return real(self, name, *arguments)

        monkeypatch.setattr(Refs, "_prune_loose", prune)
        store.maintain()
    assert contents("s") == ["s 0", "s 1"]


def test_maintenance_that_was_stopped_for_a_while_undoes_no_save(store, store_path, saved, monkeypatch, contents):
    """A process that sleeps with a ref's lock in its hand removes nothing that was saved meanwhile."""
    session = saved("s")
    done = threading.Event()
    real = os.unlink
    ref = str(store_path / "refs" / "heads" / "s")

    def unlink(path, *arguments, **options):
        if str(path) == ref and threading.current_thread().name == "maintainer":
            done.wait(4)
        real(path, *arguments, **options)

    monkeypatch.setattr(os, "unlink", unlink)

    def maintain():
        with SessionStore(store_path) as other:
            other.maintain()

    maintainer = threading.Thread(target=maintain, name="maintainer")
    maintainer.start()
    session.add_message("user", "dear")
    store.save(session)
    done.set()
    maintainer.join()
    assert contents("s") == ["s 0", "s 1", "dear"]


def test_a_holder_whose_lock_was_taken_away_touches_nothing(tmp_path, no_waiting):
    """Who slept until its lock was moved aside neither overwrites the next holder's work nor removes its lock."""
    path = str(tmp_path / "ref")
    sleeper = lockfile.lock_file(path, tmp_path / "aside")
    held = sleeper.__enter__()
    with lockfile.lock_file(path, tmp_path / "aside") as next_holder:
        with pytest.raises((SessionError, OSError)):
            held.commit(b"old\n")
        with suppress(OSError):
            sleeper.__exit__(None, None, None)
        assert (tmp_path / "ref.lock").exists(), "the lock of somebody else is gone"
        next_holder.commit(b"new\n")
    assert (tmp_path / "ref").read_bytes() == b"new\n"


def test_what_was_purged_stays_forgotten_by_every_process(store, store_path, saved):
    """A process that knew a session which another one deleted and purged does not take it for lost and rescue it."""
    for name in ("a", "b", "x"):
        saved(name)
    with SessionStore(store_path) as other:
        other.list_sessions()
        store.delete("a")
        store.purge("a")
        saved("y")
        assert {row.id for row in other.list_sessions()} == {"b", "x", "y"}
        store.delete("y")
        store.purge("y")
        (store_path / "superqode" / "index.sqlite").unlink(missing_ok=True)
        store.delete("x")
        store.purge("x")
        assert [row.id for row in other.list_sessions()] == ["b"]
        assert other.trash() == []
        assert store.trash() == []


def test_a_fork_outlives_the_purge_of_what_it_came_from(store, saved, git, contents):
    """A fork that was not saved yet when its origin was purged is saved whole: nothing it needs is missing."""
    saved("s")
    fork = store.load("s").fork("A fork")
    store.delete("s")
    store.purge("s", now=True)
    fork.add_message("user", "and on")
    store.save(fork)
    assert contents(fork.id) == ["s 0", "s 1", "and on"]
    git.fsck()


def _neighbour(session_id: str) -> str:
    """Another id whose session shares its lock with this one's."""

    def lock(name):
        return zlib.crc32(name.encode()) % repository._LOCKS

    return next(name for name in map("n{}".format, itertools.count()) if lock(name) == lock(session_id))


def test_purging_beside_listing_waits_for_no_circle(store, saved, git, monkeypatch):
    """One thread purges while another notices a deleted branch: neither holds what the other waits for."""
    neighbour = _neighbour("s")
    saved("s")
    saved(neighbour)
    store.delete("s")
    store.list_sessions()
    catalogue = store._index(store._open())
    real = catalogue.forget
    problems: list[SessionError] = []
    threads: list[threading.Thread] = []

    def look():
        try:
            store.list_sessions()
        except SessionError as problem:
            problems.append(problem)

    def forget(name):
        git("branch", "-D", neighbour)
        threads.append(_in_a_thread(look))
        threads[0].join(A_MOMENT)  # the listing goes first
        real(name)

    monkeypatch.setattr(catalogue, "forget", forget)
    store.purge("s")
    assert threads, "a purge takes the session out of the index"
    threads[0].join()
    assert problems == []
    assert [item.session_id for item in store.trash()] == [neighbour]


def test_a_store_is_made_once_by_whoever_is_first(store_path, start):
    """Processes that all make the same store at the same time all save into it."""
    started = [start("save", store_path, f"s{number}", "hello", 1) for number in range(6)]
    assert [worker.end() for worker in started] == [["hello 0"]] * 6
    with SessionStore(store_path) as store:
        assert len(store.list_sessions()) == 6


def test_a_store_whose_making_was_cut_short_is_finished(store, store_path, saved, monkeypatch, git):
    """A process that dies while it makes a store leaves nothing that the next one cannot finish."""

    class Killed(BaseException):
        pass

    def die(*_arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(repository, "write_readme", die)
        with pytest.raises(Killed):
            saved("s")
    with SessionStore(store_path) as reader:
        assert reader.list_sessions() == []
    saved("s")
    assert [row.id for row in store.list_sessions()] == ["s"]
    assert git("config", "receive.denyDeletes") == "true"
    git.fsck()


def test_others_wait_while_a_store_is_being_made(store_path, monkeypatch):
    """While one thread is in the middle of making the store, another that wants it waits, and both save."""
    middle, go_on = threading.Event(), threading.Event()
    real = repository.write_readme

    def slowly(made):
        middle.set()
        go_on.wait(10)
        real(made)

    monkeypatch.setattr(repository, "write_readme", slowly)
    failed: list[BaseException] = []

    def save(name):
        try:
            with SessionStore(store_path) as store:
                store.list_sessions()
                store.save(Session(id=name))
        except SessionError as problem:
            failed.append(problem)

    first = _in_a_thread(lambda: save("first"))
    middle.wait(10)
    second = _in_a_thread(lambda: save("second"))
    second.join(A_MOMENT)
    go_on.set()
    first.join()
    second.join()
    assert failed == []
    with SessionStore(store_path) as store:
        assert {row.id for row in store.list_sessions()} == {"first", "second"}


# Git runs this for each branch whose file it is about to remove, after it wrote packed-refs.
_PAUSE = """#!/bin/sh
cat > /dev/null
if grep -q refs/heads/s packed-refs && [ ! -e packed-refs.lock ]; then
  touch paused
  for turn in $(seq 600); do [ -e go ] && break; sleep 0.05; done
fi
"""


@pytest.mark.skipif(os.name != "posix", reason="the hook is a shell script")
def test_what_is_brought_back_beside_pack_refs_stays(store, store_path, git, saved, contents):
    """`git pack-refs` removes a branch's file after it packed it, whatever happened between: undelete is safe from it."""
    session = saved("s")
    session.create_snapshot("kept")
    store.save(session)
    git("branch", "first", "s")
    git("tag", "zz-last", "s")  # git removes files in the one or the other order: it pauses before those of `s`
    hook = store_path / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_PAUSE)
    hook.chmod(0o755)
    packing = _in_a_thread(lambda: git.run("pack-refs", "--all"))
    while packing.is_alive() and not (store_path / "paused").exists():
        time.sleep(0.01)
    paused = (store_path / "paused").exists()
    assert store.delete("s")
    assert store.undelete("s") == "s"
    (store_path / "go").touch()
    packing.join()
    if not paused:
        pytest.skip("this git runs no hook between packing and removing")
    assert contents("s") == ["s 0", "s 1"]
    assert [snapshot.description for snapshot in store.load("s").snapshots] == ["kept"]
