"""What checks, repairs, maintenance and the search for secrets found and did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from superqode.session.store.results.record import Record

__all__ = ["Finding", "MaintenanceReport", "RepairReport", "RepairStep", "ScrubResult", "SecretPlace", "VerifyReport"]


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
        what: `ref`, `object`, `file`: one of the store's own that was set aside, `session`: one made of what can be
            read of a damaged one (what is lost: one that cannot be read, though all its objects are there), or
            `merge`: a save that plain git merged file by file.
        name: the ref's name, the object's id, the file, the new session's id, the merge's commit, or the last one of a
            session that cannot be read.
        how: where it was taken from; empty where it is lost.
        detail: the commit a ref points at now, what was damaged, or what was saved.
    """

    session_id: str
    what: Literal["ref", "object", "file", "session", "merge"]
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
        held_by: what keeps old bytes in this store still: paths of work trees, and of `.keep` files beside packs.
    """

    session_id: str
    tip: str
    rewritten: int
    places: tuple[SecretPlace, ...] = ()
    freed_bytes: int = 0
    also_in: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    originals: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()
