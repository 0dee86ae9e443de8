"""Folders of refs: walked in order, and removed only where nothing is in them."""

import os
import shutil

import pytest

from superqode.session.git.folders import entries_below, files_below, remove_empty, remove_empty_above


@pytest.fixture
def root(tmp_path):
    """A folder with some refs, and a lock."""
    for name in ("refs/heads/b", "refs/heads/a/x", "refs/heads/a/y.lock", "refs/tags/t"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def test_files_come_sorted_and_without_locks(root):
    """By name, below a folder, and where asked for, only what begins so."""
    assert list(files_below(str(root), "refs/")) == ["refs/heads/a/x", "refs/heads/b", "refs/tags/t"]
    assert list(files_below(str(root), "refs/heads/", "b")) == ["refs/heads/b"]
    assert list(files_below(str(root), "refs/none/")) == []


def test_each_entry_comes_after_its_folder(root):
    """Files and folders, and a link to a folder as itself alone."""
    (root / "link").symlink_to(root / "refs")
    found = [os.path.relpath(entry.path, root) for entry in entries_below(root)]

    assert sorted(found) == sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
    assert all(found.index(os.path.dirname(name)) < found.index(name) for name in found if os.path.dirname(name))


def test_what_goes_meanwhile_is_passed_by(root):
    """Walking beside a deletion gives what is still there, and no error."""
    found = entries_below(root / "refs")
    assert next(found).name in {"heads", "tags"}
    shutil.rmtree(root / "refs")
    assert [entry.name for entry in found] in (["heads"], ["tags"])


def test_a_name_of_a_thousand_parts_is_walked_and_removed(root):
    """Nothing recurses, however deep a folder is."""
    for levels in range(1, 1_201):  # pathlib would recurse
        (root / "refs" / "/".join(["d"] * levels)).mkdir()

    assert len(list(entries_below(root / "refs" / "d"))) == 1_199
    remove_empty(str(root / "refs" / "d"))
    assert not (root / "refs" / "d").exists()


def test_a_folder_that_holds_something_stays(root):
    """Removing it is an error, and its files are there afterwards."""
    with pytest.raises(OSError, match="not empty"):
        remove_empty(str(root / "refs" / "heads"))
    assert (root / "refs" / "heads" / "b").exists()


def test_folders_above_a_ref_go_with_it(root):
    """Up to the first that holds something, and never `refs/heads` itself."""
    (root / "refs" / "heads" / "c" / "d").mkdir(parents=True)
    (root / "logs" / "refs" / "heads" / "c" / "d").mkdir(parents=True)
    remove_empty_above(str(root), "refs/heads/c/d/e")
    assert not (root / "refs" / "heads" / "c").exists()
    assert (root / "refs" / "heads").is_dir()
    assert (root / "logs" / "refs" / "heads").is_dir()
