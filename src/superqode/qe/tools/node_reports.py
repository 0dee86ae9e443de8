"""What Node's tools say → drafts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from superqode.qe.checks import Draft, Reading
from superqode.qe.reading import Broken, json_document, number, read_report, text
from superqode.qe.running import Ran
from superqode.session.models.severity import Severity

__all__ = ["read_check", "read_eslint", "read_jest", "read_node_coverage", "read_typescript"]

_PLACE: Final = re.compile(r"^(?:file://)?(\S.*?):(\d+)$", re.MULTILINE)
_ERROR: Final = re.compile(r"^(\w*Error: .*)$", re.MULTILINE)
# `src/a.ts(1,7): error TS2322: …`, as tsc tells it without colours.
_TSC: Final = re.compile(r"^(.+?)\((\d+),\d+\): error (TS\d+): (.*)$", re.MULTILINE)
# Only from where a path can begin: from each of its characters, a long word would be looked through to its end.
_FRAME: Final = re.compile(r"(?<![^()\s:])((?:[A-Za-z]:)?[^()\s:]+):(\d+):\d+")
_ALL_FILES: Final = re.compile(r"^# all files\s*\|\s*([\d.]+)", re.MULTILINE)
_TESTS: Final = re.compile(r"^# tests (\d+)", re.MULTILINE)
_UNCOVERED: Final = re.compile(r"^#\s+(\S.*?\.[cm]?[jt]sx?)\s*\|\s*0\.00 \|", re.MULTILINE)


def read_check(entry: str, ran: Ran) -> Reading:
    """Read `node --check`: the syntax error of a file."""
    if ran.exit_code == 0:
        return Reading()
    place, error = _PLACE.search(ran.output), _ERROR.search(ran.output)
    message = error[1] if error else f"exit code {ran.exit_code}"
    line = int(place[2]) if place else 0
    return Reading((Draft("syntax-error", Severity.CRITICAL, message, entry, line, ran.output),))


def read_typescript(ran: Ran) -> Reading:
    """Read `tsc --noEmit --pretty false`."""
    drafts = [
        Draft(rule, Severity.HIGH, message, file, int(line)) for file, line, rule, message in _TSC.findall(ran.output)
    ]
    return Reading(drafts, f"{len(drafts)} found")


def read_eslint(ran: Ran) -> Reading:
    """Read `eslint -f json` (https://eslint.org/docs/latest/use/formatters/#json)."""
    try:
        told = json_document(ran.stdout)
    except Broken as problem:
        return Reading(broke=str(problem))
    if not isinstance(told, list):
        return Reading(broke="its report is no list")
    drafts = [
        _eslint(text(file.get("filePath")), item)
        for file in told
        if isinstance(file, dict) and isinstance(file.get("messages"), list)
        for item in file["messages"]
        if isinstance(item, dict)
    ]
    return Reading(drafts, f"{len(drafts)} found")


def _eslint(file: str, item: dict[str, Any]) -> Draft:
    severity = Severity.MEDIUM if item.get("severity") == 2 else Severity.LOW  # 1 is a warning
    if item.get("fatal"):
        severity = Severity.HIGH
    rule = text(item.get("ruleId")) or "syntax-error"
    return Draft(rule, severity, text(item.get("message")), file, number(item.get("line")))


def read_jest(path: Path) -> Callable[[Ran], Reading]:
    """Read `jest --json` (https://jestjs.io/docs/cli#--json)."""

    def read(ran: Ran) -> Reading:
        del ran
        try:
            told = json_document(read_report(path).decode("utf-8", "replace"))
            files = told["testResults"]
            drafts = [draft for file in files for draft in _jest_file(file)]
            tests = number(told["numTotalTests"])
        except Broken as problem:
            return Reading(broke=str(problem))
        except (KeyError, TypeError, AttributeError) as problem:
            return Reading(broke=f"its report is not as documented ({problem!r})")
        return Reading(drafts, f"{tests} tests, {len(drafts)} failed")

    return read


def _jest_file(file: dict[str, Any]) -> list[Draft]:
    name = text(file.get("name"))
    results = [item for item in file.get("assertionResults") or () if isinstance(item, dict)]
    failed = [item for item in results if item.get("status") == "failed"]
    if not failed and file.get("status") == "failed":  # a file that cannot be loaded has no tests
        message = text(file.get("message")).strip()
        first = next((row.strip() for row in message.splitlines() if row.strip()), "it cannot be run")
        return [Draft("collection-error", Severity.HIGH, first, name, evidence=message, identity="load")]
    return [_jest(name, item) for item in failed]


def _jest(file: str, item: dict[str, Any]) -> Draft:
    evidence = "\n".join(text(message) for message in item.get("failureMessages") or ())
    title = text(item.get("fullName"))
    first = evidence.splitlines()[0] if evidence else "it failed"
    lines = [int(line) for framed, line in _FRAME.findall(evidence) if framed == file]
    return Draft("test-failure", Severity.HIGH, f"{title}: {first}", file, lines[0] if lines else 0, evidence, title)


def read_node_coverage(ran: Ran) -> Reading:
    """Read the table at the end of the TAP output; Node 20 has no report of coverage for programs."""
    total, tests = _ALL_FILES.search(ran.stdout), _TESTS.search(ran.stdout)
    if total is None:
        return Reading(broke="it told no coverage: Node 20 or newer does")
    drafts = [
        Draft("file-not-covered", Severity.INFO, "no test reaches this file", file)
        for file in _UNCOVERED.findall(ran.stdout)
    ]
    return Reading(drafts, f"{float(total[1]):.1f} % of the lines reached by {tests[1] if tests else '?'} tests")
