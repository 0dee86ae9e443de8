"""What refs reach is read, each object once: what is whole is passed by, damage is told of everyone that reaches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from superqode.session.errors import CorruptObject
from superqode.session.git.object_codec import TREE, TreeEntry
from superqode.session.git.objects import Objects

__all__ = ["Reached"]

# Told of damage: of whose history, in which commit, at which path there ("" for the commit itself), and what it is.
Tell = Callable[[str, str, str, str], None]


class _Damage(NamedTuple):
    """One damaged object of a commit."""

    path: str
    oid: str
    text: str


class _Harmed(NamedTuple):
    """A commit with damage in it or behind it; one that cannot be read has no parents."""

    parents: tuple[str, ...]
    damage: tuple[_Damage, ...]


class Reached:
    """Reads histories and trees.

    Args:
        objects: of the repository.
        reads: whether a file's content is read, by its id; else it only has to stand there.
        tell: told of damage.

    Attributes:
        seen: ids of the objects that were read, or stand there, and are good themselves.
        commits: how many of them are commits.
    """

    def __init__(self, objects: Objects, reads: Callable[[str], bool], tell: Tell) -> None:
        self.seen: set[str] = set()
        self.commits = 0
        self._objects = objects
        self._reads = reads
        self._tell = tell
        self._bad: dict[str, str] = {}
        self._trees: set[str] = set()  # good themselves, with damage below
        self._harmed: dict[str, _Harmed] = {}
        self._told: set[tuple[str, str, str]] = set()

    def saw(self, commit: str) -> None:
        """Take a commit for good."""
        self.seen.add(commit)
        self.commits += 1

    def tell_again(self, owner: str) -> None:
        """Forget what was told of somebody's damage, whose refs have moved since."""
        self._told = {told for told in self._told if told[0] != owner}

    def commit(self, owner: str, oid: str) -> None:
        """Read a commit alone."""
        if oid in self.seen:
            return
        try:
            self._objects.commit(oid)
        except CorruptObject as problem:
            self._report(owner, oid, [_Damage("", oid, str(problem))])
        else:
            self.saw(oid)

    def history(self, owner: str, tip: str, *, again: bool = True) -> None:
        """Read a commit, its tree, and all that is behind it; unless `again`, pass by the commits that others named."""
        waiting, passed = [tip], set[str]()
        parents: dict[str, tuple[str, ...]] = {}
        struck: dict[str, tuple[_Damage, ...]] = {}
        while waiting:
            oid = waiting.pop()
            if oid in passed:
                continue
            passed.add(oid)
            harmed = self._harmed.get(oid)
            if harmed is not None:
                struck[oid] = ()
                self._report(owner, oid, harmed.damage if again else ())
                waiting += harmed.parents
            elif oid not in self.seen:
                parents[oid], damage = self._whole(oid)
                if damage:
                    struck[oid] = damage
                    self._report(owner, oid, damage)
                waiting += parents[oid]
        if struck:
            self._spread(parents, struck)

    def tree(self, owner: str, oid: str) -> None:
        """Read a tree and all it holds, which is no commit's."""
        self._report(owner, "", self._tree(oid))

    def _report(self, owner: str, commit: str, damage: Iterable[_Damage]) -> None:
        """Tell of each damaged file once an owner, with the first commit that has it."""
        for path, oid, text in damage:
            if (owner, path, oid) not in self._told:
                self._told.add((owner, path, oid))
                self._tell(owner, commit, path, text)

    def _whole(self, oid: str) -> tuple[tuple[str, ...], tuple[_Damage, ...]]:
        """Read a commit with its tree; gives its parents, and what is damaged in it."""
        try:
            commit = self._objects.commit(oid)
        except CorruptObject as problem:
            return (), (_Damage("", oid, str(problem)),)
        self.saw(oid)
        return tuple(commit.parents), tuple(self._tree(commit.tree))

    def _spread(self, parents: Mapping[str, tuple[str, ...]], struck: Mapping[str, tuple[_Damage, ...]]) -> None:
        """Remember which of the commits that were just read have damage in them, or behind them."""
        children: dict[str, list[str]] = {}
        for oid, above in parents.items():
            for parent in above:
                children.setdefault(parent, []).append(oid)
        waiting = list(struck)
        while waiting:
            oid = waiting.pop()
            if oid in parents and oid not in self._harmed:
                self._harmed[oid] = _Harmed(parents[oid], struck.get(oid, ()))
            elif oid not in struck:
                continue
            waiting += [child for child in children.get(oid, ()) if child not in self._harmed]

    def _tree(self, root: str) -> list[_Damage]:
        """Read a tree and all it holds, but for what is known to be whole."""
        found: list[_Damage] = []
        trees: dict[str, str] = {}
        waiting = [("", TREE, root)]
        while waiting:
            path, mode, oid = waiting.pop()
            if oid in self.seen and oid not in self._trees:
                continue
            below: Sequence[TreeEntry] = ()
            if oid not in self._bad:
                try:
                    below = self._look_at(mode, oid)
                except CorruptObject as problem:
                    self._bad[oid] = str(problem)
            if oid in self._bad:
                found.append(_Damage(path, oid, self._bad[oid]))
                self._trees.update(trees[above] for above in _above(path))
                continue
            self.seen.add(oid)
            if mode == TREE:
                trees[path] = oid
            waiting += [(f"{path}/{entry.name}".lstrip("/"), entry.mode, entry.oid) for entry in below]
        return found

    def _look_at(self, mode: str, oid: str) -> Sequence[TreeEntry]:
        """What is in a tree; of a file, nothing.

        Raises:
            CorruptObject: it is damaged, or is not there.
        """
        if mode == TREE:
            return self._objects.tree(oid)
        if self._reads(oid):
            self._objects.blob(oid)
        elif not self._objects.stands(oid):
            raise CorruptObject(oid, "it is not there")
        return ()


def _above(path: str) -> list[str]:
    """The folders that a path is in, the root last."""
    found = []
    while path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found
