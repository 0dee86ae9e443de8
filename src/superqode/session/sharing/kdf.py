"""Key derivation: from a password and the link secret to the 32 bytes that wrap a share's data key.

Parameters come from a file that anybody with write access to the remote can edit, so they are checked before anything
is derived: too weak ones would give a password away, too costly ones would take the reader's memory.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as ScryptDerivation

from superqode.session import entropy
from superqode.session.errors import InvalidShareConfig, KdfRefused
from superqode.session.sharing import wire
from superqode.session.sharing.tokens import KEY_SIZE

__all__ = ["Argon2", "Kdf", "LinkOnly", "Scrypt", "from_json", "hkdf", "new_kdf", "normalise_password"]

SALT_SIZE: Final = 16
_LINK_INFO: Final = b"superqode-share 1 link"

# Floors: the least that OWASP's Password Storage Cheat Sheet allows. Caps: a gibibyte, some seconds.
_ARGON2_MEMORY_KIB: Final = (19_456, 1_048_576)
_ARGON2_ITERATIONS: Final = (2, 10)
_ARGON2_LANES: Final = (1, 16)
_SCRYPT_N: Final = (2**17, 2**20)
_SCRYPT_R: Final = 8
_SCRYPT_P: Final = (1, 4)


@dataclass(frozen=True, slots=True)
class Argon2:
    """Argon2id (RFC 9106) of the password, with the link secret as its secret value.

    The defaults are the RFC's second choice, for everybody's machines: 64 MiB, 0.2 seconds.
    """

    salt: bytes
    iterations: int = 3
    lanes: int = 4
    memory_kib: int = 65_536

    def to_json(self) -> dict[str, Any]:
        """Give the parameters as they stand in a key file."""
        return {
            "iterations": self.iterations,
            "lanes": self.lanes,
            "memory_kib": self.memory_kib,
            "name": "argon2id",
            "salt": wire.encode_base64(self.salt),
        }

    def check(self, share_id: str) -> None:
        """Refuse what is too weak or too costly; raises `KdfRefused`."""
        _within(share_id, "Argon2id's memory in KiB", self.memory_kib, _ARGON2_MEMORY_KIB)
        _within(share_id, "Argon2id's iterations", self.iterations, _ARGON2_ITERATIONS)
        _within(share_id, "Argon2id's lanes", self.lanes, _ARGON2_LANES)

    def derive(self, password: str | None, link_secret: bytes) -> bytes:
        """Give the 32 bytes.

        Raises:
            InvalidShareConfig: there is no password.
            UnsupportedAlgorithm: this OpenSSL is older than 3.2.
            MemoryError: the machine has not so much.
        """
        given = normalise_password(password)
        return Argon2id(
            salt=self.salt,
            length=KEY_SIZE,
            iterations=self.iterations,
            lanes=self.lanes,
            memory_cost=self.memory_kib,
            secret=link_secret,
        ).derive(given)


@dataclass(frozen=True, slots=True)
class Scrypt:
    """scrypt (RFC 7914) of an HMAC of the password under the link secret; for machines without Argon2id."""

    salt: bytes
    n: int = 2**17
    p: int = 1
    r: int = _SCRYPT_R

    def to_json(self) -> dict[str, Any]:
        """Give the parameters as they stand in a key file."""
        return {"n": self.n, "name": "scrypt", "p": self.p, "r": self.r, "salt": wire.encode_base64(self.salt)}

    def check(self, share_id: str) -> None:
        """Refuse what is too weak or too costly; raises `KdfRefused`."""
        _within(share_id, "scrypt's n", self.n, _SCRYPT_N)
        if self.n & (self.n - 1):
            raise KdfRefused(share_id, f"scrypt's n is {self.n}, which is no power of two")
        _within(share_id, "scrypt's r", self.r, (_SCRYPT_R, _SCRYPT_R))
        _within(share_id, "scrypt's p", self.p, _SCRYPT_P)

    def derive(self, password: str | None, link_secret: bytes) -> bytes:
        """Give the 32 bytes.

        Raises:
            InvalidShareConfig: there is no password.
            MemoryError: the machine has not so much.
        """
        mixer = HMAC(link_secret, hashes.SHA256())
        mixer.update(normalise_password(password))
        derivation = ScryptDerivation(salt=self.salt, length=KEY_SIZE, n=self.n, r=self.r, p=self.p)
        return derivation.derive(mixer.finalize())


@dataclass(frozen=True, slots=True)
class LinkOnly:
    """HKDF-SHA256 of the link secret, where there is no password: 128 random bits need no stretching."""

    salt: bytes

    def to_json(self) -> dict[str, Any]:
        """Give the parameters as they stand in a key file."""
        return {"name": "hkdf", "salt": wire.encode_base64(self.salt)}

    def check(self, share_id: str) -> None:
        """Nothing can be too weak or too costly here."""

    def derive(self, _password: str | None, link_secret: bytes) -> bytes:
        """Give the 32 bytes; a password is of no account."""
        return hkdf(link_secret, self.salt, _LINK_INFO)


Kdf = Argon2 | Scrypt | LinkOnly


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869), 32 bytes."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_SIZE, salt=salt, info=info).derive(key)


def from_json(value: object, share_id: str) -> Kdf:
    """Read the parameters in a key file; they may still be too weak or too costly: `check` them.

    Raises:
        KdfRefused: they name a way to derive keys that is none of ours.
        ValueError: they are malformed.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise ValueError("its key derivation has no name")  # noqa: TRY004 - a value from outside
    name, salt = value["name"], wire.decode_base64(value.get("salt"), SALT_SIZE)
    kdf: Kdf
    if name == "argon2id":
        iterations, lanes, memory = _integers(value, "iterations", "lanes", "memory_kib")
        kdf = Argon2(salt, iterations, lanes, memory)
    elif name == "scrypt":
        n, p, r = _integers(value, "n", "p", "r")
        kdf = Scrypt(salt, n, p, r)
    elif name == "hkdf":
        kdf = LinkOnly(salt)
    else:
        raise KdfRefused(share_id, f"it derives keys by {name[:40]!a}, which is unknown here")
    if set(value) != set(kdf.to_json()):
        raise ValueError(f"its key derivation has other fields than {name} has")
    return kdf


def new_kdf(*, password: bool) -> Kdf:
    """Choose for a new key file: Argon2id where there is a password (scrypt without OpenSSL 3.2), else HKDF."""
    salt = entropy.random_bytes(SALT_SIZE)
    if not password:
        return LinkOnly(salt)
    try:
        Argon2id(salt=salt, length=KEY_SIZE, iterations=3, lanes=4, memory_cost=65_536)  # derives nothing yet
    except UnsupportedAlgorithm:
        return Scrypt(salt)
    return Argon2(salt)


def normalise_password(password: str | None) -> bytes:
    """Give the bytes that a password is derived from: NFKC, UTF-8, as it is otherwise, spaces included.

    Raises:
        InvalidShareConfig: it is empty or no valid text.
    """
    if not password:
        raise InvalidShareConfig("the password is empty. Give one, or leave it out")
    try:
        return unicodedata.normalize("NFKC", password).encode("utf-8")
    except UnicodeEncodeError as problem:
        raise InvalidShareConfig("the password holds bytes that are no text. Type it in UTF-8") from problem


def _integers(value: Mapping[str, Any], *names: str) -> list[int]:
    found = [value.get(name) for name in names]
    numbers = [number for number in found if type(number) is int]  # a bool is none
    if len(numbers) != len(names):
        raise ValueError("its key derivation lacks a number")
    return numbers


def _within(share_id: str, what: str, found: int, bounds: tuple[int, int]) -> None:
    if found < bounds[0]:
        _refuse(share_id, f"{what}: {str(found)[:20]} is under {bounds[0]}, too weak to trust")
    if found > bounds[1]:
        _refuse(share_id, f"{what}: {str(found)[:20]} is over {bounds[1]}, more than is spent on one")


def _refuse(share_id: str, reason: str) -> NoReturn:
    raise KdfRefused(share_id, reason)
