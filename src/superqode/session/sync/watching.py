"""Syncing again and again: at once when something changed here, and every so often for what changed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import TYPE_CHECKING, Final

from superqode.session import clock
from superqode.session.errors import RemoteError, SessionError, StoreLocked, SyncContended

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore
    from superqode.session.sync.results import SyncReport
    from superqode.session.sync.session_sync import SessionSync

__all__ = ["watch"]

# Seconds between two looks at the store, and how long it must be quiet before it is synced.
_PAUSE: Final = 1.0


def watch(
    store: SessionStore,
    syncs: Sequence[SessionSync],
    seconds: float,
    stop: Event,
    told: Callable[[SyncReport | SessionError], None],
) -> None:
    """Sync until told to stop. What passes by itself (a network that is down) is told, and tried again.

    Args:
        store: the store.
        syncs: with each of its remotes.
        seconds: how often the remotes are asked while nothing changes here.
        stop: set by whoever wants it to end; a sync at hand is finished.
        told: called after each sync with what it did, or with what kept it from that.

    Raises:
        SyncKeyMissing, SyncKeyRotated, SyncTampered and the like: what does not pass by itself.
    """
    while not stop.is_set():
        for sync in syncs:
            try:
                told(sync.run())
            except (RemoteError, StoreLocked, SyncContended) as problem:
                told(problem)
        seen, until = store.generation(), clock.monotonic() + seconds
        while not stop.wait(_PAUSE) and clock.monotonic() < until:
            now = store.generation()
            if now != seen:
                break
