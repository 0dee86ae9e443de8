"""Two lives of one session since a common save, made one in memory. Pure: values in, values out.

Entries are matched by id. What the other writer put at a place comes first there, what we put there follows; what
either removed is removed, unless the other changed it. Lists merge as ordered sets. Any other field is ours where we
changed it: we are the later ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

from superqode.session.codec.meta import Meta
from superqode.session.models import Entry
from superqode.session.models.timeline import common_prefix
from superqode.session.store.weave import weave

__all__ = ["merge_entries", "merge_list", "merge_mapping", "merge_meta", "without_created"]

T = TypeVar("T", bound=Hashable)


def merge_entries(base: Sequence[Entry], ours: Sequence[Entry], theirs: Sequence[Entry]) -> list[Entry]:
    """Give the timeline that has both sides' changes since `base`."""
    same = min(common_prefix(base, ours), common_prefix(base, theirs))
    before, mine, others = ({entry.id: entry for entry in side[same:]} for side in (base, ours, theirs))
    edited = [
        [name for name, entry in side.items() if name in before and _differ(entry, before[name])]
        for side in (others, mine)
    ]
    later = {name for name in mine if name not in before}.union(edited[1])
    merged = weave(tuple(before), tuple(others), tuple(mine), (edited[0], edited[1]))
    return [
        *base[:same],
        *(mine[name] if name in later and mine[name] != others.get(name) else others[name] for name in merged),
    ]


def _differ(one: Entry, other: Entry) -> bool:
    return one is not other and one != other


def merge_list(base: Sequence[T], ours: Sequence[T], theirs: Sequence[T]) -> list[T]:
    """Give the ordered set that has both sides' changes."""
    return weave(base, theirs, ours)


def merge_mapping(base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Give the mapping that has both sides' changes, key by key; ours where both changed one."""
    missing = object()
    merged: dict[str, Any] = {}
    for key in [*theirs, *[key for key in ours if key not in theirs]]:
        old, own, other = base.get(key, missing), ours.get(key, missing), theirs.get(key, missing)
        chosen = other if own == old else own
        if chosen is not missing:
            merged[key] = chosen
    return merged


def merge_meta(base: Meta, ours: Meta, theirs: Meta) -> Meta:
    """Give the `session.json` that has both sides' changes."""
    merged: dict[str, Any] = {}
    for name in Meta.model_fields:
        old, own, other = getattr(base, name), getattr(ours, name), getattr(theirs, name)
        if isinstance(own, tuple):
            merged[name] = tuple(merge_list(old, own, other))
        elif isinstance(own, dict):
            merged[name] = merge_mapping(old, own, other)
        else:
            merged[name] = other if own == old else own
    return without_created(merged)


def without_created(fields: dict[str, Any]) -> Meta:
    """Make a merged `session.json`: a file that one side created and the other modified was created."""
    created = frozenset(fields["files_created"])
    fields["files_modified"] = tuple(path for path in fields["files_modified"] if path not in created)
    return Meta.model_validate(fields)
