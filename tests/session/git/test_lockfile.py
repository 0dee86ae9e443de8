"""`<file>.lock`: whole content or none, waited for while somebody holds it, set aside when nobody does."""

import os
import signal
import subprocess
import sys
from itertools import count

import pytest

from superqode.session import clock
from superqode.session.errors import StoreLocked
from superqode.session.git import renames
from superqode.session.git.lockfile import lock_file

HOLD = """
import sys, time
from pathlib import Path
from superqode.session.git.lockfile import lock_file
with lock_file(sys.argv[1], Path(sys.argv[2]), flocked=True):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(path, tmp_path):
    """Another process that holds the lock, flocked."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path, str(tmp_path / "aside")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def waiting(monkeypatch):
    """Waiting passes at once; gives a list of things to do in the pauses, one each."""
    passed = [0.0]
    pauses = count()
    todo = {}

    def sleep(seconds):
        passed[0] += seconds
        todo.get(next(pauses), lambda: None)()

    monkeypatch.setattr(clock, "monotonic", lambda: passed[0])
    monkeypatch.setattr(clock, "sleep", sleep)
    return passed, todo


@pytest.fixture
def path(tmp_path):
    """The file that is locked."""
    (tmp_path / "file").write_bytes(b"old")
    return str(tmp_path / "file")


def test_new_content_comes_whole(path, tmp_path):
    """While the lock is held the old content stands; afterwards the new one, and no lock."""
    with lock_file(path, tmp_path / "aside") as lock:
        assert (tmp_path / "file.lock").exists()
        assert (tmp_path / "file").read_bytes() == b"old"
        lock.commit(b"n" * 100_000, sync=True)
        assert not (tmp_path / "file.lock").exists()

    assert (tmp_path / "file").read_bytes() == b"n" * 100_000
    assert not (tmp_path / "aside").exists()


@pytest.mark.parametrize("fails", [False, True])
def test_letting_go_changes_nothing(path, tmp_path, fails):
    """Without a commit, or with an error inside, the old content stays and the lock goes."""
    if fails:
        with pytest.raises(ZeroDivisionError), lock_file(path, tmp_path / "aside"):
            _ = 1 / 0
    else:
        with lock_file(path, tmp_path / "aside"):
            pass

    assert (tmp_path / "file").read_bytes() == b"old"
    assert not (tmp_path / "file.lock").exists()


def test_ctrl_c_while_names_are_exchanged_leaves_no_lock(path, tmp_path, monkeypatch):
    """Where a signal comes between new content in place and the old one gone, both are as after the end."""
    real, struck = os.unlink, []

    def unlink(name):
        if not struck:
            struck.append(name)
            raise KeyboardInterrupt
        real(name)

    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(renames, "_renameat2", lambda: lambda _a, one, _b, other, _c: _exchange(one, other))
    with pytest.raises(KeyboardInterrupt), lock_file(path, tmp_path / "aside") as lock:
        lock.commit(b"new", journalled=True)

    assert struck == [f"{path}.lock"]
    assert (tmp_path / "file").read_bytes() == b"new"
    assert not (tmp_path / "file.lock").exists()


def test_what_no_journal_has_comes_by_a_rename(path, tmp_path, monkeypatch):
    """A file system sees to it that such a file is old or new after a crash, and never empty."""
    monkeypatch.delattr(renames, "replace")
    with lock_file(path, tmp_path / "aside") as lock:
        lock.commit(b"new")

    assert (tmp_path / "file").read_bytes() == b"new"


def _exchange(one, other):
    """What renameat2(2) does, in three steps."""
    os.rename(one, one + b".between")
    os.rename(other, one)
    os.rename(one + b".between", other)
    return 0


def test_a_lock_is_made_where_its_folder_is_missing(tmp_path):
    """The folders of a deep ref are made with its lock."""
    with lock_file(str(tmp_path / "a" / "b" / "c"), tmp_path / "aside") as lock:
        lock.commit(b"x")

    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"x"


def test_a_lock_that_somebody_lets_go_is_taken(path, tmp_path, waiting):
    """We wait while it is held, and no longer."""
    passed, todo = waiting
    (tmp_path / "file.lock").touch()
    todo[3] = (tmp_path / "file.lock").unlink

    with lock_file(path, tmp_path / "aside") as lock:
        lock.commit(b"ours")

    assert passed[0] < 0.1
    assert (tmp_path / "file").read_bytes() == b"ours"
    assert not (tmp_path / "aside").exists()


def test_a_lock_that_stays_the_same_for_a_second_is_nobodys(path, tmp_path, waiting):
    """A killed writer's lock is moved aside with its content, not deleted, and the work goes on."""
    passed, _ = waiting
    (tmp_path / "file.lock").write_bytes(b"half")

    with lock_file(path, tmp_path / "aside") as lock:
        lock.commit(b"ours")

    assert 1.0 <= passed[0] < 1.3
    (kept,) = (tmp_path / "aside").iterdir()
    assert kept.read_bytes() == b"half"
    assert kept.name.endswith("file.lock")
    assert (tmp_path / "file").read_bytes() == b"ours"


def test_a_lock_that_changes_hands_is_somebodys(path, tmp_path, waiting):
    """Each new holder is waited for anew, up to the limit; then it is StoreLocked, and the lock is left alone."""
    passed, todo = waiting
    lock = tmp_path / "file.lock"
    lock.touch()

    def change_hands():
        fresh = tmp_path / "fresh"
        fresh.touch()
        os.utime(fresh, ns=(1, int(passed[0] * 1e9) + 1))
        fresh.replace(lock)

    todo.update(dict.fromkeys(range(100_000), change_hands))

    with (
        pytest.raises(StoreLocked, match=r"file\.lock was locked by another process for 5\.\d s"),
        lock_file(path, tmp_path / "aside", timeout=5),
    ):
        pass

    assert lock.exists()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert not (tmp_path / "aside").exists()


def test_patience_can_be_longer_for_a_slow_file(path, tmp_path, waiting):
    """Where a holder may need long, its lock counts as nobody's only after the longer time."""
    passed, todo = waiting
    (tmp_path / "file.lock").touch()
    todo[100] = (tmp_path / "file.lock").unlink

    with lock_file(path, tmp_path / "aside", timeout=30, stale_after=10):
        pass

    assert 3 < passed[0] < 10
    assert not (tmp_path / "aside").exists()


def test_a_flocked_lock_of_a_killed_process_needs_no_waiting(path, tmp_path, waiting, holder):
    """It says that it was ours, and nobody has it: it is set aside at once, and what is written is whole."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with lock_file(path, tmp_path / "aside", stale_after=10, flocked=True) as lock:
        lock.commit(b"new")

    assert waiting[0] == [0.0]
    assert (tmp_path / "file").read_bytes() == b"new"
    assert len(list((tmp_path / "aside").iterdir())) == 1


def test_a_flocked_lock_is_its_holders_while_that_lives(path, tmp_path, waiting, holder):
    """Nobody takes it for a lost one, however often and for how long it is looked at."""
    with pytest.raises(StoreLocked), lock_file(path, tmp_path / "aside", timeout=30, stale_after=10, flocked=True):
        pass

    assert holder.poll() is None
    assert (tmp_path / "file.lock").exists()
    assert not (tmp_path / "aside").exists()


def test_a_lock_of_git_is_waited_for(path, tmp_path, waiting):
    """A lock that does not say that it is ours may be held by git: it has its time."""
    (tmp_path / "file.lock").write_bytes(b"")

    with lock_file(path, tmp_path / "aside", timeout=30, stale_after=10, flocked=True):
        assert 10 <= waiting[0][0] < 11


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    """A path below a file is no place for a lock: the system's own error comes at once."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"\[Errno"), lock_file(str(tmp_path / "file" / "x"), tmp_path / "aside"):
        pass
