"""The store's remotes: real Git remotes that plain git knows too, with names and a default, and no credentials shown."""

import subprocess

import pytest

from superqode.session import clock
from superqode.session.errors import InvalidRemote, RemoteNotFound, StoreLocked
from superqode.session.git import program, remotes
from superqode.session.git.repository import Repository


@pytest.fixture
def repository(tmp_path):
    """An empty store."""
    return Repository.create(tmp_path / "store", user=("A", "a@example.invalid"))


def _git(repository, *arguments):
    done = subprocess.run(["git", "-C", str(repository.path), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_remote_is_one_of_gits(repository):
    """Plain git pushes to it by name; it has no fetch refspec, so that `git fetch` brings nothing into the branches."""
    added = remotes.add_remote(repository, "team", "git@example.org:x.git")

    assert (added.name, added.url, added.push_url, added.namespace, added.default) == (
        "team",
        "git@example.org:x.git",
        "git@example.org:x.git",
        "",
        True,
    )
    assert _git(repository, "remote", "get-url", "team") == "git@example.org:x.git"
    assert "fetch" not in _git(repository, "config", "--get-regexp", r"^remote\.")
    assert remotes.list_remotes(repository) == remotes.list_remotes(repository.path) == [added]


def test_relative_paths_are_kept_absolute(repository, tmp_path, monkeypatch):
    """The store must find the folder again from anywhere."""
    monkeypatch.chdir(tmp_path)

    assert remotes.add_remote(repository, "near", "team.git").url == str(tmp_path / "team.git")


def test_another_place_to_push_to(repository):
    """A push URL is kept beside the one to fetch from, and checked as well."""
    added = remotes.add_remote(repository, "team", "https://example.org/x", push_url="git@example.org:x")

    assert (added.url, added.push_url) == ("https://example.org/x", "git@example.org:x")
    with pytest.raises(InvalidRemote):
        remotes.add_remote(repository, "other", "https://example.org/x", push_url="ext::sh")
    assert [remote.name for remote in remotes.list_remotes(repository)] == ["team"]


def test_credentials_are_kept_and_not_shown(repository):
    """A token in a URL stays in the config, where its user put it, and appears in no text of ours."""
    added = remotes.add_remote(repository, "team", "https://me:hunter22@example.org/x")

    assert _git(repository, "remote", "get-url", "team") == "https://me:hunter22@example.org/x"
    assert added.shown == "https://example.org/x"
    assert "hunter22" not in repr(added) + str(added)


@pytest.mark.parametrize(
    "name",
    ["", "-x", ".x", "a b", "a/b", "ä", "x" * 65, "a\nb", "x.", "https://me:hunter22@x/y"],
    ids=range(10),
)
def test_bad_names_are_refused(repository, name):
    """A name is up to 64 plain characters; nothing is written otherwise, and nothing secret told."""
    with pytest.raises(InvalidRemote, match="a name is made of") as caught:
        remotes.add_remote(repository, name, "/x")
    assert "hunter22" not in str(caught.value)
    assert remotes.list_remotes(repository) == []


def test_a_taken_name_is_refused(repository):
    """A name is taken whatever its case; the remote that has it stays as it is."""
    remotes.add_remote(repository, "Team", "/a")

    with pytest.raises(InvalidRemote, match="there is a remote Team already"):
        remotes.add_remote(repository, "team", "/b")
    assert remotes.find_remote(repository, "Team").url == "/a"


def test_the_only_remote_is_the_default(repository):
    """One remote needs no choice, and stays the default when others come, whatever becomes of them."""
    assert remotes.default_remote(repository) is None
    first = remotes.add_remote(repository, "a", "/a")
    assert remotes.default_remote(repository) == first

    remotes.add_remote(repository, "b", "/b")
    assert remotes.default_remote(repository) == first
    assert _git(repository, "config", "superqode.defaultRemote") == "a"
    remotes.set_default(repository, "b")
    assert [(remote.name, remote.default) for remote in remotes.list_remotes(repository)] == [("a", False), ("b", True)]
    with pytest.raises(RemoteNotFound):
        remotes.set_default(repository, "c")
    assert remotes.add_remote(repository, "d", "/d", default=True).default
    assert [remote.name for remote in remotes.list_remotes(repository) if remote.default] == ["d"]


def test_of_several_none_may_be_the_default(repository):
    """Plain git added them, or the chosen one was removed: none is taken in its place, and adding one more chooses none."""
    for name in ("a", "b"):
        _git(repository, "config", f"remote.{name}.url", f"/{name}")
    remotes.remember_sync(repository, "b", "plain")
    assert [remote.name for remote in remotes.remotes_for_shares(repository)] == ["a"]
    remotes.remember_sync(repository, "b", "")
    remotes.add_remote(repository, "c", "/c")
    assert remotes.default_remote(repository) is None
    assert [remote.name for remote in remotes.remotes_for_shares(repository)] == ["a", "b", "c"]


def test_removing_forgets_everything(repository):
    """URL, namespace and being the default go; the section does not stay behind empty; the next default is the last."""
    remotes.add_remote(repository, "a", "/a")
    remotes.add_remote(repository, "b", "/b", default=True)
    remotes.remember_namespace(repository, "b", "heads")

    remotes.remove_remote(repository, "b")

    assert '[remote "b"]' not in (repository.path / "config").read_text()
    assert "defaultremote" not in (repository.path / "config").read_text()
    assert [(remote.name, remote.default) for remote in remotes.list_remotes(repository)] == [("a", True)]
    with pytest.raises(RemoteNotFound, match="The store knows a"):
        remotes.remove_remote(repository, "b")
    remotes.remove_remote(repository, "a")
    with pytest.raises(RemoteNotFound, match="knows none yet"):
        remotes.find_remote(repository, "a")


def test_the_namespace_is_remembered(repository):
    """What a remote takes is found out once; what somebody else wrote there counts as unknown."""
    remotes.add_remote(repository, "team", "/a")
    for namespace in ("heads", "superqode"):
        remotes.remember_namespace(repository, "team", namespace)
        assert remotes.find_remote(repository, "team").namespace == namespace

    _git(repository, "config", "remote.team.superqodenamespace", "../../x")
    assert remotes.find_remote(repository, "team").namespace == ""
    with pytest.raises(RemoteNotFound):
        remotes.remember_namespace(repository, "nobody", "heads")


def test_remotes_of_plain_git_are_known(repository):
    """Several URLs, names with a slash, remotes without a URL: read as git reads them, and removed whole."""
    _git(repository, "remote", "add", "eu/team", "/a")
    _git(repository, "remote", "set-url", "--add", "eu/team", "/b")
    _git(repository, "config", "remote.empty.prune", "true")

    assert [(remote.name, remote.url) for remote in remotes.list_remotes(repository)] == [("eu/team", "/a")]
    remotes.remove_remote(repository, "eu/team")
    assert remotes.list_remotes(repository) == []


def test_a_list_needs_no_git(repository, monkeypatch, tmp_path):
    """Without the git program the remotes are still there to be read."""
    remotes.add_remote(repository, "team", "/a")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert remotes.default_remote(repository).name == "team"


def test_what_a_user_gives_is_resolved(repository, tmp_path, monkeypatch):
    """A name, else a URL or path, which may be that of a known remote, with credentials or without."""
    known = remotes.add_remote(repository, "team", "https://me:hunter22@example.org/x")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare").mkdir()

    assert remotes.resolve_remote(repository, "team") == known
    assert remotes.resolve_remote(repository, "https://example.org/x") == known
    assert remotes.resolve_remote(repository, "https://me:hunter22@example.org/x") == known
    assert remotes.resolve_remote(repository, "bare").url == str(tmp_path / "bare")
    other = remotes.resolve_remote(repository, "https://example.org/y")
    assert (other.name, other.url) == ("", "https://example.org/y")
    with pytest.raises(RemoteNotFound, match=r"no remote 'nobody'\. The store knows team"):
        remotes.resolve_remote(repository, "nobody")
    with pytest.raises(InvalidRemote):
        remotes.resolve_remote(repository, "ext::sh")


def test_settings_wait_for_another_git_that_changes_them(repository, monkeypatch):
    """A lock that goes is waited for; one that stays is told with its place, and nothing was changed."""
    lock = repository.path / "config.lock"
    lock.touch()
    monkeypatch.setattr(clock, "sleep", lambda _seconds: lock.unlink(missing_ok=True))
    assert remotes.add_remote(repository, "team", "git@example.org:x.git").name == "team"

    lock.touch()
    monkeypatch.setattr(program, "_CONFIG_PATIENCE", 0.0)
    monkeypatch.setattr(clock, "sleep", lambda _seconds: None)
    with pytest.raises(StoreLocked, match=r"config\.lock"):
        remotes.remove_remote(repository, "team")
    lock.unlink()
    assert [remote.name for remote in remotes.list_remotes(repository)] == ["team"]
