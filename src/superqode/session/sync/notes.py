"""What people should hear of a sync; `telling.py` puts it into words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["UNSENT", "Note"]

# Kinds of notes that say that the remote did not get something.
UNSENT: Final = frozenset({"refused", "unreadable", "unsealed", "unsound"})


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people should hear of.

    Attributes:
        kind: what happened.
        session_id: to which session; on which remote, where it is about all of it.
        other: the other session's id, or the reason, where there is one.
    """

    kind: Literal[
        "kept",
        "returned",
        "revived",
        "renamed",
        "both",
        "damaged",
        "named",
        "refused",
        "scrubbed",
        "sent",
        "share",
        "stays",
        "unreadable",
        "unfreed",
        "unsealed",
        "unsound",
    ]
    session_id: str
    other: str = ""
