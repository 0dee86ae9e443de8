"""Which session is a fork of which: the listing as a forest, each fork after what it is a fork of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superqode.session.store.results import SessionSummary

__all__ = ["Branching", "family_of", "walk_lineage"]

# A session, and for each ancestor from the root down to itself whether it is the last of its siblings.
Branching = tuple[SessionSummary, tuple[bool, ...]]


def walk_lineage(found: Sequence[SessionSummary]) -> Iterator[Branching]:
    """Give each session after its parent, siblings by the time they were made.

    A parent may be missing, and hostile data may name parents in a circle: each session comes once anyway.

    Args:
        found: the sessions, in any order.
    """
    children: dict[str | None, list[SessionSummary]] = {}
    known = {item.id for item in found}
    for item in sorted(found, key=lambda item: item.created_at):
        parent = item.parent_session_id
        children.setdefault(parent if parent in known and parent != item.id else None, []).append(item)
    seen: set[str] = set()
    # A circle hangs on no root, so whatever no root leads to is tried as a root as well.
    for group in (children.get(None, []), found):
        stack: list[Branching] = [(item, (True,)) for item in reversed(group)]
        while stack:
            item, lasts = stack.pop()
            if item.id in seen:
                continue
            seen.add(item.id)
            yield item, lasts
            forks = children.get(item.id, [])
            stack += [(fork, (*lasts, fork is forks[-1])) for fork in reversed(forks)]


def family_of(found: Sequence[SessionSummary], session_id: str) -> list[Branching]:
    """Give the tree that a session is in, as `walk_lineage` does; nothing where it is not there.

    Args:
        found: all sessions, in any order.
        session_id: the session.
    """
    # Most sessions are nobody's fork and have none.
    parents = {item.parent_session_id for item in found}
    related = [item for item in found if item.parent_session_id or item.id in parents or item.id == session_id]
    tree: list[Branching] = []
    seen = False
    for item, lasts in walk_lineage(related):
        if len(lasts) == 1:  # a root
            if seen:
                break
            tree.clear()
        tree.append((item, lasts))
        seen = seen or item.id == session_id
    return tree if seen else []
