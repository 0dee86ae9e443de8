"""A run as JUnit XML: a suite for each role, a case for each command that found nothing and for each finding.

The elements and attributes that CI systems agree on: https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from superqode.qe.runs import Outcome, QERun, RoleResult
from superqode.session.exporters.visible import visible

__all__ = ["render"]

# What XML 1.0 has not, even as a reference (https://www.w3.org/TR/xml/#charsets); `visible` escapes the rest of it.
_NOT_XML: Final = re.compile("[\ufffe\uffff]")


def render(run: QERun) -> str:
    """Give the run as an XML document."""
    root = ET.Element("testsuites", name="superqode qe")
    totals = [_suite(root, run, role) for role in run.roles]
    for place, name in enumerate(("tests", "failures", "errors", "skipped")):
        root.set(name, str(sum(total[place] for total in totals)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, run: QERun, role: RoleResult) -> tuple[int, int, int, int]:
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_text(role.role),
        time=f"{role.duration_ms / 1000:.3f}",
        timestamp=run.began.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    cases = errors = skipped = 0
    with_findings = {finding.tool for finding in role.findings}
    for check in role.checks:
        if check.tool not in with_findings:
            ET.SubElement(
                suite,
                "testcase",
                classname=_text(role.role),
                name=_text(check.tool),
                time=f"{check.duration_ms / 1000:.3f}",
            )
            cases += 1
    for finding in role.findings:
        classname, name = (
            _text(f"{role.role}.{finding.tool or 'agent'}"),
            _text(f"{finding.rule} {finding.place}".strip()),
        )
        case = ET.SubElement(
            suite, "testcase", classname=classname, name=name, file=_text(finding.file), line=str(finding.line)
        )
        failure = ET.SubElement(case, "failure", type=finding.severity.value, message=_text(finding.message))
        failure.text = _text(finding.evidence or finding.message)
        cases += 1
    if role.outcome in (Outcome.INCOMPLETE, Outcome.SKIPPED):
        case = ET.SubElement(suite, "testcase", classname=_text(role.role), name=role.outcome.value)
        told = "error" if role.outcome is Outcome.INCOMPLETE else "skipped"
        ET.SubElement(case, told, message=_text("; ".join(role.notes) or "the run was ended before"))
        cases, errors, skipped = cases + 1, errors + (told == "error"), skipped + (told == "skipped")
    counted = (cases, len(role.findings), errors, skipped)
    for name, number in zip(("tests", "failures", "errors", "skipped"), counted, strict=True):
        suite.set(name, str(number))
    return counted


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", visible(text))
