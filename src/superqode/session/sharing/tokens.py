"""Raw tokens: Fernet tokens as bytes, without their base64 and with zeros for the time.

As text a Fernet token has many spellings and is a third longer, so it is decoded before it is stored.
https://github.com/fernet/spec/blob/master/Spec.md
"""

from __future__ import annotations

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

__all__ = ["KEY_SIZE", "InvalidToken", "is_token_size", "open_token", "seal", "token_size"]

KEY_SIZE: Final = 32

_BLOCK: Final = 16
_TAG: Final = 32
_PREFIX: Final = b"\x80" + bytes(8)  # the version, and a time of zero: a share does not tell when
_OVERHEAD: Final = len(_PREFIX) + _BLOCK + _TAG


def token_size(length: int) -> int:
    """The length in bytes of the token of a plaintext of `length` bytes."""
    return _OVERHEAD + (length // _BLOCK + 1) * _BLOCK


def is_token_size(size: int) -> bool:
    """Whether some plaintext's token has this many bytes."""
    return size >= token_size(0) and (size - _OVERHEAD) % _BLOCK == 0


def seal(key: bytes, plaintext: bytes) -> bytes:
    """Encrypt and sign; the IV is drawn by the library.

    Args:
        key: 32 bytes: the first half signs, the second encrypts.
        plaintext: any bytes.
    """
    return base64.urlsafe_b64decode(_fernet(key).encrypt_at_time(plaintext, 0))


def open_token(key: bytes, raw: bytes) -> bytes:
    """Check and decrypt.

    Args:
        key: the 32 bytes it was sealed with.
        raw: the token, decoded.

    Raises:
        InvalidToken: the key is another one, or the bytes were changed.
    """
    if not is_token_size(len(raw)) or not raw.startswith(_PREFIX):
        raise InvalidToken
    return _fernet(key).decrypt(base64.urlsafe_b64encode(raw))


def _fernet(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key))
