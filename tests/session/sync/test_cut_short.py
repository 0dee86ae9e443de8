"""A sync that ends at each single step that writes something: the next one finds everything, and nothing is lost.

The random kills of `test_three_stores.py` strike anywhere; here every step between two writes is struck once.
"""

from __future__ import annotations

import shutil

import pytest

from session.sync.circle import Machine, git, settle
from superqode.session.git import remote as remote_module
from superqode.session.git.landing import Landing
from superqode.session.git.refs import Refs
from superqode.session.store.ledger import Ledger
from superqode.session.sync import session_sync

STEPS = (
    (Refs, "update"),
    (Refs, "delete"),
    (Refs, "create_all"),
    (Landing, "take_over"),
    (Ledger, "adopt"),
    (session_sync, "save_state"),
    (session_sync, "resolve"),
    (remote_module, "push"),
)


class Killed(BaseException):
    """The process is gone."""


def _strike(monkeypatch, number: int, *, behind: bool) -> None:
    """Let the step of this number fail, before it did anything or behind it."""
    count = [0]

    def wrapped(original):
        def step(*arguments, **options):
            count[0] += 1
            if count[0] == number and not behind:
                raise Killed
            result = original(*arguments, **options)
            if count[0] == number:
                raise Killed
            return result

        return step

    for holder, name in STEPS:
        monkeypatch.setattr(holder, name, wrapped(getattr(holder, name)))


def _parted(one: Machine, other: Machine) -> None:
    """Two machines with something of every kind on either side that the other has not."""
    for name in ("merged", "deleted", "kept", "back", "renamed", "purged"):
        one.say(name, "hello")
    one.snapshot("merged", "before")
    one.store.delete("back")
    settle([one, other])
    for machine in (one, other):
        machine.say("merged", f"from {machine.path.name}")
        machine.say(f"new-{machine.path.name}", "hello")
        machine.snapshot("merged", f"by {machine.path.name}")
    one.store.delete("deleted")
    one.store.delete("kept")
    other.say("kept", "still needed")
    other.store.undelete("back")
    one.store.rename("renamed", "another")
    one.store.delete("purged")
    one.store.purge("purged")


@pytest.mark.parametrize("behind", [False, True])
def test_every_step(machine, tmp_path, remote, monkeypatch, behind):
    """Struck before or behind each step, on the machine that merges: both end as if nothing had happened."""
    one, other = machine("one"), machine("other")
    words = one.begin()
    one.sync()
    other.join(words)
    _parted(one, other)
    one.sync()
    for made in (one, other):
        made.store.close()
    for path in (one.path, other.path, remote):
        shutil.copytree(path, tmp_path / "kept" / path.name)
    number, struck = 0, True
    while struck:
        number, struck = number + 1, False
        for path in (one.path, other.path, remote):
            shutil.rmtree(path)
            shutil.copytree(tmp_path / "kept" / path.name, path)
        one, other = Machine(one.path, str(remote)), Machine(other.path, str(remote))
        with monkeypatch.context() as patched:
            _strike(patched, number, behind=behind)
            try:
                other.sync()
            except Killed:
                struck = True
                other.store.close()
        other = Machine(other.path, str(remote))
        settle([other, one])
        assert one.view() == other.view(), number
        assert one.ids() == ["another", "back", "kept", "merged", "new-one", "new-other"], number
        assert one.trash() == ["deleted"], number
        assert sorted(one.heard("merged")) == ["from one", "from other", "hello"], number
        told = {snapshot.description for snapshot in one.store.load("merged").snapshots}
        assert told == {"before", "by one", "by other"}, number
        for made in (one, other):
            git(made.path, "fsck", "--strict", "--full", "--no-dangling")
            made.store.close()
    assert number > 12, f"there are more steps than {number}"
