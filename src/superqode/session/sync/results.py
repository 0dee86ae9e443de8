"""What a sync tells: small frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from superqode.session.store.results import Record

__all__ = ["Changed", "Mode", "SyncReport", "SyncStatus"]

Mode = Literal["sealed", "plain"]


@dataclass(frozen=True, slots=True)
class Changed(Record):
    """Sessions that went one way, by id.

    Attributes:
        new: sessions that the other side did not have.
        updated: sessions that went on.
        deleted: sessions that went into the trash, or were purged.
        other: how many other things (snapshots, trash items, originals, the ledger's documents).
    """

    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    other: int = 0

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self.new or self.updated or self.deleted or self.other)


@dataclass(frozen=True, slots=True)
class SyncReport(Record):
    """What a sync did, or in a dry run would do.

    Attributes:
        remote: the remote's name.
        mode: whether what lies there is ciphertext or in clear.
        received: what came from the remote.
        sent: what the remote got.
        merged: sessions that were changed on both sides, and hold both now.
        notices: what people should hear of, one line each.
        bytes_sent: bytes of ciphertext that were new for the remote; 0 in clear, where git counts.
        rounds: how often others were faster, and it looked again; 1 where nobody was.
        dry_run: whether nothing was changed.
        unsent: whether something stays here, as it is damaged or the remote refuses it; `notices` name it.
    """

    remote: str
    mode: Mode
    received: Changed = field(default_factory=Changed)
    sent: Changed = field(default_factory=Changed)
    merged: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    bytes_sent: int = 0
    rounds: int = 1
    dry_run: bool = False
    unsent: bool = False


@dataclass(frozen=True, slots=True)
class SyncStatus(Record):
    """How a store stands with a remote, without asking it.

    Attributes:
        remote: the remote's name.
        url: its URL without credentials.
        mode: whether what lies there is ciphertext or in clear.
        sync_id: the sync's id, which names its ref on the remote; empty in clear.
        key: where the key is: `keyring`, `file`, or `missing`; empty in clear.
        synced_at: when the last sync ended; `None` where there was none.
        waiting: how many things are here that the remote was not told of yet.
        generation: the number of the last push that was seen; 0 in clear.
    """

    remote: str
    url: str
    mode: Mode
    sync_id: str
    key: Literal["keyring", "file", "missing", ""]
    synced_at: datetime | None
    waiting: int
    generation: int
