"""Merges that plain git made: read where they can be, named where not, and repaired entry by entry."""

from __future__ import annotations

import pytest

from superqode.session import Message, Session, SessionStore
from superqode.session.errors import CorruptSession
from superqode.session.store.merging import merge_tips


def add(store, session_id, *entries):
    session = store.load(session_id)
    for role, text in entries:
        session.add(Message(id=text, role=role, content=text))
    store.save(session)


@pytest.fixture
def two(store, git):
    """A session, and a fork of it that plain git made; both still say the same id."""
    store.save(Session(id="a", title="T"))
    add(store, "a", ("user", "m1"))
    git("branch", "b", "a")
    return store


def plain_merge(git, tmp_path, *, resolve=None):
    """Merge `b` into `a` in a worktree, as people do; gives whether it went without conflict."""
    tree = tmp_path / "work"
    git("worktree", "add", "--quiet", str(tree), "a")
    done = git.run("-C", str(tree), "merge", "--quiet", "--no-edit", "b")
    if done.returncode and resolve is not None:
        resolve(tree)
        git("-C", str(tree), "add", "--all")
        git("-C", str(tree), "commit", "--quiet", "--no-edit")
    git("worktree", "remove", "--force", str(tree))
    return done.returncode == 0


def lane(store, git, session_id, base, *entries):
    """Let a branch go on from a commit without saying an id of its own."""
    git("update-ref", f"refs/heads/{session_id}", base)
    keep = git("rev-parse", "a")
    git("update-ref", "refs/heads/a", base)
    add(store, "a", *entries)
    git("update-ref", f"refs/heads/{session_id}", git("rev-parse", "a"))
    if session_id != "a":
        git("update-ref", "refs/heads/a", keep)


def names(store):
    return [entry.id for entry in store.load("a").timeline]


def test_a_merge_without_conflict_loads(two, git, tmp_path):
    """One side only changed the title: git's own merge is a save like any other, and ours goes on from it."""
    base = git("rev-parse", "a")
    lane(two, git, "b", base, ("assistant", "theirs"))
    session = two.load("a")
    session.title = "Ours"
    two.save(session)
    assert plain_merge(git, tmp_path)
    assert (names(two), two.load("a").title) == (["m1", "theirs"], "Ours")
    assert two.verify(["a"]).ok
    add(two, "a", ("user", "next"))
    assert two.merge("a", "b").status == "nothing"


@pytest.fixture
def broken(two, git, tmp_path):
    """Both added: git puts two entries at one place without a word, for their names differ. Gives the store."""
    base = git("rev-parse", "a")
    lane(two, git, "a", base, ("user", "ours"))
    lane(two, git, "b", base, ("assistant", "theirs"))
    assert plain_merge(git, tmp_path)
    return two


def test_two_entries_at_one_place_are_named(broken):
    """Loading and verifying say which place, what happened and what to do; a look at the names is enough."""
    for call in (lambda: broken.load("a"), lambda: broken.at("a", None)):
        with pytest.raises(CorruptSession, match=r"01-user\.json stands where 01-assistant\.json does") as told:
            call()
        assert "plain git merged" in str(told.value)
        assert "sessions repair" in str(told.value)
    for level in ("data", "structure"):
        (finding,) = broken.verify(["a"], level=level).findings
        assert (finding.severity, finding.session_id) == ("error", "a")
        assert "plain git merged" in finding.message


def test_repair_merges_entry_by_entry(broken, git):
    """The branch goes on from git's merge with both lanes; a second repair finds nothing; the history has all."""
    before = git("rev-parse", "a")
    (step,) = broken.repair(dry_run=True).steps
    assert (step.what, step.name, git("rev-parse", "a")) == ("merge", before, before)
    (step,) = broken.repair().steps
    assert (step.session_id, step.what, step.name) == ("a", "merge", before)
    assert git("log", "-1", "--format=%P", "a") == before
    with SessionStore(broken.path) as fresh:
        assert sorted(names(fresh)) == ["m1", "ours", "theirs"]
        assert fresh.verify(["a"]).findings == ()
        assert fresh.repair().steps == ()
        assert len(fresh.history("a")) == 6
    git.fsck()


def test_undo_passes_over_what_cannot_be_read(broken):
    """After a repair, undo goes back to what stood here before git's merge, and further back."""
    broken.repair()
    seen = [sorted(names(broken))]
    for _ in range(2):
        broken.undo("a")
        seen.append(sorted(names(broken)))
    assert seen == [["m1", "ours", "theirs"], ["m1", "ours"], ["m1"]]
    add(broken, "a", ("user", "later"))
    broken.undo("a")
    assert names(broken) == ["m1"]


def test_redo_comes_back_over_what_cannot_be_read(broken):
    """Redo goes the same way back that undo went, to the repaired session."""
    broken.repair()
    for _ in range(2):
        broken.undo("a")
    for _ in range(2):
        broken.redo("a")
    assert sorted(names(broken)) == ["m1", "ours", "theirs"]


def test_a_broken_tip_is_the_merge_of_its_parents(broken, git):
    """Whoever merges with it gets both lanes; and whoever repaired it is merged with as well."""
    repository = broken._open()
    tip = git("rev-parse", "a")
    git("update-ref", "refs/heads/a", git("rev-parse", "a^1"))
    add(broken, "a", ("user", "later"))
    later = git("rev-parse", "a")
    merged = merge_tips(repository, "a", tip, later)
    assert merged == merge_tips(repository, "a", later, tip)
    git("update-ref", "refs/heads/a", merged)
    found = names(broken)
    assert sorted(found) == ["later", "m1", "ours", "theirs"]
    git("update-ref", "refs/heads/a", tip)
    broken.repair()
    git("update-ref", "refs/heads/a", merge_tips(repository, "a", git("rev-parse", "a"), later))
    assert names(broken) == found


def test_committed_conflicts_are_repaired(two, git, tmp_path):
    """Entries at one place with one name conflict; whoever commits the marks anyway loses nothing."""
    base = git("rev-parse", "a")
    lane(two, git, "a", base, ("user", "ours"), ("assistant", "answer"))
    lane(two, git, "b", base, ("user", "theirs"))
    assert not plain_merge(git, tmp_path, resolve=lambda tree: None)
    assert "<<<<<<<" in git("show", "a:timeline/0000/00/01-user.json")
    with pytest.raises(CorruptSession, match="plain git merged"):
        two.load("a")
    two.repair()
    assert sorted(names(two)) == ["answer", "m1", "ours", "theirs"]


def test_what_only_stands_in_the_merge_is_kept(broken, git):
    """Something that was put into git's merge by hand comes after both lanes."""
    by_hand = git(
        "hash-object", "-w", "--stdin", stdin=git("show", "a:timeline/0000/00/00-user.json").replace("m1", "by hand")
    )
    leaf = git("ls-tree", "a:timeline/0000/00") + f"\n100644 blob {by_hand}\t02-user.json"
    tree = git("mktree", stdin=leaf + "\n")
    for name in ("00", "0000"):
        tree = git("mktree", stdin=f"040000 tree {tree}\t{name}\n")
    root = git("ls-tree", "a").replace(git("rev-parse", "a:timeline"), tree)
    commit = git("commit-tree", "-p", "a", "-m", "by hand", git("mktree", stdin=root + "\n"))
    git("update-ref", "refs/heads/a", commit)
    broken.repair()
    found = names(broken)
    assert (found[0], sorted(found[1:3]), found[3:]) == ("m1", ["ours", "theirs"], ["by hand"])


def test_both_sides_of_a_list_that_git_cannot_put_together(two, git, tmp_path):
    """`session.json` with the marks of a conflict is put together as a set, and the title by the last change."""
    base = git("rev-parse", "a")
    for session_id, tag in (("a", "x"), ("b", "y")):
        git("update-ref", "refs/heads/a", base)
        session = two.load("a")
        session.tags, session.title = [tag], tag
        two.save(session)
        if session_id == "a":
            ours = git("rev-parse", "a")
        else:
            git("update-ref", "refs/heads/b", git("rev-parse", "a"))
    git("update-ref", "refs/heads/a", ours)
    assert not plain_merge(git, tmp_path, resolve=lambda tree: None)
    assert two.verify(["a"], level="quick").ok is False
    two.repair()
    assert (two.load("a").tags, two.load("a").title) == (["x", "y"], "y")
