"""What became of each fault, counted where it strikes; `python tests/faults` adds it up.

A fault that ends well was survived, or what it took was reported by name. One that does not is told by the error that
ends its block: `Lost`, `Unreadable` and `Blocked` are worth a column, and anything else is `wrong`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# What can become of a fault, in the table's order.
OUTCOMES = ("survived", "reported", "lost", "unreadable", "blocked", "wrong")


class Lost(AssertionError):
    """Something that was acknowledged is gone, or is another thing, and nobody says so."""


class Unreadable(AssertionError):
    """Something that is there cannot be read, though nothing took it."""


class Blocked(AssertionError):
    """Something hangs, or the next save does not work."""


_BAD = {Lost: "lost", Unreadable: "unreadable", Blocked: "blocked"}


class Fault:
    """One fault; it is survived unless something else is said."""

    def __init__(self) -> None:
        self.outcome = "survived"

    def reported(self) -> None:
        """What it took cannot be had back, and is named."""
        self.outcome = "reported"


@dataclass
class Tally:
    """The faults of one test."""

    counts: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def fault(self, what: object) -> Iterator[Fault]:
        """Strike inside, and look at what became of it; an error there says what was struck."""
        fault = Fault()
        try:
            yield fault
        except BaseException as problem:
            fault.outcome = next((name for kind, name in _BAD.items() if isinstance(problem, kind)), "wrong")
            problem.add_note(f"the fault: {what}")
            raise
        finally:
            self.counts[fault.outcome] = self.counts.get(fault.outcome, 0) + 1
