"""opencode's ids: a kind, 12 hex digits of the time, 14 letters and digits; messages and parts stand in their order.

The time is in milliseconds, times 4096, plus a number, cut to 48 bits; for sessions its complement, so that the newest
comes first (seen in 1.18). The rest depends on what the id is for, so that the same hand-off gives the same ids.
"""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["message_id", "part_id", "session_id"]

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_REST: Final = 14
_NUMBERS: Final = 0x1000
_MASK: Final = (1 << 48) - 1


def session_id(milliseconds: int, *about: str) -> str:
    """Give a session's id, by the time it began and what else it depends on."""
    return _made("ses", ~(milliseconds * _NUMBERS), about)


def message_id(milliseconds: int, *about: str) -> str:
    """Give a message's id; those of later messages come behind it."""
    return _made("msg", milliseconds * _NUMBERS, about)


def part_id(milliseconds: int, number: int, *about: str) -> str:
    """Give a part's id, by its message's time and its number there."""
    rest = _made("prt", milliseconds * _NUMBERS + min(number, _NUMBERS - 1), (*about, str(number)))
    return rest if number < _NUMBERS - 1 else f"{rest[:16]}{number:07}{rest[23:]}"


def _made(kind: str, value: int, about: tuple[str, ...]) -> str:
    digest = int.from_bytes(hashlib.sha256("\0".join(about).encode("utf-8", "surrogatepass")).digest())
    letters = ""
    for _ in range(_REST):
        digest, place = divmod(digest, len(_LETTERS))
        letters += _LETTERS[place]
    return f"{kind}_{value & _MASK:012x}{letters}"
