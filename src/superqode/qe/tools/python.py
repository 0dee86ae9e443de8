"""Python projects: compileall, imports, pytest, unittest, Ruff, mypy, coverage.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from superqode.qe.checks import Check
from superqode.qe.project import Project
from superqode.qe.tools.junit import read_collection, read_junit
from superqode.qe.tools.python_reports import (
    read_compileall,
    read_coverage,
    read_import,
    read_mypy,
    read_ruff,
    read_unittest,
)

__all__ = ["applies", "coverage", "lint", "regression", "smoke"]

_MARKS: Final = ("pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini", "requirements.txt", "Pipfile")
# Where a virtual environment keeps its programs.
_PYTHONS: Final = (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe")
_ASKED: Final = ("pytest", "coverage", "mypy", "ruff")
_ASK: Final = "import importlib.util as u; print(*[n for n in {names!r} if u.find_spec(n)])"
_ASK_SECONDS: Final = 60.0
# Folders that are no code of the project; as a regular expression for compileall.
_NOT_COMPILED: Final = r"(^|/)(node_modules|\.[^/.][^/]*|venv|build|dist|__pycache__)(/|$)"
_PACKAGES_MAX: Final = 10
_PACKAGE: Final = re.compile(r"[A-Za-z_]\w*")
_NOT_PACKAGES: Final = frozenset(
    ("tests", "test", "testing", "docs", "doc", "examples", "scripts", "build", "dist", "venv")
)
# pytest's exit codes with which it did its work: passed, failed, no tests (its documentation, "Exit codes").
# 2 is an interruption, which errors of collection are, too.
_PYTEST_FINE: Final = frozenset((0, 1, 2, 5))
# One file that cannot be loaded must not hide what the others test.
_PYTEST: Final = ("-q", "-p", "no:cacheprovider", "--continue-on-collection-errors")


def applies(project: Project) -> bool:
    """Whether it looks like Python."""
    return project.has(*_MARKS) or any(project.folder.glob("*.py")) or any(project.folder.glob("tests/*.py"))


def smoke(project: Project) -> Iterator[Check]:
    """Does every file compile, every package import, every test file load?"""
    python = _python(project)
    if not python:
        yield Check("python", missing="there is no python on the PATH and no .venv in the project")
        return
    compileall = (python, "-m", "compileall", "-q", "-f", "-x", _NOT_COMPILED, ".")
    yield Check("compileall", compileall, read_compileall)
    for package in _packages(project):
        yield Check("import", (python, "-c", f"import {package}"), partial(read_import, package, project.folder))
    if _uses_pytest(project) and "pytest" in _modules(project):
        report = project.report("pytest-collect.xml")
        command = (python, "-m", "pytest", "--collect-only", *_PYTEST, f"--junitxml={report}")
        yield Check("pytest --collect-only", command, read_collection(report, project.folder), fine=_PYTEST_FINE)


def lint(project: Project) -> Iterator[Check]:
    """Ruff (unless the project uses another linter), and mypy where the project has settings for it."""
    python = _python(project)
    told = project.text("pyproject.toml") + project.text("setup.cfg") + project.text("tox.ini")
    ruff = project.has("ruff.toml", ".ruff.toml") or project.tool_table("ruff") is not None
    other = not ruff and ("flake8" in told or "pylint" in told or project.has(".flake8", ".pylintrc"))
    if not other:
        program = _program(project, "ruff")
        if program:
            command = (*program, "check", "--output-format", "json", "--no-cache", ".")
            yield Check("ruff", command, read_ruff)
        elif ruff:
            yield Check("ruff", missing="the project has settings for it, and it is not installed")
    mypy = project.tool_table("mypy") is not None or project.has("mypy.ini", ".mypy.ini")
    if mypy or project.ini_has("mypy", "setup.cfg"):
        if "mypy" in _modules(project):
            targets = () if _names_files(project) else (".",)
            command = (python, "-m", "mypy", "--output", "json", "--no-error-summary", *targets)
            yield Check("mypy", command, read_mypy)
        else:
            yield Check("mypy", missing="the project has settings for it, and it is not installed")


def regression(project: Project) -> Iterator[Check]:
    """Its tests: with pytest where the project uses it, else with unittest."""
    python = _python(project)
    if _uses_pytest(project):
        if "pytest" not in _modules(project):
            yield Check("pytest", missing=_not_for("pytest", python))
            return
        report = project.report("pytest.xml")
        command = (python, "-m", "pytest", *_PYTEST, f"--junitxml={report}")
        yield Check("pytest", command, read_junit(report, project.folder), fine=_PYTEST_FINE)
    elif _has_tests(project) and python:
        # 5: Python 3.12 says so that there were none.
        discover = (python, "-m", "unittest", "discover", *_start(project))
        yield Check("unittest", discover, partial(read_unittest, project.folder), fine=frozenset((0, 1, 5)))


def coverage(project: Project) -> Iterator[Check]:
    """Which lines the tests reach, by coverage.py."""
    python = _python(project)
    if not (_uses_pytest(project) or _has_tests(project)):
        return
    if "coverage" not in _modules(project):
        yield Check("coverage", missing=_not_for("coverage", python))
        return
    pytest = _uses_pytest(project) and "pytest" in _modules(project)
    tests: tuple[str, ...] = ("pytest", *_PYTEST) if pytest else ("unittest", "discover", *_start(project))
    data = project.report("coverage.data")
    source = () if _measures(project) else ("--source=.", "--omit=tests/*,test/*,setup.py,*/site-packages/*")
    run = (python, "-m", "coverage", "run", f"--data-file={data}", *source, "-m", *tests)
    yield Check("coverage run", run, fine=_PYTEST_FINE)
    report = project.report("coverage.json")
    # 2: under the project's own limit.
    yield Check(
        "coverage json",
        (python, "-m", "coverage", "json", f"--data-file={data}", "-o", str(report)),
        read_coverage(report),
        fine=frozenset((0, 2)),
    )


def _python(project: Project) -> str:
    """The project's own Python, else the one on the PATH; empty without any."""
    own = next((name for name in _PYTHONS if (project.folder / name).exists()), "")
    return str(project.folder / own) if own else project.runner.find("python3") or project.runner.find("python") or ""


def _modules(project: Project) -> frozenset[str]:
    """Which of the modules that we use its Python has."""
    python = _python(project)
    if not python:
        return frozenset()
    return project.asked(python, partial(_ask, project, python))


def _ask(project: Project, python: str) -> frozenset[str]:
    ran = project.runner.run((python, "-c", _ASK.format(names=_ASKED)), timeout=_ASK_SECONDS)
    return frozenset(ran.stdout.split()) & set(_ASKED) if ran.exit_code == 0 else frozenset()


def _program(project: Project, name: str) -> tuple[str, ...]:
    """How a tool is started: from the project's Python, else from the PATH."""
    if name in _modules(project):
        return (_python(project), "-m", name)
    found = project.runner.find(name)
    return (found,) if found else ()


def _not_for(module: str, python: str) -> str:
    return f"{python or 'Python'} has no module {module}"


def _packages(project: Project) -> list[str]:
    """The top-level packages: under `src`, else at the top."""
    for folder in (project.folder / "src", project.folder):
        found = sorted(path.parent.name for path in folder.glob("*/__init__.py"))
        named = [name for name in found if _PACKAGE.fullmatch(name) and name not in _NOT_PACKAGES]
        if named:
            return named[:_PACKAGES_MAX]
    return []


def _uses_pytest(project: Project) -> bool:
    told = project.tool_table("pytest") is not None or project.has("pytest.ini", "conftest.py", "tests/conftest.py")
    named = "pytest" in project.text("pyproject.toml") + project.text("requirements.txt") + project.text("tox.ini")
    if told or named or project.ini_has("tool:pytest", "setup.cfg"):
        return True
    return _has_tests(project) and "pytest" in _modules(project)


def _has_tests(project: Project) -> bool:
    patterns = ("test_*.py", "tests/**/test_*.py", "test/**/test_*.py", "tests/**/*_test.py")
    return any(True for pattern in patterns for _ in project.folder.glob(pattern))


def _start(project: Project) -> tuple[str, ...]:
    """Where unittest begins to look; it finds no tests below folders that are no packages."""
    folder = next((name for name in ("tests", "test") if project.has(name)), "")
    return ("-s", folder, "-t", ".") if folder and project.has(f"{folder}/__init__.py") else ("-s", folder or ".")


def _names_files(project: Project) -> bool:
    table = project.tool_table("mypy") or {}
    ini = project.text("mypy.ini") + project.text(".mypy.ini") + project.text("setup.cfg")
    return bool({"files", "packages", "modules"} & table.keys()) or bool(
        re.search(r"^(files|packages|modules)\s*=", ini, re.MULTILINE)
    )


def _measures(project: Project) -> bool:
    """Whether its own settings say what is measured."""
    told = (project.tool_table("coverage") or {}).get("run")
    named = isinstance(told, dict) and bool({"source", "source_pkgs", "include"} & told.keys())
    return named or project.has(".coveragerc") or project.ini_has("coverage:run", "setup.cfg", "tox.ini")
