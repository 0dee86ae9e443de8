"""What keeps commits besides refs: reflogs are shortened, and what is the user's own is named."""

import shutil

import pytest

from session.store.spotless import anywhere
from superqode.session import Session
from superqode.session.git.holders import holders, let_go

SECRET = "Zugang-zum-Rechenzentrum-ist-4711-und-sonst-nichts"


@pytest.fixture
def session(store):
    """A session of two saves with the secret, beside another one."""
    other = Session(id="other")
    other.add_message("user", "hello")
    store.save(other)
    session = Session(id="s")
    session.add_message("user", f"it is {SECRET}")
    store.save(session)
    session.add_message("user", "second")
    store.save(session)
    return session


def _scrub(store):
    return store.scrub("s", secrets=[SECRET])


def _purge(store):
    store.delete("s")
    return store.purge("s", now=True)


FORGETTING = pytest.mark.parametrize("forget", [_scrub, _purge])


@FORGETTING
def test_another_refs_log_keeps_nothing(store, store_path, session, git, forget):
    """Plain git moved another branch there and back, and HEAD stood on the session: their reflogs let go."""
    tip = git("rev-parse", "other")
    git("branch", "-f", "other", "s")
    git("branch", "-f", "other", tip)
    git("symbolic-ref", "HEAD", "refs/heads/s")
    git("update-ref", "HEAD", git("commit-tree", "s^{tree}", "-p", "s", "-m", "by hand"))

    result = forget(store)

    assert result.held_by == ()
    assert anywhere(store_path, SECRET) == []
    assert git("reflog", "other") != ""
    git.fsck()


def test_the_log_of_a_ref_that_vanished_stays(store, store_path, session, git):
    """It is all that says where the ref was; a repair still brings the session back."""
    (store_path / "refs" / "heads" / "other").unlink()
    _scrub(store)

    assert (store_path / "logs" / "refs" / "heads" / "other").read_text() != ""


@FORGETTING
def test_a_work_tree_that_is_gone_keeps_nothing(store, store_path, session, git, forget, tmp_path):
    """Its folder was removed, and git still has it registered."""
    git("worktree", "add", "-q", str(tmp_path / "tree"), "s")
    git("-C", str(tmp_path / "tree"), "checkout", "-q", "--detach")
    shutil.rmtree(tmp_path / "tree")

    assert forget(store).held_by == ()
    assert anywhere(store_path, SECRET) == []


@FORGETTING
@pytest.mark.parametrize("detached", [False, True])
def test_a_work_tree_is_named(store, session, git, forget, tmp_path, detached):
    """Its HEAD or its index keeps old bytes; it is the user's own, and stays. Gone, the next purge frees them."""
    git("worktree", "add", "-q", *(["--detach"] if detached else []), str(tmp_path / "tree"), "s")
    git("worktree", "add", "-q", str(tmp_path / "apart"), "other")

    assert forget(store).held_by == (str(tmp_path / "tree"),)

    git("worktree", "remove", "--force", str(tmp_path / "tree"))
    assert store.purge(now=True).held_by == ()
    assert anywhere(store.path, SECRET) == []


@FORGETTING
def test_a_pack_with_somebodys_mark_is_named(store, session, git, forget):
    """Git never removes it; without its mark the next purge frees what is in it. A mark on what all reach is fine."""
    git("gc", "-q")
    [pack] = (store.path / "objects" / "pack").glob("*.pack")
    mark = pack.with_suffix(".keep")
    mark.touch()
    assert holders(store._open(), ["s"]) == ()

    assert forget(store).held_by == (str(mark),)

    mark.unlink()
    assert store.purge(now=True).held_by == ()
    assert anywhere(store.path, SECRET) == []


def test_nothing_is_let_go_that_a_ref_reaches(store, session, git):
    """A reflog whose commits are all there stays as it is, line by line."""
    before = {path: path.read_bytes() for path in (store.path / "logs").rglob("*") if path.is_file()}
    let_go(store._open(), ())

    assert {path: path.read_bytes() for path in (store.path / "logs").rglob("*") if path.is_file()} == before
