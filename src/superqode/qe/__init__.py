"""Quality sessions: a project's own tools, and agents, run on a copy of it; what they find is kept in a session.

    from superqode.qe import QESession

    with QESession("path/to/project", roles=["lint_tester", "regression_tester"]) as qe:
        run = qe.run()
    print(run.verdict, run.counts)              # failed {'high': 1, 'medium': 2}
    for finding in run.findings:
        print(finding.severity, finding.place, finding.message)

`async with QESession(…) as qe: run = await qe.run_async()` is the same for asyncio. The session is `qe.session`, saved
after each step; `read_run(store.load(session_id))` gives its last run again, `compare_runs(before, after)` what is new,
fixed and still there, and `superqode.qe.reports` writes a run as Markdown, text, JSON, JUnit XML and SARIF.

| module | what it knows |
|---|---|
| `session` | `QESession`: sandbox, roles, verdict |
| `working` | a role at work: its commands, its time, what they come to |
| `recording`, `runs` | a run → entries of a session, and back |
| `sandbox`, `copying` | the copy that is worked on, and how nothing of it is left |
| `running`, `captured` | programs: as a group that ends with us, bounded in time and output |
| `project`, `roles`, `tools/` | what a project is made with, which commands a role runs, how their reports are read |
| `agents` | roles of agents: the prompt, the answer |
| `checks`, `faults`, `reading` | commands and drafts, drafts → findings with fingerprints, reports with bounds |
| `compare`, `reports/` | two runs beside each other; a run for people and programs |

Names load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.qe.compare import Comparison as Comparison
    from superqode.qe.compare import compare_runs as compare_runs
    from superqode.qe.recording import TAG as TAG
    from superqode.qe.runs import QERun as QERun
    from superqode.qe.runs import RoleResult as RoleResult
    from superqode.qe.runs import read_run as read_run
    from superqode.qe.session import QESession as QESession
    from superqode.qe.working import Event as Event
    from superqode.session.models.findings import Finding as Finding
    from superqode.session.models.findings import Verdict as Verdict
    from superqode.session.models.severity import Severity as Severity

_HOMES: Final = {
    "TAG": "superqode.qe.recording",
    "Comparison": "superqode.qe.compare",
    "Event": "superqode.qe.working",
    "Finding": "superqode.session.models.findings",
    "QERun": "superqode.qe.runs",
    "QESession": "superqode.qe.session",
    "RoleResult": "superqode.qe.runs",
    "Severity": "superqode.session.models.severity",
    "Verdict": "superqode.session.models.findings",
    "compare_runs": "superqode.qe.compare",
    "read_run": "superqode.qe.runs",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table serves both
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
