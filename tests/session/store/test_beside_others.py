"""What another process does between two looks of ours: no whole thing is called damaged, and nothing comes back."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading

import pytest

from superqode.session import Session, SessionStore, clock
from superqode.session.errors import SessionNotFound
from superqode.session.git import bundle
from superqode.session.git.packs import Packs
from superqode.session.git.reflog import Reflog
from superqode.session.git.refs import Refs
from superqode.session.git.repository import Repository
from superqode.session.store import loading, repair_files, trash, verify
from superqode.session.store.doctor import examine
from superqode.session.store.operations import recording
from superqode.session.store.operations.log import OPLOG, OperationLog
from superqode.session.store.vanished import vanished

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def saved(store, session_id, text="hello"):
    """A saved session with a snapshot."""
    session = Session(id=session_id)
    session.add_message("user", text)
    session.create_snapshot("here", snapshot_id="here")
    store.save(session)
    return session


@pytest.fixture
def other(store, store_path):
    """The same store, as another process has it open."""
    with SessionStore(store_path) as opened:
        yield opened


@pytest.fixture
def amid(monkeypatch):
    """Has something done right after the first call of a function."""

    def arrange(owner, name, done):
        original, todo = getattr(owner, name), [done]

        def called(*args, **options):
            found = original(*args, **options)
            found = found if isinstance(found, list | dict | str | None) else list(found)
            while todo:
                todo.pop()()
            return found

        monkeypatch.setattr(owner, name, called)

    return arrange


def test_a_session_that_is_deleted_while_all_are_checked_is_no_damage(store, other, amid):
    """`verify` lists names and then where they are; what went between was there, and is in the trash."""
    saved(store, "s")
    saved(store, "gone")
    amid(verify, "_all_branches", lambda: other.delete("gone"))
    assert store.verify().findings == ()


def test_a_session_that_is_deleted_while_a_doctor_looks_is_no_broken_ref(store, store_path, other, amid):
    """So does `doctor`."""
    saved(store, "s")
    saved(store, "gone")
    store.close()
    amid(Refs, "names", lambda: other.delete("gone"))
    assert [one for one in examine(store_path).findings if one.area == "refs" and one.level != "ok"] == []


def test_a_session_that_is_made_while_reflogs_are_listed_is_not_lost(store, other, amid):
    """A reflog without a ref is one that was lost, unless both came meanwhile."""
    saved(store, "s")
    amid(Refs, "names", lambda: saved(other, "new"))
    amid(Reflog, "names", lambda: saved(other, "newer"))
    assert vanished(store._open()) == []


def test_a_packed_ref_that_somebody_is_just_deleting_is_not_lost(store, other, git, monkeypatch):
    """Its packed value goes before its reflog: whoever looks in between waits for that."""
    for number in range(3):
        saved(store, f"s{number}")
    git("pack-refs", "--all")
    halfway, told = threading.Event(), threading.Event()
    original = Refs._remove_files

    def slowly(self, name):
        halfway.set()
        assert told.wait(10)
        original(self, name)

    monkeypatch.setattr(Refs, "_remove_files", slowly)
    thread = threading.Thread(target=lambda: other.rename("s1", "new"))
    thread.start()
    assert halfway.wait(10)
    monkeypatch.setattr(clock, "sleep", lambda _seconds: told.set())
    found = vanished(store._open())
    told.set()
    thread.join()

    assert found == []


def test_what_a_scrub_frees_while_all_are_checked_is_no_damage(store, other, amid):
    """The save that a session was at when `verify` began may be gone when it gets there."""
    saved(store, "s", SECRET)
    amid(verify, "_tags_by_session", lambda: other.scrub("s", secrets=[SECRET]))
    assert [found for found in store.verify().findings if found.severity == "error"] == []
    assert SECRET not in store.load("s").timeline[0].content


def test_what_a_scrub_frees_while_it_is_loaded_is_no_damage(store, store_path, other, amid):
    """A load that began before a scrub gives what is there after it."""
    saved(store, "s", SECRET)
    amid(loading, "tip_of", lambda: other.scrub("s", secrets=[SECRET]))
    with SessionStore(store_path) as reading:
        assert SECRET not in reading.load("s").timeline[0].content


def test_a_listing_does_not_wait_for_who_holds_a_lost_session(store, other, git, monkeypatch):
    """Such a session stays listed, in every process; when nobody holds it any more it is in the trash, once."""
    monkeypatch.setattr(trash, "_PATIENCE", 0.01)
    for name in ("lost", "kept"):
        saved(store, name)
    assert {row.id for row in other.list_sessions()} == {"lost", "kept"}
    git("update-ref", "-d", "refs/heads/lost")
    with Repository(store.path).writing("lost"):
        for asked in (store, other, store):
            assert {row.id for row in asked.list_sessions()} == {"lost", "kept"}
        saved(other, "new")
        assert {row.id for row in store.list_sessions()} == {"lost", "kept", "new"}
        assert store.trash() == []
    for asked in (store, other):
        assert {row.id for row in asked.list_sessions()} == {"kept", "new"}
    assert [item.session_id for item in store.trash()] == ["lost"]
    assert store.undelete("lost") == "lost"


def test_what_was_purged_while_undelete_waited_stays_purged(store, other, amid):
    """An item of the trash that goes before it is brought back is not brought back."""
    saved(store, "s")
    store.delete("s")
    item = trash.find_item(store._open(), "s")
    other.purge("s", now=True)
    with pytest.raises(SessionNotFound, match="trash"), store._open().writing("s"):
        trash.take_out(store._open(), item, "s")
    assert store.list_sessions() == []
    assert store.verify().ok


def test_a_ref_that_goes_while_git_makes_a_backup_stops_it_not(store, other, monkeypatch, tmp_path):
    """Names that git cannot find any more are listed anew."""
    saved(store, "s")
    saved(store, "gone")
    write, todo = bundle.write_bundle, [lambda: other.delete("gone")]

    def late(*args, **options):
        while todo:
            todo.pop()()
        write(*args, **options)

    monkeypatch.setattr(bundle, "write_bundle", late)
    restored = SessionStore.restore_backup(store.backup(tmp_path / "kept.bundle"), tmp_path / "restored")
    assert [session.id for session in restored.list_sessions()] == ["s"]
    assert [item.session_id for item in restored.trash()] == ["gone"]


def test_backups_beside_each_other_are_all_whole(store, store_path, tmp_path):
    """They wait for each other, for their settings travel under one name."""
    saved(store, "s")
    problems = []

    def back_up(number):
        try:
            with SessionStore(store_path) as opened:
                opened.backup(tmp_path / f"{number}.bundle")
        except Exception as problem:  # noqa: BLE001 - a thread's error is the test's
            problems.append(problem)

    threads = [threading.Thread(target=back_up, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(list(tmp_path.glob("*.bundle"))) == 4


def test_packs_that_git_gathers_after_they_were_opened_hide_nothing(store, store_path, git):
    """Every object is listed, though packs went whose indexes were not opened yet, and one index is damaged."""
    for number in range(3):
        saved(store, f"s{number}")
        git("repack", "-d", "-q")
    packs = Packs(store_path)
    git("repack", "-a", "-d", "-q")
    there = set(git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split())
    shutil.copy(next((store_path / "objects" / "pack").glob("*.idx")), store_path / "objects" / "pack" / "a-copy.idx")
    (store_path / "objects" / "pack" / "damaged.idx").write_bytes(b"\xfftOc\0\0\0\2" + b"\xff" * 1_100)
    assert set(packs) >= there


def test_a_journal_that_a_checkpoint_is_done_with_needs_no_repair(store, store_path, monkeypatch):
    """A file that is listed and gone a moment later is not one that cannot be read."""
    saved(store, "s")
    repository = store._open()
    gone = store_path / "superqode" / "journal" / "00.00000001"
    monkeypatch.setattr(repository.journal, "files", lambda: [gone])
    assert repair_files.repair_files(repository, None) == []


@pytest.mark.skipif(os.name != "posix", reason="processes are looked for by signals")
def test_freeing_waits_for_a_gc(store, store_path):
    """A `git gc` that began before a purge could put what is purged into a pack of its own."""
    saved(store, "s")
    store.delete("s")
    running = subprocess.Popen(["sleep", "60"])
    lock = store_path / "gc.pid"
    lock.write_text(f"{running.pid} {socket.gethostname()}")
    purging = threading.Thread(target=lambda: store.purge(now=True))
    purging.start()
    purging.join(0.5)
    waited = purging.is_alive()
    running.kill()
    running.wait()
    purging.join()
    assert waited
    assert not lock.exists()


def test_an_operation_that_is_settled_while_all_are_checked_is_no_damage(store, other):
    """The entry of an operation that had only begun is removed as soon as it is known what became of it."""
    saved(store, "s")
    saved(store, "t")
    other.delete("t")
    log = OperationLog(store._open())
    with recording.recording(store._open(), "delete", {"s": ""}):
        seen = log._tip()
    first = [seen]
    read = Refs.read

    def stale(self, name):
        return first.pop() if name == OPLOG and first else read(self, name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Refs, "read", stale)
        assert store.verify().findings == ()
    assert first == []


@pytest.fixture
def passing_over(monkeypatch):
    """Has a file missed by who reads its folder, as btrfs does with one that is renamed over meanwhile."""
    scandir, missed = os.scandir, []

    class Passing:
        """A listing without some names."""

        def __init__(self, path):
            self._found, self._missed = scandir(path), set(missed)
            missed.clear()
            os.utime(path)  # something was renamed in it

        def __enter__(self):
            return (entry for entry in self._found if entry.name not in self._missed)

        def __exit__(self, *_):
            self._found.close()

    monkeypatch.setattr(os, "scandir", Passing)
    return missed


def test_a_ref_that_moves_while_its_folder_is_read_is_not_missed(store, store_path, passing_over, tmp_path):
    """Lists, backups and checks have a session that is saved at this very moment."""
    saved(store, "s")
    saved(store, "t")
    assert len(store.list_sessions()) == 2
    repository = store._open()
    for names in (
        lambda: repository.refs.names("refs/heads/"),
        lambda: [n for n, _ in repository.refs.items("refs/heads/")],
    ):
        passing_over.append("s")
        assert names() == ["refs/heads/s", "refs/heads/superqode", "refs/heads/t"]
    passing_over.append("s")
    assert [item.id for item in store.list_sessions()] == ["t", "s"]
    assert store.trash() == []
