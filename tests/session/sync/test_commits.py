"""Answers about commits: which contains which, which renames, and which of two originals counts."""

from __future__ import annotations

import pytest

from superqode.session import Session
from superqode.session.git.repository import Repository
from superqode.session.sync.commits import Commits


@pytest.fixture
def renamed(store, git) -> dict[str, str]:
    """A session renamed twice, with a save before, between and after; its tips by what was done last."""
    session = Session(id="a", title="T")
    tips = {}

    def said(name: str, word: str) -> None:
        one = store.load(name) if word != "first" else session
        one.add_message("user", word)
        store.save(one)
        tips[word] = git("rev-parse", name).strip()

    said("a", "first")
    store.fork("a", new_id="fork")
    tips["fork"] = git("rev-parse", "fork").strip()
    store.rename("a", "b")
    said("b", "second")
    store.rename("b", "c")
    said("c", "third")
    return tips


def test_what_contains_what(store, renamed):
    """Itself and its ancestors; what is not here is contained in nothing, and contains nothing."""
    commits = Commits(Repository(store.path))
    assert commits.contains(renamed["third"], renamed["first"])
    assert commits.contains(renamed["first"], renamed["first"])
    assert not commits.contains(renamed["first"], renamed["third"])
    assert not commits.contains(renamed["fork"], renamed["second"])
    assert not commits.contains("f" * 40, renamed["first"])
    assert not commits.contains(renamed["third"], "f" * 40)


def test_renamings_in_one_step_and_in_several(store, renamed):
    """Only those since the commit that is named; a fork is no renaming."""
    commits = Commits(Repository(store.path))
    first, second, third = (renamed[word] for word in ("first", "second", "third"))
    assert commits.was_renamed("a", "b", second, first)
    assert commits.was_renamed("a", "c", third, first)
    assert commits.was_renamed("b", "c", third, second)
    assert not commits.was_renamed("a", "b", third, second)
    assert not commits.was_renamed("c", "a", third, first)
    assert not commits.was_renamed("a", "fork", renamed["fork"], first)
    assert not commits.was_renamed("a", "c", "f" * 40, first)


def test_one_session_under_all_its_ids(store, renamed, git):
    """Saves before and after renamings began together; a fork began with itself, also once it was taken in."""
    commits = Commits(Repository(store.path))
    first, second, third, fork = (commits.begun(renamed[word]) for word in ("first", "second", "third", "fork"))
    assert first == second == third
    assert len(first) == len(fork) == 1
    assert first.isdisjoint(fork)
    store.merge("c", "fork")
    assert commits.begun(git("rev-parse", "c").strip()) == first
    assert commits.begun("f" * 40) == frozenset()


def test_what_plain_git_made_is_told_by_the_trees(store, renamed, git):
    """A commit of plain git is of the session that its tree names, and a fork off it, or taken in by it, is none."""
    commits = Commits(Repository(store.path))
    first = commits.begun(renamed["first"])
    tree, tip = git("rev-parse", "c^{tree}").strip(), renamed["third"]
    plain = git("commit-tree", tree, "-p", tip, "-m", "by hand").strip()
    git("update-ref", "refs/heads/c", plain)
    store.fork("c", new_id="of-c")
    forked = git("rev-parse", "of-c").strip()
    merged = git("commit-tree", tree, "-p", plain, "-p", forked, "-m", "by hand, too").strip()
    assert commits.begun(plain) == commits.begun(merged) == first
    assert commits.begun(forked).isdisjoint(first)


def test_what_cannot_be_read_counts_least(store, renamed):
    """A commit that is no original ranks below any that is."""
    assert Commits(Repository(store.path)).original_rank(renamed["first"]) == (0, 0, renamed["first"])
