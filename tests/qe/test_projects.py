"""Real runs on real projects: the findings are exactly those that are there, and nothing of the project changes."""

from __future__ import annotations

import sys

import pytest

from superqode.qe import QESession, Severity, Verdict, read_run
from superqode.session import ToolExecution
from superqode.session.models.severity import METADATA_KEY

from .conftest import GO, NODE, PYTHON, RUST, every_byte, git, needs

ROLES = ("smoke_tester", "lint_tester", "regression_tester")


def _found(run):
    return sorted((one.severity.value, one.tool, one.rule, one.place) for one in run.findings)


def _run(folder, store):
    """Run all deterministic roles; the project stays as it is to the byte, and the session is complete."""
    before = every_byte(folder)
    qe = QESession(folder, store=store, roles=ROLES)
    run = qe.run()
    assert every_byte(folder) == before
    _complete(store, qe, run)
    return run


def _complete(store, qe, run):
    """The session says of every step what is to be said, and reading it gives the run again."""
    session = store.load(qe.session.id)
    calls = session.tool_executions
    assert len(calls) == sum(len(role.checks) for role in run.roles) > 0
    for call in calls:
        told = call.metadata[METADATA_KEY]
        assert call.agent_name == told["role"]
        assert call.success == (told["exit_code"] == 0)
        assert call.arguments["command"]
        assert isinstance(call, ToolExecution)
    assert {call.agent_name for call in calls} <= set(session.agents_used)
    assert session.messages[-1].content.startswith(f"Verdict: {run.verdict.value}.")
    assert session.project_path == str(qe.project_path)
    assert read_run(session) == run


@pytest.mark.parametrize("committed", [True, False])
def test_python(project, store, committed):
    """Pytest's failures and Ruff's errors are found, each once, in its file and line."""
    run = _run(project(PYTHON, committed=committed), store)
    assert _found(run) == [
        ("high", "pytest", "test-failure", "tests/test_demo.py:13"),
        ("high", "pytest", "test-failure", "tests/test_demo.py:5"),
        ("medium", "ruff", "F401", "demo/__init__.py:1"),
    ]
    assert run.verdict is Verdict.FAILED
    assert [role.outcome for role in run.roles] == ["passed", "failed", "failed"]
    assert "pytest: 3 tests, 2 failed" in run.roles[2].notes
    assert run.findings[0].message.startswith(("test_sum: ", "test_error: "))


@needs("node")
def test_node(project, store):
    """A syntax error of the main file and a test that fails are found with Node's own tools."""
    run = _run(project(NODE, committed=True), store)
    assert _found(run) == [
        ("critical", "node --check", "syntax-error", "index.js:2"),
        ("high", "node --test", "test-failure", "test/add.test.js:6"),
    ]
    assert "node --test: 2 tests, 1 failed" in run.roles[2].notes


@needs("cargo", "cargo-clippy")
def test_rust(project, store):
    """Clippy's warning and a test that fails are found, and no `target` appears in the project."""
    run = _run(project(RUST, committed=True), store)
    assert _found(run) == [
        ("high", "cargo test", "test-failure", "src/lib.rs:16"),
        ("low", "cargo clippy", "clippy::needless_return", "src/lib.rs:2"),
    ]
    assert "wrong sum" in run.findings[0].message


@needs("go")
def test_go(project, store):
    """What vet says and a test that fails are found; the package that vet refuses is not blamed on the tests."""
    run = _run(project(GO, committed=True), store)
    assert _found(run) == [
        ("high", "go test", "test-failure", "sum_test.go:7"),
        ("medium", "go vet", "vet", "vetted/vetted.go:5"),
    ]


def test_what_is_not_committed_is_checked(project, store):
    """Changed and untracked files are checked as they are; ignored and deleted ones are not there."""
    folder = project({**PYTHON, ".gitignore": "/ignored.py\n", "gone.py": "import os\n"}, committed=True)
    (folder / "demo/__init__.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / "untracked.py").write_text("import sys\n")
    (folder / "ignored.py").write_text("import json\n")
    (folder / "gone.py").unlink()
    git(folder, "add", "demo")
    before = every_byte(folder)
    run = QESession(folder, store=store, roles=["lint_tester", "regression_tester"]).run()
    assert _found(run) == [
        ("high", "pytest", "test-failure", "tests/test_demo.py:13"),
        ("medium", "ruff", "F401", "untracked.py:1"),
    ]
    assert every_byte(folder) == before


def test_unittest_without_pytest(project, store):
    """A project that uses only unittest is tested with it."""
    files = {
        "setup.cfg": "[metadata]\nname = demo\n",
        "test_sum.py": "import unittest\n\n\nclass Sums(unittest.TestCase):\n    def test_bad(self):\n"
        "        self.assertEqual(1, 2)\n\n    def test_good(self):\n        pass\n",
    }
    folder = project(files)
    # A Python of its own, without pytest.
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\ninclude-system-site-packages = false\n")
    (folder / ".venv/bin/python").symlink_to(f"{sys.base_prefix}/bin/python3")
    run = QESession(folder, store=store, roles=["regression_tester"]).run()
    assert _found(run) == [("high", "unittest", "test-failure", "test_sum.py:6")]
    assert run.roles[0].notes == ["unittest: 2 tests, 1 failed"]


def test_a_tool_that_is_missing_is_told(project, store):
    """A linter that the project has settings for, and the machine has not, is said and fails nothing."""
    files = {"package.json": '{"scripts": {"test": "jest"}}', "eslint.config.js": "module.exports = []\n"}
    run = QESession(project(files), store=store, roles=["lint_tester", "regression_tester"]).run()
    assert [role.notes for role in run.roles] == [
        ["eslint: eslint is not installed here: there is no node_modules/.bin/eslint"],
        ["jest: jest is not installed here: there is no node_modules/.bin/jest"],
    ]
    assert [role.outcome for role in run.roles] == ["skipped", "skipped"]
    assert run.verdict is Verdict.INCOMPLETE


def test_nothing_to_check(project, store):
    """A folder that is no project of any kind passes no role: that says nothing is incomplete, not passed."""
    run = QESession(project({"README": "hello"}), store=store).run()
    assert {role.outcome for role in run.roles} == {"skipped"}
    assert run.verdict is Verdict.INCOMPLETE


def test_sources_of_the_copy_win_over_an_installed_project(project, store):
    """A Python path that leads to the project's own folder, as an editable install does, does not lead tests there."""
    files = {
        "src/demo/__init__.py": "",
        "tests/test_where.py": "import demo\n\n\ndef test_where():\n    assert 'superqode-qe' in demo.__file__\n",
    }
    folder = project(files)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(folder / "src"))
        run = QESession(folder, store=store, roles=["regression_tester"]).run()
    assert run.verdict is Verdict.PASSED, run.findings


def test_a_project_in_a_larger_repository(project, store):
    """A folder of a repository is checked in its place there, and its files are named from that folder on."""
    repository = project({f"parts/one/{name}": text for name, text in PYTHON.items()}, committed=True)
    run = QESession(repository / "parts/one", store=store, roles=["lint_tester"]).run()
    assert _found(run) == [("medium", "ruff", "F401", "demo/__init__.py:1")]


def test_findings_are_told_again_after_lines_moved(project, store):
    """Fingerprints stay when lines are put before the fault, in another sandbox."""
    folder = project(PYTHON)
    first = QESession(folder, store=store, roles=["lint_tester", "regression_tester"]).run()
    for name in ("demo/__init__.py", "tests/test_demo.py"):
        path = folder / name
        path.write_text(f"\n\n\n{path.read_text()}")
    second = QESession(folder, store=store, roles=["lint_tester", "regression_tester"]).run()
    assert {one.fingerprint for one in first.findings} == {one.fingerprint for one in second.findings}
    assert {one.line for one in first.findings} != {one.line for one in second.findings}


def test_fail_on_decides(project, store):
    """Findings below the limit are told, and the run passes."""
    folder = project({"demo.py": "import os\n", "ruff.toml": ""})
    assert QESession(folder, store=store, roles=["lint_tester"]).run().verdict is Verdict.FAILED
    run = QESession(folder, store=store, roles=["lint_tester"], fail_on=Severity.HIGH).run()
    assert (run.verdict, run.counts) == (Verdict.PASSED, {"medium": 1})


def test_coverage(project, store):
    """Lines that tests reach are counted, files that none reaches named, and the project's own limit fails the run."""
    files = PYTHON | {"pyproject.toml": PYTHON["pyproject.toml"] + "[tool.coverage.report]\nfail_under = 99\n"}
    files |= {"demo/lonely.py": "lonely = 1\n"}
    run = QESession(project(files), store=store, roles=["coverage_tester"]).run()
    assert _found(run) == [
        ("info", "coverage json", "file-not-covered", "demo/lonely.py"),
        ("medium", "coverage json", "coverage-below-limit", ""),
    ]
    assert run.roles[0].notes[1].startswith("coverage json: ")
    assert run.roles[0].notes[1].endswith(" lines")


@needs("node")
def test_coverage_of_node(project, store):
    """Node's test runner tells how many lines the tests reach."""
    run = QESession(project(NODE | {"index.js": "exports.x = 1\n"}), store=store, roles=["coverage_tester"]).run()
    assert run.roles[0].notes[0].endswith(" % of the lines reached by 2 tests")
