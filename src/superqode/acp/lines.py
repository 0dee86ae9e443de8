"""Lines out of bytes that come in pieces, none longer than a limit."""

from __future__ import annotations

__all__ = ["LineSplitter"]


class LineSplitter:
    """Cuts a stream of bytes into lines.

    Args:
        limit: the longest line, in bytes; a longer one is dropped whole and counted.

    Attributes:
        dropped: how many lines were too long.
    """

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._limit = limit
        self._pieces: list[bytes] = []
        self._length = 0
        self._dropping = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next bytes; gives the lines that are now whole, without their ends."""
        *ends, rest = piece.split(b"\n")
        lines = []
        for end in ends:
            self._add(end)
            if not self._dropping:
                lines.append(b"".join(self._pieces))
            self._begin()
        self._add(rest)
        return lines

    def _begin(self) -> None:
        self._pieces, self._length, self._dropping = [], 0, False

    def _add(self, piece: bytes) -> None:
        if self._dropping or not piece:
            return
        self._length += len(piece)
        if self._length > self._limit:
            self._pieces, self._dropping = [], True
            self.dropped += 1
        else:
            self._pieces.append(piece)
