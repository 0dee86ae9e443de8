"""Plain git as a first-class client: what people do with it between our calls, seen from both sides."""

from __future__ import annotations

import itertools
import json
import subprocess

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import (
    CorruptSession,
    InvalidSession,
    SessionDeleted,
    SessionError,
    SessionNotFound,
)


def talk(store, session_id="s", count=2, **fields):
    """Make a session with some messages and a tool call, one save each."""
    session = Session(id=session_id, title=f"Title of {session_id}", **fields)
    for number in range(count):
        session.add_message("user", f"{session_id} {number}")
        store.save(session)
    session.add_tool_execution("write_file", {"path": "a.py"}, "written", True, agent_name="coder")
    store.save(session)
    return session


def said(session):
    return [message.content for message in session.messages]


def listed(store):
    return {row.id: row for row in store.list_sessions()}


# -- reading with git -------------------------------------------------------------------------------------------------


def test_git_log_tells_the_story(store, git):
    """`git log <session>` reads as the conversation, by its speakers, with trailers that git itself parses."""
    session = talk(store)
    session.add_message("assistant", "Done: all tests pass.", agent_name="coder")
    store.save(session)
    session.title = "Another title"
    store.save(session)
    lines = git("log", "--format=%s|%an|%ae", "s").split("\n")
    assert lines[0].startswith("edit: title, tags or metadata|")
    assert lines[1] == "assistant (coder): Done: all tests pass.|coder|coder@agents.superqode.invalid"
    assert lines[2] == "tool: write_file|coder|coder@agents.superqode.invalid"
    assert [line.split("|")[0] for line in lines[3:]] == ["user: s 1", "user: s 0"]
    trailers = dict(line.split(": ", 1) for line in git("log", "-1", "--format=%(trailers)", "s~1").split("\n") if line)
    assert trailers["Superqode-Session"] == "s"
    assert trailers["Superqode-Messages"] == "3 +1"
    assert trailers["Superqode-Tools"] == "1 +0"
    assert trailers["Superqode-Agent"] == "coder"
    assert trailers["Superqode-Saved-At"].endswith("Z")
    assert git("log", "-1", "--format=%(trailers:key=Superqode-Session,valueonly)", "s") == "s\n"


def test_git_shows_and_diffs_what_was_saved(store, git):
    """`git show` gives readable JSON, and one save's diff is what that save added."""
    session = talk(store)
    session.add_message("user", "the newest")
    store.save(session)
    meta = json.loads(git("show", "s:session.json"))
    assert meta["id"] == "s"
    assert meta["files_created"] == ["a.py"]
    assert git("diff", "--name-only", "s~1", "s") == "timeline/0000/00/03-user.json"
    assert json.loads(git("show", "s:timeline/0000/00/03-user.json"))["content"] == "the newest"
    assert git("symbolic-ref", "HEAD") == "refs/heads/superqode"
    assert "sessions" in git("show", "HEAD:README.md")


def test_fsck_is_content_with_everything(store, git):
    """After every kind of change, `git fsck --strict` finds no fault."""
    session = talk(store)
    session.create_snapshot("one\n\nwith a second paragraph")
    session.add_message("user", "\0 nul, \ud800 surrogate, \u2028 separator")
    store.save(session)
    session.restore_snapshot(session.snapshots[0].id)
    store.save(session)
    store.undo("s")
    store.redo("s")
    store.fork("s", new_id="fork", title="Fork")
    store.rename("fork", "other")
    store.delete("s")
    git.fsck()
    store.undelete("s")
    store.maintain()
    git.fsck()


@pytest.mark.parametrize(
    "how", [["gc", "-q"], ["gc", "-q", "--aggressive"], ["gc", "-q", "--prune=now"], ["repack", "-adq"]]
)
def test_gc_takes_nothing(how, store, store_path, git):
    """After any gc: everything loads, old and new processes save on, what was deleted comes back whole."""
    session = talk(store)
    session.create_snapshot("kept")
    store.save(session)
    talk(store, "gone")
    store.delete("gone")
    git(*how)
    session.add_message("user", "after gc")
    store.save(session)
    with SessionStore(store_path) as fresh:
        loaded = fresh.load("s")
        assert said(loaded) == ["s 0", "s 1", "after gc"]
        assert [len(snapshot.state.messages) for snapshot in loaded.snapshots] == [2]
        assert fresh.undelete("gone") == "gone"
        assert said(fresh.load("gone")) == ["gone 0", "gone 1"]
        assert [found for found in fresh.verify().findings if found.severity == "error"] == []
    git.fsck()


def test_only_packed_refs(store, store_path, git):
    """With every ref in `packed-refs` and no folder below refs, all verbs work."""
    session = talk(store)
    session.create_snapshot("kept")
    store.save(session)
    talk(store, "t")
    git("pack-refs", "--all", "--prune")
    assert [path for path in (store_path / "refs").rglob("*") if path.is_file()] == []
    with SessionStore(store_path) as fresh:
        assert set(listed(fresh)) == {"s", "t"}
        assert len(fresh.load("s").snapshots) == 1
        session.add_message("user", "more")
        fresh.save(store.load("s"))
        store.save(session)
        assert said(fresh.load("s"))[-1] == "more"
        assert fresh.delete("t")
        assert set(listed(fresh)) == {"s"}
        assert fresh.undelete("t") == "t"
        fresh.rename("s", "renamed")
        assert len(fresh.load("renamed").snapshots) == 1
    git.fsck()


# -- branches ---------------------------------------------------------------------------------------------------------


def test_git_branch_is_a_fork(store, git):
    """`git branch new old`: listed at once and loaded with its parent; its first save writes id and parent down."""
    session = talk(store)
    session.create_snapshot("before the fork")
    store.save(session)
    store.list_sessions()
    git("branch", "copy", "s")
    assert listed(store)["copy"].parent_session_id == "s"
    fork = store.load("copy")
    assert (fork.id, fork.parent_session_id) == ("copy", "s")
    assert [snapshot.description for snapshot in fork.snapshots] == ["before the fork"]
    assert json.loads(git("show", "copy:session.json"))["id"] == "s", "reading changes nothing"
    fork.add_message("user", "only here")
    store.save(fork)
    meta = json.loads(git("show", "copy:session.json"))
    assert (meta["id"], meta["parent_session_id"]) == ("copy", "s")
    assert git("tag", "--list", "copy/*") != "", "the first save takes the snapshots along"
    assert said(store.load("s")) == ["s 0", "s 1"]
    assert said(store.load("copy")) == ["s 0", "s 1", "only here"]
    assert [row.id for row in store.list_sessions(parent="s")] == ["copy"]


def test_git_branch_of_an_older_save(store, git):
    """A branch off an older commit is the session as it was then, and remembers its parent without one in the store."""
    talk(store)
    git("branch", "earlier", "s~2")
    git("branch", "-D", "s")
    assert said(store.load("earlier")) == ["s 0"]
    assert store.load("earlier").parent_session_id == "s"


@pytest.mark.parametrize("times", [1, 2])
def test_git_branch_m_is_a_renaming(times, store, git):
    """`git branch -m`, once or twice between our looks: the new name, the old parent, nothing in the trash."""
    talk(store, "parent")
    session = store.fork("parent", new_id="s")
    session.create_snapshot("kept")
    session.add_message("user", "more")
    store.save(session)
    store.list_sessions()
    names = ["s", "s2", "s3"][: times + 1]
    for old, new in itertools.pairwise(names):
        git("branch", "-m", old, new)
    found = listed(store)
    assert set(found) == {"parent", names[-1]}
    assert found[names[-1]].parent_session_id == "parent"
    assert store.trash() == []
    loaded = store.load(names[-1])
    assert loaded.parent_session_id == "parent"
    assert [snapshot.description for snapshot in loaded.snapshots] == ["kept"]
    loaded.add_message("user", "on")
    store.save(loaded)
    assert json.loads(git("show", f"{names[-1]}:session.json"))["id"] == names[-1]
    assert store.load(names[-1]).parent_session_id == "parent"
    with pytest.raises(SessionNotFound):
        store.load("s")


def test_git_branch_d_goes_to_the_trash(store, git):
    """`git branch -D`: in the trash at the next look, with its snapshots; undelete brings all of it back."""
    session = talk(store)
    session.create_snapshot("kept")
    session.add_message("user", "last")
    store.save(session)
    store.list_sessions()
    git("branch", "-D", "s")
    assert listed(store) == {}
    [item] = store.trash()
    assert (item.session_id, item.title, len(item.snapshots)) == ("s", "Title of s", 1)
    session.add_message("user", "too late")
    with pytest.raises(SessionDeleted):
        store.save(session)
    assert store.undelete("s") == "s"
    assert said(store.load("s")) == ["s 0", "s 1", "last"]
    assert [snapshot.description for snapshot in store.load("s").snapshots] == ["kept"]
    store.save(session)
    assert said(store.load("s"))[-1] == "too late"
    assert store.trash() == []


def test_git_update_ref_moves_a_session(store, git):
    """`git update-ref` back to an older save: list and load show that save; so does the index of another process."""
    talk(store)
    with SessionStore(store.path) as other:
        assert listed(other)["s"].message_count == 2
        git("update-ref", "refs/heads/s", git("rev-parse", "s~2"))
        assert listed(other)["s"].message_count == 1
    assert said(store.load("s")) == ["s 0"]


def test_a_branch_made_deleted_and_made_again_behind_our_back(store, git):
    """However often plain git changes the same branch between our looks, the list is what git shows."""
    talk(store)
    talk(store, "t")
    for number in range(12):
        git("branch", "-f", "x", "s" if number % 2 else "t")
        assert listed(store)["x"].tip == git("rev-parse", "x")
        git("pack-refs", "--all")
        assert listed(store)["x"].title == ("Title of s" if number % 2 else "Title of t")
        if number % 3 == 0:
            git("branch", "-D", "x")
            assert "x" not in listed(store)


@pytest.mark.parametrize(
    "name", ["feature/x", "été", "日本/語", "a b".replace(" ", "+"), "@home", "x" * 200, "UPPER{case}"]
)
def test_branches_with_names_of_plain_git(name, store, store_path, git):
    """A branch that only git would name so: listed, loaded, saved, deleted and brought back by its exact name."""
    session = talk(store)
    session.create_snapshot("of the parent")
    store.save(session)
    git("branch", name, "s")
    assert set(listed(store)) == {"s", name}
    fork = store.load(name)
    assert (fork.id, fork.parent_session_id) == (name, "s")
    fork.add_message("user", "here")
    store.save(fork)
    assert said(store.load(name)) == ["s 0", "s 1", "here"]
    assert len(store.load(name).snapshots) == 1
    git("pack-refs", "--all")
    with SessionStore(store_path) as fresh:
        assert set(listed(fresh)) == {"s", name}
        assert fresh.history(name)[0].subject == "user: here"
        assert {hit.session_id for hit in fresh.search("here")} == {name}
        assert fresh.delete(name)
        assert set(listed(fresh)) == {"s"}
        assert fresh.undelete(name) == name
        assert said(fresh.load(name))[-1] == "here"
    git.fsck()


@pytest.mark.parametrize("name", ["feature/x", "été"])
def test_a_snapshot_needs_a_valid_name(name, store, git):
    """A snapshot under a name that only git would give is refused before anything is saved; renaming helps."""
    talk(store)
    git("branch", name, "s")
    session = store.load(name)
    session.add_message("user", "dear")
    session.create_snapshot("here")
    tip = git("rev-parse", name)
    with pytest.raises(InvalidSession, match="is no session id"):
        store.save(session)
    assert git("rev-parse", name) == tip
    store.rename(name, "valid")
    assert said(store.load("valid")) == ["s 0", "s 1"]


def test_a_branch_name_that_is_no_unicode(store, store_path, git):
    """A branch whose name is no UTF-8 can be no session, and harms none: the others work as if it were not there."""
    talk(store)
    name = b"\xe9t\xe9".decode("utf-8", "surrogateescape")
    for packed in (False, True):
        git("branch", "-f", name, "s")
        if packed:
            git("pack-refs", "--all")
        with SessionStore(store_path) as fresh:
            assert set(listed(fresh)) == {"s"}
            assert said(fresh.load("s")) == ["s 0", "s 1"]
            assert fresh.search("Title")
            assert fresh.verify().findings == ()
            assert fresh.maintain().skipped == ()
            fresh.rename("s", "t")
            fresh.rename("t", "s")
            for verb in (
                fresh.load,
                fresh.delete,
                fresh.history,
                lambda strange: fresh.save(Session(id=strange)),
            ):
                with pytest.raises(SessionError):
                    verb(name)
        git("rev-parse", name)
        git("branch", "-D", name)
        assert set(listed(store)) == {"s"}


def test_a_branch_below_another_name_is_told_as_that(store, git):
    """A session that cannot be made because of a branch below its name fails once, and the error names that branch."""
    talk(store)
    git("branch", "feature/x", "s")
    for packed in (False, True):
        if packed:
            git("pack-refs", "--all")
        with pytest.raises(SessionError, match="feature/x"):
            store.save(Session(id="feature"))
    assert set(listed(store)) == {"s", "feature/x"}


@pytest.mark.parametrize("packed", [False, True])
def test_a_branch_that_is_no_session(packed, store, store_path, git):
    """A branch of something else is listed with what is wrong, loading it says so, and it is in nobody's way."""
    talk(store)
    blob = git("hash-object", "-w", "--stdin", stdin="print()\n")
    tree = git("mktree", stdin=f"100644 blob {blob}\tmain.py\n")
    git("update-ref", "refs/heads/code", git("commit-tree", "-m", "code", tree))
    if packed:
        git("pack-refs", "--all")
    with SessionStore(store_path) as fresh:
        assert "no file format" in listed(fresh)["code"].problem
        assert listed(fresh)["s"].problem == ""
        with pytest.raises(CorruptSession, match="Session code is damaged"):
            fresh.load("code")
        with pytest.raises(SessionError):
            fresh.save(Session(id="code"))
        assert fresh.search("Title of")[0].session_id == "s"
        assert fresh.load_latest().id == "s"
        assert fresh.delete("code")
        assert set(listed(fresh)) == {"s"}


def test_a_branch_that_only_points_at_another(store, git):
    """A symbolic branch: listed like the one it points at at any time, and a save through it loses neither."""
    session = talk(store)
    git("symbolic-ref", "refs/heads/alias", "refs/heads/s")
    assert set(listed(store)) == {"s", "alias"}
    for number in range(3):
        session.add_message("user", f"more {number}")
        store.save(session)
        found = listed(store)
        assert found["alias"].tip == found["s"].tip == git("rev-parse", "s")
    alias = store.load("alias")
    alias.add_message("user", "through the alias")
    store.save(alias)
    assert said(store.load("s")) in (said(alias), said(alias)[:-1])
    assert said(store.load("alias")) == said(alias)
    assert store.load("s").parent_session_id is None, "a session is not the child of its own alias"
    assert store.delete("alias")
    assert "s" in listed(store)
    git.fsck()


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


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tag", ["s", "s/taken"])
def test_a_snapshot_whose_tag_cannot_be_made_is_told(packed, tag, store, git):
    """Where a plain tag stands in a snapshot's way, the save says so; a snapshot is never dropped in silence."""
    session = talk(store)
    git("tag", tag, "refs/heads/s")
    if packed:
        git("pack-refs", "--all")
    session.add_message("user", "dear")
    session.create_snapshot("mine", snapshot_id="taken")
    with pytest.raises(SessionError, match=r"refs/tags/s|snapshot"):
        store.save(session)
    git("tag", "-d", tag)
    store.save(session)
    assert [snapshot.id for snapshot in store.load("s").snapshots] == ["taken"]
    assert said(store.load("s")) == ["s 0", "s 1", "dear"]


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
