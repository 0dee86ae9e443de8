"""Somebody's work tree: found, listed, given a second one, and left as it was."""

from __future__ import annotations

import subprocess

import pytest

from superqode.session.git.worktrees import add_worktree, find_checkout, forget_worktree, listed_files


@pytest.fixture
def tree(tmp_path):
    """A repository with a committed, a changed, an untracked and an ignored file."""
    folder = tmp_path / "tree"
    (folder / "in").mkdir(parents=True)

    def git(*arguments):
        ident = ("-c", "user.name=T", "-c", "user.email=t@example.invalid")
        subprocess.run(["git", *ident, "-C", folder, *arguments], check=True, capture_output=True)

    git("init", "--quiet")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "in/a b").write_text("1")
    git("add", ".")
    git("commit", "-qm", "first")
    (folder / "new").write_text("2")
    (folder / "ignored").write_text("3")
    return folder


def test_found_from_inside(tree, tmp_path):
    """From any folder inside, its top, its repository and its commit are found; outside there is none."""
    checkout = find_checkout(tree / "in")
    assert checkout is not None
    assert (checkout.root, checkout.common_dir, len(checkout.head)) == (tree, tree / ".git", 40)
    assert find_checkout(tmp_path) is None


def test_before_the_first_commit(tmp_path):
    """A repository without a commit has no head."""
    subprocess.run(["git", "init", "--quiet", tmp_path / "empty"], check=True)
    checkout = find_checkout(tmp_path / "empty")
    assert checkout is not None
    assert checkout.head == ""


def test_listed(tree):
    """Tracked and untracked files are listed once, ignored ones are not, those that are gone are."""
    (tree / "in/a b").unlink()
    assert listed_files(tree) == [".gitignore", "in/a b", "new"]


def test_a_second_one_comes_and_goes(tree, tmp_path):
    """It is registered without a file, and forgetting takes only its own registration."""
    checkout = find_checkout(tree)
    assert checkout is not None
    for name in ("one", "two"):
        add_worktree(checkout, tmp_path / name)
        assert [path.name for path in (tmp_path / name).iterdir()] == [".git"]
    forget_worktree(checkout.common_dir, tmp_path / "one")
    assert [path.name for path in (tree / ".git/worktrees").iterdir()] == ["two"]
    forget_worktree(checkout.common_dir, tmp_path / "two")
    assert not (tree / ".git/worktrees").exists()
    forget_worktree(checkout.common_dir, tmp_path / "two")
