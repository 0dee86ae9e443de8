"""Keys that are changed: on two machines at once, cut short, and beside what else happens."""

from __future__ import annotations

import pytest

from session.sync.circle import git, settle
from superqode.session.errors import RemoteUnreachable, SyncKeyRotated
from superqode.session.git.repository import Repository
from superqode.session.sync import setup
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.session_sync import find_synced


def _target(machine):
    return find_synced(Repository(machine.path), None)


def _keys(machine):
    return {path.name for path in (machine.path / "superqode" / "sync" / "keys").iterdir()}


def _cut(monkeypatch, machine, step):
    """Begin a change of keys whose network breaks at a step; gives the words that it made."""

    def broken(*_arguments, **_options):
        raise RemoteUnreachable("sync", "the connection was refused")

    with monkeypatch.context() as patched:
        patched.setattr(SealedRemote, step, broken)
        with pytest.raises(RemoteUnreachable):
            setup.rotate(machine.store, None, keyring=False)
    return setup.key_words(machine.store, _target(machine))


@pytest.mark.parametrize("step", ["push", "leave"])
def test_two_machines_change_the_key(pair, machine, remote, monkeypatch, step):
    """The first note counts: who was cut short drops its own key, and says so until it has the other's words."""
    one, other = pair
    one.say("a", "hello")
    settle([one, other])
    old = _target(one).sync
    dropped = _cut(monkeypatch, one, step)
    own = _target(one).sync
    third = machine("third")
    if step == "leave":
        third.join(dropped)
        third.sync()
    words = setup.rotate(other.store, None, keyring=False).words
    one.say("b", "only here")
    for _ in range(2):
        with pytest.raises(SyncKeyRotated, match="Ask for the new words"):
            one.sync()
        assert (_target(one).sync, _keys(one)) == (old, {old})
    if step == "leave":  # nobody goes on alone under the key that was dropped
        assert git(remote, "ls-tree", "-r", "--name-only", f"refs/superqode/sync/{own}").split() == [
            "moved",
            "sync.json",
        ]
        third.say("c", "only there")
        with pytest.raises(SyncKeyRotated):
            third.sync()
    for late in (one, third):
        late.join(words)
    settle([one, other, third])
    assert one.view() == other.view() == third.view()
    assert set(one.ids()) >= {"a", "b"}
