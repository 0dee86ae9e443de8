"""Where a quality run works: a copy of the project's present state, outside it, that is gone afterwards.

The sandbox stands in a folder of one's own under the folder for temporary files, or in `superqode-qe` below the folder
that a caller names, in which nothing else is touched:

    superqode-qe-<user>/lock             held for moments, while sandboxes are made and leftovers are looked for
    superqode-qe-<user>/<run>/lock       held by the run as long as it lives
    superqode-qe-<user>/<run>/owner.json the repository that the work tree is registered in
    superqode-qe-<user>/<run>/<project>/ the work tree: a detached `git worktree`, or a plain copy
    superqode-qe-<user>/<run>/tmp/       temporary files of the tools

A lock that nobody holds belongs to a run that was killed: the next one removes its folder and its registration.
A work tree shares the repository with the project: a tool that runs git itself there makes objects and refs in it.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from superqode.qe.copying import copy_files, link_dependencies, walk_files
from superqode.session import ids
from superqode.session.errors import GitFailed, ProjectUnusable, SandboxFailed, StoreLocked
from superqode.session.git.flock import Held, acquire, hold
from superqode.session.git.worktrees import Checkout, add_worktree, find_checkout, forget_worktree, listed_files

__all__ = ["Sandbox", "default_base", "open_sandbox", "sweep"]

_OURS: Final = "superqode-qe"
_LOCK: Final = "lock"
_OWNER: Final = "owner.json"
_OWNER_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A copy of a project.

    Attributes:
        project: the copy of the project's folder.
        root: the copy of the whole work tree that the project is in, or the project's.
        home: the folder around it, for reports and temporary files.
        kind: `worktree`, or `copy` where the project is in no repository, or in one that cannot take a work tree.
        head: the commit the work tree is on; empty for a copy.
        files: how many files were copied.
        linked: dependency folders that are reached through links, relative to `root`.
        removed: how many leftovers of killed runs were removed before.
    """

    project: Path
    root: Path
    home: Path
    kind: str
    head: str
    files: int
    linked: tuple[str, ...]
    removed: int = 0

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of tools."""
        return self.home / "tmp"


def default_base() -> Path:
    """The folder of this user's sandboxes."""
    user = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
    return Path(tempfile.gettempdir()).resolve() / f"{_OURS}{user}"


@contextmanager
def open_sandbox(project: Path, base: Path | None = None) -> Iterator[Sandbox]:
    """Make a sandbox of a project, and remove it at the end, whatever happened.

    Args:
        project: the folder that is to be checked.
        base: the folder below which a folder for sandboxes is made; the folder for temporary files without one.

    Raises:
        ProjectUnusable: there is too much of it, or git refuses to read it.
        SandboxFailed: the sandbox cannot be written.
        GitMissing: the project is in a work tree, and there is no git.
    """
    # Never the caller's own folder: what lies there is not ours to close or to sweep.
    base = _prepared(default_base() if base is None else base / _OURS)
    removed = sweep(base)
    home, held = _begin(base)
    try:
        try:
            sandbox = _fill(project, home, removed)
        except GitFailed as problem:
            raise ProjectUnusable(project, str(problem)) from problem
        except OSError as problem:
            if isinstance(problem, SandboxFailed):
                raise
            raise SandboxFailed(home, f"{problem.strerror or problem}: {problem.filename or project}") from problem
        yield sandbox
    finally:
        _remove(home)
        held.release()


def sweep(base: Path) -> int:
    """Remove what killed runs left behind in a folder for sandboxes; gives how many there were."""
    removed = 0
    for home in sorted(_homes(base)):
        try:
            with hold(base / _LOCK):
                held = acquire(home / _LOCK, timeout=0)
        except (StoreLocked, OSError):
            continue  # it is at work, or was removed meanwhile
        _remove(home)
        held.release()
        removed += not home.exists()
    return removed


def _homes(base: Path) -> list[Path]:
    """The folders of runs: each has its lock, or was made or emptied a moment ago; any other is somebody else's."""
    folders = (path for path in _entries(base) if path.is_dir() and not path.is_symlink())
    return [path for path in folders if os.path.isfile(path / _LOCK) or not _entries(path)]  # noqa: PTH113 - of a locked folder, too


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # another run removed it meanwhile, or it is none of ours and closed
        return []


def _prepared(base: Path) -> Path:
    """The folder for sandboxes, made, and nobody else's: others could put files under our tools."""
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = base.lstat()
    except OSError as problem:
        raise SandboxFailed(base, str(problem.strerror)) from problem
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        raise SandboxFailed(
            base, "it is a link or belongs to somebody else. Remove it, or set TMPDIR to another folder"
        )
    if os.name == "posix" and found.st_mode & 0o077:
        base.chmod(0o700)
    return base


def _begin(base: Path) -> tuple[Path, Held]:
    """Make a folder for one run, and hold its lock from its first moment on."""
    home = base / ids.new_session_id()
    try:
        with hold(base / _LOCK):
            home.mkdir(mode=0o700)
            return home, acquire(home / _LOCK)
    except OSError as problem:
        raise SandboxFailed(home, str(problem.strerror or problem)) from problem


def _fill(project: Path, home: Path, removed: int) -> Sandbox:
    (home / "tmp").mkdir()
    checkout, source, names = _listed(project)
    root = home / _folder_name(source)
    registered = checkout is not None and bool(checkout.head) and _registered(checkout, home, root)
    root.mkdir(exist_ok=True)
    files = copy_files(source, root, names)
    linked = link_dependencies(source, root, names)
    copied = root / project.relative_to(source)
    copied.mkdir(parents=True, exist_ok=True)  # an empty folder has no files
    head = checkout.head if checkout is not None and registered else ""
    return Sandbox(copied, root, home, "worktree" if head else "copy", head, files, tuple(linked), removed)


def _listed(project: Path) -> tuple[Checkout | None, Path, list[str]]:
    """The work tree to copy and its files; no work tree where the one around the project ignores it."""
    checkout = find_checkout(project)
    if checkout is not None:
        names = listed_files(checkout.root)
        within = project.relative_to(checkout.root).as_posix()
        if within == "." or any(name.startswith(f"{within}/") for name in names):
            return checkout, checkout.root, names
    return None, project, list(walk_files(project))


def _folder_name(source: Path) -> str:
    """The project's own name, which tools may ask for; never that of a file of ours."""
    return source.name if source.name not in ("", "tmp", _LOCK, _OWNER) else "project"


def _registered(checkout: Checkout, home: Path, root: Path) -> bool:
    """Register the work tree; `False` where the repository cannot be written."""
    owner = json.dumps({"common_dir": str(checkout.common_dir), "tree": root.name})
    (home / _OWNER).write_text(owner, "utf-8")
    try:
        add_worktree(checkout, root)
    except GitFailed:
        _forget(home)
        _remove_tree(root)
        return False
    return True


def _forget(home: Path) -> None:
    try:
        with (home / _OWNER).open("rb") as file:
            told: Any = json.loads(file.read(_OWNER_MAX))
        common_dir, tree = Path(told["common_dir"]), home / str(told["tree"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # a copy, or a run that was killed before it registered anything
    forget_worktree(common_dir, tree)


def _remove(home: Path) -> None:
    """Remove a run's folder, its lock last, so that whoever finds the folder finds out that it is dead."""
    _forget(home)
    _unlock(home)
    inner = [path for path in _entries(home) if path.name != _LOCK]
    for path in inner:
        _remove_tree(path)
    if any(os.path.lexists(path) for path in inner):
        return  # with its lock the next run tries again
    with suppress(OSError):
        (home / _LOCK).unlink()
    with suppress(OSError):
        home.rmdir()


def _remove_tree(path: Path) -> None:
    """Remove a file or folder, those that tests took permissions away from, too; links are not followed."""
    if not path.is_dir() or path.is_symlink():
        with suppress(OSError):
            path.unlink()
        return
    _unlock(path)
    for folder, names, _ in os.walk(path):
        for name in names:
            _unlock(Path(folder, name))  # before the walk looks into it
    shutil.rmtree(path, ignore_errors=True)


def _unlock(folder: Path) -> None:
    """Give ourselves every permission in a folder again; one that is reached through a link stays as it is."""
    with suppress(OSError):
        if not folder.is_symlink():
            folder.chmod(0o700)
