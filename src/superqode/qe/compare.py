"""Two runs beside each other: what is new, what is fixed, what is still there, by fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from superqode.qe.runs import Outcome, QERun
from superqode.session.models.findings import Finding

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two runs.

    Attributes:
        new: findings of the later run alone.
        fixed: findings of the earlier run alone, of roles that did their work in the later one.
        remaining: findings of both, as the later one tells them.
        unchecked: findings of the earlier run whose role did not do its work in the later one.
    """

    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    remaining: tuple[Finding, ...]
    unchecked: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the comparison as plain JSON values."""
        return {
            name: [finding.model_dump(mode="json") for finding in getattr(self, name)]
            for name in ("new", "fixed", "remaining", "unchecked")
        }


def compare_runs(before: QERun, after: QERun) -> Comparison:
    """Compare an earlier run with a later one."""
    earlier = {finding.fingerprint for finding in before.findings}
    later = {finding.fingerprint for finding in after.findings}
    done = {role.role for role in after.roles if role.outcome in (Outcome.PASSED, Outcome.FAILED)}
    gone = [finding for finding in before.findings if finding.fingerprint not in later]
    return Comparison(
        new=tuple(finding for finding in after.findings if finding.fingerprint not in earlier),
        fixed=tuple(finding for finding in gone if finding.role in done),
        remaining=tuple(finding for finding in after.findings if finding.fingerprint in earlier),
        unchecked=tuple(finding for finding in gone if finding.role not in done),
    )
