"""Where the key is kept: in a keyring that works, else in the file; and found again in either."""

from __future__ import annotations

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from superqode.session.errors import SyncKeyMissing
from superqode.session.git.repository import Repository
from superqode.session.sync.keeping import find_key, forget_key, keep_key, load_key
from superqode.session.sync.keys import new_key
from superqode.session.sync.words import to_words


class Ring:
    """A keyring that works, in memory; no subclass of keyring's, which would be found by every test from then on."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError


class Locked(Ring):
    """One that nobody unlocks."""

    @property
    def held(self):
        """What it holds."""
        raise KeyringLocked

    @held.setter
    def held(self, _value):
        pass


@pytest.fixture
def repository(store_path):
    """A store."""
    return Repository.create(store_path)


@pytest.fixture
def ring(monkeypatch):
    """The system's keyring for the test."""

    def use(backend):
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        return backend

    return use


def test_in_a_keyring(repository, ring):
    """Kept there it is in no file, found again, and forgotten."""
    held = ring(Ring()).held
    key = new_key()
    assert keep_key(repository, key, keyring=True) == "keyring"
    ((service, user),) = held
    assert (service, user.split(" ")[0]) == ("superqode-sync", key.id)
    assert not list((repository.own / "sync").rglob(key.id))
    assert find_key(repository, key.id) == (key, "keyring")
    forget_key(repository, key.id)
    assert find_key(repository, key.id) == (None, "missing")
    forget_key(repository, key.id)


class Strange(Ring):
    """One that fails as no keyring should: a service that is away, a library that it lacks."""

    @property
    def held(self):
        """What it holds."""
        raise ModuleNotFoundError("no_such_module")

    @held.setter
    def held(self, _value):
        pass


@pytest.mark.parametrize("backend", [NoKeyring, Locked, Strange])
def test_without_a_keyring_that_works(repository, ring, backend):
    """No keyring, or a locked one: the file takes it, and is found."""
    ring(backend())
    key = new_key()
    assert keep_key(repository, key, keyring=True) == "file"
    assert find_key(repository, key.id) == (key, "file")
    forget_key(repository, key.id)
    assert find_key(repository, key.id) == (None, "missing")


def test_a_keyring_that_is_set_and_not_there(repository, monkeypatch):
    """As the library itself finds it, by a variable of the environment: no error of its ends ours."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no_such_module.Keyring")
    key = new_key()
    assert keep_key(repository, key, keyring=True) == "file"
    assert find_key(repository, key.id) == (key, "file")
    forget_key(repository, key.id)


def test_where_no_keyring_is_wanted(repository, ring):
    """The file has it though there is a keyring."""
    held = ring(Ring()).held
    assert keep_key(repository, new_key(), keyring=False) == "file"
    assert held == {}


def test_two_stores_of_one_person(repository, tmp_path, ring):
    """Each has its own entry: what one forgets, the other keeps; wherever a store is moved, its entry is found."""
    held = ring(Ring()).held
    key, other = new_key(), Repository.create(tmp_path / "second")
    for one in (repository, other):
        keep_key(one, key, keyring=True)
    forget_key(other, key.id)
    assert find_key(other, key.id) == (None, "missing")
    repository.path.rename(tmp_path / "moved")
    moved = Repository(tmp_path / "moved")
    assert find_key(moved, key.id) == (key, "keyring")
    keep_key(moved, key, keyring=True)
    assert len(held) == 1
    forget_key(moved, key.id)
    assert held == {}


def test_an_entry_of_an_older_version(repository, ring):
    """It has the sync's id alone for a name, is found, and forgotten."""
    held = ring(Ring()).held
    key = new_key()
    held["superqode-sync", key.id] = to_words(key.secret)
    assert find_key(repository, key.id) == (key, "keyring")
    forget_key(repository, key.id)
    assert held == {}


@pytest.mark.parametrize("content", ["", "abandon " * 23 + "art", "\udc80", "x" * 100_000])
def test_a_file_that_holds_something_else(repository, ring, content):
    """Emptied, another sync's, or nonsense: the key is missing, and that is the error."""
    ring(NoKeyring())
    key = new_key()
    keep_key(repository, key, keyring=False)
    (repository.own / "sync" / "keys" / key.id).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SyncKeyMissing, match="superqode sync join home"):
        load_key(repository, key.id, "home")
    ring(Ring())
    keep_key(repository, key, keyring=True)
    assert find_key(repository, key.id) == (key, "keyring"), "the file hides the keyring"
