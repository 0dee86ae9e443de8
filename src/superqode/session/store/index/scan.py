"""Have branches changed since last time, and which? Answered from file times, without reading every ref.

Git changes a ref by renaming a new file into its folder, so a folder (or `packed-refs`) whose time, size and inode are
the same holds the same names and files. A time that was younger than two seconds when it was read proves nothing, as
the next change could carry it too: the rule by which Git distrusts a "racy" index entry
(Documentation/technical/racy-git.txt).
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from stat import S_ISLNK
from typing import Final, NamedTuple

from superqode.session import clock
from superqode.session.errors import CorruptObject
from superqode.session.git import packed_refs
from superqode.session.git.refs import NAME_MAX, is_ref_name
from superqode.session.git.repository import HEADS, Repository

__all__ = [
    "PACKED",
    "Branch",
    "Changes",
    "as_good",
    "changed_since",
    "checked",
    "differs",
    "folders_of",
    "packed_moved",
    "packed_same",
    "scan",
    "take_stamp",
    "unread",
    "with_symbolic",
]

_RACY_NS: Final = 2_000_000_000
_MISSING: Final = [0, 0, 0]


# What a ref's file looked like: inode, time in nanoseconds, size in bytes. All zero: packed, or not to be trusted.
Look = tuple[int, int, int]
PACKED: Final = (0, 0, 0)
_UNSURE: Final = (0, 0, 1)
_DAMAGED: Final = (0, 0, 2)
# It moves with another ref, while its own file stays.
_SYMBOLIC: Final = (0, 0, 3)


class Branch(NamedTuple):
    """Where a branch is: its commit, and what its file looked like."""

    oid: str
    file: Look


def differs(before: Branch | None, now: Branch) -> bool:
    """Whether a branch is to be read again."""
    return before is None or before.oid != now.oid or before.file == _DAMAGED


def unread(before: Branch | None) -> Branch:
    """A branch whose file cannot be read; where it was stays known."""
    return Branch(before.oid if before is not None else "", _DAMAGED)


class Changes:
    """What differs from the branches known before.

    Attributes:
        changed: branches that are new, moved, or only stand in another file.
        gone: names that are not there any more.
        damaged: names whose file cannot be read, and why.
        folders: the folders that were read.
        loose: names that stand in files of their own now.
        symbolic: whether any of these leads to another ref.
    """

    __slots__ = ("changed", "damaged", "folders", "gone", "loose", "symbolic")

    def __init__(self) -> None:
        self.changed: dict[str, Branch] = {}
        self.gone: list[str] = []
        self.damaged: dict[str, str] = {}
        self.folders: list[str] = []
        self.loose: set[str] = set()
        self.symbolic = False


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


def with_symbolic(stamp: str) -> str:
    """A stamp that proves nothing: a symbolic ref moves with any other, which may stand anywhere."""
    return json.dumps(json.loads(stamp) | {"symbolic": True}, sort_keys=True)


def checked(stamp: str) -> str:
    """The stamp of an earlier process; raises `sqlite3.DatabaseError` where it is none."""
    try:
        told = json.loads(stamp)
        whole = all([*map(type, look)] == [int] * 3 for look in told["seen"].values()) and "packed-refs" in told["seen"]
        if not (isinstance(told["at"], int) and whole):
            raise ValueError("it is no stamp")  # noqa: TRY301 - one way out for all that is no stamp
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise sqlite3.DatabaseError("the stamp in the index cannot be read") from problem
    return stamp


def changed_since(repository: Repository, stamp: str | None) -> bool:
    """Whether branches may have changed since a stamp was taken."""
    if stamp is None:
        return True
    told = json.loads(stamp)
    if told.get("symbolic"):
        return True
    for name, then in told["seen"].items():
        if then != _look(f"{repository.path}/{name}") or told["at"] - then[0] < _RACY_NS:
            return True
    return False


def folders_of(stamp: str) -> list[str]:
    """The folders that a stamp describes."""
    return [name for name in json.loads(stamp)["seen"] if name != "packed-refs"]


def packed_moved(before: str, after: str) -> bool:
    """Whether `packed-refs` looks different in two stamps."""
    looks = [json.loads(stamp)["seen"]["packed-refs"] for stamp in (before, after)]
    return bool(looks[0] != looks[1])


def packed_same(before: str, after: str) -> bool:
    """Whether `packed-refs` is surely the same in two stamps: it looks so, and its time proves it."""
    told = json.loads(before)
    return not packed_moved(before, after) and told["at"] - told["seen"]["packed-refs"][0] >= _RACY_NS


def as_good(before: str, after: str) -> bool:
    """Whether a stamp tells as much as a later one: all looks the same, and its times prove it."""
    told, now = json.loads(before), json.loads(after)
    same = told["seen"] == now["seen"] and told.get("symbolic") == now.get("symbolic")
    return same and all(told["at"] - look[0] >= _RACY_NS for look in told["seen"].values())


def scan(
    repository: Repository,
    known_loose: Mapping[str, Branch],
    known_packed: Callable[[], Collection[str]],
    *,
    packed_same: bool,
) -> Changes:
    """Find out what changed, opening only files that look different from last time.

    Args:
        repository: the store.
        known_loose: the branches of last time that stood in files of their own.
        known_packed: gives the others: commit, a space, and name.
        packed_same: whether `packed-refs` is surely the same as then; the packed ones are not looked at again then.
    """
    changes = Changes()
    # Loose first: packing writes packed-refs before it removes a file, so this order misses nothing.
    folders = [HEADS]
    while folders:  # a name may have hundreds of parts: no recursion
        folder = folders.pop()
        folders += reversed(_scan_folder(repository, folder, known_loose, changes))
    if packed_same:
        _compare_vanished(repository, known_loose, changes)
    else:
        _compare_packed(repository, known_loose, set(known_packed()), changes)
    _look_again(repository, changes)
    return changes


def _look_again(repository: Repository, changes: Changes) -> None:
    """Take none for gone that stands there: a folder may be read past a file that is renamed over at this moment."""
    for name in list(changes.gone):
        if os.path.lexists(f"{repository.path}/{HEADS}{name}"):
            with suppress(CorruptObject):
                oid = repository.refs.read(HEADS + name)
                if oid is not None:
                    changes.gone.remove(name)
                    changes.changed[name] = Branch(oid, _UNSURE)


def _compare_vanished(repository: Repository, known_loose: Collection[str], changes: Changes) -> None:
    """Look for those whose own file went: they may still stand in packed-refs."""
    for name in sorted(name for name in known_loose if name not in changes.loose):
        oid = packed_refs.find(repository.refs.packed_path(), HEADS + name)
        if oid is None:
            changes.gone.append(name)
        else:
            changes.changed[name] = Branch(oid, PACKED)


def _compare_packed(repository: Repository, known_loose: Collection[str], known: set[str], changes: Changes) -> None:
    """Compare all lines at once: of a hundred thousand that stayed none is looked at by itself."""
    at = len("0" * 40 + " ")
    packed = [line[:at] + line[at + len(HEADS) :] for line in packed_refs.lines(repository.refs.packed_path(), HEADS)]
    fresh = set(packed) - known
    names = {line[at:] for line in fresh}
    for line in packed if fresh else ():
        name = line[at:]
        if line in fresh and name not in changes.loose and is_ref_name(HEADS + name):
            changes.changed[name] = Branch(line[: at - 1], PACKED)
    before = [*(line[at:] for line in known.difference(packed)), *known_loose]
    changes.gone += sorted(name for name in before if name not in names and name not in changes.loose)


def _scan_folder(repository: Repository, folder: str, known: Mapping[str, Branch], changes: Changes) -> list[str]:
    """Compare the files of a folder; the loop is tight because a store may have ten thousand of them.

    Gives the folders in it that may hold refs.
    """
    changes.folders.append(folder)
    prefix = folder.removeprefix(HEADS)
    now = int(clock.now().timestamp() * 1e9)
    below: list[str] = []
    suspects: list[tuple[str, Look, int]] = []
    try:
        with os.scandir(f"{repository.path}/{folder}") as entries:
            for entry in entries:
                name = prefix + entry.name
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                look = (found.st_ino, found.st_mtime_ns, found.st_size)
                before = known.get(name)
                if before is not None and before.file == look:
                    changes.loose.add(name)
                elif entry.is_dir(follow_symlinks=False):
                    below.append(f"{folder}{entry.name}/")
                elif is_ref_name(HEADS + name):  # no lock, and nothing that is no UTF-8
                    suspects.append((name, look, found.st_mode))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise CorruptObject(folder, f"its folder cannot be read ({problem.strerror})") from problem
    for name, look, mode in suspects:
        _read_branch(repository, name, look if now - look[1] >= _RACY_NS else _UNSURE, mode, changes)
    return [name for name in below if len(name) < NAME_MAX]


def _read_branch(repository: Repository, name: str, look: Look, mode: int, changes: Changes) -> None:
    try:
        real, oid = repository.refs.resolve(HEADS + name)
    except CorruptObject as problem:
        changes.loose.add(name)
        changes.damaged[name] = problem.reason
        return
    if oid is not None:
        changes.loose.add(name)
        symbolic = real != HEADS + name or S_ISLNK(mode)
        changes.symbolic |= symbolic
        changes.changed[name] = Branch(oid, _SYMBOLIC if symbolic else look)
