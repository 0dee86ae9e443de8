"""A project's files, copied into a sandbox: contents, modes, times and links, and nothing written where they come from.

Dependency folders (`node_modules`, `.venv`, …) are not copied. The sandbox gets a folder of the same name whose entries
are links to the real ones: tools find what is installed, and what they put beside it (caches) stays in the sandbox.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from superqode.session.errors import ProjectUnusable
from superqode.session.git.worktrees import listed_files

__all__ = ["copy_files", "link_dependencies", "walk_files"]

# Far beyond any project one waits for; what is over it was not meant, such as a home folder.
_FILES_MAX: Final = 200_000
_BYTES_MAX: Final = 8 * 1024**3

# Installed, not written: linked, never copied.
_DEPENDENCIES: Final = ("node_modules", ".venv", "venv")
# Beside these files stand dependencies.
_ROOTS: Final = ("package.json", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
# Made by tools, and made again by them; only asked where Git does not say what is ignored.
_MADE: Final = frozenset(
    (
        *_DEPENDENCIES,
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
    )
)
# Names with a dot in a dependency folder that are part of it; the others are caches.
_NOT_CACHES: Final = frozenset((".bin", ".pnpm", ".package-lock.json", ".modules.yaml", ".yarn-integrity", ".store"))


def walk_files(root: Path) -> Iterator[str]:
    """The files of a folder that Git does not know, relative with `/`, without what tools made."""
    for folder, names, files in os.walk(root):
        here = Path(folder)
        made = _MADE | {"target"} if "Cargo.toml" in files else _MADE
        links = [name for name in names if (here / name).is_symlink()]
        names[:] = sorted(name for name in names if name not in made and name not in links)
        for name in sorted([*files, *links]):
            yield (here / name).relative_to(root).as_posix()


def copy_files(source: Path, target: Path, names: Iterable[str]) -> int:
    """Copy files, relative to `source`, to the same places under `target`; gives how many there were.

    A name that is gone is left out; one that is a folder (a repository inside) is copied as Git lists it. Devices,
    pipes and sockets are left out.

    Raises:
        ProjectUnusable: there is too much of it.
        OSError: a file cannot be read or written.
    """
    count = size = 0
    links: set[str] = set()
    for name in names:
        if _is_below(name, links):  # Git lists a folder's files still where a link has taken its place
            continue
        origin, copy = source / name, target / name
        try:
            found = origin.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISDIR(found.st_mode):
            inner = listed_files(origin) if os.path.lexists(origin / ".git") else []
            count += copy_files(origin, copy, inner)
        elif stat.S_ISLNK(found.st_mode):
            links.add(name)
            _made(copy).symlink_to(_link_target(origin, source, target))
        elif stat.S_ISREG(found.st_mode):
            shutil.copy2(origin, _made(copy))
        count, size = count + 1, size + found.st_size
        if count > _FILES_MAX or size > _BYTES_MAX:
            limits = f"{_FILES_MAX:,} files or {_BYTES_MAX // 1024**3} GiB"
            raise ProjectUnusable(source, f"it has more than {limits} that Git does not ignore. Name a smaller folder")
    return count


def _is_below(name: str, links: set[str]) -> bool:
    """Whether a name is reached through one of these links."""
    folder = name.rpartition("/")[0]
    while links and folder:
        if folder in links:
            return True
        folder = folder.rpartition("/")[0]
    return False


def _made(path: Path) -> Path:
    """The path, once the folder it stands in is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _link_target(link: Path, source: Path, target: Path) -> Path:
    """Where the copy of a link points: to the copy of what is inside, to the same thing where that is outside."""
    told = link.readlink()
    meant = Path(os.path.normpath(link.parent / told))
    if not meant.is_relative_to(source):
        return meant
    return target / meant.relative_to(source) if told.is_absolute() else told


def link_dependencies(source: Path, target: Path, names: Iterable[str]) -> list[str]:
    """Make the dependency folders beside a project's files reachable in its copy; gives their names, relative."""
    folders = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in _ROOTS} | {""}
    linked = []
    for folder in sorted(folders):
        for dependency in _DEPENDENCIES:
            name = f"{folder}/{dependency}".lstrip("/")
            real, copy = source / name, target / name
            if real.is_dir() and not os.path.lexists(copy):
                _link_entries(real, _made(copy))
                linked.append(name)
    return linked


def _link_entries(real: Path, copy: Path) -> None:
    copy.mkdir()
    for entry in sorted(real.iterdir()):
        if not entry.name.startswith(".") or entry.name in _NOT_CACHES:
            (copy / entry.name).symlink_to(entry.resolve() if entry.is_symlink() else entry)
