"""What the store's methods give back: small frozen values, with `value["field"]` for callers of the old store."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from superqode.session import clock

__all__ = [
    "Change",
    "Finding",
    "MaintenanceReport",
    "MergeResult",
    "PurgeResult",
    "Record",
    "RepairReport",
    "RepairStep",
    "SaveRecord",
    "SaveResult",
    "SearchHit",
    "SessionDiff",
    "SessionSummary",
    "TrashItem",
    "VerifyReport",
]


class Record:
    """What all of them share: `value["field"]`, `get`, `to_dict`."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def get(self, name: str, default: Any = None) -> Any:
        """As `dict.get`."""
        return getattr(self, name, default)

    def to_dict(self) -> dict[str, Any]:
        """Give the value as plain JSON values."""
        return {name: _plain(value) for name, value in asdict(self).items()}  # type: ignore[call-overload]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.format_time(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class SaveResult(Record):
    """What a save did.

    Attributes:
        session_id: the session.
        commits: ids of the commits it made, oldest first; empty when nothing had changed.
        tip: the branch's commit afterwards.
        messages_added: messages this save brought into the branch.
        executions_added: tool executions this save brought into the branch.
        merged: entries of other writers that the session took in.
        snapshots: ids of the snapshots this save tagged.
        notice: one line for people where something unusual happened, else empty.
    """

    session_id: str
    commits: tuple[str, ...]
    tip: str
    messages_added: int = 0
    executions_added: int = 0
    merged: int = 0
    snapshots: tuple[str, ...] = ()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class MergeResult(Record):
    """What merging another tip into a session did, or in a dry run would do.

    Attributes:
        session_id: the session that took it in.
        other: what was merged: a session's id, a ref or a commit, as it was named.
        status: `merged`, `forwarded` (the other had all of this one: no merge was needed), or `nothing` (this one had
            all of the other).
        tip: the branch's commit afterwards; empty in a dry run that would merge.
        commits: the merge commit's id, where one was made.
        messages_added: messages that came in.
        executions_added: tool executions that came in.
        entries_removed: entries of this one that the other had removed, by an undo or restore say.
        fields: names of the fields that changed (`title`, `tags`…).
        snapshots: ids of the snapshots that came in.
        dry_run: nothing was changed.
    """

    session_id: str
    other: str
    status: Literal["merged", "forwarded", "nothing"]
    tip: str
    commits: tuple[str, ...] = ()
    messages_added: int = 0
    executions_added: int = 0
    entries_removed: int = 0
    fields: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class SessionSummary(Record):
    """One line of a listing."""

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    project_path: str
    message_count: int
    execution_count: int
    agents_used: tuple[str, ...]
    tags: tuple[str, ...]
    parent_session_id: str | None
    tip: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SearchHit(Record):
    """One entry (or title) that a search found.

    Attributes:
        session_id: the session it is in.
        title: that session's title.
        entry_id: the entry, or empty where title or tags matched.
        position: the entry's place in the timeline, from 0; -1 where title or tags matched.
        kind: `user`, `assistant`, `system`, `tool`, `call`, or `title`.
        snippet: the text around the match.
        marks: where in the snippet the matches are, as (start, end) in characters.
        updated_at: when the session last changed.
    """

    session_id: str
    title: str
    entry_id: str
    position: int
    kind: str
    snippet: str
    marks: tuple[tuple[int, int], ...]
    updated_at: datetime


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
    """One difference between two states; `kind` says what `before` and `after` are."""

    kind: Literal["added", "removed", "changed", "field"]
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
        changes: entries added, removed and changed (their plain values), then the fields that differ.
    """

    a: str
    b: str
    common: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class TrashItem(Record):
    """A deleted session that can come back.

    Attributes:
        session_id: the id it had.
        key: names this deletion, `<session-id>/<time>`.
        deleted_at: when it was deleted (or noticed gone).
        title: its title, where it can be read.
        tip: its last commit.
        snapshots: ids of its snapshots.
    """

    session_id: str
    key: str
    deleted_at: datetime
    title: str
    tip: str
    snapshots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PurgeResult(Record):
    """What a purge forgot: keys of trash items, and bytes freed where it was done now."""

    purged: tuple[str, ...]
    freed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Finding(Record):
    """One thing `verify` found; `severity` is `error` (something is lost) or `warning`."""

    severity: Literal["error", "warning"]
    session_id: str
    commit: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class VerifyReport(Record):
    """What `verify` read and found."""

    sessions: int
    commits: int
    objects: int
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is lost; warnings do not count."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class RepairStep(Record):
    """One thing that was repaired (or would be), or is lost.

    Attributes:
        session_id: the session it belongs to; empty for none.
        what: `ref`, `object`, `session`: one made of what can be read of a damaged one, or `merge`: a save that plain
            git merged file by file.
        name: the ref's name, the object's id, the new session's id, or the merge's commit.
        how: where it was taken from; empty where it is lost.
        detail: the commit a ref points at now, what was damaged, or what was saved.
    """

    session_id: str
    what: Literal["ref", "object", "session", "merge"]
    name: str
    how: str
    detail: str


@dataclass(frozen=True, slots=True)
class RepairReport(Record):
    """What a repair did, or in a dry run would do; and what no copy of was found."""

    steps: tuple[RepairStep, ...] = ()
    lost: tuple[RepairStep, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class MaintenanceReport(Record):
    """What `maintain` did.

    Attributes:
        packed_refs: refs moved into `packed-refs`.
        packed_objects: loose objects that are in a pack now.
        removed_files: leftover temp files, locks and expired objects that are gone.
        loose_before: loose objects before.
        loose_after: loose objects after.
        skipped: what could not be done, one line each.
    """

    packed_refs: int = 0
    packed_objects: int = 0
    removed_files: int = 0
    loose_before: int = 0
    loose_after: int = 0
    skipped: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SecretPlace(Record):
    """One secret in a session, and where it was found first.

    Attributes:
        session_id: the session.
        commit: the earliest save that holds it.
        entry_id: the entry it is in, or empty.
        position: that entry's place in the timeline, from 0; -1 outside of entries.
        where: `message`, `call`, `session.json`, `commit message`, or the path of another file.
        rule: the rule that found it.
        mark: the mark that stands for it in what is shared; equal secrets have equal marks.
        count: how often it occurs there.
    """

    session_id: str
    commit: str
    entry_id: str
    position: int
    where: str
    rule: str
    mark: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class ScrubResult(Record):
    """What taking a secret out of a session's history did.

    Attributes:
        session_id: the session.
        tip: its commit afterwards.
        rewritten: how many of its saves are new commits now.
        places: what was taken out.
        freed_bytes: what purging the old commits freed.
        also_in: other sessions that share commits or content with it and still hold the secret.
        shares: ids of shares that carry it already; revoking them is all that can be done.
        originals: sessions whose kept original was dropped, because it holds the secret or may.
    """

    session_id: str
    tip: str
    rewritten: int
    places: tuple[SecretPlace, ...] = ()
    freed_bytes: int = 0
    also_in: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    originals: tuple[str, ...] = ()
