"""A tool's output, held in bounded memory: its beginning and its end, and how much was cut between them."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Final

__all__ = ["Captured"]

# Bytes of the beginning and of the end: a compiler tells the reason first, a test runner last.
_HEAD: Final = 48 * 1024
_TAIL: Final = 80 * 1024


class Captured:
    """Takes chunks from several threads.

    Args:
        head: how many bytes of the beginning to keep.
        tail: how many bytes of the end to keep.
    """

    def __init__(self, head: int = _HEAD, tail: int = _TAIL) -> None:
        self._room = head
        self._most = tail
        self._head: list[bytes] = []
        self._tail: deque[bytes] = deque()
        self._held = 0
        self._lock = Lock()
        self.cut = 0

    def add(self, chunk: bytes) -> None:
        """Take a chunk in."""
        with self._lock:
            taken = chunk[: self._room]
            if taken:
                self._head.append(taken)
                self._room -= len(taken)
            rest = chunk[len(taken) :]
            if rest:
                self._tail.append(rest)
                self._held += len(rest)
            while self._held > self._most:
                self._drop(self._held - self._most)

    def _drop(self, surplus: int) -> None:
        first = self._tail.popleft()
        if len(first) > surplus:
            self._tail.appendleft(first[surplus:])
            first = first[:surplus]
        self._held -= len(first)
        self.cut += len(first)

    def text(self) -> str:
        """The output as text: what is no UTF-8 is replaced, and a cut is said where it is."""
        with self._lock:
            head, tail = b"".join(self._head), b"".join(self._tail)
            said = f"\n[… {self.cut:,} bytes cut …]\n" if self.cut else ""
        if not said:
            return (head + tail).decode("utf-8", "replace")
        return head.decode("utf-8", "replace") + said + tail.decode("utf-8", "replace")
