"""What two stores that parted shall both hold: the rules one by one, and that all orders of meeting end the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.sync.reconcile import Plan, reconcile

X, Y, Z = "refs/heads/x", "refs/heads/y", "refs/heads/z"
ITEM = "refs/superqode/trash/x/20261122T100000.000001Z/"
PURGED = "refs/superqode/purged/x/20261122T100000.000001Z"
KEPT = "refs/superqode/sources/x"
Y_ITEM = ITEM.replace("/x/", "/y/")
TAG, YTAG = "refs/tags/x/snap", "refs/tags/y/snap"


class Line:
    """Commits as text: each contains those that its text begins with, and a merge `(a+b)` all of both.

    `R` in a commit says that it renames x to y, `Z` that it renames x to z, `F` that a fork begins.
    """

    def contains(self, new: str, old: str) -> bool:
        if new.startswith("("):
            return new == old or any(self.contains(part, old) for part in _parts(new))
        return new.startswith(old)

    def was_renamed(self, session_id: str, new_id: str, tip: str, since: str) -> bool:
        told = {("x", "y"): "R", ("x", "z"): "Z"}.get((session_id, new_id), "?")
        return told in tip.replace("(", "").removeprefix(since)

    def begun(self, tip: str) -> frozenset[str]:
        return frozenset(_begun(tip))

    def original_rank(self, commit: str) -> tuple[int, int, str]:
        return 1, len(commit), commit


def _begun(text: str) -> set[str]:
    if text.startswith("("):
        return {begun for part in _parts(text) for begun in _begun(part)}
    return {text[: text.rindex("F") + 1] if "F" in text else text[: text.find(">") + 1] or text[0]}


def _parts(merge: str) -> list[str]:
    parts, depth = [""], 0
    for letter in merge[1:-1]:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "+" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def met(base, ours, theirs, *, trusted=True) -> Plan:
    return reconcile(base, ours, theirs, Line(), trusted=trusted)


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    ("base", "ours", "theirs", "result"),
    [
        ({X: "a"}, {X: "a"}, {X: "a"}, {X: "a"}),
        ({X: "a"}, {X: "ab"}, {X: "a"}, {X: "ab"}),
        ({X: "a"}, {X: "a"}, {X: "ab"}, {X: "ab"}),
        ({X: "a"}, {X: "ab"}, {X: "abc"}, {X: "abc"}),
        # A power loss here, or a remote that was put back: nothing goes back.
        ({X: "ab"}, {X: "a"}, {X: "ab"}, {X: "ab"}),
        ({X: "ab"}, {X: "ab"}, {X: "a"}, {X: "ab"}),
        ({}, {X: "a"}, {Y: "b"}, {X: "a", Y: "b"}),
        # Rewritten here to take a secret out.
        ({X: "a"}, {X: "z"}, {X: "a"}, {X: "z"}),
        # Deleted on one side, unchanged on the other.
        ({X: "a"}, {X: "a"}, {ITEM + "branch": "a"}, {ITEM + "branch": "a"}),
        ({X: "a"}, {ITEM + "branch": "a"}, {X: "a"}, {ITEM + "branch": "a"}),
        ({X: "a"}, {X: "a"}, {ITEM + "branch": "ab"}, {ITEM + "branch": "ab"}),
        # Deleted on one side, changed on the other: the change wins.
        ({X: "a"}, {X: "ab"}, {ITEM + "branch": "a"}, {X: "ab"}),
        ({X: "a"}, {ITEM + "branch": "a"}, {X: "ab"}, {X: "ab"}),
        # … and what the deletion had besides stays in the trash.
        ({X: "a"}, {X: "ab"}, {ITEM + "branch": "ac"}, {X: "ab", ITEM + "branch": "ac"}),
        # Brought back on one side.
        ({ITEM + "branch": "a"}, {X: "a"}, {ITEM + "branch": "a"}, {X: "a"}),
        ({ITEM + "branch": "a"}, {ITEM + "branch": "a"}, {X: "a"}, {X: "a"}),
        # Purged on one side, untouched or brought back on the other.
        ({ITEM + "branch": "a"}, {ITEM + "branch": "a"}, {PURGED: "0"}, {PURGED: "0"}),
        ({ITEM + "branch": "a"}, {PURGED: "0"}, {ITEM + "branch": "a"}, {PURGED: "0"}),
        ({ITEM + "branch": "a"}, {X: "a"}, {PURGED: "0"}, {X: "a", PURGED: "0"}),
        ({X: "a"}, {X: "a"}, {PURGED: "0"}, {PURGED: "0"}),
        ({X: "a"}, {X: "ab"}, {PURGED: "0"}, {X: "ab", PURGED: "0"}),
        # … or a snapshot was made of it, which would hold all of it, and be of no session.
        ({X: "a"}, {X: "a", TAG: "t"}, {PURGED: "0"}, {X: "a", TAG: "t", PURGED: "0"}),
        ({X: "a"}, {PURGED: "0"}, {X: "a", TAG: "t"}, {X: "a", TAG: "t", PURGED: "0"}),
        ({X: "a", TAG: "t"}, {X: "a", TAG: "t"}, {PURGED: "0"}, {PURGED: "0"}),
        # … and where it is not known what both held: the mark names the item.
        ({}, {ITEM + "branch": "a"}, {PURGED: "0"}, {PURGED: "0"}),
        ({}, {PURGED: "0"}, {ITEM + "branch": "a", ITEM + "tags/snap": "t"}, {PURGED: "0"}),
        ({PURGED: "0"}, {PURGED: "0"}, {ITEM + "branch": "a"}, {PURGED: "0"}),
        # Its original goes with it, also where their side is not known to build on the base.
        ({X: "a", KEPT: "o"}, {X: "a", KEPT: "o"}, {PURGED: "0"}, {PURGED: "0"}),
        ({X: "a", KEPT: "o"}, {PURGED: "0"}, {X: "a", KEPT: "o"}, {PURGED: "0"}),
        ({ITEM + "branch": "a", KEPT: "o"}, {ITEM + "branch": "a", KEPT: "o"}, {PURGED: "0"}, {PURGED: "0"}),
        ({}, {PURGED: "0"}, {ITEM + "branch": "a", KEPT: "o"}, {PURGED: "0"}),
        ({X: "a", KEPT: "o"}, {X: "ab", KEPT: "o"}, {PURGED: "0"}, {X: "ab", KEPT: "o", PURGED: "0"}),
        # Renamed.
        ({X: "a"}, {X: "a"}, {Y: "aR"}, {Y: "aR"}),
        # … and changed or deleted under its old id: the change is in it, and the deletion does not count.
        ({X: "a", TAG: "t"}, {X: "a", TAG: "u"}, {Y: "aR", YTAG: "t"}, {Y: "aR", YTAG: "u"}),
        ({X: "a"}, {ITEM + "branch": "a"}, {Y: "aR"}, {Y: "aR"}),
        ({X: "a"}, {Y: "aR"}, {ITEM + "branch": "a", ITEM + "tags/snap": "t"}, {Y: "aR", YTAG: "t"}),
        ({X: "a"}, {PURGED: "0"}, {Y: "aR"}, {Y: "aR", PURGED: "0"}),
        # … and deleted under the new one.
        ({X: "a"}, {X: "a"}, {Y_ITEM + "branch": "aR"}, {Y_ITEM + "branch": "aR"}),
        ({X: "a"}, {Y_ITEM + "branch": "aR"}, {X: "aRb"}, {Y: "aRb"}),
        # Another session has that id already: both stay.
        ({X: "a"}, {X: "ab", Y: "q"}, {Y: "q"}, {X: "ab", Y: "q"}),
        # Gone without a word: it comes back.
        ({X: "a"}, {X: "a"}, {}, {X: "a"}),
        ({X: "a"}, {}, {X: "a"}, {X: "a"}),
        # A fork is no rename.
        ({X: "a"}, {X: "a"}, {Y: "aFb"}, {X: "a", Y: "aFb"}),
        # Never met before: what is alive stays so.
        ({}, {X: "a"}, {ITEM + "branch": "a"}, {X: "a"}),
        ({}, {ITEM + "branch": "a"}, {X: "a"}, {X: "a"}),
        # A snapshot made on one side while the other deleted the session.
        ({X: "a"}, {X: "a", TAG: "t"}, {ITEM + "branch": "a"}, {ITEM + "branch": "a", ITEM + "tags/snap": "t"}),
        ({X: "a"}, {ITEM + "branch": "a"}, {X: "a", TAG: "t"}, {ITEM + "branch": "a", ITEM + "tags/snap": "t"}),
        # … or renamed it.
        ({X: "a"}, {X: "a", TAG: "t"}, {Y: "aR"}, {Y: "aR", "refs/tags/y/snap": "t"}),
        # The snapshots of a deletion that does not count come back.
        (
            {X: "a", TAG: "t"},
            {X: "ab", TAG: "t"},
            {ITEM + "branch": "a", ITEM + "tags/snap": "t", ITEM + "tags/new": "n"},
            {X: "ab", TAG: "t", "refs/tags/x/new": "n"},
        ),
        # A snapshot that got into the trash while the other side purged or brought back what lies there.
        (
            {ITEM + "branch": "a"},
            {ITEM + "branch": "a", ITEM + "tags/snap": "t"},
            {PURGED: "0"},
            {ITEM + "branch": "a", ITEM + "tags/snap": "t", PURGED: "0"},
        ),
        ({ITEM + "branch": "a"}, {ITEM + "branch": "a", ITEM + "tags/snap": "t"}, {X: "a"}, {X: "a", TAG: "t"}),
        ({ITEM + "branch": "a"}, {X: "a"}, {ITEM + "branch": "a", ITEM + "tags/snap": "t"}, {X: "a", TAG: "t"}),
        # Renamed while it was in the trash.
        (
            {ITEM + "branch": "a"},
            {ITEM + "branch": "a", ITEM + "tags/snap": "t"},
            {ITEM.replace("/x/", "/y/") + "branch": "a"},
            {ITEM.replace("/x/", "/y/") + "branch": "a", ITEM.replace("/x/", "/y/") + "tags/snap": "t"},
        ),
        # Deleted on both sides.
        (
            {X: "a"},
            {ITEM + "branch": "a"},
            {ITEM.replace("1Z", "2Z") + "branch": "a"},
            {ITEM + "branch": "a", ITEM.replace("1Z", "2Z") + "branch": "a"},
        ),
        # … at one moment, by two clocks, in two states.
        (
            {X: "a"},
            {ITEM + "branch": "ab"},
            {ITEM + "branch": "ac"},
            {ITEM + "branch": "ac", ITEM.replace("1Z", "2Z") + "branch": "ab"},
        ),
    ],
)
def test_the_rules(base, ours, theirs, result, trusted):
    """Each rule on its own, as the module states it."""
    plan = met(base, ours, theirs, trusted=trusted)
    assert plan.result == result
    assert plan.merges == {}


def test_what_changed_on_both_sides_is_merged():
    """Two lines of one session are handed over for a merge, whatever the base says."""
    for base in ({X: "a"}, {}):
        assert met(base, {X: "ab"}, {X: "ac"}).merges == {X: ("ab", "ac")}
    assert met({}, {X: "p"}, {X: "q"}).merges == {X: ("p", "q")}


def test_what_was_changed_under_its_old_id_is_merged_into_the_new():
    """Whoever renamed it, and whoever looks: one session, with what both did."""
    assert met({X: "a"}, {X: "ab"}, {Y: "aR"}).merges == {Y: ("ab", "aR")}
    assert met({X: "a"}, {Y: "aR"}, {X: "ab"}).merges == {Y: ("aR", "ab")}
    plan = met({X: "a"}, {X: "ab"}, {Y: "aR"})
    assert (plan.result, plan.named) == ({Y: "ab"}, {})


def test_two_names():
    """Renamed to two ids it goes under the lesser one, on whichever side, and people hear of the other."""
    for ours, theirs in (({Y: "aR"}, {Z: "aZ"}), ({Z: "aZ"}, {Y: "aR"})):
        plan = met({X: "a"}, ours, theirs)
        assert plan.merges == {Y: (*ours.values(), *theirs.values())}
        assert plan.named == {Y: "z"}
        assert [(note.kind, note.session_id, note.other) for note in plan.notes] == [("named", "z", "y")]


def test_what_was_rewritten_there_is_taken_where_their_side_knew_ours():
    """A secret that was taken out elsewhere goes here, too; where that is not sure, nothing is given up."""
    assert met({X: "a"}, {X: "a"}, {X: "z"}).result == {X: "z"}
    assert met({X: "a"}, {X: "a"}, {X: "z"}, trusted=False).merges == {X: ("a", "z")}


def test_names_that_cannot_stand_beside_each_other():
    """Of two sessions that differ by case only, or stand one above the other, ours keeps its name."""
    plan = met({}, {"refs/heads/foo": "a"}, {"refs/heads/Foo": "b1234567x", "refs/heads/foo/bar": "c1234567x"})
    assert plan.result == {
        "refs/heads/foo": "a",
        "refs/heads/Foo-b1234567": "b1234567x",
        "refs/heads/foo-bar-c1234567": "c1234567x",
    }
    # The machine it came from takes the new name over, and does not give the old one again.
    theirs = {"refs/heads/Foo": "b1234567x"}
    assert met(theirs, theirs, plan.result).result == plan.result


def test_what_cannot_be_read_is_left_alone():
    """A damaged ref of ours is neither a deletion nor a change, and is not written over."""
    plan = reconcile({X: "a"}, {}, {X: "ab"}, Line(), trusted=True, unreadable=frozenset([X]))
    assert plan.result == {X: "a"}
    assert [note.kind for note in plan.notes] == ["unreadable"]


# -- any order of meeting ------------------------------------------------------------------------------------------

SESSIONS = ("p", "q", "r")


class World:
    """Three stores and a remote, in values: each action is what the real one does to the refs."""

    def __init__(self) -> None:
        self.stores: list[dict[str, str]] = [{} for _ in range(3)]
        self.bases: list[dict[str, str] | None] = [None, None, None]
        self.remote: dict[str, str] = {}
        self.count = 0
        self.said: set[str] = set()

    def say(self, who: int, session: str) -> None:
        name = f"refs/heads/{session}"
        self.count += 1
        mark = f"<{self.count}>"
        self.stores[who][name] = self.stores[who].get(name, "") + mark
        self.said.add(mark)

    def delete(self, who: int, session: str) -> None:
        store, name = self.stores[who], f"refs/heads/{session}"
        if name in store:
            self.count += 1
            store[f"refs/superqode/trash/{session}/20261122T100000.{self.count:06d}Z/branch"] = store.pop(name)

    def undelete(self, who: int, session: str) -> None:
        store, name = self.stores[who], f"refs/heads/{session}"
        items = sorted(key for key in store if key.startswith(f"refs/superqode/trash/{session}/"))
        if items and name not in store:
            store[name] = store.pop(items[-1])

    def sync(self, who: int, _session: str = "") -> None:
        base = self.bases[who]
        plan = reconcile(base or {}, self.stores[who], self.remote, Line(), trusted=base is not None)
        for name, (ours, theirs) in plan.merges.items():
            plan.result[name] = "(" + "+".join(sorted((ours, theirs))) + ")"
        again = reconcile(base or {}, plan.result, self.remote, Line(), trusted=base is not None)
        assert (again.result, again.merges) == (plan.result, {}), "applied, a plan has nothing left to do"
        self.stores[who], self.remote, self.bases[who] = plan.result, dict(plan.result), dict(plan.result)

    def lose(self, who: int, _session: str = "") -> None:
        self.bases[who] = None


ACTIONS: list[Callable[..., None]] = [World.say, World.say, World.delete, World.undelete, World.sync, World.sync]


def _play(program, actions) -> World:
    world = World()
    for number, who, session in program:
        actions[number % len(actions)](world, who, SESSIONS[session])
    for _ in range(2):
        for who in range(3):
            world.sync(who)
    return world


PROGRAMS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2), st.integers(0, 2)), max_size=40)


@given(PROGRAMS)
def test_any_order_ends_the_same_and_loses_nothing(program):
    """After everybody met twice all hold the same, and every word is in a session or in the trash."""
    world = _play(program, ACTIONS)
    assert world.stores[0] == world.stores[1] == world.stores[2] == world.remote
    held = " ".join(world.remote.values())
    assert {mark for mark in world.said if mark not in held} == set()


@given(PROGRAMS)
def test_what_is_remembered_may_be_lost(program):
    """Without what was remembered all end equal as well, and nothing is lost."""
    world = _play(program, [*ACTIONS, World.lose])
    assert world.stores[0] == world.stores[1] == world.stores[2] == world.remote
    held = " ".join(world.remote.values())
    assert {mark for mark in world.said if mark not in held} == set()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=25))
def test_machines_that_take_turns_are_one_store(program):
    """Where everybody syncs before and after each action, all is as on one store: deletions and what came back, too."""
    world, one = World(), World()
    for number, who, session in program:
        action = ACTIONS[number]
        world.sync(who)
        action(world, who, SESSIONS[session])
        world.sync(who)
        action(one, 0, SESSIONS[session])
    for who in range(3):
        world.sync(who)
    assert world.stores[0] == world.stores[1] == world.stores[2] == one.stores[0]
