"""Places of secrets in a text: how sure a rule is of them, and what becomes of places that touch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["ASSIGNED", "CARRIED", "SHAPED", "TOLD", "Span", "occurrences"]

# Which rule names a place that several found: the surest.
TOLD: Final = 0
SHAPED: Final = 1
CARRIED: Final = 2
ASSIGNED: Final = 3


class Span(NamedTuple):
    """One place.

    Attributes:
        start, end: in characters.
        rank: how sure the rule is, the lower the surer.
        rule: its name.
    """

    start: int
    end: int
    rank: int
    rule: str


def occurrences(data: bytes, part: bytes) -> Iterator[int]:
    """Give every place of `part`."""
    place = data.find(part)
    while place >= 0:
        yield place
        place = data.find(part, place + 1)
