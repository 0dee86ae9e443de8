"""Two lives of one session since a common save, made one. Pure: values in, values out.

Entries are matched by id. What the other writer stored stays in its order; what we added follows; what we removed is
removed; what we changed is changed. Lists merge as ordered sets. Any other field is ours where we changed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from superqode.session.codec.meta import Meta
from superqode.session.models import Entry

__all__ = ["merge_entries", "merge_list", "merge_mapping", "merge_meta"]

T = TypeVar("T")


def merge_entries(base: Sequence[Entry], ours: Sequence[Entry], theirs: Sequence[Entry]) -> list[Entry]:
    """Give the timeline that has both sides' changes since `base`."""
    before = {entry.id: entry for entry in base}
    mine = {entry.id: entry for entry in ours}
    merged: list[Entry] = []
    placed: set[str] = set()
    for entry in theirs:
        old, own = before.get(entry.id), mine.get(entry.id)
        if old is not None and own is None:
            continue  # we removed it
        placed.add(entry.id)
        changed = own is not None and own is not old and own != old
        merged.append(own if changed and own is not None else entry)
    merged += [entry for entry in ours if entry.id not in placed and before.get(entry.id) != entry]
    return merged


def merge_list(base: Sequence[T], ours: Sequence[T], theirs: Sequence[T]) -> list[T]:
    """Give the ordered set that has both sides' changes."""
    kept = [item for item in theirs if item in ours or item not in base]
    return list(dict.fromkeys([*kept, *[item for item in ours if item not in base]]))


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
    created = merged["files_created"]
    merged["files_modified"] = tuple(path for path in merged["files_modified"] if path not in created)
    return Meta.model_validate(merged)
