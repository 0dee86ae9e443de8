"""Have branches changed since last time, and which? Answered from file times, without reading every ref.

Git changes a ref by renaming a new file into its folder, so a folder (or `packed-refs`) whose time, size and inode are
the same holds the same names and files. A time that was younger than two seconds when it was read proves nothing, as
the next change could carry it too: the rule by which Git distrusts a "racy" index entry
(Documentation/technical/racy-git.txt).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Final

from superqode.session import clock
from superqode.session.errors import CorruptObject
from superqode.session.git import packed_refs
from superqode.session.git.repository import HEADS, Repository

__all__ = ["Branch", "Scan", "changed_since", "scan", "take_stamp"]

_RACY_NS: Final = 2_000_000_000
_MISSING: Final = [0, 0, 0]


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a branch is: its commit, and what its file looked like (empty where it is packed or was read just now)."""

    oid: str
    file: str


@dataclass(slots=True)
class Scan:
    """All branches at one moment; `damaged` are those whose file cannot be read."""

    branches: dict[str, Branch]
    folders: list[str]
    damaged: dict[str, str] = field(default_factory=dict)


def _look(path: str) -> list[int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - a thousand times a second
    except (FileNotFoundError, NotADirectoryError):
        return _MISSING
    return [found.st_mtime_ns, found.st_size, found.st_ino]


def take_stamp(repository: Repository, folders: list[str]) -> str:
    """Describe `packed-refs` and these folders, and when that was; taken before anything is read."""
    seen = {name: _look(f"{repository.path}/{name}") for name in ["packed-refs", *folders]}
    return json.dumps({"at": int(clock.now().timestamp() * 1e9), "seen": seen}, sort_keys=True)


def changed_since(repository: Repository, stamp: str | None) -> bool:
    """Whether branches may have changed since a stamp was taken."""
    if stamp is None:
        return True
    told = json.loads(stamp)
    for name, then in told["seen"].items():
        if then != _look(f"{repository.path}/{name}") or told["at"] - then[0] < _RACY_NS:
            return True
    return False


def scan(repository: Repository, known: dict[str, Branch], *, packed_same: bool) -> Scan:
    """Read where all branches are, opening only files that look different from last time.

    Args:
        repository: the store.
        known: the branches of last time.
        packed_same: whether `packed-refs` is surely the same as then.
    """
    now = int(clock.now().timestamp() * 1e9)
    folders: list[str] = []
    found: dict[str, Branch] = {}
    damaged: dict[str, str] = {}
    # Loose first: packing writes packed-refs before it removes a file, so this order misses nothing.
    _scan_folder(repository, HEADS, known, now, folders, found, damaged)
    if packed_same:
        packed = {name: branch for name, branch in known.items() if not branch.file}
    else:
        packed = {
            name.removeprefix(HEADS): Branch(ref.oid, "")
            for name, ref in packed_refs.iterate(repository.refs.packed_path(), HEADS)
        }
    for name, branch in packed.items():
        if name not in found and name not in damaged:
            found[name] = branch
    return Scan(found, folders, damaged)


def _scan_folder(
    repository: Repository,
    folder: str,
    known: dict[str, Branch],
    now: int,
    folders: list[str],
    found: dict[str, Branch],
    damaged: dict[str, str],
) -> None:
    folders.append(folder)
    try:
        with os.scandir(f"{repository.path}/{folder}") as entries:
            listed = list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    prefix = folder.removeprefix(HEADS)
    for entry in listed:
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            _scan_folder(repository, f"{folder}{entry.name}/", known, now, folders, found, damaged)
            continue
        if entry.name.endswith(".lock"):
            continue
        try:
            look = entry.stat()
        except FileNotFoundError:
            continue
        file = f"{look.st_ino}:{look.st_mtime_ns}:{look.st_size}"
        before = known.get(name)
        if before is not None and before.file == file:
            found[name] = before
            continue
        try:
            oid = repository.refs.read(HEADS + name)
        except CorruptObject as problem:
            damaged[name] = problem.reason
            continue
        if oid is not None:
            racy = now - look.st_mtime_ns < _RACY_NS
            found[name] = Branch(oid, f"racy:{file}" if racy else file)
