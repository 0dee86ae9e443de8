"""JSON documents of sync commands: types of what `--json` prints, for its schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SyncBegun", "SyncLeft", "SyncWords"]


@dataclass(frozen=True, slots=True)
class SyncBegun:
    """A sync that was set up; nothing went through it yet."""

    remote: str
    mode: Literal["sealed", "plain"]


@dataclass(frozen=True, slots=True)
class SyncWords:
    """The words of a sync key: whoever has them and the remote can read everything."""

    words: str


@dataclass(frozen=True, slots=True)
class SyncLeft:
    """The remote that this store is no more synced with."""

    left: str
