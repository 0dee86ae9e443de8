"""What a save is about to write: the states on the way and the last one, and the commit they go on top of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from superqode.session.codec.meta import Meta
from superqode.session.models import Entry, Message, Session, Snapshot, Step
from superqode.session.models.timeline import common_prefix
from superqode.session.store.state import Tree

__all__ = ["MANY", "MOVES", "Draft", "Line", "drafts"]

# From so many new entries on, a file for each object would cost more than what is in it.
MANY: Final = 500
MOVES: Final = frozenset(("restore", "undo", "redo"))


@dataclass(frozen=True, slots=True)
class Line:
    """What a new commit goes on top of.

    `known[:keep]` are the first entries of its timeline, which has `count` of them.
    """

    commit: str | None
    tree: Tree | None
    known: Sequence[Entry]
    keep: int
    count: int
    messages: int = 0
    saved_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_much(self) -> bool:
        """Whether so much comes on top of it that it better goes into a pack."""
        return len(self.known) - self.keep >= MANY

    def shared(self, entries: Sequence[Entry]) -> int:
        """How many leading entries of the timeline are surely those of `entries`."""
        return self.keep if entries is self.known else min(self.keep, common_prefix(self.known, entries))


@dataclass(frozen=True, slots=True)
class Draft:
    """A state that is to become a commit."""

    kind: str
    entries: Sequence[Entry]
    meta: Meta
    messages: int
    updated_at: datetime
    subject: str = ""
    snapshot: Snapshot | None = None


def drafts(session: Session, line: Line, subject: str) -> list[Draft]:
    """Give the states that a save turns into commits: the steps since the last one, then the present state."""
    meta = Meta.of(session, line.tree.meta if line.tree is not None else None)
    planned = [_step_draft(session, meta, step) for step in session._steps]
    forked = line.commit is not None and line.tree is not None and line.tree.meta.id != session.id
    order = session._timeline.entries
    if forked and not subject and line.keep == len(order):
        subject = f"fork: {session.title}"
    if line.commit is None and not order and not planned:
        subject = f"new: {session.title or session.id}"
    planned.append(Draft("save", order, meta, session._timeline.messages, session.updated_at, subject))
    return planned


def _step_draft(session: Session, meta: Meta, step: Step) -> Draft:
    state = step.state
    lists = {name: getattr(state, name) for name in ("files_modified", "files_created", "agents_used")}
    count = sum(1 for entry in state.entries if isinstance(entry, Message))
    moved = step.kind in MOVES and step.snapshot is not None
    subject = f"{step.kind}: {step.snapshot.description or step.snapshot.id}" if moved and step.snapshot else ""
    return Draft(
        step.kind,
        state.entries,
        meta.model_copy(update=lists),
        count,
        session.updated_at,
        subject,
        step.snapshot,
    )
