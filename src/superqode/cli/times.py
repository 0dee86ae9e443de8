"""Times for people: how long ago, and when in local time."""

from __future__ import annotations

from datetime import datetime, timedelta

from superqode.session import clock

__all__ = ["ago", "local"]

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def local(moment: datetime, *, day: bool = False) -> str:
    """Give an aware time as local `2026-11-22 10:00`, or the day alone."""
    try:
        here = moment.astimezone()
    except (OverflowError, ValueError, OSError):  # the first and last days of the calendar have no other zone
        here = moment
    return f"{here:%Y-%m-%d}" if day else f"{here:%Y-%m-%d %H:%M}"


def ago(moment: datetime) -> str:
    """Give an aware time as `5 min ago`, `3 h ago`, `4 days ago`; as a date where that is far off."""
    passed = clock.now() - moment
    if passed < -_MINUTE:
        return local(moment)
    if passed < _MINUTE:
        return "just now"
    if passed < _HOUR:
        return f"{passed // _MINUTE} min ago"
    if passed < _DAY:
        return f"{passed // _HOUR} h ago"
    if passed < 30 * _DAY:
        days = passed // _DAY
        return f"{days} day{'s' if days > 1 else ''} ago"
    return local(moment, day=True)
