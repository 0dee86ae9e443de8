"""Advisory locks: one holder among threads and processes, any number of sharers, gone with their process."""

import subprocess
import sys
import threading

import pytest

from superqode.session.errors import StoreLocked
from superqode.session.git import flock

HOLD = """
import sys
from pathlib import Path
from superqode.session.git import flock
with flock.hold(Path(sys.argv[1]), shared=sys.argv[2] == "shared", timeout=0):
    print("held", flush=True)
    sys.stdin.read()
"""


class _Other:
    """Another process that holds a lock until it is told to end, or killed."""

    def __init__(self, path, how):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout.readline() == "held\n"

    def end(self, *, kill=False):
        if kill:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def other(tmp_path):
    """Starts processes that hold a lock; what is left is ended."""
    started = []

    def start(how):
        started.append(_Other(tmp_path / "lock", how))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.mark.parametrize("kill", [False, True], ids=["ends", "killed"])
def test_two_processes(tmp_path, other, kill):
    """What another process holds is waited for, and is free when it ends, however it ends."""
    holder = other("alone")
    with (
        pytest.raises(StoreLocked, match=r"lock was locked by another process for 0\.\d s"),
        flock.hold(tmp_path / "lock", timeout=0.05),
    ):
        pass

    holder.end(kill=kill)

    with flock.hold(tmp_path / "lock", timeout=0):
        pass


def test_sharers_share_and_keep_others_out(tmp_path, other):
    """Any number may share a lock; nobody holds it alone meanwhile."""
    other("shared")
    with flock.hold(tmp_path / "lock", shared=True, timeout=0):
        pass
    with pytest.raises(StoreLocked), flock.hold(tmp_path / "lock", timeout=0):
        pass


def test_one_who_holds_alone_keeps_sharers_out(tmp_path, other):
    """Sharing waits for the one who holds it alone."""
    other("alone")
    with pytest.raises(StoreLocked), flock.hold(tmp_path / "lock", shared=True, timeout=0):
        pass


def test_threads_exclude_each_other(tmp_path):
    """Of many threads one holds the lock at a time, and each gets it."""
    inside, together, done = [0], [0], []

    def work():
        for _ in range(20):
            with flock.hold(tmp_path / "lock"):
                inside[0] += 1
                together[0] = max(together[0], inside[0])
                inside[0] -= 1
        done.append(True)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(done), together[0]) == (4, 1)


def test_an_error_inside_lets_go(tmp_path):
    """The lock is free after an error, and its file stays for the next one, for the owner only."""
    with pytest.raises(ZeroDivisionError), flock.hold(tmp_path / "lock"):
        _ = 1 / 0
    with flock.hold(tmp_path / "lock", timeout=0):
        pass

    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_lock_that_cannot_be_made_is_an_error(tmp_path):
    """Where the folder is missing the system's error comes."""
    with pytest.raises(FileNotFoundError), flock.hold(tmp_path / "nowhere" / "lock"):
        pass


def test_whether_a_lock_is_held_is_told_without_making_it(tmp_path):
    """A holder is seen, sharers and killed holders are not, and a lock file that is missing is not made."""
    path = tmp_path / "lock"
    assert not flock.is_held(path)
    assert not path.exists()
    other = _Other(path, "exclusive")
    assert flock.is_held(path)
    other.end(kill=True)
    assert not flock.is_held(path)
    other = _Other(path, "shared")
    assert not flock.is_held(path)
    other.end()
