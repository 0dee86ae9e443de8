"""Loose objects into packs, by `git repack`: what refs reach, and nothing is asked of saves beside it.

Git packs nothing at all while anything that a ref reaches is damaged. What can be read is packed all the same then: one
session that stays damaged does not let every other one's objects pile up.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from superqode.session.errors import CorruptObject, GitFailed, GitMissing, StoreLocked
from superqode.session.git import program
from superqode.session.git.gclock import keeping_gc_out
from superqode.session.git.making import GRACE
from superqode.session.git.repository import Repository
from superqode.session.store.disk import file_sizes

__all__ = ["MANY_PACKS", "pack_objects"]

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


def _how(repository: Repository, *, whole: bool) -> tuple[str, ...]:
    sizes = sorted(size for name, size in file_sizes(repository.path / "objects" / "pack") if name.endswith(".pack"))
    many = len(sizes) > MANY_PACKS
    # What is in small packs finds no deltas in others; a large one is written anew only when much has come beside it.
    scattered = whole and len(sizes) > 1 and sum(sizes[:-1]) * 2 > sizes[-1]
    if not many and not scattered:
        return ("repack", "-d", "-l", "-q")
    if whole or not program.has_version(*_GEOMETRIC):
        # One pack again; what nothing reaches becomes loose, and goes by age like the rest.
        return ("repack", "-A", "-d", "-l", "-q", f"--unpack-unreachable={GRACE.days}.days.ago")
    return _GATHER


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
    packs = sum(1 for name, _ in file_sizes(repository.path / "objects" / "pack") if name.endswith(".pack"))
    if packs > MANY_PACKS and program.has_version(*_GEOMETRIC):
        _git(repository, "prune-packed", "-q")
        with suppress(GitFailed):  # some damage stands in the way of this, too
            _git(repository, *_GATHER)


def _git(repository: Repository, *arguments: str, listed: list[str] | None = None) -> None:
    stdin = "".join(f"{oid}\n" for oid in listed).encode() if listed is not None else None
    program.run(repository.path, arguments, purpose=_PURPOSE, stdin=stdin, settings=_SETTINGS)
