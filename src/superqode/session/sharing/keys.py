"""Keys of a share: the data key, wrapped once for each password in a file of its own, and what is derived from it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm

from superqode.session import entropy
from superqode.session.errors import (
    InvalidShareConfig,
    PasswordRequired,
    ShareError,
    ShareTampered,
    ShareTooLarge,
    UnknownShareVersion,
    WrongPassword,
)
from superqode.session.sharing import wire
from superqode.session.sharing.header import VERSION, Header
from superqode.session.sharing.kdf import Kdf, LinkOnly, from_json, hkdf
from superqode.session.sharing.layout import KEY_FILE_MAX, KEYS_MAX, key_path
from superqode.session.sharing.tokens import KEY_SIZE, InvalidToken, open_token, seal, token_size

__all__ = ["ContentKeys", "KeyFile", "decode_key_file", "needs_password", "new_data_key", "unwrap", "wrap"]

_MANIFEST_INFO: Final = b"superqode-share 1 manifest"
_CHUNK_INFO: Final = b"superqode-share 1 chunk"


@dataclass(frozen=True, slots=True)
class ContentKeys:
    """The keys of a share's content, each derived when it is asked for.

    Attributes:
        data_key: 32 bytes.
        header: the share's header; another one gives other keys.
    """

    data_key: bytes = field(repr=False)
    header: Header

    def manifest(self) -> bytes:
        """The manifest's key."""
        return hkdf(self.data_key, self.header.salt, _MANIFEST_INFO)

    def chunk(self, segment: int, chunk: int, *, final: bool) -> bytes:
        """The key of one chunk; `final` for a segment's last."""
        place = struct.pack(">II?", segment, chunk, final)
        return hkdf(self.data_key, self.header.salt, _CHUNK_INFO + place)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a file in `keys/` says.

    Attributes:
        kdf: how the key that wraps is derived.
        wrapped: the data key as a raw token.
    """

    kdf: Kdf
    wrapped: bytes

    def encode(self) -> bytes:
        """Give the file's bytes."""
        return wire.canonical(
            {"kdf": self.kdf.to_json(), "version": VERSION, "wrapped": wire.encode_base64(self.wrapped)}
        )


def new_data_key() -> bytes:
    """Make a data key: 32 random bytes."""
    return entropy.random_bytes(KEY_SIZE)


def decode_key_file(number: int, data: bytes, share_id: str) -> KeyFile:
    """Read `keys/<number>.json`; its parameters may still be too weak or too costly.

    Raises:
        ShareTampered: the bytes are none that we write; `KdfRefused` for an unknown key derivation.
        UnknownShareVersion: a newer superqode wrote it.
    """
    path = key_path(number)
    if len(data) > KEY_FILE_MAX:
        raise ShareTooLarge(share_id, f"{path} has {len(data)} bytes")
    try:
        values = wire.read_object(data)
        version = values.get("version")
        if type(version) is int and version != VERSION:
            raise UnknownShareVersion(share_id, f"{str(version)[:20]} in {path}")
        key_file = KeyFile(
            from_json(values.get("kdf"), share_id), wire.decode_base64(values.get("wrapped"), token_size(KEY_SIZE))
        )
    except ShareError:
        raise
    except ValueError as problem:
        raise ShareTampered(share_id, f"{path} cannot be read: {str(problem)[:100]!a}") from problem
    if key_file.encode() != data:
        raise ShareTampered(share_id, f"{path} is not written as it must be")
    return key_file


def needs_password(number: int, data: bytes, share_id: str) -> bool:
    """Whether a key file opens with a password only; raises as `decode_key_file`."""
    return not isinstance(decode_key_file(number, data, share_id).kdf, LinkOnly)


def wrap(data_key: bytes, kdf: Kdf, password: str | None, secret: bytes) -> bytes:
    """Give the bytes of a key file: the data key, wrapped for one password (or the link alone).

    Raises:
        InvalidShareConfig: the password is empty, or missing where `kdf` takes one.
    """
    return KeyFile(kdf, seal(kdf.derive(password, secret), data_key)).encode()


def unwrap(key_files: Mapping[int, bytes], password: str | None, secret: bytes | None, share_id: str) -> bytes:
    """Find the data key in the files of `keys/`, by their number.

    Every file is checked before anything is derived; then each is tried, those first that take no password. Somebody
    who changes a salt or a wrapped key cannot be told from a wrong password.

    Raises:
        WrongPassword: none opens; `PasswordRequired` where all take a password and none was given.
        KdfRefused: one asks for a derivation that is too weak or too costly; nothing was derived.
        ShareTampered: one is malformed, or there is none.
        UnknownShareVersion: a newer superqode wrote one.
        ShareError: this machine lacks what it takes, Argon2id or the memory.
    """
    checked = _checked(key_files, share_id)
    if secret is None:
        raise WrongPassword(share_id, "the link lacks its secret, the part behind the dot")
    usable = [key_file for key_file in checked if isinstance(key_file.kdf, LinkOnly)]
    reason = "the link's secret is not its own"
    if password is not None and len(usable) < len(checked):
        usable += [key_file for key_file in checked if key_file not in usable]
        reason = "the password is wrong"
    if not usable:
        raise PasswordRequired(share_id)
    hindrance = ""
    for key_file in usable:
        try:
            return _open(key_file, password, secret, share_id)
        except InvalidToken:
            continue
        except InvalidShareConfig as problem:
            raise WrongPassword(share_id, "the password is empty or no text") from problem
        except UnsupportedAlgorithm:
            hindrance = "Argon2id, which OpenSSL has from 3.2. Update the package cryptography"
        except MemoryError:
            hindrance = "more memory than there is. Close other programs, or open it on another machine"
    if hindrance:
        raise ShareError(share_id, f"The share {share_id} cannot be opened here: its key takes {hindrance}")
    raise WrongPassword(share_id, reason)


def _checked(key_files: Mapping[int, bytes], share_id: str) -> list[KeyFile]:
    """Every key file, none of which costs more than a reader spends or is weaker than it trusts."""
    if len(key_files) > KEYS_MAX:
        raise ShareTooLarge(share_id, f"it has {len(key_files)} keys, of {KEYS_MAX} at most")
    if not key_files:
        raise ShareTampered(share_id, "it has no key")
    found = [decode_key_file(number, key_files[number], share_id) for number in sorted(key_files)]
    for key_file in found:
        key_file.kdf.check(share_id)
    return found


def _open(key_file: KeyFile, password: str | None, secret: bytes, share_id: str) -> bytes:
    data_key = open_token(key_file.kdf.derive(password, secret), key_file.wrapped)
    if len(data_key) != KEY_SIZE:
        raise ShareTampered(share_id, f"its data key has {len(data_key)} bytes")
    return data_key
