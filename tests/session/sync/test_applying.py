"""A store brought to a view: all of it, or what somebody moved meanwhile stays as it is."""

from __future__ import annotations

from session.sync.circle import git
from superqode.session.git.repository import Repository
from superqode.session.sync.applying import apply
from superqode.session.sync.view import read_view


def _views(machine):
    one = machine("one")
    for name in ("a", "b", "c"):
        one.say(name, "hello")
        one.snapshot(name, "before")
    return one, Repository(one.path), one.view()


def test_any_view_can_be_reached(machine):
    """New refs, moved ones and gone ones, in loose files or packed: plain git sees what was wanted."""
    one, repository, ours = _views(machine)
    wanted = {name: oid for name, oid in ours.items() if "/a" not in name}
    wanted["refs/heads/b"] = ours["refs/heads/c"]
    wanted["refs/heads/new"] = ours["refs/heads/a"]
    wanted["refs/superqode/trash/a/20261122T100000.000001Z/branch"] = ours["refs/heads/a"]
    git(one.path, "pack-refs", "--all")
    assert apply(repository, ours, wanted)
    assert read_view(repository).view == wanted
    assert apply(repository, wanted, ours)
    assert read_view(repository).view == ours
    git(one.path, "fsck", "--strict")


def test_what_moved_meanwhile_stays(machine):
    """A branch that was saved to since the view was read keeps its save, and its trash is not emptied of it."""
    one, repository, ours = _views(machine)
    one.say("a", "meanwhile")
    saved = one.view()["refs/heads/a"]
    wanted = {name: oid for name, oid in ours.items() if name != "refs/heads/a"}
    wanted["refs/heads/b"] = ours["refs/heads/c"]
    assert not apply(repository, ours, wanted)
    assert read_view(repository).view == ours | {"refs/heads/a": saved, "refs/heads/b": ours["refs/heads/c"]}


def test_a_session_that_was_made_meanwhile_stays(machine):
    """A new session of the same id is not written over by the one that comes."""
    one, repository, ours = _views(machine)
    one.say("d", "mine")
    made = one.view()["refs/heads/d"]
    wanted = ours | {"refs/heads/d": ours["refs/heads/a"], "refs/heads/e": ours["refs/heads/a"]}
    assert not apply(repository, ours, wanted)
    assert read_view(repository).view == ours | {"refs/heads/d": made, "refs/heads/e": ours["refs/heads/a"]}
