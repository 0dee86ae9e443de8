"""What is tidied at the end of a sync: packs that are many, and bytes that a scrub wants gone and others still had.

That such bytes are here is noted before they come, so that a sync that is cut short, or cannot free while saves run, is
followed by one that does.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from superqode.session.errors import GitFailed, StoreLocked
from superqode.session.git.repository import Repository
from superqode.session.store import maintenance
from superqode.session.store.operations.forgetting import scrubbing
from superqode.session.store.operations.log import OperationLog
from superqode.session.sync.leftovers import forget_left
from superqode.session.sync.notes import Note
from superqode.session.sync.scrubs import Scrubs
from superqode.session.sync.state import sync_folder, write_private
from superqode.session.sync.view import View

__all__ = ["free", "owe", "pack"]

_OWED: Final = "to-free"
_PACKS_MANY: Final = 20


def _file(repository: Repository) -> Path:
    return sync_folder(repository) / _OWED


def owe(repository: Repository) -> None:
    """Note that such bytes are here, or about to be; raises OSError."""
    sync_folder(repository).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(_file(repository), b"")


def free(repository: Repository, view: View, since: View) -> set[Note]:
    """Free them where that was noted; gives what people should hear of. First goes what only this store has.

    Later where saves do not stop, or where git cannot pack the store: damage must not keep a sync from its end.

    Args:
        repository: the store.
        view: what it holds by now, with the marks of scrubs.
        since: what both sides held when a sync last ended here.

    Raises:
        GitMissing: only `git` can do it.
    """
    forget_left(repository, view, since)
    if not _file(repository).exists():
        return set()
    log = OperationLog(repository)
    try:
        with log.alone(), scrubbing(repository, log, (), Scrubs(repository, [view]).replaced):
            pass  # what the log of operations kept goes
        maintenance.free_now(repository)
    except StoreLocked:
        return set()
    except GitFailed as problem:
        return {Note("unfreed", " ".join(str(problem).split()))}
    _file(repository).unlink(missing_ok=True)
    return set()


def pack(repository: Repository) -> None:
    """Each sync that brought something left a pack; many of them slow every read."""
    if len(list((repository.path / "objects" / "pack").glob("*.pack"))) > _PACKS_MANY:
        with suppress(StoreLocked):  # another process does it
            maintenance.maintain(repository, prune_older_than=None)
