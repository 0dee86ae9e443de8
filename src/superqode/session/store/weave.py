"""One list of things that are told apart by their ids, over a history that branched: what is in it, and in which order.

Pure. What is in it needs no clock (an observed-remove set, Shapiro et al. 2011): whoever adds or changes a thing sets a
mark, whoever removes it takes away the marks it knows. So a removal holds against those who left the thing alone, and
not against those who changed it or brought it back without knowing of the removal.

The order is a tree (Fugue, Weidner and Kleppmann 2023): what is put at the end hangs on what it was put behind, what is
put in between hangs on what it was put before. What several put at one place follows one another, each with all that
was put behind it, in the order in which they began. A thing that is moved gets another place, and what hangs on the old
one stays; of several places that it was given without knowing of each other the first counts, and what was hung on
another hangs there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

__all__ = ["Woven", "weave", "what_moved"]

K = TypeVar("K", bound=Hashable)


class _Node(Generic[K]):
    """A place: what is put before it, and what is put behind it. A thing that is moved gets another place."""

    __slots__ = ("behind", "infront", "item", "number")

    def __init__(self, item: K | None, number: int) -> None:
        self.item = item
        self.number = number
        self.infront: list[_Node[K]] = []
        self.behind: list[_Node[K]] = []


class Woven(Generic[K]):
    """A list over a history.

    Changes are numbered from 1; a change that knows of another has the greater number, and they are told in the order
    of their numbers.

    Args:
        begun: the list before all changes.
        knows: whether the change of the first number is the one of the second, or knows of it; all know of 0.
    """

    def __init__(self, begun: Iterable[K], knows: Callable[[int, int], bool]) -> None:
        self._knows = knows
        self._root: _Node[K] = _Node(None, 0)
        # Where each thing is; and of those that were moved, all places that it was put at.
        self._nodes: dict[K, _Node[K]] = {}
        self._places: dict[K, list[_Node[K]]] = {}
        self._marks: dict[K, list[int]] = {}
        self._drops: dict[K, list[int]] = {}
        last = self._root
        for item in dict.fromkeys(begun):
            last = self._put(item, 0, last.behind)
            self._marks[item] = [0]

    def _put(self, item: K, number: int, beside: list[_Node[K]]) -> _Node[K]:
        node = _Node(item, number)
        beside.append(node)
        there = self._nodes.setdefault(item, node)
        if there is not node:
            self._places.setdefault(item, [there]).append(node)
            if self._knows(number, there.number):  # of several that did not know of each other the first has moved it
                self._nodes[item] = node
        return node

    # -- what is in it ------------------------------------------------------------------------------------------------

    def mark(self, number: int, items: Iterable[K]) -> None:
        """Note that a change added or changed these."""
        for item in items:
            self._marks.setdefault(item, []).append(number)

    def drop(self, number: int, items: Iterable[K]) -> None:
        """Note that a change removed these."""
        for item in items:
            self._drops.setdefault(item, []).append(number)

    def holds(self, item: K, tips: Sequence[int] = ()) -> bool:
        """Whether a thing is in the list, after all changes or only after those that some changes know of."""
        drops = self._known(self._drops.get(item, ()), tips)
        marks = self._known(self._marks.get(item, ()), tips)
        return any(not any(self._knows(drop, mark) for drop in drops) for mark in marks)

    def _known(self, numbers: Sequence[int], tips: Sequence[int]) -> Sequence[int]:
        if not tips:
            return numbers
        return [number for number in numbers if any(self._knows(tip, number) for tip in tips)]

    def held(self, tips: Sequence[int] = ()) -> set[K]:
        """All that is in the list, unordered; `tips` as in `holds`."""
        return {item for item in self._marks if self.holds(item, tips)}

    # -- in which order -----------------------------------------------------------------------------------------------

    def place(self, number: int, left: K | None, old: Sequence[K], new: Sequence[K], *, merges: bool = False) -> None:
        """Give what a change put somewhere its place.

        Args:
            number: the change.
            left: what stands before both parts that follow; `None` at the beginning.
            old: the rest of the list before the change.
            new: the rest of the list after it.
            merges: the change brought others together, so what seems moved was moved by one of them.
        """
        now = set(new)
        stayed = [item for item in old if item in now]  # as if the change had removed first, and then put
        moved = set() if merges else what_moved(stayed, new)
        follows = dict(zip((left, *stayed), stayed, strict=False))
        were = {item: self._known_place(item, number) for item in moved}
        behind = self._root if left is None else self._known_place(left, number)
        fresh = False
        previous = left
        for item in new:
            if item in self._nodes and item not in moved:
                fresh = False
                behind = self._known_place(item, number)
            else:
                before = None if fresh else follows.get(previous)
                if before is None:
                    beside = behind.behind
                else:  # where it was, if it is moved: what others put behind that comes after this
                    beside = (were.get(before) or self._known_place(before, number)).infront
                behind = self._put(item, number, beside)
                fresh = True
            previous = item

    def _known_place(self, item: K, number: int) -> _Node[K]:
        """Where a change saw a thing that is in the list: of its places the one that counts among those it knows."""
        found = self._nodes[item]
        if item not in self._places or self._knows(number, found.number):
            return found
        known = [node for node in self._places[item] if self._knows(number, node.number)]
        for place, node in enumerate(known):
            if not place or self._knows(node.number, found.number):
                found = node
        return found

    def order(self) -> list[K]:
        """All that is in the list after all changes, in order."""
        found: list[K] = []
        waiting: list[tuple[_Node[K], bool]] = [(self._root, False)]
        while waiting:
            node, opened = waiting.pop()
            if not opened:
                waiting += [(child, False) for child in reversed(node.behind)]
                waiting.append((node, True))
                waiting += [(child, False) for child in reversed(node.infront)]
            elif node.item is not None and self._nodes[node.item] is node and self.holds(node.item):
                found.append(node.item)
        return found


def what_moved(stayed: Sequence[K], new: Sequence[K]) -> set[K]:
    """What a change took from one place to another: the fewest things without which the order is as it was.

    Args:
        stayed: what is in it before and after, in the order of before.
        new: what is in it after.
    """
    were = {item: place for place, item in enumerate(stayed)}
    places = [were[item] for item in new if item in were]
    begin, end = 0, len(places)
    while begin < end and places[begin] == begin:
        begin += 1
    while end > begin and places[end - 1] == end - 1:
        end -= 1
    return {stayed[place] for place in set(places[begin:end]) - _longest_run(places[begin:end])}


def _longest_run(numbers: Sequence[int]) -> set[int]:
    """The most numbers that follow one another rising; of several such runs the least one, read from its end.

    Patience sorting (Fredman 1975).
    """
    ends: list[int] = []  # the least number that ends a run of each length
    before: dict[int, int] = {}
    for number in numbers:
        length = bisect_left(ends, number)
        if length:
            before[number] = ends[length - 1]
        ends[length : length + 1] = [number]
    run = set(ends[-1:])
    last = ends[-1] if ends else -1
    while last in before:
        last = before[last]
        run.add(last)
    return run


def weave(
    base: Sequence[K], first: Sequence[K], second: Sequence[K], changed: tuple[Iterable[K], Iterable[K]] = ((), ())
) -> list[K]:
    """Give the list that has the changes of both sides since `base`; what both put at one place: the first's first.

    Args:
        base: the list they began with.
        first: one side's.
        second: the other's.
        changed: what each of them changed in other ways than by adding, moving or removing it.
    """
    began = list(dict.fromkeys(base))
    woven = Woven(began, lambda late, early: early in (late, 0))
    for number, (side, edited) in enumerate(zip((first, second), changed, strict=True), 1):
        now = list(dict.fromkeys(side))
        woven.place(number, None, began, now)
        woven.mark(number, [*(set(now) - set(began)), *edited])
        woven.drop(number, set(began) - set(now))
    return woven.order()
