"""What a scrub made of a session's files, found by comparing its old trees with its new ones, and done to other trees.

    learn(old, new)   → entries, files and strings that are others now
    drop(old, clean)  → what only old trees had, where nobody has the new ones any more: it goes

An entry is known by its files, wherever it stands, so one that was moved or brought back is found as well. Strings of
`session.json`, names of agents and descriptions of snapshots are known as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from superqode.session.codec import jsontext, layout
from superqode.session.codec.lines import one_line
from superqode.session.codec.meta import Meta, encode_meta
from superqode.session.errors import CorruptObject
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.git.objects import Objects
from superqode.session.store.rewrite_files import META_KEPT, grouped

__all__ = ["Substitution"]

# The files of an entry, without the digits that say where it stands.
_Group = tuple[tuple[str, str], ...]
_CUT: Final = "…"
_PLACE: Final = 2
_LEAVES: Final = 2


class Substitution:
    """Puts new files in the place of old ones.

    Args:
        objects: where they are, and where new ones are written.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._groups: dict[_Group, _Group | None] = {}
        self._files: dict[str, str] = {}
        self._renamed: dict[tuple[str, str], TreeEntry] = {}
        self._strings: dict[str, str | None] = {}
        self._compared: set[tuple[str, str]] = set()
        self._made: dict[tuple[str, int], str] = {}
        self._drops = False

    # -- learning -------------------------------------------------------------------------------------------------

    def learn(self, old: str, new: str) -> None:
        """Compare a tree of an old commit with that of the one that stands for it.

        Raises:
            CorruptObject: one of them is damaged, or not there.
        """
        self._made.clear()
        before, after = self._named(old), self._named(new)
        for name in before.keys() & after.keys():
            self._learn_entry(before[name], after[name], 0 if name == layout.TIMELINE else -1)
        self._learn_names(before, after)

    def _named(self, tree: str) -> dict[str, TreeEntry]:
        return {entry.name: entry for entry in self._objects.tree(tree)}

    def _learn_entry(self, old: TreeEntry, new: TreeEntry, depth: int) -> None:
        """`depth`: how far below the timeline; -1 where it is none of it."""
        if old.oid == new.oid or (old.oid, new.oid) in self._compared:
            return
        self._compared.add((old.oid, new.oid))
        if old.mode == TREE and new.mode == TREE:
            before, after = self._named(old.oid), self._named(new.oid)
            if depth == _LEAVES:
                self._learn_leaf(before, after)
                return
            for name in before.keys() & after.keys():
                self._learn_entry(before[name], after[name], depth + 1 if depth >= 0 else -1)
            self._learn_names(before, after)
        elif TREE not in (old.mode, new.mode):
            self._files[old.oid] = new.oid
            if old.name == layout.META_FILE:
                self._learn_meta(old.oid, new.oid)

    def _learn_names(self, before: Mapping[str, TreeEntry], after: Mapping[str, TreeEntry]) -> None:
        """Files that plain git put there, whose very names said too much."""
        gone = [before[name] for name in sorted(before.keys() - after.keys())]
        come = [after[name] for name in sorted(after.keys() - before.keys())]
        if len(gone) == len(come):
            self._renamed |= {(old.name, old.oid): new for old, new in zip(gone, come, strict=True)}

    def _learn_leaf(self, before: Mapping[str, TreeEntry], after: Mapping[str, TreeEntry]) -> None:
        old, strange = grouped(list(before.values()), newer=False)
        new, other = grouped(list(after.values()), newer=False)
        for digits, files in old.items():
            if digits in new and files.all != new[digits].all:
                self._groups[_group(files.all)] = _group(new[digits].all)
        left, right = {entry.name: entry for entry in strange}, {entry.name: entry for entry in other}
        for name in left.keys() & right.keys():
            self._learn_entry(left[name], right[name], -1)
        self._learn_names(left, right)

    def _learn_meta(self, old: str, new: str) -> None:
        try:
            before, after = jsontext.load(self._objects.blob(old)), jsontext.load(self._objects.blob(new))
        except ValueError:
            return
        self.learn_strings(before, after)

    def learn_strings(self, before: Any, after: Any) -> None:
        """Compare two JSON values of one shape, string by string; keys, too."""
        if isinstance(before, str) and isinstance(after, str):
            if before != after:
                self._strings[before] = after
        elif isinstance(before, dict) and isinstance(after, dict):
            gone = [key for key in before if key not in after]
            come = [key for key in after if key not in before]
            pairs = [(key, key) for key in before if key in after]
            if len(gone) == len(come):
                pairs += zip(gone, come, strict=True)
            for key, other in pairs:
                self.learn_strings(key, other)
                self.learn_strings(before[key], after[other])
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            for one, other in zip(before, after, strict=True):
                self.learn_strings(one, other)

    def drop(self, old: str, clean: Iterable[str]) -> None:
        """Let go what a tree has and no clean one has.

        Raises:
            CorruptObject: one of them is damaged, or not there.
        """
        self._made.clear()
        self._drops = True
        kept_groups: set[_Group] = set(self._groups)
        kept_strings: set[str] = set(self._strings)
        for tree in clean:
            kept_groups |= set(self._all_groups(tree))
            kept_strings |= set(self._meta_strings(tree))
        self._groups |= dict.fromkeys((group for group in self._all_groups(old) if group not in kept_groups), None)
        self._strings |= dict.fromkeys((text for text in self._meta_strings(old) if text not in kept_strings), None)

    def drop_text(self, text: str) -> None:
        """Let go a text, as a whole."""
        self._strings.setdefault(text, None)

    def _all_groups(self, tree: str) -> Iterator[_Group]:
        timeline = self._named(tree).get(layout.TIMELINE)
        for top in self._objects.tree(timeline.oid) if timeline is not None and timeline.mode == TREE else ():
            for middle in self._objects.tree(top.oid) if top.mode == TREE else ():
                if middle.mode == TREE:
                    groups, _ = grouped(self._objects.tree(middle.oid), newer=False)
                    yield from (_group(files.all) for _, files in sorted(groups.items()))

    def _meta_strings(self, tree: str) -> Iterator[str]:
        entry = self._named(tree).get(layout.META_FILE)
        if entry is None:
            return
        try:
            values = jsontext.load(self._objects.blob(entry.oid))
        except (ValueError, CorruptObject):
            return
        if isinstance(values, dict):
            yield from _strings([value for name, value in values.items() if name not in META_KEPT])

    # -- doing it -------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """A text that may be one of those that are others now, as a whole."""
        found = self._strings.get(text, text)
        return "" if found is None else found

    def subject(self, subject: str) -> str:
        """The first line of a commit's message, which may quote a title or a snapshot's description."""
        verb, colon, told = subject.partition(": ")
        if not colon:
            return self.text(subject)
        for old, new in self._strings.items():
            line = one_line(old)
            if told and (told == line or (told.endswith(_CUT) and line.startswith(told[:-1]))):
                return f"{verb}: {one_line(new or _CUT)}"
        return subject

    def tree(self, oid: str) -> str:
        """The tree that stands for a commit's tree.

        Raises:
            CorruptObject: it is damaged, or not there.
        """
        entries = self._objects.tree(oid)
        made: list[TreeEntry] = []
        for entry in entries:
            if entry.name == layout.TIMELINE and entry.mode == TREE:
                timeline = self._rebuilt(oid) if self._drops else self._folder(entry.oid, 0)
                made += [entry._replace(oid=timeline)] if timeline else []
            elif entry.name == layout.META_FILE and entry.oid not in self._files:
                made.append(entry._replace(oid=self._meta(entry.oid)))
            else:
                made.append(self._any(entry))
        return oid if made == list(entries) else self._objects.write_tree(made)

    def _folder(self, oid: str, depth: int) -> str:
        known = self._made.get((oid, depth))
        if known is not None:
            return known
        entries = self._objects.tree(oid)
        if depth == _LEAVES:
            made = self._leaf(entries)
        else:
            below = depth + 1 if depth >= 0 else -1
            made = [
                entry._replace(oid=self._folder(entry.oid, below)) if entry.mode == TREE else self._any(entry)
                for entry in entries
            ]
        result = oid if sorted(made) == sorted(entries) else self._objects.write_tree(made)
        self._made[oid, depth] = result
        return result

    def _leaf(self, entries: Sequence[TreeEntry]) -> list[TreeEntry]:
        groups, strange = grouped(entries, newer=False)
        made = [self._any(entry) for entry in strange]
        for digits, files in groups.items():
            chosen = self._groups.get(_group(files.all))
            made += files.all if chosen is None else _files(digits, chosen)
        return made

    def _any(self, entry: TreeEntry) -> TreeEntry:
        renamed = self._renamed.get((entry.name, entry.oid))
        if renamed is not None:
            return renamed
        if entry.mode == TREE:
            return entry._replace(oid=self._folder(entry.oid, -1))
        return entry._replace(oid=self._files.get(entry.oid, entry.oid))

    def _meta(self, oid: str) -> str:
        try:
            values = jsontext.load(self._objects.blob(oid))
        except ValueError:
            return oid
        if not isinstance(values, dict):
            return oid
        told = {name: value if name in META_KEPT else self._value(value) for name, value in values.items()}
        if told == values:
            return oid
        told |= {name: "" for name in ("title", "project_path") if told.get(name, "") is None}
        try:
            return self._objects.write("blob", encode_meta(Meta.model_validate(told)))
        except ValueError:  # of a newer format
            return self._objects.write("blob", jsontext.dump_document(told))

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._strings.get(value, value)
        if isinstance(value, list):
            return [told for item in value if (told := self._value(item)) is not None or item is None]
        if isinstance(value, dict):
            told = {self._strings.get(key, key): self._value(below) for key, below in value.items()}
            return {key: below for key, below in told.items() if key is not None}
        return value

    def _rebuilt(self, tree: str) -> str:
        """The timeline without what is let go: what stays moves together. Empty where nothing stays."""
        kept: list[_Group] = []
        for group in self._all_groups(tree):
            chosen = self._groups.get(group, group)
            kept += [chosen] if chosen is not None else []
        leaves: list[TreeEntry] = []
        for first in range(0, len(kept), layout.FANOUT):
            part = kept[first : first + layout.FANOUT]
            files = [file for number, group in enumerate(part) for file in _files(f"{number:02d}", group)]
            place = layout.Place.of(first)
            leaves.append(TreeEntry(TREE, f"{place.top}/{place.middle}", self._objects.write_tree(files)))
        tops: dict[str, list[TreeEntry]] = {}
        for leaf in leaves:
            top, _, middle = leaf.name.partition("/")
            tops.setdefault(top, []).append(leaf._replace(name=middle))
        made = [TreeEntry(TREE, top, self._objects.write_tree(below)) for top, below in tops.items()]
        return self._objects.write_tree(made) if made else ""

    def counts(self, tree: str) -> tuple[int, int]:
        """How many messages and tool executions a tree has."""
        labels = [group[-1][0].removeprefix("-").partition(".")[0] for group in self._all_groups(tree)]
        called = labels.count("call")
        return len(labels) - called, called

    @property
    def drops(self) -> bool:
        """Whether something is let go, so that positions and counts change."""
        return self._drops


def _group(files: Iterable[TreeEntry]) -> _Group:
    return tuple([(entry.name[_PLACE:], entry.oid) for entry in files])


def _files(digits: str, group: _Group) -> list[TreeEntry]:
    return [TreeEntry(BLOB, digits + ending, oid) for ending, oid in group]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, below in value.items():
            yield key
            yield from _strings(below)
