"""When bytes count as safe: one call for all where the system has it, else every file and its folder."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from superqode.session.git import durability


@pytest.fixture
def synced(monkeypatch):
    """No `syncfs`; gives the paths that were synced one by one."""
    paths = []
    monkeypatch.setattr(durability, "_syncfs", lambda: None)
    monkeypatch.setattr(os, "fsync", lambda handle: paths.append(str(Path(f"/proc/self/fd/{handle}").readlink())))
    return paths


@pytest.fixture
def whole(monkeypatch):
    """A `syncfs` that counts, and fails as long as it is told to."""
    calls = {"count": 0, "errno": 0}

    def syncfs(handle):
        assert os.fstat(handle)
        calls["count"] += 1
        ctypes.set_errno(calls["errno"])
        return -1 if calls["errno"] else 0

    monkeypatch.setattr(durability, "_syncfs", lambda: syncfs)
    return calls


def test_nothing_written_is_nothing_to_do(tmp_path, synced, whole):
    """Without files no call is made at all."""
    durability.flush(tmp_path, [])

    assert (synced, whole["count"]) == ([], 0)


def test_one_call_for_all(tmp_path, whole):
    """With `syncfs` one call makes any number of files durable."""
    durability.flush(tmp_path, [str(tmp_path / str(number)) for number in range(100)])

    assert whole["count"] == 1


def test_the_systems_no_comes_through(tmp_path, whole):
    """An error of the disk is an OSError; it is not tried again, as the kernel may have dropped the data."""
    whole["errno"] = 5
    with pytest.raises(OSError, match="Input/output error") as caught:
        durability.flush(tmp_path, ["x"])

    assert caught.value.errno == 5
    assert whole["count"] == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_without_it_each_file_and_its_folder_is_synced(tmp_path, synced):
    """Elsewhere every file is synced, then every folder that one stands in, once."""
    (tmp_path / "a").mkdir()
    files = [str(tmp_path / name) for name in ("a/one", "a/two", "three")]
    for file in files:
        Path(file).touch()

    durability.flush(tmp_path, files)

    assert synced[:3] == files
    assert {str(tmp_path), str(tmp_path / "a")} <= set(synced[3:])


def test_a_file_that_cannot_be_synced_is_an_error(tmp_path, monkeypatch):
    """The disk's no to one file is an error of the whole."""
    monkeypatch.setattr(durability, "_syncfs", lambda: None)
    (tmp_path / "x").touch()

    def fail(handle):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        durability.flush(tmp_path, [str(tmp_path / "x")])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has it")
def test_linux_has_syncfs(tmp_path):
    """On Linux the real call is found, and works on a real folder."""
    (tmp_path / "x").write_text("x")

    assert durability._syncfs() is not None
    durability.flush(tmp_path, [str(tmp_path / "x")])


def test_loading_it_is_no_burden():
    """The module is imported without touching the system."""
    code = "import superqode.session.git.durability as d; print(d._syncfs.cache_info().currsize)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "0\n"
