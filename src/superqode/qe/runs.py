"""A quality run as a session keeps it, read back; sessions of others are read, too, so nothing in it is believed.

Entries of a run carry `metadata["qe"]` with a `kind`: `begin` (a system message), `check` (a tool execution), `role`
and `end` (assistant messages). FORMAT.md of the codec describes the fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from superqode.session import clock
from superqode.session.errors import NoQualityRun
from superqode.session.models import Entry, Session, ToolExecution
from superqode.session.models.findings import Finding, Verdict
from superqode.session.models.severity import METADATA_KEY, Severity

__all__ = ["CheckResult", "Outcome", "QERun", "RoleResult", "read_run", "told_by", "verdict_of"]

# Findings of one session that are read; ours never write as many.
_FINDINGS_MAX: Final = 50_000


class Outcome(StrEnum):
    """What came out of a role."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One command of a role.

    Attributes:
        tool: its name.
        command: program and arguments.
        exit_code: `None` where it was ended, or did not run.
        duration_ms: how long it ran, in milliseconds.
        ended: `timeout` or `stopped` where it was ended.
    """

    tool: str
    command: tuple[str, ...]
    exit_code: int | None
    duration_ms: int
    ended: str = ""


@dataclass(slots=True)
class RoleResult:
    """What one role did and found.

    Attributes:
        role: its name.
        outcome: what came out; incomplete where the run ended before.
        notes: lines for people: counts of tests, tools that are missing.
        checks: its commands.
        findings: what it found.
        unlisted: how many more findings there were than are kept.
    """

    role: str
    outcome: Outcome = Outcome.INCOMPLETE
    notes: list[str] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unlisted: int = 0

    @property
    def duration_ms(self) -> int:
        """How long its commands ran, in milliseconds."""
        return sum(check.duration_ms for check in self.checks)


@dataclass(frozen=True, slots=True)
class QERun:
    """A quality run.

    Attributes:
        session_id: the session that keeps it.
        project_path: the project that was checked.
        mode: `quick` or `deep`.
        fail_on: the severity from which findings fail the run.
        verdict: what came out; incomplete where it was ended before its end.
        roles: what each role found, in the order they worked.
        began: when, aware UTC.
        ended: when the last entry was made, aware UTC.
        commit: the commit that was checked out, with its uncommitted changes; empty outside Git.
    """

    session_id: str
    project_path: str
    mode: str
    fail_on: Severity
    verdict: Verdict
    roles: tuple[RoleResult, ...]
    began: datetime
    ended: datetime
    commit: str = ""

    @property
    def findings(self) -> list[Finding]:
        """All findings, the worst first, then by place."""
        order = list(Severity)
        everything = [finding for role in self.roles for finding in role.findings]
        return sorted(everything, key=lambda one: (order.index(one.severity), one.file, one.line))

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity that was found, the worst first."""
        counted = Counter(finding.severity for finding in self.findings)
        return {level.value: counted[level] for level in Severity if counted[level]}

    def to_dict(self) -> dict[str, Any]:
        """Give the run as plain JSON values."""
        return {
            "session_id": self.session_id,
            "project_path": self.project_path,
            "mode": self.mode,
            "fail_on": self.fail_on.value,
            "verdict": self.verdict.value,
            "began": clock.format_time(self.began),
            "ended": clock.format_time(self.ended),
            "commit": self.commit,
            "counts": self.counts,
            "roles": [_role_dict(role) for role in self.roles],
            "findings": [finding.model_dump(mode="json") for finding in self.findings],
        }


def _role_dict(role: RoleResult) -> dict[str, Any]:
    return {
        "role": role.role,
        "outcome": role.outcome.value,
        "notes": role.notes,
        "duration_ms": role.duration_ms,
        "unlisted": role.unlisted,
        "checks": [
            {
                "tool": check.tool,
                "command": list(check.command),
                "exit_code": check.exit_code,
                "duration_ms": check.duration_ms,
                "ended": check.ended,
            }
            for check in role.checks
        ],
    }


def verdict_of(roles: Sequence[RoleResult], fail_on: Severity) -> Verdict:
    """What comes out: failed by a finding that is bad enough, incomplete where a role could not do its work."""
    if any(finding.severity.at_least(fail_on) for role in roles for finding in role.findings):
        return Verdict.FAILED
    outcomes = {role.outcome for role in roles}
    if Outcome.INCOMPLETE in outcomes or not outcomes - {Outcome.SKIPPED}:
        return Verdict.INCOMPLETE
    return Verdict.PASSED


def told_by(entry: Entry) -> Mapping[str, Any]:
    """What an entry says of a quality run; empty where nothing."""
    told = entry.metadata.get(METADATA_KEY)
    return told if isinstance(told, Mapping) else {}


def read_run(session: Session) -> QERun:
    """Read the last quality run of a session.

    Raises:
        NoQualityRun: it holds none, or what it holds is none of ours.
    """
    entries = session.timeline
    begin = next((n for n in range(len(entries) - 1, -1, -1) if told_by(entries[n]).get("kind") == "begin"), None)
    if begin is None:
        raise NoQualityRun(session.id)
    try:
        return _read(session, entries[begin:])
    except (ValidationError, ValueError, TypeError, KeyError) as problem:
        raise NoQualityRun(session.id, f"what it holds cannot be read ({str(problem).splitlines()[0]})") from problem


def _read(session: Session, entries: Sequence[Entry]) -> QERun:
    told = told_by(entries[0])
    roles = {str(name): RoleResult(str(name)) for name in _array(told.get("roles"))}
    verdict = Verdict.INCOMPLETE
    for entry in entries[1:]:
        said = told_by(entry)
        if said.get("kind") == "end":
            verdict = Verdict(said["verdict"])
        result = roles.get(str(said.get("role")))
        if result is not None and said.get("kind") == "check" and isinstance(entry, ToolExecution):
            result.checks.append(_check(entry, said))
        elif result is not None and said.get("kind") == "role":
            _take(result, said)
    if sum(len(role.findings) for role in roles.values()) > _FINDINGS_MAX:
        raise ValueError("it has too many findings")
    return QERun(
        session_id=session.id,
        project_path=str(told.get("project") or session.project_path),
        mode=str(told.get("mode")),
        fail_on=Severity(told["fail_on"]),
        verdict=verdict,
        roles=tuple(roles.values()),
        began=entries[0].timestamp,
        ended=entries[-1].timestamp,
        commit=str(told.get("commit") or ""),
    )


def _check(entry: ToolExecution, said: Mapping[str, Any]) -> CheckResult:
    code = said.get("exit_code")
    command = tuple(str(word) for word in _array(entry.arguments.get("command")))
    exit_code = code if isinstance(code, int) and not isinstance(code, bool) else None
    return CheckResult(str(said.get("tool")), command, exit_code, entry.duration_ms, str(said.get("ended") or ""))


def _take(result: RoleResult, said: Mapping[str, Any]) -> None:
    """A role tells its findings in one message or in several, and each time what came out."""
    result.outcome = Outcome(said["outcome"])
    result.notes += [str(note) for note in _array(said.get("notes"))]
    result.findings += [Finding.model_validate(dict(one)) for one in _array(said.get("findings"))]
    unlisted = said.get("unlisted", 0)
    result.unlisted = unlisted if isinstance(unlisted, int) and unlisted > 0 else 0


def _array(value: Any) -> Iterator[Any]:
    if value is not None and not isinstance(value, list | tuple):
        raise ValueError(f"a {type(value).__name__} stands where a list should")
    yield from value or ()
