"""`superqode qe`: the group; its commands stand in the modules beside this one."""

from __future__ import annotations

from typing import Final

import click

from superqode.cli.exit_codes import help_lines
from superqode.cli.lazy import LazyGroup, examples
from superqode.cli.options import store_option

__all__ = ["qe"]

_COMMANDS: Final = {
    "run": ("superqode.cli.qe.run:run", "Check a project on a copy of it, and keep what is found."),
    "report": ("superqode.cli.qe.report:report", "Write what a run found, for people or for programs."),
    "compare": ("superqode.cli.qe.compare:compare", "Show what is new, fixed and still there between two runs."),
}


@click.group(
    cls=LazyGroup,
    table=_COMMANDS,
    epilog=examples(
        "superqode qe run",
        "superqode qe report --format sarif -o superqode.sarif",
        "superqode qe compare 20261122-100000-7m2q9x4k @latest",
    )
    + "\n"
    + help_lines(),
)
@store_option
def qe() -> None:
    """Run a project's own checks on a copy, and keep what they find.

    A run is a session like any other: `superqode sessions show`, `search` and `list --finding high` know it.
    """
