"""Marks of what was purged, `refs/superqode/purged/<session-id>/<time>`: so that it does not come back from elsewhere.

Only a store that is synced has them. A mark says which deletion was purged, and holds nothing of the session.
"""

from __future__ import annotations

from typing import Final

from superqode.session.errors import RefConflict
from superqode.session.git.remotes import list_remotes
from superqode.session.git.repository import Repository
from superqode.session.store.results import TrashItem

__all__ = ["PURGED", "mark_purged"]

PURGED: Final = "refs/superqode/purged/"


def mark_purged(repository: Repository, item: TrashItem) -> None:
    """Note that an item of the trash is purged, before it goes; the caller holds its session's lock."""
    if not any(remote.sync for remote in list_remotes(repository)):
        return
    nothing = repository.objects.write("blob", b"")
    repository.flush()
    try:
        repository.refs.update(PURGED + item.key, nothing, None, ident=repository.committer(), reason="")
    except RefConflict:
        return  # a purge that was cut short
    repository.flush([str(repository.path / (PURGED + item.key))])
