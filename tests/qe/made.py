"""Sessions with quality runs in them, made without running anything."""

from __future__ import annotations

from pathlib import Path

from superqode.qe.checks import Check, Draft
from superqode.qe.faults import Places, findings_of
from superqode.qe.recording import Record
from superqode.qe.running import Ran
from superqode.qe.runs import Outcome, RoleResult, verdict_of
from superqode.qe.sandbox import Sandbox
from superqode.session import Session
from superqode.session.models.severity import Severity

BAD = Draft("F401", Severity.MEDIUM, "`os` imported but unused", "src/a b.py", 3, "import os")
WORSE = Draft(
    "test-failure", Severity.HIGH, "test_x: assert 1 == 2", "tests/test_x.py", 7, "E  assert 1 == 2", "test_x"
)
HOSTILE = Draft(
    "rule`|<b>",
    Severity.LOW,
    "<script>alert(1)</script> | ](javascript:x) \x1b[31m\u202e ]]> \ufffe\nline",
    "../../etc/passwd",
    9,
    "```\n# heading\n\x00",
)


def made_run(store, *drafts, role="lint_tester", session=None, finished=True, fail_on=Severity.MEDIUM, outcome=None):
    """Make a run whose one role found these drafts; gives the session, saved."""
    session = session or Session(title="Quality of demo", project_path="/p/demo")
    sandbox = Sandbox(Path("/s/demo"), Path("/s/demo"), Path("/s"), "worktree", "1" * 40, 3, ())
    places = Places(sandbox.project, sandbox.home)
    record = Record(session, store, places.plain, "Quality of demo")
    record.begin("/p/demo", "quick", [role, "regression_tester"], fail_on, sandbox)
    check = Check("ruff", ("/s/demo/.venv/bin/ruff", "check"))
    record.check(role, check, Ran(1, "said /s/demo/a.py", "", 0, 1500, ""))
    findings = findings_of(drafts, role, "ruff", places)
    results = [
        RoleResult(role, outcome or (Outcome.FAILED if findings else Outcome.PASSED), ["ruff: done"], [], findings)
    ]
    record.result(results[0])
    if finished:
        results.append(RoleResult("regression_tester", Outcome.SKIPPED, ["pytest: not installed"]))
        record.result(results[1])
        record.end(verdict_of(results, fail_on))
    return session
