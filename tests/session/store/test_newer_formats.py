"""A session with saves of a newer superqode: what they say is never written over by what does not know it."""

from __future__ import annotations

import pytest

from superqode.session import Message, Session, SessionStore
from superqode.session.errors import CorruptSession, NewerFormat

UNKNOWN = '{"id": "picture", "kind": "image"}'


def write_newer(git, branch, *parents, place="", entry=""):
    """Let a branch go on by a save with the tree that it has, in format 2, and maybe one file more."""
    files = {"format": "superqode-session 2\n"} | ({place: entry} if place else {})
    told = "".join(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n" for name, text in files.items())
    others = "".join(f"merge {parent}\n" for parent in parents[1:])
    tree, message = git("rev-parse", f"{branch}^{{tree}}"), git("log", "-1", "--format=%B", branch)
    git(
        "fast-import",
        "--quiet",
        "--force",
        stdin=f"commit refs/heads/{branch}\ncommitter Newer <newer@example.invalid> 1795341660 +0000\n"
        f"data {len(message)}\n{message}\nfrom {parents[0]}\n{others}M 040000 {tree} \n{told}",
    )
    return git("rev-parse", branch)


def add(store, session_id, name):
    session = store.load(session_id)
    session.add(Message(id=name, role="user", content=name))
    store.save(session)


@pytest.fixture
def forks(store):
    """A session and two forks of it, each with a message of its own; gives the store."""
    store.save(Session(id="a", title="T"))
    add(store, "a", "one")
    for name in ("b", "c"):
        store.fork("a", new_id=name)
        add(store, name, name)
    add(store, "a", "two")
    return store


def merged_by_newer(store, git, place="", entry=""):
    """Let a newer superqode have merged `b` into `a`; gives the merge."""
    store.merge("a", "b")
    return write_newer(git, "a", git("rev-parse", "a^1"), git("rev-parse", "a^2"), place=place, entry=entry)


@pytest.mark.parametrize("place", ["", "timeline/0000/00/03-image.json"])
def test_a_merge_of_a_newer_superqode_is_not_merged_over(forks, git, place):
    """Neither in what takes in, nor in what is taken in: both are refused as newer, and every branch stays."""
    tip = merged_by_newer(forks, git, place, UNKNOWN)
    others = git("rev-parse", "b", "c")
    for session_id, other in (("a", "c"), ("c", "a")):
        with pytest.raises(NewerFormat, match="Update superqode"):
            forks.merge(session_id, other)
    assert (git("rev-parse", "a"), git("rev-parse", "b", "c")) == (tip, others)


def test_a_newer_save_on_the_way_is_told_as_newer(forks, git):
    """A save that went on in a newer format is named as such, and not as damage."""
    write_newer(git, "b", git("rev-parse", "b"))
    for session_id, other in (("a", "b"), ("b", "a")):
        with pytest.raises(NewerFormat, match="has format '2'"):
            forks.merge(session_id, other)


def test_what_a_newer_format_keeps_from_being_copied_is_named(forks, git):
    """Not the new id, which nobody has yet: the session that is there."""
    write_newer(git, "b", git("rev-parse", "b"))
    for copy in (lambda: forks.rename("b", "new"), lambda: forks.fork("b", new_id="new"), lambda: forks.fork("b")):
        with pytest.raises(NewerFormat, match=r"^Session b has format '2'"):
            copy()


@pytest.mark.parametrize("below", [False, True])
def test_repair_leaves_a_merge_of_a_newer_superqode(forks, git, below):
    """A merge in format 2 with an entry that format 1 does not know stays the tip, and nobody is sent to `repair`."""
    tip = merged_by_newer(forks, git, "timeline/0000/00/03-image.json", UNKNOWN)
    if below:
        tip = write_newer(git, "a", tip)

    with pytest.raises(NewerFormat) as told:
        forks.load("a")
    assert "repair" not in str(told.value)
    assert not any("repair" in finding.message for finding in forks.verify(["a"]).findings)
    assert forks.repair().steps == ()
    assert git("rev-parse", "a") == tip


def test_a_renaming_goes_on_past_a_fork_of_a_newer_superqode(forks, git):
    """A fork that only a newer superqode may save keeps the old id, and is told; all others, and the log, are right."""
    tip = write_newer(git, "b", git("rev-parse", "b"))

    assert forks.rename("a", "z") == ("b",)

    parents = {row.id: row.parent_session_id for row in forks.list_sessions()}
    assert parents == {"z": None, "b": "a", "c": "z"}
    assert not forks.operations(limit=1)[0].interrupted
    done = forks.undo_operation()
    assert done.changes == ("z is a again",)
    assert forks.load("c").parent_session_id == "a"
    assert git("rev-parse", "b") == tip


def test_taking_a_renaming_back_tells_of_forks_that_cannot_follow(forks, git):
    """A fork that a newer superqode saved since the renaming names the id of that time; it is told as a change is."""
    forks.rename("a", "z")
    write_newer(git, "b", git("rev-parse", "b"))

    assert forks.undo_operation().changes[-1] == "b could not be told, and names z as before"

    assert {row.id: row.parent_session_id for row in forks.list_sessions()} == {"a": None, "b": "z", "c": "a"}


def test_damage_in_a_newer_session_is_still_damage(forks, git, store_path):
    """A file of it that is gone is told as damaged, whatever the format."""
    write_newer(git, "b", git("rev-parse", "b"))
    oid = git("rev-parse", "b:timeline/0000/00/00-user.json")
    forks.close()
    (store_path / "objects" / oid[:2] / oid[2:]).unlink()
    with SessionStore(store_path) as fresh, pytest.raises(CorruptSession) as told:
        fresh.load("b")
    assert not isinstance(told.value, NewerFormat)
