"""The laws of merging tips, tried on histories of every kind: branched, merged, undone, edited, with clocks that lie."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from superqode.session import Message, Session, SessionStore, clock
from superqode.session.errors import NothingToRedo, NothingToUndo
from superqode.session.store.merging import merge_tips

_BEGAN = datetime(2026, 11, 22, 10, tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
# Clocks that go right, that are years behind or before, and one at the end of time.
_CLOCKS = (timedelta(), timedelta(days=-3000), timedelta(days=9000), _LAST - _BEGAN)


class Machines:
    """Some machines with one session each, in one store: a machine is where its tip is, and what its clock says."""

    def __init__(self, path, number):
        self.store = SessionStore(path, durability="fast")
        self.numbers = 0
        self.moves = 0
        self.offsets = [timedelta()] * number
        session = Session(id="s", title="T", tags=["a"], created_at=_BEGAN)
        for _ in range(2):
            session.add(self.message())
        with self.time(0):
            self.store.save(session)
        self.repository = self.store._open()
        self.tips = [session._saved.commit] * number
        self.removed = [set() for _ in range(number)]

    def time(self, machine):
        """Hold this machine's clock still for a block: a second later than at any move before."""
        self.moves += 1
        now = _BEGAN + timedelta(seconds=self.moves)
        return _Clock(now + min(self.offsets[machine], _LAST - now))

    def message(self):
        self.numbers += 1
        return Message(id=f"m{self.numbers}", role="user", content=str(self.numbers), timestamp=_BEGAN)

    def at(self, tip):
        """The session as a tip has it."""
        current = self.repository.refs.read("refs/heads/s")
        if current != tip:
            self.repository.refs.update(
                "refs/heads/s", tip, current, ident=self.repository.committer(), reason="another machine"
            )
        return self.store.load("s")

    def do(self, machine, what, number):
        """Let a machine do something."""
        session = self.at(self.tips[machine])
        with self.time(machine), suppress(NothingToUndo, NothingToRedo):
            if what in ("undo", "redo"):
                getattr(self.store, what)("s")
            else:
                _DOINGS[what](self, session, number)
                self.store.save(session)
        self.tips[machine] = self.repository.refs.read("refs/heads/s")

    def merge(self, one, other):
        """Merge two tips; they may change places."""
        merged = merge_tips(self.repository, "s", one, other)
        assert merge_tips(self.repository, "s", other, one) == merged
        return merged

    def tree(self, tip):
        return self.repository.objects.commit(tip).tree


class _Clock:
    def __init__(self, now):
        self.now = now

    def __enter__(self):
        clock.set_clock(lambda: self.now)

    def __exit__(self, *_):
        clock.set_clock(None)


def _add(machines, session, number):
    for _ in range(1 + number % 3):
        session.add(machines.message())


def _edit(machines, session, number):
    if session.messages:
        place = number % len(session.messages)
        old = session.messages[place]
        session.messages[place] = Message(id=old.id, role="user", content=f"edit {machines.moves}", timestamp=_BEGAN)


def _remove(_machines, session, number):
    if session.messages:
        del session.messages[number % len(session.messages)]


def _insert(machines, session, number):
    session.messages.insert(number % (len(session.messages) + 1), machines.message())


def _move(_machines, session, number):
    if session.messages:
        taken = session.messages.pop(number % len(session.messages))
        session.messages.insert(number // 2 % (len(session.messages) + 1), taken)


def _fields(machines, session, number):
    if number % 2:
        session.title = f"T{machines.moves}"
    if number % 3:
        session.tags = [tag for tag in session.tags if tag != "ab"[number % 2]] + [f"t{number % 5}"]
    session.tags = list(dict.fromkeys(session.tags))
    session.metadata = {**session.metadata, f"k{number % 3}": number}
    if number % 4 == 0:
        session.metadata.pop("k0", None)
    files = session.files_created if number % 2 else session.files_modified
    if f"f{number // 2}" not in session.files_created + session.files_modified:
        files.append(f"f{number // 2}")


_DOINGS = {"add": _add, "edit": _edit, "remove": _remove, "insert": _insert, "move": _move, "fields": _fields}
_PLAIN = ("add", "add", "edit", "remove", "insert", "fields", "undo", "redo")
_BASE = ["m1", "m2"]


def doings(*names, machines=(0, 1, 2)):
    return st.lists(st.tuples(st.sampled_from(machines), st.sampled_from(names), st.integers(0, 11)), max_size=12)


clocks = st.lists(st.sampled_from(_CLOCKS), min_size=3, max_size=3)


@contextmanager
def lived(lives, offsets):
    """Machines that did all this; a merge takes in what the next machine has."""
    with tempfile.TemporaryDirectory() as folder:
        machines = Machines(Path(folder) / "store", 3)
        machines.offsets = offsets
        for machine, what, number in lives:
            if what == "merge":
                machines.tips[machine] = machines.merge(machines.tips[machine], machines.tips[(machine + 1) % 3])
            else:
                machines.do(machine, what, number)
        yield machines
        machines.store.close()


@given(doings(*_PLAIN, "move", "merge"), clocks)
def test_the_order_of_merging_does_not_matter(lives, offsets):
    """Three tips become the same tree however they are merged, and merging what is in changes nothing."""
    with lived(lives, offsets) as machines:
        one, two, three = machines.tips
        pairs = [((one, two), three), ((two, three), one), ((one, three), two)]
        merged = [machines.merge(machines.merge(*pair), other) for pair, other in pairs]
        assert len({machines.tree(tip) for tip in merged}) == 1
        for tip in (one, two, three, merged[0]):
            assert machines.merge(merged[0], tip) == merged[0]
        # Machines that merged differently meet: nothing changes, and there is nothing twice.
        again = machines.merge(merged[0], merged[1])
        assert machines.tree(again) == machines.tree(merged[0])
        found = [entry.id for entry in machines.at(again).timeline]
        assert len(found) == len(set(found))


def names(session):
    return [entry.id for entry in session.timeline]


@given(doings(*_PLAIN, machines=(0, 1)), clocks)
def test_nothing_is_lost(lives, offsets):
    """What one side added is there, and what both have; once each, nothing else, and each side's in its order."""
    with lived(lives, offsets) as machines:
        one, other, merged = (
            names(machines.at(tip)) for tip in (*machines.tips[:2], machines.merge(*machines.tips[:2]))
        )
        must = set(one) & set(other) | set(one) - set(_BASE) | set(other) - set(_BASE)
        assert must <= set(merged) <= {*one, *other}
        assert len(merged) == len(set(merged))
        for side in (one, other):
            assert [name for name in merged if name in side] == [name for name in side if name in merged]


@given(doings(*_PLAIN, machines=(0,)), doings("add", "insert", "fields", machines=(1,)), clocks)
def test_what_one_took_back_stays_taken_back(lives, others, offsets):
    """An undo, restore or removal holds where the other only added, whatever the clocks say; the other's stays."""
    with lived([*lives, *others], offsets) as machines:
        one, other, merged = (
            names(machines.at(tip)) for tip in (*machines.tips[:2], machines.merge(*machines.tips[:2]))
        )
        assert set(merged) == set(one) | set(other) - set(_BASE)


@given(doings("add", machines=(0, 1, 2)), clocks)
def test_lanes_follow_one_another_behind_the_common_beginning(lives, offsets):
    """What was common keeps its place, then comes each lane as a whole, in the order in which they began."""
    with lived(lives, offsets) as machines:
        tips = [names(machines.at(tip)) for tip in machines.tips]
        merged = names(machines.at(machines.merge(machines.merge(*machines.tips[:2]), machines.tips[2])))
        assert merged[:2] == _BASE
        began = {}
        for place, (machine, _, _) in enumerate(lives, 1):
            began.setdefault(machine, timedelta(seconds=place) + offsets[machine])
        # Lanes that began in one moment follow by their saves' ids: before the common save, or at the end of time.
        same = [
            offset for machine, offset in enumerate(offsets) if machine in began and offset in (_CLOCKS[1], _CLOCKS[3])
        ]
        if len(same) < 2:
            lanes = sorted(began, key=began.__getitem__)
            assert merged == _BASE + [name for lane in lanes for name in tips[lane][2:]]
        for lane in tips:
            place = merged.index(lane[2]) if lane[2:] else 0
            assert not lane[2:] or merged[place : place + len(lane) - 2] == lane[2:]


@given(doings("fields", machines=(0, 1)), clocks)
def test_fields_are_of_one_side_and_lists_are_sets(lives, offsets):
    """Each field is what one of the sides says; a list has what either added and not what either removed, once."""
    with lived(lives, offsets) as machines:
        one, other, merged = (machines.at(tip) for tip in (*machines.tips[:2], machines.merge(*machines.tips[:2])))
        assert merged.title in (one.title, other.title)
        for key in {*one.metadata, *other.metadata, *merged.metadata}:
            assert merged.metadata.get(key) in (one.metadata.get(key), other.metadata.get(key))
        for name, base in (("tags", {"a"}), ("files_created", set()), ("files_modified", set())):
            mine, others, found = (getattr(side, name) for side in (one, other, merged))
            must = set(mine) & set(others) | set(mine) - base | set(others) - base
            if name == "files_modified":
                must -= set(merged.files_created)
            assert must <= set(found) <= {*mine, *others}
            assert len(found) == len(set(found))
        assert not set(merged.files_created) & set(merged.files_modified)
