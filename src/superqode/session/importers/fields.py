"""Values out of records that somebody else wrote: what is of another kind is as good as not there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from superqode.session.models.values import to_utc

__all__ = ["epoch_time", "list_at", "mapping_at", "number_at", "objects_at", "parse_time", "text_at"]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def text_at(record: Mapping[str, Any], *keys: str) -> str:
    """The first of these fields that is text and not empty; else an empty text."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def mapping_at(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object in a field; an empty one where there is none."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def list_at(record: Mapping[str, Any], key: str) -> list[Any]:
    """The list in a field; an empty one where there is none."""
    value = record.get(key)
    return value if isinstance(value, list) else []


def objects_at(record: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of the list in a field; what else stands in it is left out."""
    return [item for item in list_at(record, key) if isinstance(item, dict)]


def number_at(record: Mapping[str, Any], key: str) -> float:
    """The number in a field, negative where there is none (what is read this way is never negative)."""
    value = record.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return -1.0
    try:
        return float(value)
    except OverflowError:
        return -1.0


def parse_time(value: object) -> datetime:
    """Read an RFC 3339 or ISO 8601 time; a naive one is local time. Gives aware UTC.

    Raises:
        ValueError: it is none, or is too far off to be told in UTC.
    """
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} is no time")  # noqa: TRY004 - one error for the caller to catch
    return to_utc(datetime.fromisoformat(value))


def epoch_time(value: object, *, units: int = 1) -> datetime:
    """Read a time told as a number since 1970, of so many `units` to the second (1,000 for milliseconds).

    Raises:
        ValueError: it is no number, or too far off.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"a {type(value).__name__} is no time")  # noqa: TRY004 - one error for the caller to catch
    try:
        return _EPOCH + timedelta(seconds=value / units)
    except OverflowError as problem:
        raise ValueError(f"{str(value)[:40]} is too far off for a time") from problem
