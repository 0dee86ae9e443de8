"""`Selection`: which part of a session is exported, and whether its secrets are masked; applied before any exporter."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from superqode.session import ids
from superqode.session.models import Entry, Message, MessageRole, Session, Snapshot, SnapshotState, thaw

__all__ = ["Masking", "Selected", "Selection"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
_STEM_MAX: Final = 100
_DIGEST: Final = 8


class _Masked(Protocol[T_co]):
    @property
    def value(self) -> T_co: ...

    @property
    def masked(self) -> Sequence[object]: ...


class Masking(Protocol):
    """What masks secrets: `superqode.session.redaction.Redactor` does."""

    def value(self, value: T) -> _Masked[T]:
        """Mask the secrets in all strings of a JSON value."""

    def entry(self, entry: Entry) -> _Masked[Entry]:
        """Mask the secrets in everything an entry says."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection gave.

    Attributes:
        session: what is to be exported; the very session that was given where nothing was left out or masked. Else it
            has an id of its own and the given one as parent, so that an import of it never replaces the whole one, and
            `metadata["excerpt"]` says `of`, `entries`, `left_out`, `without_tools`, `masked`.
        left_out: how many entries were left out.
        masked: how many secrets were masked.
    """

    session: Session
    left_out: int = 0
    masked: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of a session is exported.

    Attributes:
        last: only the last so many messages and tool executions, at least 1; `None` for all. The snapshots of a
            session that is cut are left out: what they go back to is not there.
        tools: whether tool executions, tool messages and the calls that messages ask for are part of it.
        redactor: masks secrets; `None` leaves them.
    """

    last: int | None = None
    tools: bool = True
    redactor: Masking | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.last is not None and self.last < 1:
            raise ValueError("last must be at least 1: an export of nothing is none")

    def apply(self, session: Session) -> Selected:
        """Select from a session, which stays as it is.

        Raises:
            CorruptSession: a snapshot whose state is needed is damaged.
        """
        if self == Selection():
            return Selected(session)
        order = session.timeline
        entries = list(self._without_tools(order))
        cut = self.last is not None and len(entries) > self.last
        entries = entries[-self.last :] if cut and self.last is not None else entries
        work = _Work(self.redactor)
        excerpt = Session(id=session.id, created_at=session.created_at)
        for entry in entries:
            excerpt.add(work.entry(entry))
        for name in ("title", "project_path", "files_modified", "files_created", "agents_used", "tags", "metadata"):
            setattr(excerpt, name, work.value(thaw(getattr(session, name))))
        excerpt.parent_session_id = session.parent_session_id
        excerpt.updated_at = session.updated_at
        excerpt.snapshots = [] if cut else [self._snapshot(snapshot, work) for snapshot in session.snapshots]
        left_out = len(order) - len(entries)
        if entries == order and not work.masked:
            return Selected(session)
        excerpt.id = self._id(session.id)
        excerpt.parent_session_id = session.id
        excerpt.metadata["excerpt"] = {
            "of": session.id,
            "entries": len(entries),
            "left_out": left_out,
            "without_tools": not self.tools,
            "masked": work.masked,
        }
        return Selected(excerpt, left_out, work.masked)

    def _without_tools(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        for entry in entries:
            if self.tools:
                yield entry
            elif isinstance(entry, Message) and entry.role is not MessageRole.TOOL:
                if not entry.tool_calls:
                    yield entry
                elif entry.content or entry.metadata.get("thinking"):
                    yield entry.model_copy(update={"tool_calls": None})

    def _snapshot(self, snapshot: Snapshot, work: _Work) -> Snapshot:
        state = snapshot.state
        lists = (tuple(work.value(list(told))) for told in (state.files_modified, state.files_created))
        modified, created = lists
        entries = tuple(work.entry(entry) for entry in self._without_tools(state.entries))
        seen = SnapshotState(entries, modified, created, tuple(work.value(list(state.agents_used))))
        return Snapshot(snapshot.id, work.value(snapshot.description), snapshot.created_at, state=seen)

    def _id(self, session_id: str) -> str:
        """An id of its own: the same for the same selection from the same session."""
        told = f"{session_id}\0{self.last}\0{self.tools}\0{self.redactor is not None}"
        digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
        stem = session_id if ids.is_session_id(session_id) else "session"
        return f"{stem[:_STEM_MAX]}-excerpt-{digest}"


class _Work:
    """Masks and counts; entries that stand in the timeline and in snapshots are looked through once."""

    def __init__(self, redactor: Masking | None) -> None:
        self._redactor = redactor
        self._seen: dict[str, tuple[Entry, Entry]] = {}
        self.masked = 0

    def value(self, value: Any) -> Any:
        if self._redactor is None:
            return value
        told = self._redactor.value(value)
        self.masked += len(told.masked)
        return told.value

    def entry(self, entry: Entry) -> Entry:
        if self._redactor is None:
            return entry
        known = self._seen.get(entry.id)
        if known is not None and known[0] == entry:
            return known[1]
        told = self._redactor.entry(entry)
        self.masked += len(told.masked)
        self._seen.setdefault(entry.id, (entry, told.value))
        return told.value
