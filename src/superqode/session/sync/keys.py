"""The sync key, and every key that follows from it. FORMAT.md has each `info` as bytes."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from superqode.session import entropy
from superqode.session.sharing import wire
from superqode.session.sharing.chunks import ChunkKey
from superqode.session.sharing.kdf import hkdf
from superqode.session.sharing.tokens import KEY_SIZE

__all__ = ["CHUNK", "FORMAT", "VERSION", "SyncKey", "new_key"]

FORMAT: Final = "superqode-sync"
VERSION: Final = 1
# The length in bytes of every chunk's plaintext but a segment's last; as in shares (sharing/header.py says why).
CHUNK: Final = 261_120

_ID_LENGTH: Final = 26
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_INFO: Final = b"superqode-sync 1 id"
_MANIFEST_INFO: Final = b"superqode-sync 1 manifest"
_MOVED_INFO: Final = b"superqode-sync 1 moved"
_CHUNK_INFO: Final = b"superqode-sync 1 chunk"


@dataclass(frozen=True, slots=True)
class SyncKey:
    """A sync key.

    Attributes:
        secret: 32 random bytes; all of a person's machines have them, nobody else.
    """

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """The sync's id: follows from the key, so that who has the words finds the place; says nothing of it."""
        return "".join(_ALPHABET[byte & 31] for byte in hkdf(self.secret, b"", _ID_INFO)[:_ID_LENGTH])

    @property
    def header(self) -> bytes:
        """The bytes of `sync.json`; their hash is the salt of every content key."""
        return wire.canonical({"chunk": CHUNK, "format": FORMAT, "id": self.id, "version": VERSION})

    @property
    def _salt(self) -> bytes:
        return hashlib.sha256(self.header).digest()

    def manifest(self) -> bytes:
        """The key of manifests."""
        return hkdf(self.secret, self._salt, _MANIFEST_INFO)

    def moved(self) -> bytes:
        """The key of the note that the sync's key was changed."""
        return hkdf(self.secret, self._salt, _MOVED_INFO)

    def chunk(self, segment: str) -> ChunkKey:
        """What gives the keys of a segment's chunks."""
        return partial(_chunk, self.secret, self._salt, segment.encode("ascii"))


def _chunk(secret: bytes, salt: bytes, segment: bytes, number: int, final: bool) -> bytes:
    return hkdf(secret, salt, _CHUNK_INFO + segment + struct.pack(">I?", number, final))


def new_key() -> SyncKey:
    """Make a key."""
    return SyncKey(entropy.random_bytes(KEY_SIZE))
