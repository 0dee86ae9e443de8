"""Roles at work: whatever their tools print, the run goes on and says what it could not read."""

from __future__ import annotations

import json
import sys

import pytest

from superqode.qe import QESession, Verdict, read_run
from superqode.qe.checks import Check
from superqode.qe.tools.go import read_go_build
from superqode.qe.tools.node_reports import read_eslint, read_node_coverage

UNREADABLE = "its output cannot be read"
ODD = [
    (read_node_coverage, "# all files | 1..2 | x", (UNREADABLE, 0)),
    (read_go_build, f"foo.go:{'9' * 5000}:1: x", (UNREADABLE, 0)),
    (read_go_build, "foo.go:99999999999:1: x", ("", 1)),
    (read_eslint, json.dumps([{"filePath": "a\ud800.js", "messages": [{"message": "\ud800", "line": 1}]}]), ("", 1)),
    (read_eslint, json.dumps([{"filePath": "a.js", "messages": [{"message": "m", "line": 2**70}]}]), ("", 1)),
]


@pytest.mark.parametrize(("read", "told", "came"), ODD)
def test_odd_output_breaks_one_tool_at_most(project, store, monkeypatch, read, told, came):
    """A number that is none, a line that no file has, a name that no format can hold: the run ends as any other."""
    broke, found = came
    odd = Check("odd", (sys.executable, "-c", f"print({told!r})"), read)
    fine = Check("fine", (sys.executable, "-c", ""))
    monkeypatch.setattr("superqode.qe.working.checks_of", lambda _role, _project: [odd, fine])
    run = QESession(project({"foo.go": "", "a.js": ""}), store=store, roles=["lint_tester"], fail_on="critical").run()
    assert run.roles[0].notes[-1] == "fine: fine"
    assert broke in run.roles[0].notes[0]
    assert run.verdict is (Verdict.INCOMPLETE if broke else run.verdict)
    assert len(run.findings) == found
    assert [finding.line for finding in run.findings] == [0] * found
    assert read_run(store.load(run.session_id)).findings == run.findings
