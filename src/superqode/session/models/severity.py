"""How bad what a quality run finds is, and of which severities a session's metadata counts some."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from superqode.session.choices import check_word

__all__ = ["METADATA_KEY", "Severity", "found_severities"]

# Where metadata of sessions and entries keeps what a quality run says.
METADATA_KEY: Final = "qe"


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @classmethod
    def _missing_(cls, value: object) -> None:
        check_word(value, "severity", cls)

    def at_least(self, limit: Severity) -> bool:
        """Whether this is as bad as `limit`, or worse."""
        order = list(Severity)
        return order.index(self) <= order.index(limit)


def found_severities(metadata: Mapping[str, Any]) -> tuple[Severity, ...]:
    """The severities of which a session's metadata counts at least one finding; other shapes count none."""
    told = metadata.get(METADATA_KEY)
    counts = told.get("findings") if isinstance(told, Mapping) else None
    if not isinstance(counts, Mapping):
        return ()
    return tuple(level for level in Severity if isinstance(number := counts.get(level.value), int) and number > 0)
