"""Entries → trees. Only the last directories change on append, so a save costs the same at any length."""

from __future__ import annotations

from collections.abc import Sequence

from superqode.session.codec.entry import encode_entry
from superqode.session.codec.layout import FANOUT, MAX_ENTRIES, Place, parse_name
from superqode.session.errors import CorruptObject, InvalidSession
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.git.objects import Objects
from superqode.session.models import Entry

__all__ = ["common_entries", "count_entries", "write_timeline"]


def write_timeline(objects: Objects, base: str | None, keep: int, added: Sequence[Entry]) -> str | None:
    """Write the timeline that has the first `keep` entries of `base`, then `added`; gives its tree or `None` if empty.

    Args:
        objects: where to write.
        base: the timeline to begin with.
        keep: how many of its entries stay.
        added: what follows them.

    Raises:
        InvalidSession: a timeline holds at most 100,000,000 entries.
    """
    if keep + len(added) > MAX_ENTRIES:
        raise InvalidSession(f"A session holds at most {MAX_ENTRIES:,} entries. Go on in a new one")
    if keep + len(added) == 0:
        return None
    first = Place.of(keep)
    groups: dict[tuple[str, str], list[tuple[Place, Entry]]] = {}
    if first.digits != Place.of(0).digits:  # a directory that is only cut short has to be written too
        groups[first.top, first.middle] = []
    for number, entry in enumerate(added, keep):
        place = Place.of(number)
        groups.setdefault((place.top, place.middle), []).append((place, entry))
    return _write(objects, base, first, groups)


def _write(
    objects: Objects, base: str | None, first: Place, groups: dict[tuple[str, str], list[tuple[Place, Entry]]]
) -> str:
    top = _oid_of(objects, base, first.top)
    middle = _oid_of(objects, top, first.middle)
    by_top: dict[str, list[TreeEntry]] = {}
    if _kept(objects, top, first.middle):  # it may only be cut short, too
        by_top[first.top] = []
    for (upper, lower), placed in sorted(groups.items()):
        begun = middle if (upper, lower) == (first.top, first.middle) else None
        leaf = _extend(objects, begun, first.digits, _write_entries(objects, placed))
        by_top.setdefault(upper, []).append(TreeEntry(TREE, lower, leaf))
    made = [
        TreeEntry(TREE, upper, _extend(objects, top if upper == first.top else None, first.middle, entries))
        for upper, entries in by_top.items()
    ]
    return _extend(objects, base, first.top, made)


def _extend(objects: Objects, base: str | None, before: str, added: list[TreeEntry]) -> str:
    return objects.extend_tree(base, _kept(objects, base, before), added)


def _write_entries(objects: Objects, placed: Sequence[tuple[Place, Entry]]) -> list[TreeEntry]:
    return [
        TreeEntry(BLOB, name, objects.write("blob", data))
        for place, entry in placed
        for name, data in encode_entry(entry, place.digits)
    ]


def _oid_of(objects: Objects, tree: str | None, name: str) -> str | None:
    if tree is None:
        return None
    # Nearly always the last one is wanted.
    return next((entry.oid for entry in reversed(objects.tree(tree)) if entry.name == name), None)


def _kept(objects: Objects, tree: str | None, before: str) -> int:
    """How many entries of a tree have names that begin before this one; nearly always all, or all but the last."""
    if tree is None:
        return 0
    entries = objects.tree(tree)
    count = len(entries)
    while count and entries[count - 1].name[: len(before)] >= before:
        count -= 1
    return count


def common_entries(objects: Objects, left: str | None, right: str | None) -> int:
    """How many leading entries two timelines share, found by comparing tree ids from the top."""
    if left is None or right is None:
        return 0
    if left == right:
        return _count(objects, left, 2)
    return _common(objects, left, right, 2)


def _common(objects: Objects, left: str, right: str, depth: int) -> int:
    if depth == 0:
        return _common_files(objects.tree(left), objects.tree(right))
    total = 0
    for one, other in zip(objects.tree(left), objects.tree(right), strict=False):
        if one.name != other.name:
            break
        if one.oid != other.oid:
            return total + _common(objects, one.oid, other.oid, depth - 1)
        total += _count(objects, one.oid, depth - 1)
    return total


def _count(objects: Objects, tree: str, depth: int) -> int:
    entries = objects.tree(tree)
    if not entries:
        return 0
    if depth == 0:
        last = parse_name(entries[-1].name)
        if last is None:
            raise CorruptObject(tree, f"its name {entries[-1].name!r} is none of the format's")
        return int(last.digits) + 1
    # All directories but the last are full: entries are only ever appended.
    full: int = (len(entries) - 1) * FANOUT**depth
    return full + _count(objects, entries[-1].oid, depth - 1)


def _common_files(left: Sequence[TreeEntry], right: Sequence[TreeEntry]) -> int:
    ones: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for entries, found in ((left, ones), (right, others)):
        for entry in entries:
            found.setdefault(entry.name[:2], []).append(entry.name + entry.oid)
    total = 0
    for digits in sorted(ones):
        if ones[digits] != others.get(digits):
            break
        total += 1
    return total


def count_entries(objects: Objects, timeline: str | None) -> int:
    """How many entries a timeline has, from its tree alone."""
    return 0 if timeline is None else _count(objects, timeline, 2)
