"""Refs that went without anybody deleting them: their reflogs are there still.

Deleting a ref takes its reflog along, by us and by Git; so a reflog alone says that a file was lost, or that a process
was killed at the very moment when it made its first save.
"""

from __future__ import annotations

from superqode.session.git.refs import is_ref_name
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.store.trash import TRASH

__all__ = ["vanished"]


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
    return [name for name in gone if not (name.startswith((HEADS, TAGS)) and name.split("/")[2] in trashed)]


def _is_lost(repository: Repository, name: str) -> bool:
    """Whether it is so at a second look: a ref is made, and goes, beside this one."""
    return repository.refs.read(name) is None and repository.refs.log.stands(name)
