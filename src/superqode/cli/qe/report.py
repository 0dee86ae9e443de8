"""`qe report`: a run, written for people or programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.completing import complete_ids
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, resolve, store_option, wants_json
from superqode.cli.output import emit, on_terminal
from superqode.cli.sessions.targets import STDOUT, target, write
from superqode.cli.text import line

if TYPE_CHECKING:
    from superqode.session import SessionStore

__all__ = ["latest_run", "report"]

_FORMATS: Final = ("markdown", "junit", "sarif", "json", "text")
_ENDINGS: Final = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".xml": "junit",
    ".sarif": "sarif",
    ".json": "json",
    ".txt": "text",
}


@click.command(
    "report",
    cls=Command,
    see=("qe run", "qe compare"),
    epilog=examples(
        "superqode qe report",
        "superqode qe report @latest --format markdown",
        "superqode qe report -o superqode.sarif",
        "superqode qe report 20261122-100000-7m2q9x4k --format junit -o report.xml --force",
    ),
)
@click.argument(
    "session_id",
    metavar="[ID]",
    required=False,
    shell_complete=complete_ids,
    help="The session of a run; without it, the newest run.",
)
@click.option(
    "--format", "named", type=click.Choice(_FORMATS), help="What to write; else as the file's ending says, or text."
)
@click.option(
    "-o", "--output", "output", metavar="FILE", default=STDOUT, help="Where to; - or nothing is standard output."
)
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
@json_option("the run, with its roles and findings; as --format json", "superqode.cli.qe.documents:RunShown")
@store_option
@click.pass_context
def report(ctx: click.Context, *, session_id: str | None, named: str | None, output: str, force: bool) -> None:
    """Write what a run found, for people or for programs.

    markdown is for pull requests, junit for the test pages of CI systems, sarif (2.1.0) for code scanning. Of a
    session with several runs it is the last one.
    """
    from superqode.qe import read_run
    from superqode.qe.reports import render

    chosen = "json" if wants_json() else named or _guessed(ctx, output)
    with open_store() as store:
        run = read_run(store.load(resolve(store, session_id) if session_id else latest_run(store)))
    text = render(run, chosen)
    if output == STDOUT and on_terminal():
        from superqode.session.exporters.visible import json_safe, visible

        emit((json_safe(text) if chosen in ("json", "sarif") else visible(text)).rstrip("\n"))
        return
    with target(ctx, output, force=force) as path:
        write((text.encode("utf-8", "replace"),), path)
    if path is not None:
        emit(f"{line(output)}: {Path(output).stat().st_size:,} bytes, {chosen}")


def latest_run(store: SessionStore) -> str:
    """Give the session of the newest run.

    Raises:
        NoQualityRun: there is none.
    """
    from superqode.qe import TAG
    from superqode.session.errors import NoQualityRun

    found = store.list_sessions(tags=[TAG], limit=1)
    if not found:
        raise NoQualityRun("@latest", "no session here is a quality run")
    return found[0].id


def _guessed(ctx: click.Context, output: str) -> str:
    if output == STDOUT:
        return "text"
    ending = Path(output).suffix.lower()
    if ending not in _ENDINGS:
        known = ", ".join(sorted(_ENDINGS))
        raise click.UsageError(f"no format is known by the ending of {output!r} ({known}): give --format", ctx)
    return _ENDINGS[ending]
