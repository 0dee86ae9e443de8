"""Marks of what was purged, `refs/superqode/purged/<session-id>/<time>`: so that it does not come back from elsewhere.

Only a store that is synced has them. A mark says which deletion was purged, and holds nothing of the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from superqode.session.errors import RefConflict
from superqode.session.git.remotes import list_remotes
from superqode.session.git.repository import Repository
from superqode.session.store.results import TrashItem

__all__ = ["PURGED", "mark_purged"]

PURGED: Final = "refs/superqode/purged/"


def mark_purged(repository: Repository, items: Sequence[TrashItem]) -> None:
    """Note that items of the trash are purged, before they go; the caller holds their sessions' locks."""
    if not any(remote.sync for remote in list_remotes(repository)):
        return
    nothing = repository.objects.write("blob", b"")
    repository.flush()
    for item in items:
        with suppress(RefConflict):  # a purge that was cut short
            repository.refs.update(PURGED + item.key, nothing, None, ident=repository.committer(), reason="")
    repository.flush([str(repository.path / (PURGED + item.key)) for item in items])
