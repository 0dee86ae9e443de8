"""Words that a parameter takes: whatever is none of them is refused, with those there are."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["check_word"]


def check_word(word: object, what: str, known: Iterable[str]) -> None:
    """See that a word is one of those that a parameter takes.

    Args:
        word: what was given.
        what: what such a word is, for the error.
        known: those there are.

    Raises:
        ValueError: it is none of them.
    """
    words = tuple(known)
    if word not in words:
        raise ValueError(f"{word!r} is no {what}; use one of {', '.join(words)}")
