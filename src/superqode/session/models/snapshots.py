"""Snapshots: named states of a session that can be gone back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from superqode.session import clock
from superqode.session.models.entries import Entry, Message, ToolExecution

__all__ = ["Snapshot", "SnapshotState", "Step"]


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """What a snapshot goes back to: the timeline, the files and the agents; title, tags and metadata are not in it.

    `state["messages"]` works as well as `state.messages`.
    """

    entries: tuple[Entry, ...]
    files_modified: tuple[str, ...] = ()
    files_created: tuple[str, ...] = ()
    agents_used: tuple[str, ...] = ()

    @property
    def messages(self) -> list[Message]:
        """The messages, in order."""
        return [entry for entry in self.entries if isinstance(entry, Message)]

    @property
    def tool_executions(self) -> list[ToolExecution]:
        """The tool executions, in order."""
        return [entry for entry in self.entries if isinstance(entry, ToolExecution)]

    def __getitem__(self, name: str) -> Any:
        return self.to_dict()[name]

    def to_dict(self) -> dict[str, Any]:
        """Give the state in the contract's shape, with whole messages and executions."""
        return {
            "files_modified": list(self.files_modified),
            "files_created": list(self.files_created),
            "agents_used": list(self.agents_used),
            "messages": [message.to_dict() for message in self.messages],
            "tool_executions": [call.to_dict() for call in self.tool_executions],
            "timeline": [entry.id for entry in self.entries],
        }

    def to_reference(self, known: Mapping[str, Entry]) -> dict[str, Any]:
        """Give the state with ids for the entries in `known`, which an export holds already, and the others whole."""
        return {
            "files_modified": list(self.files_modified),
            "files_created": list(self.files_created),
            "agents_used": list(self.agents_used),
            "timeline": [entry.id if known.get(entry.id) == entry else entry.to_dict() for entry in self.entries],
        }


class Snapshot:
    """A named state of a session.

    Attributes:
        id: unique in its session.
        description: what it is for, one line or more.
        created_at: when, aware UTC.
        commit: the commit it names, 40 hex digits; empty until the session was saved.
        state: the state itself, read from the store when first asked for.
    """

    __slots__ = ("_load", "_state", "commit", "created_at", "description", "id")

    def __init__(
        self,
        id: str,  # noqa: A002 - the contract's field name
        description: str,
        created_at: datetime,
        *,
        state: SnapshotState | None = None,
        commit: str = "",
        load: Callable[[], SnapshotState] | None = None,
    ) -> None:
        self.id = id
        self.description = description
        self.created_at = created_at
        self.commit = commit
        self._state = state
        self._load = load

    @property
    def state(self) -> SnapshotState:
        """The state; raises what reading the store raises."""
        if self._state is None:
            if self._load is None:
                raise AttributeError(f"snapshot {self.id} was made without a state")
            self._state = self._load()
        return self._state

    def copy(self) -> Snapshot:
        """Give one that can be saved on its own; the state, which never changes, is shared."""
        return Snapshot(
            self.id, self.description, self.created_at, state=self._state, commit=self.commit, load=self._load
        )

    def place(self) -> tuple[datetime, str]:
        """What a session's snapshots are sorted by: the oldest is first."""
        return self.created_at, self.id

    def to_dict(self) -> dict[str, Any]:
        """Give the snapshot in the contract's shape."""
        return {
            "id": self.id,
            "created_at": clock.format_time(self.created_at),
            "description": self.description,
            "state": self.state.to_dict(),
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return (self.id, self.description, self.created_at) == (other.id, other.description, other.created_at)

    def __hash__(self) -> int:
        return hash((self.id, self.created_at))

    def __repr__(self) -> str:
        return f"Snapshot(id={self.id!r}, description={self.description!r}, created_at={self.created_at!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle holds the state itself: the reader of the store it came from does not travel.
        return _unpickle, (self.id, self.description, self.created_at, self.state, self.commit)


def _unpickle(snapshot_id: str, description: str, created_at: datetime, state: SnapshotState, commit: str) -> Snapshot:
    return Snapshot(snapshot_id, description, created_at, state=state, commit=commit)


@dataclass(frozen=True, slots=True)
class Step:
    """Something done to a session in memory that the next save turns into a commit of its own.

    Attributes:
        kind: `save` (a state on the way), `snapshot` (a state that gets a tag), `restore`, `undo`, `redo` (a way back).
        state: the session's state right after the step.
        snapshot: the snapshot made or gone back to.
    """

    kind: Literal["save", "snapshot", "restore", "undo", "redo"]
    state: SnapshotState
    snapshot: Snapshot | None = None
