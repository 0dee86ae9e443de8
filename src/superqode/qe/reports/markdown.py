"""A run as Markdown: the verdict, the roles as a table, the findings with what shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from superqode.qe.reports.plaintext import seconds, sums
from superqode.qe.runs import QERun, RoleResult
from superqode.session.exporters.markup import code_span, escaped, fenced
from superqode.session.exporters.visible import one_line
from superqode.session.models.findings import Finding

__all__ = ["render"]

# Findings with their evidence; the rest is one line each, as a comment on a pull request has its limits.
_SHOWN: Final = 50


def render(run: QERun) -> str:
    """Give the run as Markdown; nothing that a tool said is markup."""
    return "\n".join(_lines(run)) + "\n"


def _lines(run: QERun) -> Iterator[str]:
    yield f"# Quality run: {run.verdict.value}"
    yield ""
    began = f"{run.began:%Y-%m-%d %H:%M} UTC"
    yield f"{_safe(sums(run))} in {code_span(one_line(run.project_path))}, {_safe(run.mode)} mode, {began}."
    yield f"Findings of severity {run.fail_on.value} or worse fail it. Session {code_span(one_line(run.session_id))}."
    yield ""
    yield "| Role | Outcome | Findings | Time |"
    yield "|---|---|---:|---:|"
    for role in run.roles:
        count = len(role.findings) + role.unlisted
        yield f"| {_safe(role.role)} | {role.outcome.value} | {count} | {seconds(role)} |"
    yield from _notes(run.roles)
    findings = run.findings
    if findings:
        yield ""
        yield "## Findings"
    for finding in findings[:_SHOWN]:
        yield from _finding(finding)
    for finding in findings[_SHOWN:]:
        what = f"{code_span(one_line(finding.rule))} {_place(finding)}".rstrip()
        yield f"- {finding.severity.value} {what}: {_safe(finding.message)}"


def _notes(roles: tuple[RoleResult, ...]) -> Iterator[str]:
    noted = [(role.role, note) for role in roles for note in role.notes]
    if noted:
        yield ""
    for role, note in noted:
        yield f"- {_safe(role)}: {_safe(note)}"


def _finding(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"### {finding.severity.value}: {code_span(one_line(finding.rule))} {_place(finding)}".rstrip()
    yield ""
    yield f"{_safe(finding.message)} ({_safe(finding.role)}, {_safe(finding.tool) or 'agent'})"
    if finding.evidence:
        yield ""
        yield fenced(finding.evidence)


def _place(finding: Finding) -> str:
    return code_span(one_line(finding.place)) if finding.place else ""


def _safe(text: str) -> str:
    return escaped(one_line(text))
