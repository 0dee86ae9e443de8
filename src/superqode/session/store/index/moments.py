"""Times as the index has them: whole microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["from_micros", "to_micros"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """A time as whole microseconds since 1970, exactly."""
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def from_micros(micros: int) -> datetime:
    """The time that `to_micros` gave; raises TypeError or OverflowError where it gave none such."""
    return _EPOCH + timedelta(microseconds=micros)
