"""Open files by their numbers: every byte gets there, and none of the files stays open."""

from __future__ import annotations

import os

import pytest

from superqode.session.git.handles import close_all, write_all


def test_all_bytes_are_written_in_order(tmp_path, monkeypatch):
    """A disk that takes three bytes at a time gets all of them, behind what stands there."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    with (tmp_path / "file").open("wb", buffering=0) as file:
        real(file.fileno(), b"begun ")
        write_all(file.fileno(), b"and gone on with")
        write_all(file.fileno(), b"")
    assert (tmp_path / "file").read_bytes() == b"begun and gone on with"


@pytest.mark.parametrize("problem", [OSError(5, "no"), KeyboardInterrupt()])
def test_each_file_is_closed_whatever_happens(monkeypatch, problem):
    """The one that fails, or where Ctrl-C strikes, is told; the others are closed all the same."""
    closed = []

    def close(handle):
        closed.append(handle)
        if handle == 2:
            raise problem

    monkeypatch.setattr(os, "close", close)
    handles = [1, 2, 3]
    with pytest.raises(type(problem)):
        close_all(handles)
    assert (sorted(closed), handles) == ([1, 2, 3], [])
