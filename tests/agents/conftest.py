"""At the end of a run: which agent took which agent's session over, as a table."""

from __future__ import annotations

from agents.programs import PACKAGES, Programs, cache_folder

HANDOFF = "handoff"


def pytest_terminal_summary(terminalreporter):
    """Draw the table: a row for where a session began, a column for where it went on."""
    told = {}
    for outcome, sign in (("passed", "yes"), ("failed", "NO")):
        for report in terminalreporter.getreports(outcome):
            told |= {pair: sign for name, pair in report.user_properties if name == HANDOFF}
    if not told:
        return
    programs = Programs(cache_folder())
    terminalreporter.section("hand-offs between the real agents")
    terminalreporter.line(", ".join(f"{name} {programs.version(name)}" for name in PACKAGES))
    terminalreporter.line(f"{'from / to':<12}" + "".join(f"{name:<12}" for name in PACKAGES))
    for begun in PACKAGES:
        signs = (told.get(f"{begun} {target}", "-") for target in PACKAGES)
        terminalreporter.line(f"{begun:<12}" + "".join(f"{sign:<12}" for sign in signs))
