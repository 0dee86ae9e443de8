"""A stream of any length ⇄ chunks, each encrypted under a key that says where it stands.

A chunk's key knows its number and whether it is the last one, so a chunk that was moved, repeated or left out, or a
stream that was cut, does not open: there is nothing to compare, and nothing to forget. What else the key knows is the
caller's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from superqode.session.git.bundle import Readable
from superqode.session.sharing.tokens import InvalidToken, open_token, seal

__all__ = ["ChunkDamaged", "ChunkKey", "ChunkSealer", "Sealed", "open_chunk", "open_chunks"]

# Gives the 32 bytes for a chunk: its number, and whether it is the last.
ChunkKey = Callable[[int, bool], bytes]


class ChunkDamaged(ValueError):
    """Chunks are not those that were sealed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is known of a sealed stream.

    Attributes:
        chunks: how many chunks it was cut into.
        size: its length in bytes.
        sha256: of these bytes, in hex.
    """

    chunks: int
    size: int
    sha256: str


class ChunkSealer:
    """Cuts a stream into chunks and encrypts them, one after the other, holding no more than two.

    Iterate over it once for the raw tokens in order; then `sealed` tells of the whole.

    Args:
        stream: what to read from where it stands to its end; a pipe may give less than it is asked for.
        chunk: the length in bytes of every chunk but the last.
        key: gives each chunk's key.
    """

    def __init__(self, stream: Readable, chunk: int, key: ChunkKey) -> None:
        self._stream = stream
        self._chunk = chunk
        self._key = key
        self._sum = hashlib.sha256()
        self._done = False
        self.chunks = 0
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        """Give the chunks as raw tokens; none of an empty stream."""
        ahead = self._read()
        while ahead:
            plain, ahead = ahead, self._read()
            key = self._key(self.chunks, not ahead)
            self._sum.update(plain)
            self.size += len(plain)
            self.chunks += 1
            yield seal(key, plain)
        self._done = True

    def _read(self) -> bytes:
        """The next chunk's plaintext, whole unless the stream ends; empty at its end."""
        parts: list[bytes] = []
        missing = self._chunk
        while missing and (part := self._stream.read(missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def sealed(self) -> Sealed:
        """Tell of the whole, once every chunk was taken.

        Raises:
            RuntimeError: not every chunk was taken yet.
        """
        if not self._done:
            raise RuntimeError("a segment is known only when all of its chunks were taken")
        return Sealed(self.chunks, self.size, self._sum.hexdigest())


def open_chunk(key: bytes, raw: bytes, length: int, where: str) -> bytes:
    """Decrypt one chunk of a length that is known.

    Raises:
        ChunkDamaged: it does not open in its place, or has another length.
    """
    try:
        plain = open_token(key, raw)
    except InvalidToken as problem:
        raise ChunkDamaged(f"{where} does not open") from problem
    if len(plain) != length:
        raise ChunkDamaged(f"{where} has {len(plain)} bytes, and not {length}")
    return plain


def open_chunks(
    sealed: Sealed, chunk: int, key: ChunkKey, raws: Iterable[bytes], target: IO[bytes], where: str
) -> None:
    """Decrypt chunks into `target`, one after the other.

    `target` may hold a part when this fails: use nothing of it before this returned.

    Args:
        sealed: what is known of the whole.
        chunk: the length in bytes of every chunk but the last.
        key: gives each chunk's key.
        raws: the chunks as raw tokens, in order.
        target: where the plaintext goes.
        where: what it is, in the words of an error.

    Raises:
        ChunkDamaged: a chunk does not open in its place, is missing or too many, or the whole is another one.
    """
    found = hashlib.sha256()
    left, count = sealed.size, 0
    for number, raw in enumerate(raws):
        if number == sealed.chunks:
            raise ChunkDamaged(f"{where} has more than its {sealed.chunks} chunks")
        final = number == sealed.chunks - 1
        plain = open_chunk(key(number, final), raw, left if final else chunk, f"{where}, chunk {number}")
        found.update(plain)
        target.write(plain)
        left -= len(plain)
        count += 1
    if count != sealed.chunks:
        raise ChunkDamaged(f"{where} has {count} of its {sealed.chunks} chunks")
    if found.hexdigest() != sealed.sha256:
        raise ChunkDamaged(f"{where} is not what the manifest says")
