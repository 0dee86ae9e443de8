"""Sandboxes: the project as it is, linked dependencies, no hooks, and nothing left, whatever happens."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from superqode.qe.sandbox import open_sandbox, sweep
from superqode.session.errors import ProjectUnusable, SandboxFailed
from superqode.session.git.flock import hold

from .conftest import every_byte, git, write

FILES = {"a.py": "a = 1\n", "deep/er/b.py": "b = 2\n", ".gitignore": "ignored\nnode_modules\n.venv\n"}


@pytest.fixture
def base(tmp_path):
    """The folder that sandboxes are made below."""
    return tmp_path / "sandboxes"


@pytest.fixture
def ours(base):
    """The folder for sandboxes."""
    return base / "superqode-qe"


def _files(folder):
    found = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found if path.name != ".git")


def test_a_work_tree_is_the_present_state(project, base):
    """Changed, untracked and staged files are there as they are now; deleted and ignored ones are not."""
    folder = project({**FILES, "gone.py": ""}, committed=True)
    (folder / "a.py").write_text("changed\n")
    (folder / "new.py").write_text("new\n")
    (folder / "gone.py").unlink()
    (folder / "ignored").write_text("secret\n")
    (folder / "a.py").chmod(0o755)
    with open_sandbox(folder, base) as sandbox:
        assert sandbox.kind == "worktree"
        assert sandbox.head == git(folder, "rev-parse", "HEAD")
        assert _files(sandbox.project) == [".gitignore", "a.py", "deep/er/b.py", "new.py"]
        assert (sandbox.project / "a.py").read_text() == "changed\n"
        assert stat.S_IMODE((sandbox.project / "a.py").stat().st_mode) == 0o755
        assert git(sandbox.project, "status", "--porcelain").splitlines() == [" M a.py", " D gone.py", "?? new.py"]
        assert git(sandbox.project, "branch", "--show-current") == ""
    assert not sandbox.home.exists()


def test_nothing_changes_in_the_project(project, base):
    """Every byte, mode and time of the project and of its repository is as before, whatever the sandbox did."""
    folder = project(FILES, committed=True)
    before = every_byte(folder)
    with open_sandbox(folder, base) as sandbox:
        (sandbox.project / "a.py").write_text("broken\n")
        (sandbox.project / "deep/er/b.py").unlink()
        git(sandbox.project, "status")
    assert every_byte(folder) == before
    assert not (folder / ".git/worktrees").exists()


def test_other_work_trees_stay(project, base, tmp_path):
    """Only our registration is taken away: a work tree of the user's, even one that is gone, is left alone."""
    folder = project(FILES, committed=True)
    git(folder, "worktree", "add", "--quiet", "--detach", str(tmp_path / "mine"))
    git(folder, "worktree", "add", "--quiet", "--detach", str(tmp_path / "moved"))
    (tmp_path / "moved").rename(tmp_path / "elsewhere")
    with open_sandbox(folder, base):
        assert len([*(folder / ".git/worktrees").iterdir()]) == 3
    assert sorted(path.name for path in (folder / ".git/worktrees").iterdir()) == ["mine", "moved"]


def test_nothing_of_the_project_is_run(project, base, tmp_path):
    """Hooks, filters and the file system monitor that a project's settings name are not run."""
    folder = project({**FILES, ".gitattributes": "*.py filter=bad\n"}, committed=True)
    ran = tmp_path / "ran"
    script = folder / ".git/hooks/post-checkout"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    for name in ("filter.bad.smudge", "filter.bad.clean", "core.fsmonitor"):
        git(folder, "config", name, str(script))
    git(folder, "config", "core.hooksPath", str(script.parent))
    with open_sandbox(folder, base) as sandbox:
        assert sandbox.kind == "worktree"
    assert not ran.exists()


@pytest.mark.parametrize("state", ["no commit yet", "no repository", "ignored by a repository around it"])
def test_a_copy_where_there_can_be_no_work_tree(project, base, state):
    """Without a commit, without Git, and inside a repository that ignores it, a project is copied."""
    folder = project(FILES)
    if state == "no commit yet":
        git(folder, "init", "--quiet")
    elif state == "ignored by a repository around it":
        git(folder.parent, "init", "--quiet")
        (folder.parent / ".gitignore").write_text("*\n")
    with open_sandbox(folder, base) as sandbox:
        assert (sandbox.kind, sandbox.head) == ("copy", "")
        assert _files(sandbox.project) == [".gitignore", "a.py", "deep/er/b.py"]
    assert not sandbox.home.exists()


def test_a_copy_leaves_out_what_tools_made(project, base):
    """Outside Git, caches and installed packages are not copied."""
    folder = project(
        {
            **FILES,
            "__pycache__/a.pyc": "",
            "node_modules/x/index.js": "",
            ".tox/y": "",
            "Cargo.toml": "",
            "target/z": "",
        }
    )
    with open_sandbox(folder, base) as sandbox:
        assert _files(sandbox.project) == [".gitignore", "Cargo.toml", "a.py", "deep/er/b.py", "node_modules/x"]


def test_dependencies_are_linked(project, base):
    """Installed packages are reached through links; what tools put beside them stays in the sandbox."""
    folder = project({**FILES, "package.json": "{}", "part/package.json": "{}"}, committed=True)
    for name in (
        "node_modules/.bin/tool",
        "node_modules/left-pad/index.js",
        "node_modules/.cache/old",
        "part/node_modules/b/index.js",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    before = every_byte(folder)
    with open_sandbox(folder, base) as sandbox:
        assert sandbox.linked == ("node_modules", "part/node_modules")
        assert (sandbox.project / "node_modules/left-pad/index.js").read_text() == "x"
        assert sorted(path.name for path in (sandbox.project / "node_modules").iterdir()) == [".bin", "left-pad"]
        (sandbox.project / "node_modules/.cache").mkdir()
        (sandbox.project / "node_modules/.cache/new").write_text("y")
    assert every_byte(folder) == before


def test_links_do_not_lead_back(project, base, tmp_path):
    """A link to a file of the project leads to its copy, however it is written; one that leads out leads there still."""
    folder = project(FILES)
    outside = tmp_path / "outside.txt"
    outside.write_text("outside")
    (folder / "absolute").symlink_to(folder / "a.py")
    (folder / "deep/relative").symlink_to("../a.py")
    (folder / "out").symlink_to("../outside.txt")
    (folder / "lost").symlink_to("nowhere")
    with open_sandbox(folder, base) as sandbox:
        (sandbox.project / "absolute").write_text("written")
        assert (sandbox.project / "deep/relative").read_text() == "written"
        assert (sandbox.project / "out").read_text() == "outside"
        assert os.readlink(sandbox.project / "lost") == "nowhere"
    assert (folder / "a.py").read_text() == "a = 1\n"


def test_a_link_in_the_place_of_a_folder(project, base, tmp_path):
    """A folder that Git tracks and a link has replaced is the link; nothing is written where that leads."""
    folder = project({**FILES, "tracked/a.py": "a = 1\n", "tracked/b/c.py": "c = 1\n", "file/d.py": ""}, committed=True)
    (folder / "tracked").rename(tmp_path / "outside")
    (folder / "tracked").symlink_to(tmp_path / "outside")
    (folder / "file/d.py").unlink()
    (folder / "file").rmdir()
    (folder / "file").write_text("no folder any more")
    before = every_byte(tmp_path / "outside")
    with open_sandbox(folder, base) as sandbox:
        assert (sandbox.project / "tracked").is_symlink()
        assert (sandbox.project / "tracked/b/c.py").read_text() == "c = 1\n"
        assert (sandbox.project / "file").read_text() == "no folder any more"
    assert every_byte(tmp_path / "outside") == before


def test_a_repository_inside_is_copied(project, base):
    """A submodule's files, or those of another repository inside, are there."""
    folder = project(FILES, committed=True)
    inner = folder / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    (inner / "c.py").write_text("c = 3\n")
    with open_sandbox(folder, base) as sandbox:
        assert (sandbox.project / "inner/c.py").read_text() == "c = 3\n"


def test_odd_names(project, base):
    """Names with spaces, quotes, line breaks and bytes that are no UTF-8 are copied."""
    folder = project(FILES, committed=True)
    odd = [b"a b", b"'q\"", b"line\nbreak", b"\xff", "é".encode(), b"-rf"]
    for name in odd:
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(name)
    with open_sandbox(folder, base) as sandbox:
        assert set(odd) <= set(os.listdir(os.fsencode(sandbox.project)))


def test_what_tests_lock_away_is_removed(project, base):
    """Folders without permissions, and files in them, do not keep a sandbox from going."""
    folder = project(FILES)
    with open_sandbox(folder, base) as sandbox:
        locked = sandbox.project / "locked/in"
        locked.mkdir(parents=True)
        (locked / "file").write_text("x")
        locked.chmod(0)
        locked.parent.chmod(0)
    assert not sandbox.home.exists()


# What runs as nobody: everything is loaded while we are still allowed to, then the rights are laid down.
_AS_NOBODY = """
import os, sys
from pathlib import Path
from superqode.qe.sandbox import open_sandbox, sweep

project, base, outside = map(Path, sys.argv[1:])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
with open_sandbox(project, base) as sandbox:
    for top in (sandbox.project / "top", sandbox.temporary / "top"):
        folder = top / "a/b/c"
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
        (folder / "out").symlink_to(outside)
        while folder != top.parent:
            folder.chmod(0)
            folder = folder.parent
    sandbox.temporary.chmod(0)
    sandbox.home.chmod(0o500)
sys.exit(sandbox.home.exists() or sweep(base / "superqode-qe") != 0)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs permissions as POSIX has them")
def test_folders_locked_away_in_each_other_are_removed():
    """Whoever is not root gets rid of folders without permissions in folders without permissions; links lead nowhere."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/tmp")) as made:  # nobody gets into pytest's own
        place = Path(made)
        place.chmod(0o755)
        folder, base, outside = (place / name for name in ("project", "sandboxes", "outside"))
        write(folder, FILES)
        for mine in (base, outside):
            mine.mkdir()
            if os.geteuid() == 0:
                os.chown(mine, 65534, 65534)
        outside.chmod(0o750)
        called = [sys.executable, "-c", _AS_NOBODY, str(folder), str(base), str(outside)]
        done = subprocess.run(called, capture_output=True, text=True, timeout=60, check=False)
        assert (done.stderr, done.returncode) == ("", 0)
        assert stat.S_IMODE(outside.stat().st_mode) == 0o750


def test_an_error_inside_removes_it(project, base):
    """Whatever is raised inside, the sandbox goes."""
    homes = []
    with pytest.raises(KeyboardInterrupt), open_sandbox(project(FILES, committed=True), base) as sandbox:
        homes.append(sandbox.home)
        raise KeyboardInterrupt
    assert not homes[0].exists()


def test_sweeping_leaves_the_living(project, base, ours):
    """Only what nobody holds is swept: what a killed run left, in whichever of its moments."""
    with open_sandbox(project(FILES), base) as sandbox:
        (ours / "dead").mkdir()
        (ours / "dead/lock").touch()
        (ours / "dead/file").write_text("x")
        (ours / "just begun").mkdir()
        (ours / "held").mkdir()
        with hold(ours / "held/lock"):
            assert sweep(ours) == 2
        assert sandbox.project.exists()
        assert sorted(path.name for path in ours.iterdir()) == sorted(["held", "lock", sandbox.home.name])
        assert sweep(ours) == 1


def test_what_is_not_ours_stays(project, base, ours):
    """A folder that is named for sandboxes keeps what it has and how open it is; so does ours what no run made."""
    for folder in (base / "precious", ours / "precious"):
        folder.mkdir(parents=True)
        (folder / "thesis.txt").write_text("ten years")
    (base / "empty").mkdir()
    base.chmod(0o755)
    before = every_byte(base / "precious"), every_byte(ours / "precious")
    for _ in range(2):
        with open_sandbox(project(FILES), base):
            pass
    assert (every_byte(base / "precious"), every_byte(ours / "precious")) == before
    assert sorted(path.name for path in base.iterdir()) == ["empty", "precious", "superqode-qe"]
    assert stat.S_IMODE(base.stat().st_mode) == 0o755


def test_a_folder_that_others_may_write(project, base, ours, tmp_path):
    """Somebody else's link in the place of our folder is refused; a folder open to others is closed."""
    (tmp_path / "target").mkdir()
    base.mkdir()
    ours.symlink_to(tmp_path / "target")
    with pytest.raises(SandboxFailed, match="belongs to somebody else"), open_sandbox(project(FILES), base):
        pass
    ours.unlink()
    ours.mkdir(mode=0o777)
    ours.chmod(0o777)
    with open_sandbox(project(FILES), base):
        assert stat.S_IMODE(ours.stat().st_mode) == 0o700


def test_too_much(project, base, ours, monkeypatch):
    """A folder that was not meant, such as a home folder, is refused before the disk is full, and nothing stays."""
    monkeypatch.setattr("superqode.qe.copying._FILES_MAX", 2)
    with pytest.raises(ProjectUnusable, match="Name a smaller folder"), open_sandbox(project(FILES), base):
        pass
    assert [path.name for path in ours.iterdir()] == ["lock"]
