"""Trees of two scrubs of one commit, put together file by file: what either took out is out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from superqode.session.codec import jsontext, layout
from superqode.session.codec.entry import decode_entry, encode_entry
from superqode.session.codec.meta import Meta, decode_meta, encode_meta
from superqode.session.errors import InvalidEntry, InvalidSession
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.git.objects import Objects
from superqode.session.models import Entry
from superqode.session.store.combining import combine_entries, combine_text, combine_values
from superqode.session.store.rewrite_files import META_KEPT, EntryParts, grouped

__all__ = ["TreeJoiner"]

_LEAVES: Final = 2


class TreeJoiner:
    """Puts trees together.

    Args:
        objects: where they are, and where new ones are written.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._made: dict[tuple[str, str, int], str] = {}

    def join(self, one: str, other: str) -> str:
        """The tree that has neither what is out in one nor what is out in the other.

        Raises:
            CorruptObject: one of them is damaged, or not there.
        """
        return self._folder(one, other, -2)

    def _folder(self, one: str, other: str, depth: int) -> str:
        """`depth`: how far below the timeline; -2 for a commit's own tree, -1 for any other."""
        if one == other:
            return one
        key = (one, other, depth) if one < other else (other, one, depth)
        known = self._made.get(key)
        if known is None:
            known = self._made[key] = self._joined(key[0], key[1], depth)
        return known

    def _joined(self, one: str, other: str, depth: int) -> str:
        left, right = list(self._objects.tree(one)), list(self._objects.tree(other))
        made: list[TreeEntry] = []
        if depth == _LEAVES:
            groups, left = grouped(left, newer=False)
            others, right = grouped(right, newer=False)
            for digits, files in groups.items():
                if digits in others:
                    made += self._entry(digits, files, others[digits])
        made += self._by_name(left, right, depth)
        return self._objects.write_tree(made)

    def _by_name(self, left: Sequence[TreeEntry], right: Sequence[TreeEntry], depth: int) -> list[TreeEntry]:
        """Files of both; one whose very name either took out goes with its other name."""
        others = {entry.name: entry for entry in right}
        return [
            entry._replace(oid=self._any(entry, others[entry.name], depth))
            for entry in left
            if entry.name in others and others[entry.name].mode == entry.mode
        ]

    def _any(self, one: TreeEntry, other: TreeEntry, depth: int) -> str:
        if one.oid == other.oid:
            return one.oid
        if one.mode == TREE:
            timeline = depth == -2 and one.name == layout.TIMELINE
            return self._folder(one.oid, other.oid, 0 if timeline else depth + 1 if 0 <= depth < _LEAVES else -1)
        if not one.mode.startswith("1"):
            return one.oid
        if depth == -2 and one.name == layout.META_FILE:
            return self._meta(one.oid, other.oid)
        return self._text(one.oid, other.oid)

    def _text(self, one: str, other: str) -> str:
        texts = [self._objects.blob(oid).decode("utf-8", "surrogateescape") for oid in (one, other)]
        return self._objects.write("blob", combine_text(*texts).encode("utf-8", "surrogateescape"))

    def _meta(self, one: str, other: str) -> str:
        try:
            for oid in (one, other):
                decode_meta(self._objects.blob(oid))
        except InvalidSession:
            return self._text(one, other)
        values, others = (jsontext.load(self._objects.blob(oid)) for oid in (one, other))
        told = {
            name: value if name in META_KEPT else combine_values(value, others.get(name))
            for name, value in values.items()
        }
        return self._objects.write("blob", encode_meta(Meta.model_validate(told)))

    def _entry(self, digits: str, one: EntryParts, other: EntryParts) -> list[TreeEntry]:
        if one.all == other.all:
            return one.all
        try:
            both = [self._decoded(parts) for parts in (one, other)]
            made = combine_entries(*both)
        except InvalidEntry:
            return self._by_name(one.all, other.all, -1)
        return [TreeEntry(BLOB, name, self._objects.write("blob", data)) for name, data in encode_entry(made, digits)]

    def _decoded(self, parts: EntryParts) -> Entry:
        if parts.json is None:
            raise InvalidEntry("an entry without its own file")
        side = b"".join([self._objects.blob(entry.oid) for entry in parts.sides]) if parts.sides else None
        return decode_entry(self._objects.blob(parts.json.oid), parts.label, side)
