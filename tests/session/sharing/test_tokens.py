"""Raw tokens are Fernet's, without base64 and time."""

import base64
import os
import struct
from unittest.mock import patch

import pytest
from cryptography.fernet import Fernet, InvalidToken
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.sharing.tokens import is_token_size, open_token, seal, token_size

KEY = bytes(range(32))
FERNET = Fernet(base64.urlsafe_b64encode(KEY))


@given(st.binary(max_size=100))
def test_fernet_opens_what_we_seal(plain):
    """The library's own Fernet reads our tokens, and finds the time zero in them."""
    token = base64.urlsafe_b64encode(seal(KEY, plain))

    assert FERNET.decrypt(token) == plain
    assert FERNET.extract_timestamp(token) == 0


@given(st.binary(max_size=100))
def test_we_open_what_fernet_seals(plain):
    """We read the library's tokens of time zero, and our own."""
    assert open_token(KEY, base64.urlsafe_b64decode(FERNET.encrypt_at_time(plain, 0))) == plain
    assert open_token(KEY, seal(KEY, plain)) == plain


def test_the_specification_s_vector():
    """generate.json of the Fernet specification, but for the time, which we refuse."""
    key = base64.urlsafe_b64decode("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=")
    token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
    assert Fernet(base64.urlsafe_b64encode(key)).decrypt(token) == b"hello"

    with pytest.raises(InvalidToken):
        open_token(key, base64.urlsafe_b64decode(token))

    with patch("os.urandom", lambda count: bytes(range(count))):
        ours = seal(key, b"hello")
    theirs = base64.urlsafe_b64decode(token)
    assert ours[9:-32] == theirs[9:-32]


@given(st.integers(0, 200))
def test_lengths_are_known_beforehand(length):
    """57 bytes more than the plaintext, padded up to the next multiple of 16."""
    size = len(seal(KEY, bytes(length)))

    assert size == token_size(length) == 57 + (length // 16 + 1) * 16
    assert is_token_size(size)
    assert not is_token_size(size + 1)
    assert not is_token_size(57)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 100], ids=str)
def test_every_flipped_bit_is_noticed(length):
    """A token with any one bit changed, in whatever region, does not open."""
    raw = seal(KEY, b"x" * length)
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidToken):
            open_token(KEY, bytes(changed))


def test_cut_and_grown_tokens_do_not_open():
    """Nor does one that lost bytes at either end, or has more, or an own key with another half."""
    raw = seal(KEY, b"x" * 40)
    for size in range(len(raw)):
        with pytest.raises(InvalidToken):
            open_token(KEY, raw[:size])
        with pytest.raises(InvalidToken):
            open_token(KEY, raw[len(raw) - size :])
    for other in (raw + b"\0", raw + bytes(16), raw + raw):
        with pytest.raises(InvalidToken):
            open_token(KEY, other)
    for key in (os.urandom(16) + KEY[16:], os.urandom(32)):
        with pytest.raises(InvalidToken):
            open_token(key, raw)


def test_a_signed_token_with_wrong_padding_does_not_open():
    """Whoever has the key could sign nonsense: still an InvalidToken."""
    inside = seal(KEY[:16] + os.urandom(16), b"x" * 40)  # signed with our key, encrypted with another
    for _ in range(3):
        try:
            open_token(KEY, inside)
        except InvalidToken:
            return
        inside = seal(KEY[:16] + os.urandom(16), b"x" * 40)
    pytest.fail("three times the padding was right by chance")


def test_a_signed_time_is_refused():
    """A token that tells when it was made is no token of a share, though Fernet would take it."""
    raw = base64.urlsafe_b64decode(FERNET.encrypt_at_time(b"x", 1))

    assert struct.unpack(">xQ", raw[:9]) == (1,)
    with pytest.raises(InvalidToken):
        open_token(KEY, raw)
