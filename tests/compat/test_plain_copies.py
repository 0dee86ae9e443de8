"""Plain git as a first-class client: tags, commits, worktrees, clones, bundles, pushes."""

from __future__ import annotations

import json
import subprocess

import pytest

from superqode.session import SessionStore
from superqode.session.errors import SessionError

from .talking import listed, said, talk

# -- tags -------------------------------------------------------------------------------------------------------------


def test_git_tag_d_removes_a_snapshot(store, git):
    """`git tag -d` of a snapshot: it is gone from the session, and nothing else is."""
    session = talk(store)
    first = session.create_snapshot("first")
    second = session.create_snapshot("second")
    store.save(session)
    git("tag", "-d", f"s/{first.id}")
    assert [snapshot.id for snapshot in store.load("s").snapshots] == [second.id]
    session.add_message("user", "more")
    store.save(session)
    assert said(store.load("s"))[-1] == "more"


def test_plain_tags_among_snapshots(store, git):
    """Lightweight tags, tags of other things and tags outside every session are no snapshots and no trouble."""
    session = talk(store)
    kept = session.create_snapshot("kept")
    store.save(session)
    git("tag", "s/light", "s")
    git("tag", "-a", "-m", "of a tree", "s/tree", "s^{tree}")
    git("tag", "-a", "-m", "no id", "s/deep/er", "s")
    git("tag", "-a", "-m", "elsewhere", "v1.0", "s")
    git("tag", "-a", "-m", "by hand", "s/by-hand", "s~1")
    loaded = store.load("s")
    assert {snapshot.id for snapshot in loaded.snapshots} == {kept.id, "by-hand"}
    loaded.restore_snapshot("by-hand")
    store.save(loaded)
    store.delete("s")
    assert store.undelete("s") == "s"
    assert {snapshot.id for snapshot in store.load("s").snapshots} == {kept.id, "by-hand"}
    assert git("rev-parse", "v1.0^{commit}") == git("rev-parse", "s~1")


@pytest.fixture(params=[False, True], ids=["loose", "packed"])
def in_the_way(request, store, git):
    """Gives a session with a snapshot `taken` that is not saved yet, where plain git made a tag of that name before."""

    def arrange(tag):
        session = talk(store)
        git("tag", tag, "refs/heads/s")
        if request.param:
            git("pack-refs", "--all")
        session.add_message("user", "dear")
        session.create_snapshot("mine", snapshot_id="taken")
        return session

    return arrange


def test_a_snapshot_whose_tag_cannot_be_made_is_told(in_the_way, store, git):
    """Where a plain tag stands in all snapshots' way, the save says so; a snapshot is never dropped in silence."""
    session = in_the_way("s")
    with pytest.raises(SessionError, match="git tag -d s"):
        store.save(session)
    git("tag", "-d", "s")
    store.save(session)
    assert [snapshot.id for snapshot in store.load("s").snapshots] == ["taken"]
    assert said(store.load("s")) == ["s 0", "s 1", "dear"]


def test_a_snapshot_whose_id_a_plain_tag_has_gets_another(in_the_way, store, git):
    """The tag stays what it is, and the snapshot stands beside it, with a number behind its id."""
    session = in_the_way("s/taken")
    tip = git("rev-parse", "s/taken")
    assert store.save(session).snapshots == ("taken-2",)
    assert git("rev-parse", "s/taken") == tip
    found = {snapshot.id: snapshot.description for snapshot in store.load("s").snapshots}
    assert found["taken-2"] == "mine"


# -- commits ----------------------------------------------------------------------------------------------------------


def test_commits_without_trailers(store, git):
    """A commit that `git commit-tree` made on a session loads, is listed with right counts, and can be saved on."""
    talk(store, count=3)
    older = git("rev-parse", "s~1^{tree}")
    git("update-ref", "refs/heads/s", git("commit-tree", "-p", "s", "-m", "back by hand", older))
    row = listed(store)["s"]
    assert (row.message_count, row.execution_count, row.problem) == (3, 0, "")
    session = store.load("s")
    assert said(session) == ["s 0", "s 1", "s 2"]
    session.add_message("user", "on")
    store.save(session)
    assert listed(store)["s"].message_count == 4
    assert [save.subject for save in store.history("s")][:2] == ["user: on", "back by hand"]
    git.fsck()


def test_work_in_a_worktree(store, tmp_path, git):
    """`git worktree add` of a session: the files are there, a commit made in it is seen, and saving goes on."""
    session = talk(store)
    place = tmp_path / "tree"
    git("worktree", "add", "-q", str(place), "s")
    assert (place / "format").read_text() == "superqode-session 1\n"
    session.add_message("user", "beside the worktree")
    store.save(session)
    git.path = place
    git("reset", "-q", "--hard")
    meta = json.loads((place / "session.json").read_text())
    (place / "session.json").write_text(json.dumps(meta | {"title": "Edited by hand"}, indent=2) + "\n")
    git("commit", "-q", "-a", "-m", "title by hand")
    assert listed(store)["s"].title == "Edited by hand"
    assert listed(store)["s"].message_count == 3
    session.add_message("user", "after it")
    store.save(session)
    assert session.title == "Edited by hand"
    assert said(store.load("s"))[-2:] == ["beside the worktree", "after it"]
    git.fsck()


def test_a_merge_of_a_fork_by_git(store, git):
    """A merge commit in a session's history is walked, verified and undone over like any other."""
    talk(store)
    fork = store.fork("s", new_id="fork")
    fork.add_message("user", "in the fork")
    store.save(fork)
    merged = git("commit-tree", "-p", "s", "-p", "fork", "-m", "merge by hand", "fork^{tree}")
    git("update-ref", "refs/heads/s", merged)
    assert said(store.load("s")) == ["s 0", "s 1", "in the fork"]
    assert [found for found in store.verify().findings if found.severity == "error"] == []
    store.undo("s")
    assert said(store.load("s")) == ["s 0", "s 1"]
    git.fsck()


# -- copies -----------------------------------------------------------------------------------------------------------


def test_clones(store, store_path, tmp_path, git, git_program):
    """A clone has every session and no trash; a mirror clone is a store itself, without what is ours alone."""
    session = talk(store)
    session.create_snapshot("kept")
    store.save(session)
    talk(store, "gone")
    store.delete("gone")
    subprocess.run([git_program, "clone", "-q", str(store_path), str(tmp_path / "clone")], check=True)
    git.path = tmp_path / "clone"
    assert "origin/s" in git("branch", "-r", "--format=%(refname:lstrip=2)").split("\n")
    assert (tmp_path / "clone" / "README.md").exists()
    mirror = tmp_path / "mirror"
    # Over the protocol, as from another machine: a copy of the files would hide nothing.
    subprocess.run([git_program, "clone", "-q", "--mirror", "--no-local", str(store_path), str(mirror)], check=True)
    git.path = mirror
    assert "superqode/" not in git("for-each-ref", "--format=%(refname:lstrip=1)")
    with SessionStore(mirror) as copy:
        assert set(listed(copy)) == {"s"}
        assert len(copy.load("s").snapshots) == 1
        loaded = copy.load("s")
        loaded.add_message("user", "in the copy")
        copy.save(loaded)
    git.fsck()


def test_bundles(store, store_path, tmp_path, git, git_program):
    """`git bundle create` of everything verifies, and a clone of it is a store with everything."""
    session = talk(store)
    session.create_snapshot("kept")
    store.save(session)
    git("bundle", "create", "-q", str(tmp_path / "all.bundle"), "--all")
    git("bundle", "verify", "-q", str(tmp_path / "all.bundle"))
    copy = tmp_path / "copy"
    subprocess.run([git_program, "clone", "-q", "--mirror", str(tmp_path / "all.bundle"), str(copy)], check=True)
    with SessionStore(copy) as restored:
        assert said(restored.load("s")) == ["s 0", "s 1"]
        assert len(restored.load("s").snapshots) == 1


def test_a_push_into_the_store_is_taken_or_refused(store, store_path, tmp_path, git, git_program):
    """A session pushed into the store by git is listed; a push that would rewrite or delete one is refused."""
    talk(store)
    clone = tmp_path / "clone"
    subprocess.run([git_program, "clone", "-q", "--bare", str(store_path), str(clone)], check=True)
    git.path = clone
    git("branch", "pushed", "s")
    git("push", "-q", str(store_path), "pushed")
    assert set(listed(store)) == {"s", "pushed"}
    assert git.run("push", "-q", str(store_path), "+s~1:refs/heads/s").returncode != 0
    assert git.run("push", "-q", str(store_path), ":refs/heads/s").returncode != 0
    assert set(listed(store)) == {"s", "pushed"}


def test_a_backup_and_its_restoration(store, tmp_path, git):
    """A backup made with this git is a bundle that git verifies, and everything comes back from it."""
    session = talk(store)
    session.create_snapshot("kept")
    store.save(session)
    talk(store, "gone")
    store.delete("gone")
    git("branch", "feature/x", "s")
    made = store.backup(tmp_path / "backup.bundle")
    git("bundle", "verify", "-q", str(made))
    with SessionStore.restore_backup(made, tmp_path / "restored") as restored:
        assert set(listed(restored)) == {"s", "feature/x"}
        assert restored.load("s").to_dict() == store.load("s").to_dict()
        assert [item.session_id for item in restored.trash()] == ["gone"]
        assert restored.undelete("gone") == "gone"
        git.path = tmp_path / "restored"
        git.fsck()
        assert git("config", "receive.denyDeletes") == "true"


def test_maintenance_and_purging(store, git):
    """Packing with this git loses nothing, and a purge with `now` frees what was purged and nothing else."""
    session = talk(store)
    session.create_snapshot("kept")
    store.save(session)
    talk(store, "gone")
    tip = git("rev-parse", "gone")
    store.delete("gone")
    assert store.maintain().skipped == ()
    assert git("cat-file", "-t", tip) == "commit"
    store.purge("gone", now=True)
    assert git.run("cat-file", "-t", tip).returncode != 0
    assert said(store.load("s")) == ["s 0", "s 1"]
    assert len(store.load("s").snapshots) == 1
    session.add_message("user", "more")
    store.save(session)
    git.fsck()
