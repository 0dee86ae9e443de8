"""The words of a key: what people write down is the key, and a slip of the pen is found."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import InvalidSyncWords
from superqode.session.sync.words import from_words, to_words

# BIP 39's own test vectors for 256 bits: https://github.com/trezor/python-mnemonic/blob/master/vectors.json
VECTORS = {
    "00" * 32: "abandon " * 23 + "art",
    "7f" * 32: "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful"
    " legal winner thank year wave sausage worth title",
    "ff" * 32: "zoo " * 23 + "vote",
}


@pytest.mark.parametrize("secret", VECTORS)
def test_the_words_are_those_of_the_standard(secret):
    """Any program that speaks BIP 39 finds the same key."""
    assert to_words(bytes.fromhex(secret)) == VECTORS[secret]
    assert from_words(VECTORS[secret]).hex() == secret


@given(st.binary(min_size=32, max_size=32))
def test_words_are_the_key(secret):
    """Every key comes back from its words, however they are typed."""
    words = to_words(secret)
    numbered = " ".join(f"{number}. {word.upper()}," for number, word in enumerate(words.split(), 1))
    short = "\n".join(word[:4] for word in words.split())
    assert {from_words(text) for text in (words, numbered, short, f"\t{words}\r\n")} == {secret}


@given(st.binary(min_size=32, max_size=32), st.integers(0, 22))
def test_two_words_that_were_swapped(secret, place):
    """Words in another order are not taken for the key: they are refused, or are no other key's with luck."""
    words = to_words(secret).split()
    words[place], words[place + 1] = words[place + 1], words[place]
    with suppress(InvalidSyncWords):
        assert (from_words(" ".join(words)) == secret) == (words[place] == words[place + 1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "0 words"),
        ("abandon " * 23, "23 words"),
        ("abandon " * 25, "25 words"),
        ("abandon " * 22 + "abandom art", "word 23 is not in the list"),
        ("abandon " * 23 + "ab", "word 24 is not in the list"),
        ("abandon " * 24, "do not fit each other"),
        ("\x00\ud800" * 500, "words"),
    ],
)
def test_what_is_no_key(text, told):
    """Too few, too many, misspelt, or not fitting: refused with the reason, and the words are not repeated."""
    with pytest.raises(InvalidSyncWords, match=told) as raised:
        from_words(text)
    assert "abando" not in str(raised.value)
