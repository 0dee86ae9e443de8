"""What Python's tools say → drafts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from superqode.qe.checks import Draft, Reading
from superqode.qe.reading import Broken, json_document, json_lines, number, read_report, text
from superqode.qe.running import Ran
from superqode.session.models.severity import Severity

__all__ = ["read_compileall", "read_coverage", "read_import", "read_mypy", "read_ruff", "read_unittest"]

_COMPILE_ERROR: Final = re.compile(
    r"^\*\*\* (?:Error compiling '([^'\n]+)'\.\.\.|Sorry: )(.*?)(?=^\*\*\* |\Z)", re.MULTILINE | re.DOTALL
)
_LINE: Final = re.compile(r"line (\d+)")
_FRAME: Final = re.compile(r'^[ \t]*File "([^"\n]+)", line (\d+)', re.MULTILINE)
# `path:line:column: error: message  [code]`, as mypy older than 1.11 tells it.
_MYPY_LINE: Final = re.compile(r"^([^:\n]+):(\d+):(?:\d+:)? (error|note): (.*?)(?:  \[([\w-]+)\])?$", re.MULTILINE)
# What stands between tests of unittest that failed, between such a test's name and its trace, and behind the last. No
# one pattern takes it all: it would look from each of a hundred thousand lines to the end.
_NEXT_FAILURE: Final = re.compile(r"^={70}\n", re.MULTILINE)
_NAMED: Final = re.compile(r"(FAIL|ERROR): (.+)\n")
_TRACE: Final = re.compile(r"^-{70}\n", re.MULTILINE)
_END: Final = re.compile(r"^-{70}\nRan ", re.MULTILINE)
_RAN: Final = re.compile(r"^Ran (\d+) tests?", re.MULTILINE)
# Ruff's names for a file that is no Python.
_SYNTAX: Final = frozenset(("invalid-syntax", "E999", ""))


def read_compileall(ran: Ran) -> Reading:
    """Read `python -m compileall -q`: each file with a syntax error."""
    drafts = []
    for file, told in _COMPILE_ERROR.findall(ran.output):
        lines = told.strip().splitlines()
        found = _LINE.search(told)
        message = lines[-1].strip() if lines else "it does not compile"
        drafts.append(Draft("syntax-error", Severity.CRITICAL, message, file, int(found[1]) if found else 0, told))
    return Reading(drafts)


def read_import(package: str, folder: Path, ran: Ran) -> Reading:
    """Read `python -c "import …"`: the error, and the last line of the project that led to it."""
    if ran.exit_code == 0:
        return Reading()
    lines = ran.output.strip().splitlines()
    message = lines[-1] if lines else f"exit code {ran.exit_code}"
    file, line = _last_frame(ran.output, folder)
    return Reading(
        (Draft("import-error", Severity.CRITICAL, f"{package}: {message}", file, line, ran.output, package),)
    )


def _last_frame(told: str, folder: Path) -> tuple[str, int]:
    own = [(file, int(line)) for file, line in _FRAME.findall(told) if Path(file).is_relative_to(folder)]
    return own[-1] if own else ("", 0)


def read_ruff(ran: Ran) -> Reading:
    """Read `ruff check --output-format json` (https://docs.astral.sh/ruff/settings/#output-format)."""
    try:
        told = json_document(ran.stdout)
    except Broken as problem:
        return Reading(broke=str(problem))
    if not isinstance(told, list):
        return Reading(broke="its report is no list")
    drafts = [_ruff(item) for item in told if isinstance(item, dict)]
    return Reading(drafts, f"{len(drafts)} found")


def _ruff(item: dict[str, Any]) -> Draft:
    code = text(item.get("code"))
    place = item.get("location")
    line = number(place.get("row")) if isinstance(place, dict) else 0
    severity = Severity.HIGH if code in _SYNTAX else Severity.MEDIUM
    return Draft(code or "invalid-syntax", severity, text(item.get("message")), text(item.get("filename")), line)


def read_mypy(ran: Ran) -> Reading:
    """Read `mypy --output json`: one object a line; its notes belong to the error before."""
    drafts = list(_mypy(ran.stdout))
    if not drafts and ran.exit_code:
        return Reading(broke=f"it ended with exit code {ran.exit_code} and named no error")
    return Reading(drafts, f"{len(drafts)} found")


def _mypy(told: str) -> Iterator[Draft]:
    for item in json_lines(told):
        if item.get("severity") == "error":
            code, message, file = text(item.get("code")), text(item.get("message")), text(item.get("file"))
            yield Draft(
                code or "mypy", Severity.MEDIUM, message, file, number(item.get("line")), text(item.get("hint"))
            )
    for file, line, kind, message, code in _MYPY_LINE.findall(told):
        if kind == "error":
            yield Draft(code or "mypy", Severity.MEDIUM, message, file, int(line))


def read_unittest(folder: Path, ran: Ran) -> Reading:
    """Read what unittest prints about tests that failed; it has no report for programs."""
    drafts = []
    told = ran.output.replace("\r\n", "\n")
    for kind, name, trace in _failures(told):
        lines = trace.strip().splitlines()
        file, line = _last_frame(trace, folder)
        rule = "test-failure" if kind == "FAIL" else "test-error"
        message = next((row for row in reversed(lines) if row and not row.startswith((" ", "\t"))), "it failed")
        drafts.append(Draft(rule, Severity.HIGH, f"{name}: {message}", file, line, trace, identity=name))
    counted = _RAN.search(told)
    if not counted:
        return Reading(drafts, broke="" if drafts else "it told no result")
    return Reading(drafts, f"{counted[1]} tests, {len(drafts)} failed")


def _failures(told: str) -> Iterator[tuple[str, str, str]]:
    """Kind, name and trace of each test that failed; one whose trace has no end is none."""
    blocks = _NEXT_FAILURE.split(told)[1:]
    for place, block in enumerate(blocks, 1):
        named, ruled = _NAMED.match(block), _TRACE.search(block)
        if named is None or ruled is None:
            continue
        trace, *end = _END.split(block[ruled.end() :], maxsplit=1)
        if end or place < len(blocks):
            yield named[1], named[2], trace


def read_coverage(path: Path) -> Callable[[Ran], Reading]:
    """Read `coverage json` (https://coverage.readthedocs.io/en/latest/commands/cmd_json.html)."""

    def read(ran: Ran) -> Reading:
        try:
            told = json_document(read_report(path).decode("utf-8", "replace"))
            totals, files = told["totals"], told["files"]
            percent, lines = float(totals["percent_covered"]), number(totals["num_statements"])
            untouched = sorted(
                file
                for file, of in files.items()
                if number(of["summary"]["num_statements"]) and not number(of["summary"]["covered_lines"])
            )
        except Broken as problem:
            return Reading(broke=str(problem))
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            return Reading(broke=f"its report is not as documented ({problem!r})")
        drafts = [Draft("file-not-covered", Severity.INFO, "no test reaches this file", file) for file in untouched]
        note = f"{percent:.1f} % of {lines:,} lines"
        if ran.exit_code:
            message = f"coverage is {percent:.1f} %, which is under the project's limit"
            drafts.insert(0, Draft("coverage-below-limit", Severity.MEDIUM, message, identity="total"))
        return Reading(drafts, note)

    return read
