"""A session that was renamed on one machine is one session on all, whatever the others did under its old id."""

from __future__ import annotations

import os
import random

import pytest

from session.sync.circle import Machine, git, settle
from session.sync.programs import held
from superqode.session.git.repository import Repository
from superqode.session.sync import setup
from superqode.session.sync.renames import follow
from superqode.session.sync.session_sync import find_synced

FULL = os.environ.get("SUPERQODE_TEST_FULL") == "1"


def _renamed(one: Machine, other: Machine) -> None:
    one.say("old", "hello")
    settle([one, other])
    one.store.rename("old", "new")


def test_changed_under_its_old_id(pair):
    """What was said, retitled and snapped under the old id is in the new one, on both machines."""
    one, other = pair
    one.say("old", "hello")
    one.snapshot("old", "before")
    settle([one, other])
    one.store.rename("old", "new")
    one.say("new", "from one")
    session = other.store.load("old")
    session.title = "a title of the other"
    other.store.save(session)
    other.say("old", "from the other")
    other.snapshot("old", "of the other")
    settle([other, one])
    assert one.view() == other.view()
    assert one.ids() == ["new"]
    assert sorted(one.heard("new")) == ["from one", "from the other", "hello"]
    loaded = one.store.load("new")
    assert (loaded.id, loaded.title) == ("new", "a title of the other")
    assert sorted(made.description for made in loaded.snapshots) == ["before", "of the other"]
    assert one.store.verify().findings == ()


def test_renamed_to_two_ids(pair, machine):
    """The lesser id stays, also where a third machine went on under the other, and people hear of it once."""
    one, other = pair
    third = machine("third")
    third.join(setup.key_words(one.store, find_synced(Repository(one.path), None)))
    one.say("old", "hello")
    settle([one, other, third])
    one.store.rename("old", "brook")
    other.store.rename("old", "anvil")
    one.say("brook", "from one")
    one.sync()
    third.sync()
    third.say("brook", "from the third")
    report = other.sync()
    assert [notice for notice in report.notices if "brook and anvil are one session" in notice]
    settle([third, one, other])
    assert one.view() == other.view() == third.view()
    assert one.ids() == ["anvil"]
    assert sorted(one.heard("anvil")) == ["from one", "from the third", "hello"]
    assert one.store.load("anvil").id == "anvil"


def test_deleted_under_its_old_id(pair):
    """The renaming is a change, and a change wins over a deletion, whoever syncs first."""
    for first, second in (pair, pair[::-1]):
        _renamed(*pair)
        pair[1].store.delete("old")
        settle([first, second])
        assert (pair[0].ids(), pair[0].trash()) == (pair[1].ids(), pair[1].trash()) == (["new"], [])
        pair[0].store.delete("new")
        pair[0].store.purge("new")
        settle(list(pair))


def test_renamed_twice_and_back(pair):
    """Several renamings between two syncs are as one; back under its old id it is there."""
    one, other = pair
    _renamed(one, other)
    one.store.rename("new", "newer")
    other.say("old", "from the other")
    settle([one, other])
    assert one.ids() == other.ids() == ["newer"]
    one.store.rename("newer", "x")
    one.store.rename("x", "newer")
    other.say("newer", "more")
    settle([one, other])
    assert one.ids() == other.ids() == ["newer"]
    assert sorted(other.heard("newer")) == ["from the other", "hello", "more"]


def _three(machine) -> list[Machine]:
    """Three machines with one session."""
    machines = [machine(name) for name in ("anvil", "brook", "cedar")]
    words = machines[0].begin()
    machines[0].sync()
    for one in machines[1:]:
        one.join(words)
    machines[0].say("s", "word 0")
    settle(machines)
    return machines


# Where 1, 3, 8 and 14 ended with two sessions once.
@pytest.mark.parametrize("seed", range(200) if FULL else (1, 3, 8, 14))
def test_any_order_ends_with_one_session(seed, machine):
    """Three machines say, retitle, rename, delete and bring back one session in any order: it is one, with all of it."""
    machines = _three(machine)
    chance, said, program = random.Random(seed), {"word 0"}, []
    for number in range(1, 25):
        one = chance.choice(machines)
        names, items = one.ids(), one.store.trash()
        what = chance.choice(("say", "say", "title", "rename", "delete", "undelete", "sync", "sync", "sync"))
        program.append(f"{one.path.name} {what} {names}")
        if what == "sync":
            one.sync()
        elif what == "undelete" and items and not one.store.exists(items[0].session_id):
            one.store.undelete(items[0].key)
        elif names and what == "say":
            one.say(names[0], f"word {number}")
            said.add(f"word {number}")
        elif names and what == "title":
            session = one.store.load(names[0])
            session.title = f"title {number}"
            one.store.save(session)
        elif names and what == "rename":
            one.store.rename(names[0], f"r{number}")
        elif names and what == "delete":
            one.store.delete(names[0])
    settle(machines)
    assert machines[0].view() == machines[1].view() == machines[2].view(), program
    assert len(machines[0].ids()) <= 1, (machines[0].ids(), program)
    told = held(machines[0].path)
    assert sorted(word for word in said if f'"{word}"' not in told) == [], program
    for name in machines[0].ids():
        assert machines[0].store.load(name).id == name


def test_brought_back_here_and_renamed_there(pair):
    """What both had deleted comes back once: under the id that it was given elsewhere."""
    one, other = pair
    one.say("old", "hello")
    one.store.delete("old")
    settle([one, other])
    for machine in pair:
        (item,) = machine.store.trash()
        machine.store.undelete(item.key)
    one.store.rename("old", "new")
    other.say("old", "from the other")
    settle([one, other])
    assert one.ids() == other.ids() == ["new"]
    assert one.heard("new") == ["hello", "from the other"]


def test_a_branch_that_plain_git_made_is_another_session(pair):
    """`git branch f s` makes a fork that says nothing of it; the session that is deleted beside it is not renamed."""
    one, other = pair
    one.say("s", "hello")
    settle([one, other])
    git(one.path, "branch", "f", "s")
    one.say("s", "more")
    one.store.delete("s")
    settle([one, other])
    assert one.ids() == other.ids() == ["f"]
    assert [item.session_id for item in other.store.trash()] == ["s"]


def _used_twice(one: Machine) -> None:
    """One id for two sessions, one after the other, both in the trash."""
    for word in ("first", "second"):
        one.say("s", word)
        one.store.delete("s")


def test_two_sessions_that_had_one_id_stay_two(pair):
    """One came back under another id, and the other one under the old: neither takes the other in."""
    one, other = pair
    _used_twice(one)
    settle([one, other])
    second, first = one.store.trash()
    one.store.undelete(first.key, new_id="again")
    other.store.undelete(second.key)
    other.say("s", "more")
    settle([one, other])
    assert one.view() == other.view()
    assert (one.heard("again"), one.heard("s")) == (["first"], ["second", "more"])


@pytest.mark.parametrize("how", ["plain branch", "another id", "fork of a plain commit"])
def test_what_was_copied_is_no_renaming(pair, how):
    """A session that is purged beside a copy of it, and goes on elsewhere, stays apart from the copy."""
    one, other = pair
    one.say("s", "hello")
    if how == "fork of a plain commit":
        plain = git(one.path, "commit-tree", "s^{tree}", "-p", "s", "-m", "by hand").strip()
        git(one.path, "update-ref", "refs/heads/s", plain)
    settle([one, other])
    if how == "plain branch":
        git(one.path, "branch", "copy", "s")
    elif how == "another id":
        session = one.store.load("s")
        session.id = "copy"
        one.store.save(session)
    else:
        one.store.save(one.store.fork("s", new_id="copy"))
    one.store.delete("s")
    one.store.purge("s")
    other.say("s", "more")
    settle([one, other])
    assert one.view() == other.view()
    assert (one.heard("copy"), one.heard("s")) == (["hello"], ["hello", "more"])


def test_a_fork_that_plain_git_merged_in_stays_apart(pair):
    """Renamed beside a purged fork that it had taken in, a session has what was said to it, and the fork its own."""
    one, other = pair
    one.say("s", "hello")
    forked = one.store.fork("s", new_id="f")
    forked.add_message("user", "of the fork")
    one.store.save(forked)
    merged = git(one.path, "commit-tree", "s^{tree}", "-p", "s", "-p", "f", "-m", "Merge branch f").strip()
    git(one.path, "update-ref", "refs/heads/s", merged)
    settle([one, other])
    one.store.rename("s", "t")
    one.store.delete("f")
    one.store.purge("f")
    other.say("s", "to s")
    other.say("f", "to f")
    settle([one, other])
    assert one.view() == other.view()
    assert (one.heard("t"), one.heard("f")) == (["hello", "to s"], ["hello", "of the fork", "to f"])


class _Line:
    """Commits as text; `R` renames whatever it is."""

    def contains(self, new: str, old: str) -> bool:
        return new.startswith(old)

    def was_renamed(self, session_id: str, new_id: str, tip: str, since: str) -> bool:
        return (session_id, new_id) == ("x", "new") and "R" in tip.removeprefix(since)

    def begun(self, tip: str) -> frozenset[str]:
        return frozenset(tip[0])


def test_all_that_is_its_own_goes_along():
    """Snapshots, trash and original, and nothing of sessions whose ids only begin alike; marks stay where they are."""
    base = {
        "refs/heads/x": "a",
        "refs/heads/x-2": "a",
        "refs/tags/x/snap": "t",
        "refs/tags/x/y/snap": "u",
        "refs/superqode/trash/x/20261122T100000.000001Z/branch": "b",
        "refs/superqode/sources/x": "o",
        "refs/superqode/purged/x/20261122T100000.000001Z": "0",
    }
    theirs = {"refs/heads/new": "aR", "refs/heads/x-2": "a"}
    found = follow(base, dict(base), theirs, _Line())
    assert (
        found.base
        == found.ours
        == {
            "refs/heads/new": "a",
            "refs/heads/x-2": "a",
            "refs/tags/new/snap": "t",
            "refs/tags/x/y/snap": "u",
            "refs/superqode/trash/new/20261122T100000.000001Z/branch": "b",
            "refs/superqode/sources/new": "o",
            "refs/superqode/purged/x/20261122T100000.000001Z": "0",
        }
    )
    assert found.theirs == theirs
    assert follow(base, dict(base), theirs, _Line(), leave=["refs/heads/x"]).ours == base
