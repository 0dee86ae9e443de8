"""Plain git as a first-class client: what people read with it, and do to branches, between our calls."""

from __future__ import annotations

import itertools
import json

import pytest

from superqode.session import Session, SessionStore
from superqode.session.errors import CorruptSession, InvalidSession, SessionDeleted, SessionError, SessionNotFound

from .talking import listed, said, talk

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
