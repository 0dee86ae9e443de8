"""What saving, merging and throwing away did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from superqode.session.store.results.record import Record

__all__ = ["MergeResult", "PurgeResult", "SaveResult", "TrashItem"]


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
class MergeResult(Record):
    """What merging another tip into a session did, or in a dry run would do.

    Attributes:
        session_id: the session that took it in.
        other: what was merged: a session's id, a ref or a commit, as it was named.
        status: `merged`, `forwarded` (the other had all of this one: no merge was needed), or `nothing` (this one had
            all of the other).
        tip: the branch's commit afterwards; empty in a dry run that would merge.
        commits: the merge commit's id, where one was made.
        messages_added: messages that came in.
        executions_added: tool executions that came in.
        entries_removed: entries of this one that the other had removed, by an undo or restore say.
        entries_taken_back: entries of the other that came in before, and were taken back or removed here since; they
            stay so.
        fields: names of the fields that changed (`title`, `tags`…).
        snapshots: ids of the snapshots that came in.
        dry_run: nothing was changed.
    """

    session_id: str
    other: str
    status: Literal["merged", "forwarded", "nothing"]
    tip: str
    commits: tuple[str, ...] = ()
    messages_added: int = 0
    executions_added: int = 0
    entries_removed: int = 0
    entries_taken_back: int = 0
    fields: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    dry_run: bool = False


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
    """What a purge forgot.

    Attributes:
        purged: keys of trash items.
        freed_bytes: what was freed, where it was done now.
        shares: ids of the shares that carry it still; each stands in this store until it is revoked.
        held_by: what keeps old bytes in this store, where they were to be freed now: paths of work trees, and of
            `.keep` files beside packs.
    """

    purged: tuple[str, ...]
    freed_bytes: int = 0
    shares: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()
