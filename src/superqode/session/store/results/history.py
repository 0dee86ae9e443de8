"""The saves of a session, and what is between two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from superqode.session.store.results.record import Record

__all__ = ["Change", "SaveRecord", "SessionDiff"]


@dataclass(frozen=True, slots=True)
class SaveRecord(Record):
    """One save in a session's history.

    Attributes:
        commit: its commit id.
        parents: the commits before it.
        saved_at: when.
        subject: its story in one line.
        author: who spoke last.
        messages: messages after the save.
        executions: tool executions after the save.
        messages_added: how many of them it brought.
        executions_added: how many of them it brought.
        session_id: the session it was saved under (another one before a fork).
        restores: the commit it goes back to, or empty.
        action: `save`, `restore`, `undo`, `redo`, `fork` or `merge`.
        snapshots: ids of the snapshots that name it.
    """

    commit: str
    parents: tuple[str, ...]
    saved_at: datetime
    subject: str
    author: str
    messages: int
    executions: int
    messages_added: int
    executions_added: int
    session_id: str
    restores: str
    action: str
    snapshots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change(Record):
    """One difference between two states; `kind` says what `before` and `after` are.

    Of what was `moved` past entries that both have, these are its places among the entries, from 0.
    """

    kind: Literal["added", "removed", "changed", "moved", "field"]
    name: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class SessionDiff(Record):
    """What turns state `a` into state `b`.

    Attributes:
        a: the first revision, as a commit id.
        b: the second revision, as a commit id.
        common: how many leading entries are the same.
        changes: entries removed, added and changed (their plain values) or moved, then the fields that differ.
    """

    a: str
    b: str
    common: int
    changes: tuple[Change, ...]
