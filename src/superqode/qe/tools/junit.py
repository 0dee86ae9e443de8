"""JUnit XML, as pytest, Node's test runner, Vitest and Mocha write it → drafts.

The format has no standard; https://github.com/testmoapp/junitxml describes what is common.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from superqode.qe.checks import Draft, Reading
from superqode.qe.reading import Broken, number, read_report, xml_document
from superqode.qe.running import Ran
from superqode.session.models.severity import Severity

__all__ = ["read_collection", "read_junit"]

_PYTHON_FRAME: Final = re.compile(
    r"^(?:E\s+)?(?:File \"([^\"\n]+)\", line (\d+)|([^\s:\"][^:\n\"]*\.py):(\d+):)", re.MULTILINE
)
_NODE_FRAME: Final = re.compile(r"(?:\(|\bat |\u276f |file://)((?:[A-Za-z]:)?[^()\s:]+):(\d+):\d+")
# The last line of `pytest --collect-only -q`.
_COLLECTED: Final = re.compile(r"^(?:(\d+)(?:/\d+)?|no) tests? collected", re.MULTILINE)
_FAILED: Final = ("failure", "error")


def read_junit(path: Path, folder: Path, severity: Severity = Severity.HIGH) -> Callable[[Ran], Reading]:
    """Read a report at `path` about tests that ran in `folder`; each test that failed is a draft of this severity."""

    def read(ran: Ran) -> Reading:
        del ran
        try:
            root = xml_document(read_report(path))
        except Broken as problem:
            return Reading(broke=str(problem))
        cases = list(root.iter("testcase"))
        drafts = [_draft(case, told, folder, severity) for case in cases for told in _problems(case)]
        skipped = sum(1 for case in cases if case.find("skipped") is not None)
        note = f"{len(cases)} tests, {len(drafts)} failed" + (f", {skipped} skipped" if skipped else "")
        return Reading(drafts, note)

    return read


def read_collection(path: Path, folder: Path) -> Callable[[Ran], Reading]:
    """Read a report of pytest at `path` that only collected tests in `folder`; a file that cannot be is a draft."""
    read_errors = read_junit(path, folder, Severity.CRITICAL)

    def read(ran: Ran) -> Reading:
        told, counted = read_errors(ran), _COLLECTED.search(ran.output)
        return Reading(told.drafts, f"{counted[1] or 0} tests collected" if counted else "", told.broke)

    return read


def _problems(case: Element) -> list[Element]:
    """What went wrong in a test, once: pytest tells a failure and an error in teardown apart."""
    return [child for child in case if child.tag in _FAILED][:1]


def _draft(case: Element, told: Element, folder: Path, severity: Severity) -> Draft:
    name = case.get("name") or "a test"
    suite = case.get("classname") or ""
    evidence = told.text or ""
    message = (told.get("message") or "").strip() or evidence.strip() or "it failed"
    file, line = case.get("file") or "", number(case.get("line"))
    if not file and Path(name).is_absolute():  # Node names a file that could not be run so
        file, name = name, Path(name).name
    framed, framed_line = _frame(evidence, folder)
    if not file and framed:
        file, line = framed, framed_line
    elif framed and file and folder / framed == folder / file:
        line = framed_line
    if not file and suite:
        file = suite if _is_own(suite, folder) else _module_file(suite, folder)  # Vitest's suites are files
    collected = told.tag == "error" and "collection failure" in message
    rule = "collection-error" if collected else f"test-{told.tag}"
    first = message.splitlines()[0] if message else ""
    if collected:
        first = _last_error(evidence) or first
        file = file or _module_file(f"{suite}.{name}".strip("."), folder)
    return Draft(rule, severity, f"{name}: {first}", file, line, evidence, identity=f"{suite}::{name}")


def _frame(evidence: str, folder: Path) -> tuple[str, int]:
    """The last place of the project that a traceback names (the first, for Node, which tells them upside down)."""
    found = [(one or other, int(line or again)) for one, line, other, again in _PYTHON_FRAME.findall(evidence)]
    own = [place for place in found if _is_own(place[0], folder)]
    if own:
        return own[-1]
    return next(((file, int(line)) for file, line in _NODE_FRAME.findall(evidence) if _is_own(file, folder)), ("", 0))


def _is_own(file: str, folder: Path) -> bool:
    try:
        path = folder / file
        return path.is_relative_to(folder) and "node_modules" not in path.parts and path.is_file()
    except (OSError, ValueError):
        return False


def _module_file(dotted: str, folder: Path) -> str:
    """The file of a dotted name, or of the longest beginning of it that is one."""
    parts = dotted.replace("/", ".").removesuffix(".py").split(".")
    for end in range(len(parts), 0, -1):
        file = "/".join(parts[:end]) + ".py"
        if _is_own(file, folder):
            return file
    return ""


def _last_error(evidence: str) -> str:
    """The line of a Python traceback that tells the error, without pytest's mark."""
    lines = [line.removeprefix("E").strip() for line in evidence.splitlines() if line.startswith("E ")]
    return lines[-1] if lines else ""
