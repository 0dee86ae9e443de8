"""A sync key ⇄ 24 words of the English list of BIP 39, for people who carry it to the next machine.

https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki: 256 bits and 8 bits of their SHA-256, eleven a word. So
a wrong word is found at once, but for one in 256; the first four letters of a word are enough.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from superqode.session.errors import InvalidSyncWords

if TYPE_CHECKING:
    from mnemonic import Mnemonic

__all__ = ["WORDS", "from_words", "to_words"]

WORDS: Final = 24
# No two words of the list begin with the same four letters (BIP 39, "Wordlist").
_TELLING: Final = 4


@cache
def _book() -> Mnemonic:
    from mnemonic import Mnemonic

    return Mnemonic("english")


def to_words(secret: bytes) -> str:
    """Give the words of a key of 32 bytes, with spaces between."""
    return str(_book().to_mnemonic(secret))


def from_words(text: str) -> bytes:
    """Read the words: in any case, with any spaces, numbers and commas between; four letters of each are enough.

    Raises:
        InvalidSyncWords: they are too few or too many, one is not in the list, or they do not fit each other.
    """
    folded = unicodedata.normalize("NFKD", text).lower()
    given = "".join(letter if letter.isalpha() else " " for letter in folded).split()
    if len(given) != WORDS:
        raise InvalidSyncWords(f"there are {len(given)} words, and a key has {WORDS}")
    whole = [_whole(number, word) for number, word in enumerate(given, 1)]
    try:
        return bytes(_book().to_entropy(whole))
    except ValueError as problem:
        raise InvalidSyncWords("they do not fit each other, so one of them is another, or two are swapped") from problem


def _whole(number: int, word: str) -> str:
    listed = _book().wordlist
    if word in listed:
        return word
    # By its place: the word itself may be right, and must not get into a log.
    fits = [one for one in listed if len(word) >= _TELLING and one.startswith(word)]
    if len(fits) != 1:
        raise InvalidSyncWords(f"word {number} is not in the list")
    return str(fits[0])
