"""Loose objects into packs, by `git repack`: what refs reach, and nothing is asked of saves beside it.

Git packs nothing at all while anything that a ref reaches is damaged. What can be read is packed all the same then: one
session that stays damaged does not let every other one's objects pile up.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from superqode.session import clock
from superqode.session.errors import CorruptObject, GitFailed, GitMissing, StoreLocked
from superqode.session.git import program
from superqode.session.git.gclock import keeping_gc_out
from superqode.session.git.making import GRACE
from superqode.session.git.repository import Repository

__all__ = ["MANY_PACKS", "drop_unreached", "has_older_packs", "pack_objects"]

MANY_PACKS: Final = 20
# The first git whose `repack` has `--geometric`.
_GEOMETRIC: Final = (2, 32)
# Small packs become one, a large one stays: an object is written anew only when the store has doubled.
_GATHER: Final = ("repack", "--geometric=2", "-d", "-l", "-q")
_SETTINGS: Final = {"repack.writeBitmaps": "false", "pack.threads": "1", "core.fsync": "all"}
_PURPOSE: Final = "Packing the store"
_DAMAGED: Final = (
    "What can be read was packed without it. `superqode sessions verify` names what is damaged, and `superqode sessions"
    " repair` makes it whole"
)


def pack_objects(repository: Repository, skipped: list[str], *, whole: bool) -> None:
    """Put loose objects into packs; whoever calls holds the right to maintain.

    Args:
        repository: the store.
        skipped: told what could not be done.
        whole: whether many packs become one, which costs more the larger the store is.
    """
    try:
        with keeping_gc_out(repository.path, repository.quarantine / "locks"):
            try:
                _git(repository, *_how(repository, whole=whole))
            except GitFailed as problem:
                _pack_readable(repository)
                skipped.append(f"not all objects are in packs: {problem}. {_DAMAGED}")
            _git(repository, "prune-packed", "-q")
    except StoreLocked:
        skipped.append("objects stay loose: git gc is running")
    except (GitMissing, GitFailed) as problem:
        skipped.append(f"objects stay loose: {problem}")


def _how(repository: Repository, *, whole: bool) -> Sequence[str]:
    sizes = sorted(pack.st_size for pack in _packs(repository))
    many = len(sizes) > MANY_PACKS
    # What is in small packs finds no deltas in others; a large one is written anew only when much has come beside it.
    scattered = whole and len(sizes) > 1 and sum(sizes[:-1]) * 2 > sizes[-1]
    aged = whole and has_older_packs(repository, GRACE)
    if not many and not scattered and not aged:
        return ("repack", "-d", "-l", "-q")
    return _one_pack(GRACE) if whole or not program.has_version(*_GEOMETRIC) else _GATHER


def has_older_packs(repository: Repository, age: timedelta) -> bool:
    """Whether a pack was written so long ago: what nothing reaches any more stays in it until it is written anew."""
    limit = clock.now().timestamp() - age.total_seconds()
    return any(pack.st_mtime < limit for pack in _packs(repository))


def drop_unreached(repository: Repository, age: timedelta, keep: Sequence[int]) -> None:
    """Make one pack again; what nothing reaches goes, or is loose where its pack is younger than the age.

    Args:
        repository: the store, while no save runs.
        age: how old that has to be.
        keep: as for `program.run`.

    Raises:
        GitMissing, GitFailed: only `git` can do it.
    """
    program.run(repository.path, _one_pack(age), purpose=_PURPOSE, settings=_SETTINGS, keep=keep)


def _one_pack(age: timedelta) -> Sequence[str]:
    return ("repack", "-A", "-d", "-l", "-q", f"--unpack-unreachable={max(0, int(age.total_seconds()))}.seconds.ago")


def _packs(repository: Repository) -> list[os.stat_result]:
    """What is known of the packs' files, but for those that are to be left alone; one may go meanwhile."""
    found = []
    for path in (repository.path / "objects" / "pack").glob("*.pack"):
        with suppress(FileNotFoundError):
            if not path.with_suffix(".keep").exists():
                found.append(path.stat())
    return found


def _pack_readable(repository: Repository) -> None:
    """Pack each loose object that can be read, whoever reaches it, and let the number of packs not grow for ever."""
    loose = repository.objects.loose
    whole = []
    for oid in loose.every():
        with suppress(CorruptObject):
            if loose.read(oid) is not None:
                whole.append(oid)
    target = str(repository.path / "objects" / "pack" / "pack")
    _git(repository, "pack-objects", "-q", "--incremental", "--non-empty", target, listed=whole)
    if len(_packs(repository)) > MANY_PACKS and program.has_version(*_GEOMETRIC):
        _git(repository, "prune-packed", "-q")
        with suppress(GitFailed):  # some damage stands in the way of this, too
            _git(repository, *_GATHER)


def _git(repository: Repository, *arguments: str, listed: list[str] | None = None) -> None:
    stdin = "".join(f"{oid}\n" for oid in listed).encode() if listed is not None else None
    program.run(repository.path, arguments, purpose=_PURPOSE, stdin=stdin, settings=_SETTINGS)
