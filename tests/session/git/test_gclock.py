"""The lock of `git gc`, held by us and respected by Git, and the other way round."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from superqode.session import Session
from superqode.session.errors import StoreLocked
from superqode.session.git.gclock import keeping_gc_out


@pytest.fixture
def repository(store):
    store.save(Session(id="s"))
    return store._open()


def test_git_runs_no_gc_beside_us(repository, git, tmp_path):
    """While we pack, `git gc` says that one is running already; afterwards it runs, and nothing is left."""
    # Git looks for another process than its parent's: ours is alive.
    with keeping_gc_out(repository.path, tmp_path):
        done = git.run("gc")
        assert done.returncode != 0
        assert "already running" in done.stderr
    git("gc", "--quiet")
    assert not (repository.path / "gc.pid").exists()


@pytest.mark.skipif(os.name != "posix", reason="processes are looked for by signals")
def test_we_pack_nothing_beside_a_gc(store, repository, tmp_path):
    """While a process of a gc is alive, here or on another machine, maintenance leaves objects loose and says why."""
    holder = subprocess.Popen(["sleep", "60"])
    lock = repository.path / "gc.pid"
    try:
        for told in (f"{holder.pid} {socket.gethostname()}", "1 another-machine"):
            lock.write_text(told)
            with pytest.raises(StoreLocked), keeping_gc_out(repository.path, tmp_path):
                raise AssertionError("two pack at once")
            assert store.maintain().skipped == ("objects stay loose: git gc is running",)
            assert lock.read_text() == told
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.skipif(os.name != "posix", reason="processes are looked for by signals")
def test_a_killed_gc_blocks_nobody(store, repository):
    """What a gc that was killed left, or one of half a day ago, is no lock."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock = repository.path / "gc.pid"
    lock.write_text(f"{gone.pid} {socket.gethostname()}")
    assert store.maintain().skipped == ()
    lock.write_text("1 another-machine")
    os.utime(lock, (1_000_000_000, 1_000_000_000))
    assert store.maintain().skipped == ()
    assert not lock.exists()
