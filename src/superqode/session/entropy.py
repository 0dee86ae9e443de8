"""The one source of randomness: every random id comes from here.

Tests replace it with `set_entropy` and are then exact.
"""

from __future__ import annotations

import os
from collections.abc import Callable

__all__ = ["ALPHABET", "random_bytes", "random_text", "set_entropy"]

# Crockford's base32 alphabet in lower case: no i, l, o, u, so an id is hard to misread.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

# What `secrets` asks, too, whose import takes longer than most commands.
_source: Callable[[int], bytes] = os.urandom


def random_bytes(count: int) -> bytes:
    """Give `count` bytes from the operating system's generator."""
    return _source(count)


def set_entropy(source: Callable[[int], bytes] | None) -> None:
    """Take random bytes from `source(count)`; `None` goes back to the operating system."""
    global _source  # noqa: PLW0603 - the one place where randomness is replaced
    _source = source or os.urandom


def random_text(length: int) -> str:
    """Give `length` random characters of Crockford base32, five bits each."""
    return "".join([ALPHABET[byte & 31] for byte in random_bytes(length)])
