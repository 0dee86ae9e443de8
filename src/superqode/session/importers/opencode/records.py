"""What the three storages of opencode have in common: a session's record, its messages, and their parts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Digest", "Stored", "StoredMessage"]


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message's record, and those of its parts in their order."""

    info: dict[str, Any]
    parts: list[dict[str, Any]]


@dataclass(slots=True)
class Stored:
    """One session as a storage gives it.

    Attributes:
        id: opencode's id of it.
        info: its record; empty where that is lost. An export may tell it after the messages.
        messages: its messages in their order; can be gone through once.
        digest: says, after the last message, what the records hash to.
        forked_from: the session it is a fork of, where the storage shows one.
    """

    id: str
    messages: Iterator[StoredMessage]
    digest: Digest
    info: dict[str, Any] = field(default_factory=dict)
    forked_from: str = ""


class Digest:
    """Hashes the records of one session, each with its length, as they are read."""

    def __init__(self, known: str = "") -> None:
        self._hash = hashlib.sha256()
        self._known = known

    def take(self, *pieces: bytes | str) -> None:
        """Add records."""
        for piece in pieces:
            raw = piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece
            self._hash.update(b"%d:" % len(raw))
            self._hash.update(raw)

    def hex(self) -> str:
        """Give the hash: that of the records, or the one of a file that holds but this session."""
        return self._known or self._hash.hexdigest()


def began_before(info: dict[str, Any], times: Iterable[float]) -> bool:
    """Whether messages are older than their session, as those that a fork took over are."""
    time = info.get("time")
    created = time.get("created") if isinstance(time, dict) else None
    first = next(iter(times), None)
    return isinstance(created, int | float) and first is not None and 0 < first < created
