"""Who commits: the store's option, else Git's config, else login name and host; always something Git accepts."""

import getpass
import subprocess

import pytest

from superqode.session import Session, SessionStore
from superqode.session.git import identity
from superqode.session.git.repository import Repository


@pytest.fixture
def root(store_path):
    """A store without any user setting."""
    Repository.create(store_path)
    return store_path


def _set(root, key, value):
    subprocess.run(["git", "-C", str(root), "config", key, value], check=True)


def test_the_stores_option_comes_first(root, store_path, git):
    """`user=` is who commits, whatever the settings say."""
    _set(root, "user.name", "Config")
    with SessionStore(store_path, user=("Option", "option@example.invalid")) as store:
        store.save(Session(id="s"))

    assert git("log", "-1", "--format=%cn <%ce>", "s") == "Option <option@example.invalid>"


def test_then_gits_settings(root):
    """Name and address of Git's config are taken, cleaned of what Git refuses."""
    _set(root, "user.name", "Ada <x> Example")
    _set(root, "user.email", "ada@example.invalid")

    assert identity.configured_user(root) == ("Ada x Example", "ada@example.invalid")


def test_then_the_login_name(root, monkeypatch):
    """Without settings the login name at this host, under a domain that is nobody's."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ada lovelace")
    monkeypatch.setattr(identity.socket, "gethostname", lambda: "Büro PC")

    assert identity.configured_user(root) == ("ada lovelace", "ada-lovelace@b-ro-pc.invalid")


@pytest.mark.parametrize("problem", [KeyError("uid"), OSError("no user")])
def test_a_user_without_a_name_commits_too(root, monkeypatch, problem):
    """In a container whose user has no name, saving works all the same."""

    def nobody():
        raise problem

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setattr(identity.socket, "gethostname", lambda: "")

    assert identity.configured_user(root) == ("user", "user@localhost.invalid")


@pytest.mark.parametrize("name", ["<>", " . ", "\t", "''"])
def test_settings_that_git_would_refuse_are_replaced(root, name, monkeypatch):
    """A setting of which nothing is left falls back to the login name."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    _set(root, "user.name", name)

    assert identity.configured_user(root)[0] == "ada"


def test_a_damaged_config_is_no_obstacle(tmp_path):
    """Where the settings cannot be read the login name does."""
    name, email = identity.configured_user(tmp_path)

    assert name
    assert email.endswith(".invalid")
