"""An object ⇄ its id, and its loose file: a header and the content, as a zlib stream (Git's object-file.c)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from superqode.session.errors import CorruptObject

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["STORED_MORE", "headed", "object_id", "parted", "sha1", "stored", "unpacked"]

# zlib's header, and the header of a deflate block that is the last one, stored as it is (RFC 1950, RFC 1951 3.2.4).
_STORED_HEAD: Final = struct.Struct("<HBHH")
STORED_MORE: Final = _STORED_HEAD.size + 4
"""How many bytes `stored` adds."""
_TYPES: Final = {b"blob": "blob", b"tree": "tree", b"commit": "commit", b"tag": "tag"}


def _header(kind: str, content: bytes) -> bytes:
    return f"{kind} {len(content)}\0".encode()


def headed(kind: str, content: bytes) -> bytes:
    """Give what an object's id is of: its header, then its bytes."""
    return _header(kind, content) + content


def object_id(kind: str, content: bytes) -> str:
    """Give the id an object has: the SHA-1 of its header and its bytes, in hex."""
    return sha1(_header(kind, content), content)


def sha1(*parts: bytes) -> str:
    """Give the SHA-1 of bytes, in hex."""
    digest = _new_sha1()(parts[0], usedforsecurity=False)
    for part in parts[1:]:
        digest.update(part)
    return digest.hexdigest()


@cache
def _new_sha1() -> Callable[..., _Hash]:
    from hashlib import sha1  # brings OpenSSL, and what only lists sessions reads no object

    return sha1


def stored(data: bytes) -> bytes:
    """A zlib stream that holds at most 64 KiB as they are; a compressor costs 30 µs to begin with."""
    size = len(data)
    return _STORED_HEAD.pack(0x0178, 1, size, size ^ 0xFFFF) + data + zlib.adler32(data).to_bytes(4, "big")


def parted(data: bytes) -> tuple[str, bytes] | None:
    """Give type and content of what `headed` gave, or `None` where the header is none."""
    head, end, content = data.partition(b"\0")
    kind, _, length = head.partition(b" ")
    name = _TYPES.get(kind)
    # In Git's own form alone: no sign, no zeros before it (parse_loose_header in Git's object-file.c).
    return (name, content) if name is not None and end and length == b"%d" % len(content) else None


def unpacked(oid: str, packed: bytes) -> tuple[str, bytes]:
    """Give the type and content that a loose file's bytes hold.

    Raises:
        CorruptObject: they are not this object's.
    """
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed)
    except zlib.error as problem:
        raise CorruptObject(oid, f"it cannot be decompressed ({problem})") from problem
    if not stream.eof:
        raise CorruptObject(oid, "its file is truncated" if packed else "its file is empty")
    if stream.unused_data:
        raise CorruptObject(oid, "there is something behind its end")
    if sha1(data) != oid:
        raise CorruptObject(oid, "its content does not have this hash")
    found = parted(data)
    if found is None:
        raise CorruptObject(oid, "its header is wrong")
    return found
