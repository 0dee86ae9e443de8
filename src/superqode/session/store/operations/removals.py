"""Whether a branch that is gone went with an operation, or behind the store's back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from superqode.session.errors import CorruptObject, NewerFormat, StoreError
from superqode.session.git.repository import Repository
from superqode.session.store.branches import branch_ref
from superqode.session.store.operations.log import OperationLog

__all__ = ["went_with_operation"]

_REMOVES: Final = frozenset(("delete", "ops-undo", "prune", "purge", "rename", "sync"))
# How far clocks of one machine's processes may be apart.
_SKEW: Final = timedelta(days=1)


def went_with_operation(repository: Repository, session_id: str, tip: str) -> bool:
    """Whether the operation log tells that this session's branch was removed at a commit, or is being removed.

    A log that cannot be read tells nothing.
    """
    name = branch_ref(session_id)
    try:
        made = repository.objects.commit(tip).committer.seconds - _SKEW.total_seconds()
        for stored in OperationLog(repository).entries():
            entry = stored.entry
            if entry.begun:
                if entry.verb in _REMOVES and session_id in dict(entry.sessions):
                    return True
                continue
            move = next((move for move in entry.moves if move.name == name), None)
            if move is not None:
                return not move.new and move.old == tip
            if entry.at.timestamp() < made:
                break
    except (CorruptObject, NewerFormat, StoreError):
        return False
    return False
