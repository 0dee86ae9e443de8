"""A stored session that goes on: what its source tells by now, put beside what people did to it meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from superqode.session.models import Entry, Session, thaw
from superqode.session.store.merge import merge_list, merge_mapping

__all__ = ["Told", "grow", "lined_up"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a source told of a session besides its entries, the last time it was asked."""

    title: str = ""
    files_created: tuple[str, ...] = ()
    files_modified: tuple[str, ...] = ()
    agents_used: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def by(cls, session: Session) -> Self:
        """Take it from a session as the source tells it."""
        return cls(
            session.title,
            tuple(session.files_created),
            tuple(session.files_modified),
            tuple(session.agents_used),
            thaw(session.metadata),
        )


def grow(session: Session, told: Session, before: Told) -> None:
    """Bring a session up to what its source tells now. People's own entries, title, tags and metadata stay.

    Args:
        session: the session as it is stored; changed in place, and not saved.
        told: the whole session as the source tells it, with the same objects for entries that did not change.
        before: what the source told the last time.
    """
    session._set_order(lined_up(session._order(), told._order()))
    for name in ("files_created", "files_modified", "agents_used"):
        merged = merge_list(getattr(before, name), getattr(told, name), getattr(session, name))
        getattr(session, name)[:] = merged
    if session.title == before.title:
        session.title = told.title
    session.metadata = merge_mapping(before.metadata, told.metadata, session.metadata)
    session.project_path = session.project_path or told.project_path
    session.updated_at = max(session.updated_at, told.updated_at)


def lined_up(stored: Sequence[Entry], told: Sequence[Entry]) -> list[Entry]:
    """Give the source's entries in its order, and each other stored one behind the entry that it followed."""
    own = {entry.id for entry in told}
    behind: dict[str, list[Entry]] = {}
    last = ""
    for entry in stored:
        if entry.id in own:
            last = entry.id
        else:
            behind.setdefault(last, []).append(entry)
    lined = list(behind.get("", ()))
    for entry in told:
        lined += [entry, *behind.get(entry.id, ())]
    return lined
