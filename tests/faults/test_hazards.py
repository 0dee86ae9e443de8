"""Each hazard of libgit2 and of Git's files, a regression test by its name; and saves that fail on their way."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import SaveFailed, StoreLocked
from superqode.session.git import durability, renames
from superqode.session.git.refs import Refs
from superqode.session.store import saving

from . import processes

GROUP = "hazards of Git and libgit2"

SECONDS = 30 if processes.FULL else 2
LEAST = 6


def test_no_branch_vanishes_beside_pack_refs(start, store, store_path, git, saved):
    """Beside `git pack-refs` and our own deleting, renaming, packing, no branch is lost and none comes back."""
    saved("first")
    removing = start("remove", store_path, "gone")
    creating = start("create", store_path, "kept")
    assert removing.line() == creating.line() == "ready"
    with processes.repeating(lambda: git.run("pack-refs", "--all")):
        time.sleep(SECONDS)
        # On a machine that is slow, some of each, however long it takes.
        kept, gone = ([worker.line() for _ in range(LEAST)] for worker in (creating, removing))
        kept, gone = kept + creating.end(), gone + removing.end()
    branches = set(git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split("\n"))
    assert set(kept) - branches == set()
    assert set(gone) & branches == set()
    assert {row.id for row in store.list_sessions()} == {"first", *kept}


def test_a_killed_writers_ref_lock_is_moved_aside(store, store_path, saved, no_waiting, locks, contents):
    """The lock that a killed writer left blocks nobody for good: the next save works, and the lock is kept aside."""
    session = saved("s")
    lock = store_path / "refs" / "heads" / "s.lock"
    lock.write_bytes(b"half a val")
    session.add_message("user", "after the kill")
    store.save(session)
    assert contents("s")[-1] == "after the kill"
    assert locks() == []
    [aside] = (store_path / "superqode" / "quarantine" / "locks").iterdir()
    assert aside.read_bytes() == b"half a val"


def test_a_left_packed_refs_lock_is_moved_aside(store, store_path, git, saved, no_waiting, locks):
    """A `packed-refs.lock` that nobody holds stops no save, and no deletion for good."""
    session = saved("s")
    saved("other")
    git("pack-refs", "--all")
    (store_path / "packed-refs.lock").touch()
    session.add_message("user", "more")
    store.save(session)
    assert (store_path / "packed-refs.lock").exists(), "a save has no business with it"
    assert store.delete("s")
    assert locks() == []
    assert [row.id for row in store.list_sessions()] == ["other"]


def test_a_lock_that_somebody_alive_holds_is_respected(store, store_path, git, saved, no_waiting):
    """A lock that changes is somebody's: it stays, and the error says that it was locked; nothing is saved."""
    session = saved("s")
    tip = git("rev-parse", "s")
    lock = store_path / "refs" / "heads" / "s.lock"
    lock.touch()
    moments = iter(range(1_000_000_000, 2_000_000_000))
    no_waiting(lambda: os.utime(lock, ns=(0, next(moments))))
    session.add_message("user", "more")
    with pytest.raises(StoreLocked):
        store.save(session)
    assert lock.exists()
    assert git("rev-parse", "s") == tip
    lock.unlink()
    assert len(store.save(session).commits) == 1


def _is_ref_lock(source, *_):
    return str(source).endswith("refs/heads/s.lock")


def _is_journal(handle, *_):
    return "/superqode/journal/" in str(Path(f"/proc/self/fd/{handle}").readlink())


def _is_object(_source, target, *_):
    return "/objects/" in str(target)


EIO = OSError(errno.EIO, "Input/output error")
FULL_DISK = OSError(errno.ENOSPC, "No space left on device")
FAILURES = {
    "sync of the journal": (os, "fdatasync", EIO, {}, "not saved"),
    "write of the journal": (os, "write", FULL_DISK, {"when": _is_journal}, "not saved"),
    "rename of an object": (os, "replace", FULL_DISK, {"when": _is_object}, "not saved"),
    "rename of the ref": (renames, "replace", EIO, {"when": _is_ref_lock}, "not saved"),
    "rename of the ref, but done": (renames, "replace", EIO, {"when": _is_ref_lock, "after": True}, "unknown"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_says_whether_it_is_saved(failure, store, git, saved, fail_call, contents, locks, monkeypatch):
    """After an error in a save its outcome is the truth, no lock stays, and saving again is safe and saves once."""
    place, name, problem, options, outcome = FAILURES[failure]
    session = saved("s")
    tip = git("rev-parse", "s")
    session.add_message("user", "dear")
    if failure == "rename of an object":  # a disk that refuses one way to rename refuses the other
        monkeypatch.setattr(renames, "claim", lambda *_: False)
    fail_call(place, name, problem, **options)
    with pytest.raises(SaveFailed) as caught:
        store.save(session)
    assert caught.value.outcome == outcome
    assert caught.value.session_id == "s"
    assert (git("rev-parse", "s") != tip) == (outcome == "unknown")
    assert locks() == []
    store.save(session)
    assert contents("s") == ["s 0", "s 1", "dear"]
    assert git("rev-list", "--count", "s") == "3"
    git.fsck()


def test_an_error_that_stays_is_never_called_not_saved(store, git, saved, monkeypatch, contents):
    """Where the ref cannot even be read again after the error, nobody knows: the outcome is `unknown`."""
    session = saved("s")
    session.add_message("user", "dear")
    real_replace, real_read = renames.replace, Refs.read
    broken = []

    def replace(source, target):
        real_replace(source, target)
        if _is_ref_lock(source):
            broken.append(1)
            raise EIO

    def read(self, name):
        if broken:
            raise EIO
        return real_read(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(renames, "replace", replace)
        patch.setattr(Refs, "read", read)
        with pytest.raises(SaveFailed) as caught:
            store.save(session)
    assert caught.value.outcome == "unknown"
    store.save(session)
    assert contents("s") == ["s 0", "s 1", "dear"]
    assert git("rev-list", "--count", "s") == "3"


def test_what_a_failed_flush_left_is_not_trusted(store, store_path, git, saved, monkeypatch):
    """After a failed flush the disk may lack what memory shows: saving again writes or flushes all of it anew."""
    monkeypatch.setattr(saving, "JOURNAL_MOST", 0)  # as a save that is too large for the journal
    session = saved("s")
    before = set(git("rev-list", "--objects", "--no-object-names", "s").split("\n"))
    session.add_message("user", "dear")
    calls: list[set[str]] = []
    real = durability.flush

    def flush(folder, written):
        calls.append(set(written))
        if len(calls) == 1:
            raise EIO
        real(folder, calls[-1])

    def path(oid):
        return store_path / "objects" / oid[:2] / oid[2:]

    monkeypatch.setattr(durability, "flush", flush)
    with pytest.raises(SaveFailed):
        store.save(session)
    doubtful = {name: Path(name).stat().st_ino for name in calls[0] if Path(name).exists()}
    store.save(session)
    flushed = set().union(*calls[1:])
    news = set(git("rev-list", "--objects", "--no-object-names", "s").split("\n")) - before
    assert news
    for oid in news:
        name = str(path(oid))
        assert name in flushed or doubtful.get(name) not in (None, Path(name).stat().st_ino), oid


@pytest.mark.parametrize("gone", ["object", "ref"])
def test_a_flush_of_each_file_knows_that_packing_removes_files(gone, store, store_path, git, saved, monkeypatch):
    """Without `syncfs`, a file that maintenance packed away beside the save is no failure."""
    session = saved("s")
    session.add_message("user", "dear")
    monkeypatch.setattr(durability, "_syncfs", lambda: None)
    real = durability.flush
    calls = iter(range(10))

    def flush(folder, written):
        files = list(written)
        if next(calls) == (0 if gone == "object" else 1):
            # What a maintenance run of another process does at this very moment.
            if gone == "object":
                git("update-ref", "refs/superqode/kept", files[-1].split("/objects/")[1].replace("/", ""))
                git("repack", "-d", "-q")
            else:
                git("pack-refs", "--all")
            assert not all(Path(name).exists() for name in files)
        real(folder, files)

    monkeypatch.setattr(durability, "flush", flush)
    assert len(store.save(session).commits) == 1


def test_new_folders_are_made_durable_too(tmp_path, monkeypatch):
    """Without `syncfs`, a file in a folder that is new itself is safe only when that folder's own entry is synced."""
    written = tmp_path / "objects" / "ab" / "cdef"
    written.parent.mkdir(parents=True)
    written.touch()
    synced: list[str] = []
    monkeypatch.setattr(durability, "_syncfs", lambda: None)
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink())))
    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc to look into")
    durability.flush(tmp_path, [str(written)])
    assert {str(written), str(written.parent), str(written.parent.parent)} <= set(synced)


def test_a_clock_that_goes_backwards_turns_nothing_round(store, git, saved, still_clock):
    """However the clock jumps, saves stay in their order, their times grow, and nothing is lost."""
    session = saved("s")
    for hours in (-5, 1, -100_000, 300_000):
        still_clock.advance(hours=hours)
        session.add_message("user", f"after {hours}")
        if hours == 1:
            session.create_snapshot("between")
        store.save(session)
    loaded = store.load("s")
    assert [message.content for message in loaded.messages][2:] == [f"after {h}" for h in (-5, 1, -100_000, 300_000)]
    times = [save.saved_at for save in store.history("s")]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)
    assert [snapshot.description for snapshot in loaded.snapshots] == ["between"]
    still_clock.advance(hours=-1_000)
    store.delete("s")
    still_clock.advance(hours=-1_000)
    assert store.undelete("s") == "s"
    assert [row.message_count for row in store.list_sessions()] == [6]
    git.fsck()


def test_hooks_of_the_user_do_not_run_in_our_calls(store, store_path, git, saved):
    """A hook that the user's settings name for every repository neither slows nor stops maintenance."""
    saved("s")
    hooks = store_path.parent / "hooks"
    hooks.mkdir()
    hook = hooks / "reference-transaction"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    subprocess.run(["git", "config", "--global", "core.hooksPath", str(hooks)], check=True)
    assert store.maintain().skipped == ()
    assert store.delete("s")
    with SessionStore(store_path) as fresh:
        fresh.save(Session(id="t"))
        assert [row.id for row in fresh.list_sessions()] == ["t"]
