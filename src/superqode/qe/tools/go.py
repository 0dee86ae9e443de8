"""Go projects: go build, vet, test and its coverage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from superqode.qe.checks import Check, Draft, Reading
from superqode.qe.project import Project
from superqode.qe.reading import json_lines, text
from superqode.qe.running import Ran
from superqode.session.models.severity import Severity

__all__ = ["applies", "coverage", "lint", "read_go_build", "read_go_test", "read_go_vet", "regression", "smoke"]

# `./a.go:3:5: message`, as the compiler and vet tell it; vet puts its own name before some.
_PLACE: Final = re.compile(r"^(?:vet: )?([^\s:#][^:\n]*\.go):(\d+)(?::\d+)?: (.+)$", re.MULTILINE)
_TOTAL: Final = re.compile(r"^coverage: ([\d.]+)% of statements|\tcoverage: ([\d.]+)% of statements", re.MULTILINE)
_MODULE: Final = re.compile(r"^module\s+(\S+)", re.MULTILINE)
_LOGGED: Final = re.compile(r"^[ \t]+(\S+\.go):(\d+): (.*)$", re.MULTILINE)
_EVERYTHING: Final = "./..."


def applies(project: Project) -> bool:
    """Whether it looks like Go."""
    return project.has("go.mod")


def smoke(project: Project) -> Iterator[Check]:
    """Does everything compile?"""
    yield _go(project, "build", ("build", "-o", "/dev/null", _EVERYTHING), read_go_build)


def lint(project: Project) -> Iterator[Check]:
    """Vet."""
    yield _go(project, "vet", ("vet", _EVERYTHING), read_go_vet)


def regression(project: Project) -> Iterator[Check]:
    """Its tests."""
    named = _MODULE.search(project.text("go.mod"))
    yield _go(project, "test", ("test", "-json", _EVERYTHING), partial(read_go_test, named[1] if named else ""))


def coverage(project: Project) -> Iterator[Check]:
    """Which statements the tests reach."""
    yield _go(project, "test -cover", ("test", "-cover", _EVERYTHING), _read_cover)


def _go(project: Project, name: str, arguments: tuple[str, ...], read: Any) -> Check:
    program = project.runner.find("go")
    if program is None:
        return Check(f"go {name}", missing="go is not on the PATH")
    return Check(f"go {name}", (program, *arguments), read, fine=frozenset((0, 1, 2)))


def read_go_build(ran: Ran) -> Reading:
    """Read `go build`: the compiler's errors."""
    return _places(ran, "build-failure", Severity.CRITICAL)


def read_go_vet(ran: Ran) -> Reading:
    """Read `go vet`."""
    return _places(ran, "vet", Severity.MEDIUM)


def _places(ran: Ran, rule: str, severity: Severity) -> Reading:
    drafts = [
        Draft(rule, severity, message, file.removeprefix("./"), int(line))
        for file, line, message in _PLACE.findall(ran.output)
    ]
    if not drafts and ran.exit_code:
        return Reading(broke=f"it ended with exit code {ran.exit_code}: {ran.output.strip()[-200:]}")
    return Reading(drafts, f"{len(drafts)} found")


def read_go_test(module: str, ran: Ran) -> Reading:
    """Read `go test -json` (`go doc test2json`) of a module: one event a line."""
    outputs: dict[tuple[str, str], list[str]] = {}
    results: dict[tuple[str, str], str] = {}
    for event in json_lines(ran.stdout):
        key = (text(event.get("Package")), text(event.get("Test")))
        action = text(event.get("Action"))
        if action in ("output", "build-output"):
            outputs.setdefault(key, []).append(text(event.get("Output")))
        elif action in ("pass", "fail", "skip"):
            results[key] = action
    failed = [key for key, action in results.items() if action == "fail" and key[1]]
    leaves = [key for key in failed if not any(_within(other, key) for other in failed)]
    drafts = [
        _test(package.removeprefix(module).lstrip("/"), name, "".join(outputs.get((package, name), [])))
        for package, name in leaves
    ]
    tests = [key for key in results if key[1]]
    tested = {package for package, _ in leaves}
    broken = [key[0] for key, action in results.items() if action == "fail" and not key[1] and key[0] not in tested]
    if broken or (not tests and ran.exit_code):
        told = _places(ran, "build-failure", Severity.HIGH)
        drafts += told.drafts or [_package(package, ran.output) for package in broken]
        if not drafts:
            return told
    return Reading(drafts, f"{len(tests)} tests, {len(leaves)} failed")


def _package(package: str, output: str) -> Draft:
    message = f"the tests of {package} cannot be run"
    return Draft("package-failure", Severity.HIGH, message, evidence=output, identity=package)


def _within(test: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether a test is a part of the other, which fails with it."""
    return test[0] == other[0] and test[1].startswith(f"{other[1]}/")


def _test(folder: str, name: str, output: str) -> Draft:
    found = _LOGGED.search(output)
    file, line, message = (found[1], int(found[2]), found[3]) if found else ("", 0, "it failed")
    path = f"{folder}/{file}" if file and folder else file  # the line names only the file in its package
    return Draft("test-failure", Severity.HIGH, f"{name}: {message}", path, line, output, f"{folder}.{name}")


def _read_cover(ran: Ran) -> Reading:
    found = [float(one or other) for one, other in _TOTAL.findall(ran.output)]
    if not found:
        return Reading(broke=f"it told no coverage: {ran.output.strip()[-200:]}")
    return Reading(note=f"{sum(found) / len(found):.1f} % of statements, averaged over {len(found)} packages")
