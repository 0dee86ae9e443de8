"""What a share's owner asks, and what a reader remembers: expiry, forking, no way back to older states."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from superqode.session import clock
from superqode.session.errors import InvalidShareConfig, NotForkable, ShareExpired, ShareRolledBack, ShareTampered
from superqode.session.sharing.ledger import Seen
from superqode.session.store.ledger import SEEN, Ledger

__all__ = ["check_expiry", "check_forkable", "check_seen", "ends_at"]

# In clear an expiry is rounded up to whole seconds, which must still be a time.
_ROUNDED: Final = timedelta(seconds=1)


def ends_at(now: datetime, age: timedelta) -> datetime:
    """When a share ends that lives so long; raises InvalidShareConfig where no calendar goes that far."""
    try:
        return now + age + _ROUNDED - _ROUNDED
    except OverflowError:
        raise InvalidShareConfig(
            f"it would live for {age.days} days. Leave the time out for one that never ends"
        ) from None


def check_expiry(share_id: str, expires_at: datetime | None) -> None:
    """Raise ShareExpired where its time is over."""
    if expires_at is not None and expires_at <= clock.now():
        raise ShareExpired(share_id, expires_at)


def check_forkable(share_id: str, *, allow_fork: bool) -> None:
    """Raise NotForkable where its owner does not allow forks."""
    if not allow_fork:
        raise NotForkable(share_id)


def check_seen(ledger: Ledger, share_id: str, state: Seen) -> None:
    """Compare a share's state with the newest one seen here, and remember it.

    Raises:
        ShareRolledBack: a newer one was seen.
        ShareTampered: another one was seen under the same number.
    """
    document = ledger.document(SEEN, share_id) or {}
    generation, digest = document.get("generation", 0), document.get("digest", "")
    if isinstance(generation, int) and state.generation < generation:
        raise ShareRolledBack(share_id, generation, state.generation)
    if state.generation == generation and state.digest != digest:
        raise ShareTampered(share_id, f"there are two states of it with the number {generation}")
    if (generation, digest) != (state.generation, state.digest):
        seen = {"generation": state.generation, "digest": state.digest}
        ledger.put(SEEN, {share_id: seen}, f"seen: {share_id}")
