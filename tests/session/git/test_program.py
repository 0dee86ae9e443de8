"""The `git` program: found, told apart when too old, run without the caller's environment, its refusals told."""

import os
import stat
import subprocess

import pytest

from superqode.session.errors import GitFailed, GitMissing
from superqode.session.git import program


@pytest.fixture
def repository(tmp_path):
    """An empty bare repository."""
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "repository")], check=True)
    return tmp_path / "repository"


@pytest.fixture
def only(tmp_path, monkeypatch):
    """Makes a program called git the only one on the PATH."""

    def put(script):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "git").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        program._version.cache_clear()
        return folder / "git"

    yield put
    program._version.cache_clear()


def test_git_runs_on_the_repository(repository):
    """The output is what git prints, and the repository the one named, wherever we are."""
    assert program.run(repository, ["rev-parse", "--is-bare-repository"], purpose="Trying") == b"true\n"


def test_bytes_and_streams_are_its_input(repository, tmp_path):
    """Standard input can be bytes or a file, and is empty otherwise."""
    (tmp_path / "file").write_bytes(b"from a file")
    arguments = ["hash-object", "--stdin"]

    given = program.run(repository, arguments, purpose="Trying", stdin=b"from a file")
    with (tmp_path / "file").open("rb") as stream:
        assert program.run(repository, arguments, purpose="Trying", stdin=stream) == given
    assert program.run(repository, arguments, purpose="Trying") != given


def test_settings_are_for_one_call(repository):
    """A setting given along holds for that call only."""
    arguments = ["config", "--get", "pack.threads"]

    assert program.run(repository, arguments, purpose="Trying", settings={"pack.threads": "3"}) == b"3\n"
    with pytest.raises(GitFailed):
        program.run(repository, arguments, purpose="Trying")


def test_a_refusal_is_told(repository):
    """The error has the command, the exit code and what git said."""
    with pytest.raises(GitFailed, match=r"git rev-parse failed with exit code 128: fatal: .*nobody") as caught:
        program.run(repository, ["rev-parse", "nobody"], purpose="Trying")

    assert (caught.value.command, caught.value.code) == ("rev-parse", 128)


def test_a_long_complaint_is_cut(repository, only):
    """Megabytes of complaints do not become the message."""
    only('[ "$1" = version ] && echo git version 2.40.0 && exit; yes x | /usr/bin/head -c 1000000 >&2; exit 1')

    with pytest.raises(GitFailed) as caught:
        program.run(repository, ["anything"], purpose="Trying")
    assert len(str(caught.value)) < 3_000


def test_the_callers_environment_points_nowhere(repository, monkeypatch, tmp_path):
    """`GIT_DIR` and its like, which a hook inherits, do not lead to another repository; git speaks English."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    oid = program.run(repository, ["hash-object", "-w", "--stdin"], purpose="Trying", stdin=b"x").decode().strip()

    assert (repository / "objects" / oid[:2] / oid[2:]).is_file()
    kept = program._environment()
    assert not [
        name for name in kept if name.startswith("GIT_") and name not in ("GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS")
    ]
    assert (kept["LC_ALL"], kept["GIT_TERMINAL_PROMPT"]) == ("C", "0")
    assert kept["PATH"] == os.environ["PATH"]


def test_no_hook_runs(repository, tmp_path):
    """Our own calls run without hooks, which could take long or do anything."""
    hook = repository / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    tree = program.run(repository, ["mktree"], purpose="Trying").decode().strip()
    commit = subprocess.run(
        ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@b", "commit-tree", "-m", "x", tree],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()

    program.run(repository, ["update-ref", "refs/heads/x", commit], purpose="Trying")

    assert not (tmp_path / "ran").exists()


def test_a_missing_git_is_one_clear_error(repository, monkeypatch, tmp_path):
    """The error says what git is needed for, where to get it, and that saving works without it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        GitMissing, match=r"Making a backup needs the git program \(2.31 or newer\), and it is not on"
    ) as caught:
        program.run(repository, ["version"], purpose="Making a backup")
    assert caught.value.purpose == "Making a backup"
    assert program.config_value(repository, "user.name") is None


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("git version 2.30.9", "is version 2.30"),
        ("git version 1.99.0", "is version 1.99"),
        ("fish version 3", "does not tell its version"),
        ("", "does not tell its version"),
    ],
)
def test_an_old_or_strange_git_is_told(repository, only, told, reason):
    """A git that is too old, or something else of that name, is refused with its path and version."""
    path = only(f"echo {told}")

    with pytest.raises(GitMissing, match=reason) as caught:
        program.find_git("Trying")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("told", ["git version 2.31.0", "git version 2.39.5 (Apple Git-154)", "git version 3.0.rc1"])
def test_new_enough_gits_are_taken(only, told):
    """2.31 and everything after it is fine, whoever built it."""
    path = only(f"echo '{told}'")

    assert program.find_git("Trying") == str(path)


def test_a_program_that_cannot_run_is_told(only):
    """A file called git that is no program is as good as none."""
    path = only("")
    path.write_bytes(b"\x7fELF broken")
    path.chmod(stat.S_IRWXU)

    with pytest.raises(GitMissing, match="does not tell its version"):
        program.find_git("Trying")


def test_settings_are_read_as_git_sees_them(repository):
    """A setting of the repository is found, one that is not set is None."""
    subprocess.run(["git", "-C", str(repository), "config", "x.y", "süß"], check=True)

    assert program.config_value(repository, "x.y") == "süß"
    assert program.config_value(repository, "x.z") is None
