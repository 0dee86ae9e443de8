"""What the log of operations tells, as small frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from superqode.session.store.results import Record

__all__ = ["Operation", "OperationSession", "UndoneOperation"]


@dataclass(frozen=True, slots=True)
class OperationSession(Record):
    """A session that an operation was done to, by its id and its title then."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Operation(Record):
    """Something that moved or removed sessions, snapshots or shares.

    Attributes:
        number: counted from the newest, which is 1; 0 where it was cut short before anything had moved.
        id: its id; it stays, whatever comes after.
        verb: what was done: `delete`, `undelete`, `rename`, `restore`, `undo`, `redo`, `replace`, `import`, `reimport`,
            `merge`, `repair`, `prune`, `purge`, `scrub`, `revoke`, `expire`, `sync`, or `ops-undo`: another one was
            taken back.
        at: when.
        by: by whom.
        sessions: the sessions it was done to.
        share: the share's id; empty where it is about none.
        renamed_to: the session's id afterwards; empty where it was no renaming.
        undoes: the id of the operation it took back, or empty.
        taken_back_by: the id of the operation that took it back, or empty.
        happened: whether anything moved; one that was cut short before has the number 0.
        running: whether it runs at this moment, and may move more.
        interrupted: whether it was cut short, and may have done only a part; one that takes another one back did not
            come to its end then, and the other one is still in effect.
        final: whether it cannot be taken back, because nothing is kept of what was there before.
        moves: the refs that moved: name, where it was, where it is then; empty where it was not there.
    """

    number: int
    id: str
    verb: str
    at: datetime
    by: str
    sessions: tuple[OperationSession, ...]
    share: str
    renamed_to: str
    undoes: str
    taken_back_by: str
    happened: bool
    running: bool
    interrupted: bool
    final: bool
    moves: tuple[tuple[str, ...], ...]

    def taken_back(self, by: str) -> Operation:
        """The same one, once the operation of an id took it back."""
        return replace(self, taken_back_by=by)


@dataclass(frozen=True, slots=True)
class UndoneOperation(Record):
    """What taking an operation back did, or in a dry run would do.

    Attributes:
        operation: the operation.
        by: the id of the operation that took it back; empty in a dry run.
        changes: what changed, a line each.
        share: a share that is back here and waits to be pushed to its remote again; empty for none.
        dry_run: whether it was only told.
    """

    operation: Operation
    by: str
    changes: tuple[str, ...]
    share: str = ""
    dry_run: bool = False
