"""Segments: a stream of any length ⇄ chunks, each encrypted under a key that says where it stands.

A chunk's key knows its segment, its number and whether it is the last one, so a chunk that was moved, repeated or left
out, or a segment that was cut, does not open: there is nothing to compare, and nothing to forget.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import IO

from superqode.session.errors import InvalidShareConfig, ShareTampered
from superqode.session.git.bundle import Readable
from superqode.session.sharing.keys import ContentKeys
from superqode.session.sharing.layout import CHUNKS_MAX
from superqode.session.sharing.manifest import Segment
from superqode.session.sharing.tokens import InvalidToken, open_token, seal

__all__ = ["SegmentSealer", "open_segment"]


class SegmentSealer:
    """Cuts a stream into chunks and encrypts them, one after the other, holding no more than two.

    Iterate over it once for the raw tokens in order; then `segment` gives the manifest's entry.

    Args:
        keys: the share's keys.
        number: the segment's number.
        stream: what to read from where it stands to its end; a pipe may give less than it is asked for.
    """

    def __init__(self, keys: ContentKeys, number: int, stream: Readable) -> None:
        self._keys = keys
        self._number = number
        self._stream = stream
        self._sum = hashlib.sha256()
        self._chunks = 0
        self._size = 0
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        """Give the chunks as raw tokens.

        Raises:
            InvalidShareConfig: the stream is empty, or longer than a segment may be.
        """
        ahead = self._read()
        if not ahead:
            raise InvalidShareConfig("there is nothing in one of its segments")
        while ahead:
            plain, ahead = ahead, self._read()
            if self._chunks == CHUNKS_MAX:
                raise InvalidShareConfig(f"it takes more than {CHUNKS_MAX} chunks. Share a shorter session")
            key = self._keys.chunk(self._number, self._chunks, final=not ahead)
            self._sum.update(plain)
            self._size += len(plain)
            self._chunks += 1
            yield seal(key, plain)
        self._done = True

    def _read(self) -> bytes:
        """The next chunk's plaintext, whole unless the stream ends; empty at its end."""
        parts: list[bytes] = []
        missing = self._keys.header.chunk
        while missing and (part := self._stream.read(missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def segment(self, *, tip: str, prerequisite: str | None) -> Segment:
        """Give the manifest's entry, once every chunk was taken.

        Raises:
            RuntimeError: not every chunk was taken yet.
        """
        if not self._done:
            raise RuntimeError("a segment is known only when all of its chunks were taken")
        return Segment(
            id=self._number,
            chunks=self._chunks,
            size=self._size,
            sha256=self._sum.hexdigest(),
            tip=tip,
            prerequisite=prerequisite,
        )


def open_segment(keys: ContentKeys, segment: Segment, chunks: Iterable[bytes], target: IO[bytes]) -> None:
    """Decrypt a segment's chunks into `target`, one after the other.

    `target` may hold a part when this fails: use nothing of it before this returned.

    Raises:
        ShareTampered: a chunk does not open in its place, is missing or too many, or the whole is not what the
            manifest says.
    """
    share_id = keys.header.share_id
    where = f"segment {segment.id}"
    found = hashlib.sha256()
    left = segment.size
    count = 0
    for number, raw in enumerate(chunks):
        if number == segment.chunks:
            raise ShareTampered(share_id, f"{where} has more than its {segment.chunks} chunks")
        final = number == segment.chunks - 1
        try:
            plain = open_token(keys.chunk(segment.id, number, final=final), raw)
        except InvalidToken as problem:
            raise ShareTampered(share_id, f"{where}, chunk {number} does not open") from problem
        expected = left if final else keys.header.chunk
        if len(plain) != expected:
            raise ShareTampered(share_id, f"{where}, chunk {number} has {len(plain)} bytes, and not {expected}")
        found.update(plain)
        target.write(plain)
        left -= len(plain)
        count += 1
    if count != segment.chunks:
        raise ShareTampered(share_id, f"{where} has {count} of its {segment.chunks} chunks")
    if found.hexdigest() != segment.sha256:
        raise ShareTampered(share_id, f"{where} is not what the manifest says")
