"""Somebody's work tree: what is in it, and a second one beside it that leaves no trace.

Only reading commands touch the first one. A second one is a detached `git worktree` without a checkout (so that no
filter of the project runs), registered in `<git dir>/worktrees/<name>` until `forget_worktree`.
See gitrepository-layout(5), "worktrees".
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from superqode.session.errors import GitFailed
from superqode.session.git.program import run_in

__all__ = ["Checkout", "add_worktree", "find_checkout", "forget_worktree", "listed_files"]

_PURPOSE: Final = "Making a sandbox"
_POINTER_MAX: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Checkout:
    """A work tree.

    Attributes:
        root: its top folder.
        common_dir: the repository's folder, shared by all its work trees.
        head: the commit it is on; empty before the first.
    """

    root: Path
    common_dir: Path
    head: str


def find_checkout(folder: Path) -> Checkout | None:
    """The work tree that a folder is in; `None` where it is in none.

    Raises:
        GitMissing: there is one, and no git to read it.
        GitFailed: git refuses it, such as for belonging to somebody else.
    """
    if not any(os.path.lexists(parent / ".git") for parent in (folder, *folder.parents)):
        return None
    told = run_in(folder, ["rev-parse", "--show-toplevel", "--git-common-dir"], purpose=_PURPOSE)
    root, common = (os.fsdecode(line) for line in told.splitlines()[:2])
    try:
        head = run_in(folder, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], purpose=_PURPOSE).decode().strip()
    except GitFailed:
        head = ""  # the branch has no commit yet
    return Checkout(Path(root), (folder / common).resolve(), head)


def listed_files(root: Path) -> list[str]:
    """The files of a work tree, relative with `/`: tracked ones that may be gone, and untracked ones not ignored.

    A submodule or another repository inside is listed as its folder.
    """
    told = run_in(root, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], purpose=_PURPOSE)
    return sorted({os.fsdecode(name).rstrip("/") for name in told.split(b"\0") if name})


def add_worktree(checkout: Checkout, target: Path) -> None:
    """Register an empty work tree at `target`, on the commit that the first one is on, with that commit's index.

    Raises:
        GitFailed: the repository cannot be written.
    """
    add = ["worktree", "add", "--quiet", "--detach", "--no-checkout", str(target), checkout.head]
    run_in(checkout.root, add, purpose=_PURPOSE)
    run_in(target, ["read-tree", checkout.head], purpose=_PURPOSE)


def forget_worktree(common_dir: Path, target: Path) -> None:
    """Take the registration of a work tree of ours away, as `git worktree prune` would; others stay."""
    registered = common_dir / "worktrees"
    for folder in _folders(registered):
        if _pointer(folder / "gitdir") == str(target / ".git"):
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        registered.rmdir()  # only when nothing else is in it, as git does


def _folders(registered: Path) -> list[Path]:
    try:
        return [path for path in registered.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _pointer(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return os.fsdecode(file.read(_POINTER_MAX)).rstrip("\n")
    except OSError:
        return ""
