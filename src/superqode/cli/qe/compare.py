"""`qe compare`: two runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from superqode.cli import params
from superqode.cli.completing import complete_ids
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, resolve, store_option, wants_json
from superqode.cli.output import emit, emit_json
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.qe import Finding

__all__ = ["compare"]


@click.command(
    "compare",
    cls=Command,
    see=("qe run", "qe report"),
    codes=(ExitCode.FINDINGS,),
    epilog=examples("superqode qe compare 20261122-100000-7m2q9x4k @latest", "superqode qe compare A B --fail-on high"),
)
@click.argument("before", metavar="A", shell_complete=complete_ids, help="The session of the earlier run.")
@click.argument("after", metavar="B", shell_complete=complete_ids, help="The session of the later run.")
@click.option(
    "--fail-on",
    type=click.Choice(params.SEVERITIES),
    default="info",
    show_default=True,
    help="Findings that are new and as bad as this, or worse, give exit code 4.",
)
@json_option("{new, fixed, remaining, unchecked}, arrays of findings", "superqode.qe:Comparison")
@store_option
@click.pass_context
def compare(ctx: click.Context, *, before: str, after: str, fail_on: str) -> None:
    """Show what is new, fixed and still there between two runs.

    A finding is known again by its fingerprint, wherever its line has moved to. Unchecked are those of roles that
    did not do their work in the later run.
    """
    from superqode.qe import Severity, compare_runs, read_run

    with open_store() as store:
        earlier, later = (read_run(store.load(resolve(store, name))) for name in (before, after))
    compared = compare_runs(earlier, later)
    if wants_json():
        emit_json(compared.to_dict())
    else:
        for title, findings in (
            ("new", compared.new),
            ("fixed", compared.fixed),
            ("still there", compared.remaining),
            ("unchecked", compared.unchecked),
        ):
            _tell(title, findings)
    limit = Severity(fail_on)
    failed = any(finding.severity.at_least(limit) for finding in compared.new)
    ctx.exit(ExitCode.FINDINGS if failed else ExitCode.OK)


def _tell(title: str, findings: Sequence[Finding]) -> None:
    from superqode.qe.reports.plaintext import finding_line

    if findings or title != "unchecked":
        emit(f"{title}: {count(len(findings), 'finding')}")
    for finding in findings:
        emit(f"  {line(finding_line(finding))}")
