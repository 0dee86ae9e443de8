"""A run as plain text: the roles, then a line a finding, the worst first."""

from __future__ import annotations

from superqode.qe.runs import QERun, RoleResult
from superqode.session.exporters.visible import visible
from superqode.session.models.findings import Finding

__all__ = ["finding_line", "render", "seconds", "sums"]

_EVIDENCE_LINES = 6


def render(run: QERun) -> str:
    """Give the run as text; a line's controls are shown as escapes."""
    lines = [f"{run.project_path}: {run.verdict.value}, {sums(run)}", ""]
    for role in run.roles:
        lines += [f"{role.role}: {role.outcome.value}, {seconds(role)}", *(f"  {note}" for note in role.notes)]
        if role.unlisted:
            lines.append(f"  and {role.unlisted:,} more findings, which are not listed")
    if run.findings:
        lines.append("")
    for finding in run.findings:
        lines += [finding_line(finding), *(f"      {line}" for line in _evidence(finding))]
    return "\n".join(visible(line) for line in lines) + "\n"


def finding_line(finding: Finding) -> str:
    """Give a finding as one line: severity, place, rule, message."""
    place = f"{finding.place}: " if finding.place else ""
    return f"{finding.severity.value:8} {place}{finding.rule}: {' '.join(finding.message.split())}"


def sums(run: QERun) -> str:
    """Give how many findings there are: `3 findings (1 high, 2 low)`."""
    counts = run.counts
    total = sum(counts.values())
    if not total:
        return "no findings"
    parts = ", ".join(f"{number} {level}" for level, number in counts.items())
    return f"{total} finding{'s' if total > 1 else ''} ({parts})"


def seconds(role: RoleResult) -> str:
    """Give how long a role's commands ran: `1.5 s`."""
    return f"{role.duration_ms / 1000:.1f} s"


def _evidence(finding: Finding) -> list[str]:
    lines = finding.evidence.splitlines()
    more = len(lines) - _EVIDENCE_LINES
    return lines if more <= 0 else ["…", *lines[-_EVIDENCE_LINES:]]
