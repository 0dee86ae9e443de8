"""What all results share: they are read as attributes, and by name as the old store's dicts were."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from superqode.session import clock

__all__ = ["Record", "plain"]


class Record:
    """What all of them share: `value["field"]`, `get`, `to_dict`."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def get(self, name: str, default: Any = None) -> Any:
        """As `dict.get`."""
        return getattr(self, name, default)

    def to_dict(self) -> dict[str, Any]:
        """Give the value as plain JSON values."""
        from dataclasses import asdict  # what lists does without

        return {name: plain(value) for name, value in asdict(self).items()}  # type: ignore[call-overload]  # all but those that say it themselves are dataclasses


def plain(value: Any) -> Any:
    """Give a field as plain JSON values."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, datetime):
        return clock.format_time(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
