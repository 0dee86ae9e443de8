"""Refs that went without anybody deleting them: their reflogs are there still.

Deleting a ref takes its reflog along, by us and by Git; so a reflog alone says that a file was lost, or that a process
was killed at the very moment when it made its first save.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from superqode.session import clock
from superqode.session.git.refs import is_ref_name
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.store.trash import TRASH

__all__ = ["vanished"]

# How long deleted refs are waited for, all of them together, and between two looks; in seconds.
_PATIENCE: Final = 10.0
_PAUSE: Final = 0.005


def vanished(repository: Repository) -> list[str]:
    """Names of the refs that vanished, but for those that were found missing and put into the trash.

    Raises:
        CorruptObject: `packed-refs` is damaged.
    """
    # Reflogs first: a ref that is made meanwhile is not missed, though its reflog is written before it.
    logged = list(repository.refs.log.names())
    there = set(repository.refs.names("refs/"))
    trashed = {name.removeprefix(TRASH).split("/")[0] for name in there if name.startswith(TRASH)}
    gone = [name for name in logged if is_ref_name(name) and name not in there and _is_lost(repository, name)]
    _wait_for(repository, gone)
    gone = [name for name in gone if _is_lost(repository, name)]
    return [name for name in gone if not (name.startswith((HEADS, TAGS)) and name.split("/")[2] in trashed)]


def _is_lost(repository: Repository, name: str) -> bool:
    """Whether it is so at a second look: a ref is made, and goes, beside this one."""
    return repository.refs.read(name) is None and repository.refs.log.stands(name)


def _wait_for(repository: Repository, names: Iterable[str]) -> None:
    """Wait until nobody holds these refs: who deletes one takes its value out of `packed-refs` before its reflog goes.

    That is a moment; a lock that stays is a killed process's, and its ref is lost.
    """
    started = clock.monotonic()
    for name in names:
        while (repository.path / f"{name}.lock").exists() and clock.monotonic() - started < _PATIENCE:
            clock.sleep(_PAUSE)
