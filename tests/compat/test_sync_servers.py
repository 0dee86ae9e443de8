"""Sealed and plain syncs through real servers: two stores meet, a cut is told in clear words, and the next sync is whole."""

from __future__ import annotations

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from servers import CuttingProxy
from session.sync.circle import Machine, git
from superqode.session.errors import RemoteUnreachable

SERVERS = {"ssh": "ssh_server", "https": "web_server"}


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch):
    """No test gets near the keyring of whoever runs it."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


def _through(one: Machine, old: str, new: str) -> None:
    """Let a machine reach its remote another way."""
    git(one.path, "config", "remote.sync.url", git(one.path, "config", "remote.sync.url").strip().replace(old, new))


@pytest.mark.parametrize("plain", [False, True], ids=["sealed", "plain"])
@pytest.mark.parametrize("kind", SERVERS)
def test_two_stores_meet(request, tmp_path, home, kind, plain):
    """A change on each, a connection that is cut in the middle of a push, and another sync: both hold all of it."""
    server = request.getfixturevalue(SERVERS[kind])
    served = server.repository()
    server.access("alice").use(home)
    one, other = (Machine(tmp_path / name, served.url) for name in ("one", "other"))
    words = one.begin(plain=plain)
    one.say("a", "hello")
    one.sync()
    other.begin(plain=True) if plain else other.join(words)
    other.sync()
    one.say("a", "from one")
    other.say("a", "from the other")
    other.say("b", "x" * 200_000)
    with CuttingProxy(served.port, sent=4_000, then="close") as proxy:
        far = served.through(proxy.port)
        _through(other, served.url, far)
        with pytest.raises(RemoteUnreachable) as told:
            other.sync()
        _through(other, far, served.url)
    assert "cannot be reached" in str(told.value)
    assert "Check the" in str(told.value)
    assert other.heard("a") == ["hello", "from the other"]
    for machine in (other, one, other):
        machine.sync()
    assert one.view(plain=plain) == other.view(plain=plain)
    assert sorted(one.heard("a")) == ["from one", "from the other", "hello"]
    names = [name for name in served.refs() if not name.startswith("refs/heads/superqode")]
    assert ("refs/heads/a" in names) is plain
    for machine in (one, other):
        git(machine.path, "fsck", "--strict", "--no-dangling")
        machine.store.close()
