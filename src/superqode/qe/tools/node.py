"""Node projects: builds, TypeScript, ESLint, and tests by Node's own runner, Vitest, Jest and Mocha."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from superqode.qe.checks import Check, says_it_failed
from superqode.qe.project import Project
from superqode.qe.tools.junit import read_junit
from superqode.qe.tools.node_reports import read_check, read_eslint, read_jest, read_node_coverage, read_typescript
from superqode.session.models.severity import Severity

__all__ = ["applies", "coverage", "lint", "regression", "smoke"]

_ESLINT: Final = (
    *(f"eslint.config.{ending}" for ending in ("js", "mjs", "cjs", "ts", "mts", "cts")),
    *(f".eslintrc{ending}" for ending in ("", ".js", ".cjs", ".json", ".yml", ".yaml")),
)
# Lock file → the program that runs scripts.
_MANAGERS: Final = (("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"))
# What makes a script more than one plain command.
_SHELL: Final = re.compile(r"[;&|<>$`(){}*?\n]")
_TESTS: Final = (
    *("*.test.*js", "*-test.*js", "*_test.*js", "test.*js", "test/*.*js"),
    *("src/**/*.test.*js", "lib/**/*.test.*js"),
)
_NO_TESTS: Final = "no test specified"
_ENTRIES_MAX: Final = 20
_NOT_INSTALLED: Final = "{name} is not installed here: there is no node_modules/.bin/{name}"


def applies(project: Project) -> bool:
    """Whether it looks like Node."""
    return project.has("package.json")


def smoke(project: Project) -> Iterator[Check]:
    """Does it parse, does its TypeScript fit, does it build?"""
    node = project.runner.find("node")
    if node is None:
        yield Check("node", missing="it is not on the PATH")
        return
    for entry in _entries(project):
        yield Check("node --check", (node, "--check", entry), partial(read_check, entry))
    if project.has("tsconfig.json"):
        yield from _tool(project, "tsc", ("--noEmit", "--pretty", "false"), read_typescript)
    if "build" in _scripts(project):
        yield _script(project, "build", "build-failure", Severity.CRITICAL)


def lint(project: Project) -> Iterator[Check]:
    """ESLint, where the project has settings for it."""
    if project.has(*_ESLINT) or "eslintConfig" in project.json("package.json"):
        yield from _tool(project, "eslint", ("-f", "json", "."), read_eslint)


def regression(project: Project) -> Iterator[Check]:
    """Its tests, by the runner that its `test` script names; another script is run as it stands."""
    words = _test_words(project)
    runner = _runner_name(words)
    if runner == "node":
        yield from _node_tests(project, words[2:])
    elif runner == "vitest":
        report = project.report("vitest.xml")
        arguments = ("run", *_without(words[1:], "run", "watch"), "--reporter=junit", f"--outputFile={report}")
        yield from _tool(project, "vitest", arguments, read_junit(report, project.folder))
    elif runner == "jest":
        report = project.report("jest.json")
        arguments = (*_without(words[1:], "--watch", "--watchAll"), "--json", f"--outputFile={report}")
        yield from _tool(project, "jest", arguments, read_jest(report))
    elif runner == "mocha":
        report = project.report("mocha.xml")
        arguments = (*words[1:], "--reporter", "xunit", "--reporter-option", f"output={report}")
        # Mocha exits with the number of tests that failed.
        every = frozenset(range(256))
        yield from _tool(project, "mocha", arguments, read_junit(report, project.folder), fine=every)
    elif words:
        yield _script(project, "test", "test-failure", Severity.HIGH)
    elif _has_tests(project):
        yield from _node_tests(project, ())


def coverage(project: Project) -> Iterator[Check]:
    """Which lines the tests reach, by Node's own test runner; others have it in the project's own hands."""
    words = _test_words(project)
    if _runner_name(words) == "node" or (not words and _has_tests(project)):
        node = project.runner.find("node") or "node"
        arguments = ("--test", "--experimental-test-coverage", "--test-reporter=tap", *words[2:])
        yield Check("node --experimental-test-coverage", (node, *arguments), read_node_coverage)
    elif "coverage" in _scripts(project):
        yield _script(project, "coverage", "coverage-failure", Severity.MEDIUM)


def _scripts(project: Project) -> dict[str, str]:
    told = project.json("package.json").get("scripts")
    scripts: dict[str, Any] = told if isinstance(told, dict) else {}
    return {name: text for name, text in scripts.items() if isinstance(text, str) and text.strip()}


def _test_words(project: Project) -> tuple[str, ...]:
    """The words of the `test` script; empty where there is none."""
    script = _scripts(project).get("test", "")
    if not script or _NO_TESTS in script:
        return ()
    try:
        return tuple(shlex.split(script))
    except ValueError:
        return (script,)


def _runner_name(words: tuple[str, ...]) -> str:
    """The test runner that a plain command runs; empty where it is none that we know, or more than one command."""
    if not words or any(_SHELL.search(word) for word in words):
        return ""
    if words[0] in ("vitest", "jest", "mocha"):
        return words[0]
    return "node" if words[:2] == ("node", "--test") else ""


def _without(words: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(word for word in words if word not in names)


def _node_tests(project: Project, arguments: tuple[str, ...]) -> Iterator[Check]:
    node = project.runner.find("node")
    if node is None:
        yield Check("node --test", missing="it is not on the PATH")
        return
    report = project.report("node.xml")
    reporters = ("--test-reporter=junit", f"--test-reporter-destination={report}")
    shown = ("--test-reporter=spec", "--test-reporter-destination=stdout")
    command = (node, "--test", *reporters, *shown, *arguments)
    yield Check("node --test", command, read_junit(report, project.folder))


def _tool(project: Project, name: str, arguments: tuple[str, ...], read: Any, **options: Any) -> Iterator[Check]:
    """A tool among the project's dependencies, where it is installed; never downloaded."""
    program = project.folder / "node_modules" / ".bin" / name
    if not program.exists():
        yield Check(name, missing=_NOT_INSTALLED.format(name=name))
        return
    yield Check(name, (str(program), *arguments), read, **options)


def _script(project: Project, name: str, rule: str, severity: Severity) -> Check:
    """A script of package.json, by the package manager whose lock file is there."""
    manager = next((program for lock, program in _MANAGERS if project.has(lock)), "npm")
    found = project.runner.find(manager)
    tool = f"{manager} run {name}"
    if found is None:
        return Check(tool, missing=f"{manager} is not on the PATH")
    every = frozenset(range(127))  # from 127 on the shell says that it could not run it
    return Check(tool, (found, "run", name), says_it_failed(tool, rule, severity), fine=every)


def _entries(project: Project) -> list[str]:
    """The files that the package begins with: `main`, `bin`, else the scripts at the top."""
    package = project.json("package.json")
    binaries = package.get("bin")
    told = [package.get("main"), *(binaries.values() if isinstance(binaries, dict) else [binaries])]
    named = [str(PurePosixPath(name)) for name in told if isinstance(name, str) and _is_script(project, name)]
    top = sorted(path.name for ending in ("js", "mjs", "cjs") for path in project.folder.glob(f"*.{ending}"))
    return list(dict.fromkeys(named or top))[:_ENTRIES_MAX]


def _is_script(project: Project, name: str) -> bool:
    path = project.folder / name
    return name.endswith((".js", ".mjs", ".cjs")) and ".." not in PurePosixPath(name).parts and path.is_file()


def _has_tests(project: Project) -> bool:
    """Whether Node's runner would find tests (https://nodejs.org/api/test.html)."""
    return any(True for pattern in _TESTS for _ in project.folder.glob(pattern))
