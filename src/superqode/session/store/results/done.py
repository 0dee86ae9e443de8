"""What saving and throwing away did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from superqode.session.store.results.record import Record

__all__ = ["PurgeResult", "SaveResult", "TrashItem"]


@dataclass(frozen=True, slots=True)
class SaveResult(Record):
    """What a save did.

    Attributes:
        session_id: the session.
        commits: ids of the commits it made, oldest first; empty when nothing had changed.
        tip: the branch's commit afterwards.
        messages_added: messages this save brought into the branch.
        executions_added: tool executions this save brought into the branch.
        merged: entries of other writers that the session took in.
        snapshots: ids of the snapshots this save tagged.
        notice: one line for people where something unusual happened, else empty.
    """

    session_id: str
    commits: tuple[str, ...]
    tip: str
    messages_added: int = 0
    executions_added: int = 0
    merged: int = 0
    snapshots: tuple[str, ...] = ()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class TrashItem(Record):
    """A deleted session that can come back.

    Attributes:
        session_id: the id it had.
        key: names this deletion, `<session-id>/<time>`.
        deleted_at: when it was deleted (or noticed gone).
        title: its title, where it can be read.
        tip: its last commit.
        snapshots: ids of its snapshots.
    """

    session_id: str
    key: str
    deleted_at: datetime
    title: str
    tip: str
    snapshots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PurgeResult(Record):
    """What a purge forgot: keys of trash items, and bytes freed where it was done now."""

    purged: tuple[str, ...]
    freed_bytes: int = 0
