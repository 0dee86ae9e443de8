"""Names that cannot stand beside each other in one store: which of two sessions gets another one."""

from __future__ import annotations

import re

from superqode.session.sync.view import HEADS, TAGS, View

__all__ = ["other_name", "settle_names"]

_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


def other_name(session_id: str, tip: str) -> str:
    """The id that a session gets which cannot have its own: every machine finds the same."""
    return f"{_STRANGE.sub('-', session_id).strip('-.')[:100] or 'session'}-{tip[:8]}"


def settle_names(result: View, ours: View) -> dict[str, str]:
    """Rename sessions whose branches could not stand beside others: alike but for case, or one above the other.

    Ours keep their names. Changes `result`; gives the new ids by the old ones.
    """
    renamed: dict[str, str] = {}
    taken: dict[str, str] = {}
    above: set[str] = set()
    branches = [name for name in result if name.startswith(HEADS)]
    for name in sorted(branches, key=lambda name: (name not in ours, name)):
        folded = name.casefold()
        parents = {folded[:at] for at, letter in enumerate(folded) if letter == "/" and at >= len(HEADS)}
        if folded in taken or folded in above or any(parent in taken for parent in parents):
            old = name.removeprefix(HEADS)
            renamed[old] = other_name(old, result[name])
            continue
        taken[folded] = name
        above |= parents
    for old, new in renamed.items():
        result[HEADS + new] = result.pop(HEADS + old)
        for name in [name for name in result if name.startswith(f"{TAGS}{old}/") and name not in ours]:
            result[f"{TAGS}{new}/{name.rpartition('/')[2]}"] = result.pop(name)
    return renamed
