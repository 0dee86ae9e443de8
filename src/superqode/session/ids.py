"""Ids of sessions, entries and snapshots: made here, and checked here before they get near a ref or a path."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from superqode.session import clock, entropy
from superqode.session.errors import InvalidSessionId

__all__ = [
    "SLUG_MAX",
    "is_own_entry_id",
    "is_session_id",
    "new_entry_id",
    "new_session_id",
    "new_snapshot_id",
    "slugify",
    "validate_session_id",
]

MAX_LENGTH: Final = 128
SLUG_MAX: Final = 40

_SHAPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# An object name would be taken for a commit wherever Git accepts a revision (gitrevisions(7)).
_OBJECT_NAME: Final = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_OWN_ENTRY: Final = re.compile(r"(?:msg|call)-[0-9a-hjkmnp-tv-z]{12}")
# These are held against ids in lower case: without a flag that says so, they are compiled in half the time.
_GIT_HEADS: Final = re.compile(r"(?:[a-z]+_)?head|[a-z]+_merge|merge_[a-z]+")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: reserved with any extension too.
_WINDOWS_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


@lru_cache(maxsize=256)  # a save asks four times
def _refusal(session_id: str) -> str:
    """Why this string cannot be a session id; empty when it can."""
    if not session_id:
        return "it is empty"
    if len(session_id) > MAX_LENGTH:
        return f"it has {len(session_id)} characters"
    if not _SHAPE.fullmatch(session_id):
        return "it has a character, or a first character, that is not allowed"
    folded = session_id.lower()
    checks = (
        (".." in session_id, "it has two dots in a row"),
        (folded.endswith((".lock", ".")), "Git allows no name that ends in .lock or a dot"),
        (_OBJECT_NAME.fullmatch(session_id) is not None, "Git would take it for an object name"),
        (_GIT_HEADS.fullmatch(folded) is not None, "Git uses that name itself"),
        (
            folded == "superqode" or folded.startswith("superqode-"),
            "names that begin with superqode are reserved",
        ),
        (_WINDOWS_DEVICE.fullmatch(folded) is not None, "it is the name of a device on Windows"),
    )
    return next((reason for refused, reason in checks if refused), "")


def is_session_id(candidate: object) -> bool:
    """Whether `candidate` may be the id of a session or snapshot."""
    return isinstance(candidate, str) and not _refusal(candidate)


def validate_session_id(candidate: object) -> str:
    """Give the id back, or raise `InvalidSessionId`."""
    if not isinstance(candidate, str):
        raise InvalidSessionId(candidate, "it is not text")
    reason = _refusal(candidate)
    if reason:
        raise InvalidSessionId(candidate, reason)
    return candidate


def new_session_id() -> str:
    """Make an id that sorts by time and is random: `20261122-100000-7m2q9x4k` (UTC, 40 random bits)."""
    return f"{clock.now():%Y%m%d-%H%M%S}-{entropy.random_text(8)}"


def new_entry_id(kind: str) -> str:
    """Make the id of a message (`msg-…`) or execution (`call-…`): 60 random bits."""
    return f"{kind}-{entropy.random_text(12)}"


def is_own_entry_id(entry_id: str) -> bool:
    """Whether an entry's id has the shape that `new_entry_id` makes."""
    return _OWN_ENTRY.fullmatch(entry_id) is not None


def new_snapshot_id() -> str:
    """Make the id of a snapshot: `snap-20261122-100000-7m2q9`."""
    return f"snap-{clock.now():%Y%m%d-%H%M%S}-{entropy.random_text(5)}"


def slugify(text: str, fallback: str) -> str:
    """Turn any text into a short lower-case ASCII name for e-mail addresses and file names."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:SLUG_MAX].strip("-")
    return slug or fallback
