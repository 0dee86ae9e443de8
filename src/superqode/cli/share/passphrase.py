"""Passphrases that can be read out: five pronounceable words of sixteen random bits each.

The words are proquints (D. S. Wilkerson, "A Proposal for Proquints: Identifiers that are Readable, Spellable, and
Pronounceable", arXiv:0901.4016): consonants and vowels in turn, four bits and two.
"""

from __future__ import annotations

from typing import Final

from superqode.session import entropy

__all__ = ["BITS", "new_passphrase"]

# What a passphrase is worth: at Argon2id's price a try, centuries of all the world's machines.
BITS: Final = 80

_CONSONANTS: Final = "bdfghjklmnprstvz"
_VOWELS: Final = "aiou"
_WORD_BITS: Final = 16


def new_passphrase() -> str:
    """Make a passphrase of 80 random bits, such as `lusab-babad-gutih-tugad-mabef`."""
    random = entropy.random_bytes(BITS // 8)
    step = _WORD_BITS // 8
    return "-".join(_word(int.from_bytes(random[place : place + step])) for place in range(0, len(random), step))


def _word(number: int) -> str:
    """Spell sixteen bits, the highest first."""
    return (
        _CONSONANTS[number >> 12]
        + _VOWELS[number >> 10 & 3]
        + _CONSONANTS[number >> 6 & 15]
        + _VOWELS[number >> 4 & 3]
        + _CONSONANTS[number & 15]
    )
