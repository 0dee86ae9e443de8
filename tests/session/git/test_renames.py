"""Renames that `os` does not have: a file in another one's place, and one where none stands, on every system."""

import os
import sys
from pathlib import Path

import pytest

from superqode.session.git import renames

# The system's own way, one that has no exchange, one whose file system refuses it.
_WAYS = {"its own": renames._renameat2, "none": lambda: None, "refused": lambda: lambda *_: -1}


@pytest.fixture(params=_WAYS)
def folder(request, tmp_path, monkeypatch):
    """A folder where names are exchanged in one of these ways."""
    monkeypatch.setattr(renames, "_renameat2", _WAYS[request.param])
    made = tmp_path / "made"
    made.mkdir()
    return made


def test_the_new_file_takes_the_old_ones_place(folder):
    """Afterwards its content is under the other name, and its own name is gone."""
    (folder / "old").write_bytes(b"old")
    (folder / "new").write_bytes(b"new")
    renames.replace(str(folder / "new"), str(folder / "old"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"old": b"new"}


def test_where_there_is_nothing_to_replace_it_is_renamed(folder):
    """The first file of a name needs no other."""
    (folder / "new").write_bytes(b"new")
    renames.replace(str(folder / "new"), str(folder / "fresh"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"fresh": b"new"}


def test_a_folder_is_not_replaced(folder):
    """Where a folder stands, the error is the system's, and both stay where they are."""
    (folder / "old").mkdir()
    (folder / "new").write_bytes(b"new")
    with pytest.raises(IsADirectoryError):
        renames.replace(str(folder / "new"), str(folder / "old"))
    assert (folder / "old").is_dir()
    assert (folder / "new").read_bytes() == b"new"


def test_an_error_is_the_systems_own_and_changes_nothing(folder):
    """Without the source, the error says so, and what stands in the other place stays."""
    (folder / "old").write_bytes(b"old")
    with pytest.raises(FileNotFoundError, match="missing"):
        renames.replace(str(folder / "missing"), str(folder / "old"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"old": b"old"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="renameat2 is Linux's")
def test_on_linux_nothing_is_renamed_over_another_file(tmp_path, monkeypatch):
    """The rename that waits for the disk is left out where there is another way."""
    renamed = []
    monkeypatch.setattr(os, "replace", lambda *names: renamed.append(names))
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    renames.replace(str(tmp_path / "new"), str(tmp_path / "old"))
    assert (tmp_path / "old").read_bytes() == b"new"
    assert renamed == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="renameat2 is Linux's")
@pytest.mark.parametrize("there", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_name_is_claimed_only_while_it_is_free(tmp_path, there):
    """A file, a folder or a link that stands there stays, and so does the source; a free name is taken."""
    new, taken, free = tmp_path / "new", tmp_path / "taken", tmp_path / "free"
    there(taken)
    before = taken.lstat()
    new.write_bytes(b"new")
    assert not renames.claim(str(new), str(taken))
    assert taken.lstat() == before
    assert renames.claim(str(new), str(free))
    assert (free.read_bytes(), new.exists()) == (b"new", False)


@pytest.mark.parametrize("way", ["none", "refused"])
def test_where_no_name_can_be_claimed_nothing_changes(tmp_path, monkeypatch, way):
    """A system or a file system that cannot says so, and the file stays where it is."""
    monkeypatch.setattr(renames, "_renameat2", _WAYS[way])
    new, free = tmp_path / "new", tmp_path / "free"
    new.write_bytes(b"new")
    assert not renames.claim(str(new), str(free))
    assert (new.read_bytes(), free.exists()) == (b"new", False)
