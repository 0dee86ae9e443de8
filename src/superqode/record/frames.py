"""Copies of bytes on their way through a pipe: who sent them, when, how many, and the bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Frame", "FrameReader"]

# Whether the agent sent it, seconds since 1970, length in bytes.
_HEAD: Final = struct.Struct("<?dI")


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes that passed.

    Attributes:
        from_agent: whether the agent sent them (else the client did).
        time: when, in seconds since 1970.
        data: the bytes.
    """

    from_agent: bool
    time: float
    data: bytes

    def encode(self) -> bytes:
        """Give the frame's bytes."""
        return _HEAD.pack(self.from_agent, self.time, len(self.data)) + self.data


class FrameReader:
    """Takes frames out of bytes that come in pieces; a torn last one is never given."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Take the next bytes; gives the frames that are now whole."""
        self._held += piece
        start = 0
        while len(self._held) - start >= _HEAD.size:
            from_agent, time, length = _HEAD.unpack_from(self._held, start)
            end = start + _HEAD.size + length
            if len(self._held) < end:
                break
            yield Frame(from_agent, time, bytes(self._held[start + _HEAD.size : end]))
            start = end
        del self._held[:start]
