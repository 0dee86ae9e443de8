"""What `qe` commands print with `--json`, as types for its schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from superqode.session.models.findings import Finding, Verdict
from superqode.session.models.severity import Severity

__all__ = ["CheckShown", "RoleShown", "RunShown"]


@dataclass(frozen=True, slots=True)
class CheckShown:
    """A command of a quality run.

    Attributes:
        tool: its name.
        command: program and arguments.
        exit_code: what it ended with; null where it was ended, or did not run.
        duration_ms: how long it ran, in milliseconds.
        ended: `timeout` or `stopped` where it was ended, else empty.
    """

    tool: str
    command: list[str]
    exit_code: int | None
    duration_ms: int
    ended: str


@dataclass(frozen=True, slots=True)
class RoleShown:
    """What a role of a quality run did.

    Attributes:
        role: its name.
        outcome: what came out.
        notes: lines for people.
        duration_ms: how long its commands ran, in milliseconds.
        unlisted: how many more findings there were than are kept.
        checks: its commands.
    """

    role: str
    outcome: Literal["passed", "failed", "incomplete", "skipped"]
    notes: list[str]
    duration_ms: int
    unlisted: int
    checks: list[CheckShown]


@dataclass(frozen=True, slots=True)
class RunShown:
    """A quality run.

    Attributes:
        session_id: the session that keeps it.
        project_path: the project that was checked.
        mode: how thorough it was.
        fail_on: the severity from which findings fail it.
        verdict: what came out.
        began: when.
        ended: when its last step was kept.
        commit: the commit that was checked out, with its uncommitted changes; empty outside Git.
        counts: how many findings there are of each severity.
        roles: what each role did.
        findings: what was found, the worst first.
    """

    session_id: str
    project_path: str
    mode: str
    fail_on: Severity
    verdict: Verdict
    began: datetime
    ended: datetime
    commit: str
    counts: dict[str, int]
    roles: list[RoleShown]
    findings: list[Finding]
