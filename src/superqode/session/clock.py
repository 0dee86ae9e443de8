"""The one clock: all time enters the library through `now`.

Tests replace it with `set_clock` and are then exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["format_time", "monotonic", "now", "set_clock", "sleep"]


def _system_time() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system_time


def now() -> datetime:
    """The present moment as an aware UTC time with microseconds."""
    return _source()


def set_clock(source: Callable[[], datetime] | None) -> None:
    """Take the time from `source` (aware UTC); `None` goes back to the system's clock."""
    global _source  # noqa: PLW0603 - the one place where time is replaced
    _source = source or _system_time


def format_time(moment: datetime) -> str:
    """Give an aware time as RFC 3339 in UTC with six digits: `2026-11-22T10:00:00.123456Z`."""
    there = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return there.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def monotonic() -> float:
    """Seconds on a clock that never goes back; for waiting, never for dates."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait, as `time.sleep`."""
    time.sleep(seconds)
