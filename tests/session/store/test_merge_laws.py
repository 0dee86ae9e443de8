"""The laws of merging tips, tried on histories of every kind: branched, merged, undone, edited, with clocks that lie."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session import Message, Session, SessionStore, clock
from superqode.session.errors import NothingToRedo, NothingToUndo
from superqode.session.store.merging import merge_tips

_BEGAN = datetime(2026, 11, 22, 10, tzinfo=UTC)
# Clocks that go right, that are years behind or before, and one at the end of time.
_CLOCKS = (timedelta(), timedelta(days=-3000), timedelta(days=9000), datetime.max.replace(tzinfo=UTC) - _BEGAN)


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
        with suppress(OverflowError):
            now += self.offsets[machine]
        return _Clock(now)

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
    (session.files_created if number % 2 else session.files_modified).append(f"f{number}")


_DOINGS = {"add": _add, "edit": _edit, "remove": _remove, "insert": _insert, "move": _move, "fields": _fields}
_PLAIN = ("add", "add", "edit", "remove", "insert", "fields", "undo", "redo")


def doings(*names, machines=3, most=14):
    return st.lists(
        st.tuples(st.integers(0, machines - 1), st.sampled_from([*names, "merge"]), st.integers(0, 11)), max_size=most
    )


clocks = st.lists(st.sampled_from(_CLOCKS), min_size=3, max_size=3)


def lived(folder, lives, offsets):
    """Machines that did all this; a merge takes in what the next machine has."""
    machines = Machines(Path(folder) / "store", 3)
    machines.offsets = offsets
    for machine, what, number in lives:
        if what == "merge":
            machines.tips[machine] = machines.merge(machines.tips[machine], machines.tips[(machine + 1) % 3])
        else:
            machines.do(machine, what, number)
    return machines


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory() as made:
        yield made


@given(doings(*_PLAIN, "move", "move"), clocks)
def test_the_order_of_merging_does_not_matter(lives, offsets):
    """Three tips become the same tree however they are merged, and merging what is in changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        machines = lived(folder, lives, offsets)
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
