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

__all__ = ["PASSING", "watch"]

# What passes by itself: a network that is down, another process or machine that was faster.
PASSING: Final = (RemoteError, StoreLocked, SyncContended)

# Seconds between two looks at the store, and how long it must be quiet before it is synced.
_PAUSE: Final = 1.0


def watch(
    store: SessionStore,
    syncs: Sequence[SessionSync],
    seconds: float,
    stop: Event,
    told: Callable[[SyncReport | SessionError], None],
) -> None:
    """Sync until told to stop. What passes by itself is told, and tried again.

    A remote on which something else goes wrong is told of and given up, while there are others.

    Args:
        store: the store.
        syncs: with each of its remotes.
        seconds: how often the remotes are asked while nothing changes here.
        stop: set by whoever wants it to end; a sync at hand is finished.
        told: called after each sync with what it did, or with what kept it from that.

    Raises:
        SyncKeyMissing, SyncKeyRotated, SyncTampered and the like: what does not pass by itself, on the last remote.
    """
    left = list(syncs)
    while not stop.is_set():
        seen = store.generation()  # before: what is saved beside the sync has to go, too
        for sync in tuple(left):
            try:
                told(sync.run())
            except SessionError as problem:
                if not isinstance(problem, PASSING):
                    if len(left) == 1:
                        raise
                    left.remove(sync)
                told(problem)
        until = clock.monotonic() + seconds
        while not stop.wait(_PAUSE) and clock.monotonic() < until and store.generation() == seen:
            pass
