"""Which project a folder is: found in real clones, and in repositories that mean harm, without running anything."""

import os
import subprocess
import zlib

import pytest

from superqode.session.git import project
from superqode.session.git.project import ProjectIdentity, read_project

ORIGIN = "https://example.org/team/app.git"


def git(folder, *arguments):
    """Run git there; gives what it prints."""
    ident = ["-c", "user.name=A", "-c", "user.email=a@example.invalid", "-c", "init.defaultBranch=main"]
    safe = ["-c", "protocol.file.allow=always", "-c", "safe.directory=*"]
    done = subprocess.run(
        ["git", *ident, *safe, "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def app(tmp_path):
    """A repository with two commits and an origin."""
    folder = tmp_path / "app"
    (folder / "src").mkdir(parents=True)
    git(folder, "init", "-q")
    for number in range(2):
        git(folder, "commit", "-q", "--allow-empty", "-m", f"{number}")
    git(folder, "remote", "add", "origin", ORIGIN)
    return folder


def root(folder):
    """The first commits of its history, as git tells."""
    return tuple(sorted(git(folder, "rev-list", "--max-parents=0", "HEAD").split()))


def test_a_clone_is_known_by_origin_and_first_commit(app):
    """Both are found from any folder below, which is told; packed or loose, with packed refs or without."""
    here = ProjectIdentity("example.org/team/app", root(app))
    assert read_project(app) == here
    assert read_project(app / "src") == ProjectIdentity(here.origin, here.roots, "src")

    git(app, "gc", "-q")
    project._roots.cache_clear()
    assert read_project(app) == here


def test_another_place_and_another_clone_are_the_same_project(app, tmp_path):
    """A renamed folder, a clone, a working tree beside it and a clone that borrows objects say the same."""
    before = read_project(app)
    moved = app.rename(tmp_path / "renamed")
    for name, more in (("clone", ["--no-local"]), ("borrowing", ["--shared"])):
        git(tmp_path, "clone", "-q", *more, str(moved), name)
        git(tmp_path / name, "remote", "set-url", "origin", "git@example.org:team/app")
        project._roots.cache_clear()
        assert read_project(tmp_path / name) == before
    git(moved, "worktree", "add", "-q", str(tmp_path / "beside"))
    assert read_project(moved) == read_project(tmp_path / "beside") == before


def test_a_shallow_clone_says_so(app, tmp_path):
    """It does not know how the history began, and its own first commit is not taken for that."""
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{app}", "shallow")
    git(tmp_path / "shallow", "remote", "set-url", "origin", ORIGIN)
    assert read_project(tmp_path / "shallow") == ProjectIdentity("example.org/team/app", (), "", shallow=True)


def test_several_beginnings_are_told_sorted(app):
    """Histories that were joined have several first commits."""
    git(app, "checkout", "-q", "--orphan", "other")
    git(app, "commit", "-q", "--allow-empty", "-m", "another beginning")
    git(app, "merge", "-q", "--allow-unrelated-histories", "-m", "joined", "main")
    found = read_project(app)
    assert len(found.roots) == 2
    assert found.roots == root(app)


def test_a_history_too_long_has_no_known_beginning(app, monkeypatch):
    """Its origin still tells."""
    monkeypatch.setattr(project, "_COMMITS_MAX", 1)
    project._roots.cache_clear()
    assert read_project(app) == ProjectIdentity("example.org/team/app")
    project._roots.cache_clear()


def test_what_is_no_project_is_none(tmp_path):
    """A missing folder, one outside of Git, a relative path, an empty repository, nonsense."""
    git(tmp_path, "init", "-q", "empty")
    for path in (tmp_path / "none", tmp_path, "relative", "", "/\0", "/" + "x" * 9000, tmp_path / "empty"):
        assert read_project(path) is None


def test_a_hostile_repository_runs_nothing_and_blocks_nothing(app, tmp_path):
    """Programs in its settings and hooks, pipes in place of files, included settings: none is run, opened or waited for."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "credential.helper", "remote.origin.uploadpack"):
        git(app, "config", key, str(trap))
    git(app, "config", "include.path", str(tmp_path / "pipe"))
    for pipe in (tmp_path / "pipe", app / ".git" / "shallow", app / ".git" / "objects" / "info" / "alternates"):
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
    assert read_project(app).origin == "example.org/team/app"
    (app / ".git" / "config").unlink()
    (app / ".git" / "config").mkdir()
    project._roots.cache_clear()
    assert read_project(app).origin == ""
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("damage", ["cut", "bomb", "empty", "missing", "no commit"])
def test_a_damaged_history_has_no_beginning(app, damage):
    """A cut, monstrous, empty or missing first commit: the origin is told, and nothing hangs or is raised."""
    [first] = root(app)
    path = app / ".git" / "objects" / first[:2] / first[2:]
    whole = path.read_bytes()
    path.unlink()
    content = {
        "cut": whole[:20],
        "bomb": zlib.compress(b"commit 200000000\0" + b"x" * 20_000_000),
        "empty": b"",
        "no commit": zlib.compress(b"blob 5\0hello"),
    }
    if damage in content:
        path.write_bytes(content[damage])
    project._roots.cache_clear()
    assert read_project(app) == ProjectIdentity("example.org/team/app")


@pytest.mark.parametrize(
    "config",
    ["garbage\0[[[", '[remote "origin"]\nurl=', '[remote "a"]\nurl=https://h/a\n[remote "b"]\nurl=https://h/b\n'],
)
def test_settings_without_an_origin_give_none(app, config):
    """Damaged settings, an empty URL, several remotes of other names: the first commit alone is known."""
    first = root(app)
    (app / ".git" / "config").write_text(config)
    assert read_project(app) == ProjectIdentity("", first)


def test_an_only_remote_counts_and_comments_do_not(app):
    """`git clone --origin upstream` is a clone, too."""
    (app / ".git" / "config").write_text(
        '[remote "upstream"] ; theirs\n\tURL = "git@h.example:a/b.git" # here\n[x]\nurl=no\n'
    )
    assert read_project(app).origin == "h.example/a/b"


def test_notes_are_read_back_and_nonsense_is_not():
    """What is noted in a session comes back equal; another's `project`, and hostile ones, are nothing."""
    told = ProjectIdentity("h/x", ("a" * 40, "b" * 40), "src", shallow=True)
    assert ProjectIdentity.noted({"project": told.to_dict()}) == told
    for value in (
        "text",
        {},
        {"origin": 5},
        {"roots": ["A"]},
        {"roots": "a" * 40},
        {"origin": "x" * 5000},
        {"roots": ["a" * 40] * 9},
    ):
        assert ProjectIdentity.noted({"project": value}) is None
