"""One process at a time syncs a store, or changes with what it is synced."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from superqode.session.git.repository import Repository

__all__ = ["syncing"]

_WAIT: Final = 2.0


def syncing(repository: Repository) -> AbstractContextManager[None]:
    """Keep out others; what the store is synced with is to be read inside.

    Raises:
        StoreLocked: another process syncs this store.
    """
    return repository.alone("sync", timeout=_WAIT)
