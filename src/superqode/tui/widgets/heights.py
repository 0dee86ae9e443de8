"""Heights of many things under each other: where one begins and which one stands somewhere, without adding all up.

A Fenwick tree (P. M. Fenwick, "A New Data Structure for Cumulative Frequency Tables", 1994): changing a height and
finding a place both take time in the logarithm of the number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["Heights"]


class Heights:
    """Heights in lines, each at least 0.

    Args:
        heights: the first ones.
    """

    __slots__ = ("_heights", "_sums")

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._sums = [0, *self._heights]
        for place in range(1, len(self._sums)):
            above = place + (place & -place)
            if above < len(self._sums):
                self._sums[above] += self._sums[place]

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, place: int) -> int:
        return self._heights[place]

    @property
    def total(self) -> int:
        """All together."""
        return self.top(len(self._heights))

    def set(self, place: int, height: int) -> None:
        """Give a place another height."""
        grown = height - self._heights[place]
        if grown:
            self._heights[place] = height
            step = place + 1
            while step < len(self._sums):
                self._sums[step] += grown
                step += step & -step

    def replace(self, start: int, heights: Sequence[int]) -> None:
        """Put other heights from a place on."""
        self.__init__([*self._heights[:start], *heights])  # type: ignore[misc]  # it is made anew in place

    def top(self, place: int) -> int:
        """How many lines stand above a place."""
        lines = 0
        while place > 0:
            lines += self._sums[place]
            place -= place & -place
        return lines

    def find(self, line: int) -> tuple[int, int]:
        """The place that a line (from 0) belongs to, and its line inside of that; the last one's end behind the end."""
        place, left = 0, line
        step = 1 << len(self._heights).bit_length()
        while step:
            after = place + step
            if after < len(self._sums) and self._sums[after] <= left:
                place, left = after, left - self._sums[after]
            step >>= 1
        if place >= len(self._heights):
            return max(0, len(self._heights) - 1), (self._heights[-1] if self._heights else 0)
        return place, left
