"""What stands in a secret's place: `[REDACTED:<rule>:<mark>]`."""

from __future__ import annotations

import hmac
import re
from typing import Final

__all__ = ["blot", "has_mark", "is_mark", "make", "mark_of"]

# Crockford's base32 in lower case, as in `entropy`.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 8
_BEGIN: Final = b"[REDACTED:"
_MARK: Final = re.compile(rb"\[REDACTED:[a-z0-9-]{1,64}:[0-9a-hjkmnp-tv-z]{8}\]")


def mark_of(key: bytes, secret: str) -> str:
    """Give the mark of a secret: 40 bits of HMAC-SHA256(key, secret), equal for equal secrets under one key.

    Args:
        key: the store's key of marks; who has not got it learns nothing from a mark.
        secret: as it stood in the text; lone surrogates are taken as they are.
    """
    digest = hmac.digest(key, secret.encode("utf-8", "surrogatepass"), "sha256")
    bits = int.from_bytes(digest[:5], "big")
    return "".join([_ALPHABET[bits >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5)])


def is_mark(text: str) -> bool:
    """Whether a text has the shape of a mark."""
    return len(text) == _LENGTH and set(text) <= set(_ALPHABET)


def make(rule: str, mark: str) -> str:
    """Give the text that stands in a secret's place."""
    return f"[REDACTED:{rule}:{mark}]"


def has_mark(data: bytes) -> bool:
    """Whether a mark stands in the data, of whatever store."""
    return _BEGIN in data and _MARK.search(data) is not None


def blot(data: bytes, filler: bytes) -> bytes:
    """Give the data with every byte of every mark replaced by `filler`, one byte."""
    if _BEGIN not in data:
        return data
    return _MARK.sub(lambda found: filler * (found.end() - found.start()), data)
