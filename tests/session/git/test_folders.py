"""Folders of refs: walked in order, and removed only where nothing is in them."""

import pytest

from superqode.session.git.folders import files_below, remove_empty, remove_empty_above


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
