"""`share.json`: the one part of an encrypted share that is in clear and never changes. Its hash is in every key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from superqode.session.errors import ShareTampered, UnknownShareVersion
from superqode.session.sharing import wire

__all__ = ["CHUNK_MAX", "CHUNK_MIN", "HEADER_MAX", "VERSION", "Header", "decode_header"]

FORMAT: Final = "superqode-share"
VERSION: Final = 1
# A chunk's token is 1,047,625 bytes at most: an object under the 1 MiB that hosts advise.
CHUNK_MAX: Final = 1_047_552
CHUNK_MIN: Final = 4096
# What we write: small enough that a server keeps a large share's hundred and more objects in the pack they came in
# (receive.unpackLimit), instead of packing each anew for every reader.
CHUNK: Final = 261_120
# Version 1 has some 110 bytes; a later one may have more, and is still to be named.
HEADER_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Header:
    """What `share.json` says.

    Attributes:
        share_id: the share's id.
        chunk: the length in bytes of every chunk's plaintext but a segment's last.
    """

    share_id: str
    chunk: int = CHUNK

    def encode(self) -> bytes:
        """Give the bytes of `share.json`."""
        return wire.canonical({"chunk": self.chunk, "format": FORMAT, "id": self.share_id, "version": VERSION})

    @property
    def salt(self) -> bytes:
        """The SHA-256 of the file: the salt of every key, so that a share with another header has none of them."""
        return hashlib.sha256(self.encode()).digest()


def decode_header(data: bytes, share_id: str) -> Header:
    """Read `share.json` of the share that was asked for.

    Raises:
        ShareTampered: the bytes are not the ones that a share of this id and version has.
        UnknownShareVersion: a newer superqode wrote it.
    """
    if len(data) > HEADER_MAX:
        raise ShareTampered(share_id, f"share.json has {len(data)} bytes")
    try:
        values = wire.read_object(data)
    except ValueError as problem:
        raise ShareTampered(share_id, "share.json is no JSON object") from problem
    version, chunk = values.get("version"), values.get("chunk")
    if values.get("format") != FORMAT or type(version) is not int:
        raise ShareTampered(share_id, "share.json does not say that it is a share")
    if version != VERSION:
        raise UnknownShareVersion(share_id, str(version)[:20])
    if values.get("id") != share_id:
        raise ShareTampered(share_id, "share.json is another share's")
    if type(chunk) is not int or not CHUNK_MIN <= chunk <= CHUNK_MAX:
        raise ShareTampered(share_id, f"share.json names no length of chunks from {CHUNK_MIN} to {CHUNK_MAX}")
    header = Header(share_id, chunk)
    if header.encode() != data:
        raise ShareTampered(share_id, "share.json is not written as it must be")
    return header
