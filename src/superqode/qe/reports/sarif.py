"""A run as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), for code scanning.

One SARIF run with superqode as the driver. A rule's id is `tool/rule`. Fingerprints let a host know a finding again;
`security-severity` is what GitHub orders by.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from superqode import __version__
from superqode.qe.runs import Outcome, QERun
from superqode.session import clock
from superqode.session.codec.jsontext import dump_text
from superqode.session.models.findings import Finding, Verdict
from superqode.session.models.severity import Severity

__all__ = ["render"]

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT: Final = "superqodeFinding/v1"
_BASE: Final = "PROJECT"
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# https://docs.github.com/code-security, "SARIF support", property `security-severity`: over 9, 7, 4, 0.
_SCORES: Final = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}


def render(run: QERun) -> str:
    """Give the run as one SARIF log."""
    rules = {rule: at for at, rule in enumerate(dict.fromkeys(_rule_id(finding) for finding in run.findings))}
    driver = {
        "name": "superqode qe",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": rule}} for rule in rules],
    }
    invocation = {
        "executionSuccessful": run.verdict is not Verdict.INCOMPLETE,
        "startTimeUtc": clock.format_time(run.began),
        "endTimeUtc": clock.format_time(run.ended),
        "toolExecutionNotifications": [
            {"level": "warning", "message": {"text": f"{role.role}: {note}"}}
            for role in run.roles
            if role.outcome in (Outcome.INCOMPLETE, Outcome.SKIPPED)
            for note in role.notes
        ],
    }
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"superqode-qe/{quote(run.mode)}/{quote(run.session_id)}"},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, rules[_rule_id(finding)]) for finding in run.findings],
            }
        ],
    }
    return dump_text(log, indent=2) + "\n"


def _rule_id(finding: Finding) -> str:
    return f"{finding.tool or finding.role}/{finding.rule}"


def _result(finding: Finding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": _rule_id(finding),
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message or finding.rule},
        "partialFingerprints": {_FINGERPRINT: finding.fingerprint},
        "properties": {
            "role": finding.role,
            "severity": finding.severity.value,
            "security-severity": _SCORES[finding.severity],
            "evidence": finding.evidence,
        },
    }
    if finding.file:
        place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file), "uriBaseId": _BASE}}
        if finding.line:
            place["region"] = {"startLine": finding.line}
        result["locations"] = [{"physicalLocation": place}]
    return result
