"""Segments of a share: a bundle ⇄ chunks, under keys that know the segment (`chunks` knows the rest)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO

from superqode.session.errors import InvalidShareConfig, ShareTampered
from superqode.session.git.bundle import Readable
from superqode.session.sharing.chunks import ChunkDamaged, ChunkKey, ChunkSealer, Sealed, open_chunks
from superqode.session.sharing.keys import ContentKeys
from superqode.session.sharing.layout import CHUNKS_MAX
from superqode.session.sharing.manifest import Segment

__all__ = ["SegmentSealer", "open_segment"]


def _chunk_key(keys: ContentKeys, segment: int) -> ChunkKey:
    return partial(_key, keys, segment)


def _key(keys: ContentKeys, segment: int, number: int, final: bool) -> bytes:
    return keys.chunk(segment, number, final=final)


class SegmentSealer:
    """Cuts a stream into chunks and encrypts them, one after the other, holding no more than two.

    Iterate over it once for the raw tokens in order; then `segment` gives the manifest's entry.

    Args:
        keys: the share's keys.
        number: the segment's number.
        stream: what to read from where it stands to its end; a pipe may give less than it is asked for.
    """

    def __init__(self, keys: ContentKeys, number: int, stream: Readable) -> None:
        self._number = number
        self._sealer = ChunkSealer(stream, keys.header.chunk, _chunk_key(keys, number))

    def __iter__(self) -> Iterator[bytes]:
        """Give the chunks as raw tokens.

        Raises:
            InvalidShareConfig: the stream is empty, or longer than a segment may be.
        """
        for token in self._sealer:
            if self._sealer.chunks > CHUNKS_MAX:
                raise InvalidShareConfig(f"it takes more than {CHUNKS_MAX} chunks. Share a shorter session")
            yield token
        if not self._sealer.chunks:
            raise InvalidShareConfig("there is nothing in one of its segments")

    def segment(self, *, tip: str, prerequisite: str | None) -> Segment:
        """Give the manifest's entry, once every chunk was taken.

        Raises:
            RuntimeError: not every chunk was taken yet.
        """
        sealed = self._sealer.sealed()
        return Segment(
            id=self._number,
            chunks=sealed.chunks,
            size=sealed.size,
            sha256=sealed.sha256,
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
    sealed = Sealed(segment.chunks, segment.size, segment.sha256)
    try:
        open_chunks(sealed, keys.header.chunk, _chunk_key(keys, segment.id), chunks, target, f"segment {segment.id}")
    except ChunkDamaged as problem:
        raise ShareTampered(keys.header.share_id, str(problem)) from problem
