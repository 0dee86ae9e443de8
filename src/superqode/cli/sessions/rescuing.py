"""`rescue`: what every agent on this machine wrote becomes sessions, before the agents forget it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, style, table
from superqode.cli.progress import progress
from superqode.cli.stopping import until_stopped
from superqode.cli.text import count, line
from superqode.cli.times import local
from superqode.session import clock
from superqode.session.agents import AGENTS

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.session.store.outcomes import ImportOutcome
    from superqode.session.store.rescue import PlaceReport, RescueReport

__all__ = ["rescue"]

_FAILURES_SHOWN: Final = 20
_COLUMNS: Final = (
    Column("AGENT", style="cyan"),
    Column("PLACE", flexible=True),
    Column("FILES", right=True),
    Column("SESSIONS", right=True),
    Column("NEW", style="green", right=True),
    Column("UPDATED", style="green", right=True),
    Column("UNCHANGED", right=True),
    Column("FAILED", style="red", right=True),
)


@click.command(
    "rescue",
    cls=Command,
    see=("sessions import", "hooks install"),
    codes=(ExitCode.PARTLY,),
    epilog=examples(
        "superqode sessions rescue",
        "superqode sessions rescue --agent codex --agent pi --dry-run",
        "superqode sessions rescue --path /mnt/old-laptop/home",
        "superqode sessions rescue --watch",
    ),
)
@click.option(
    "--path",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Look here, too (default: rescue.paths of the configuration).",
)
@click.option(
    "--agent",
    "agents",
    metavar="NAME",
    multiple=True,
    type=click.Choice([agent.name for agent in AGENTS]),
    help=f"Only this agent, again for more: {', '.join(agent.name for agent in AGENTS)}.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, a line for each session that changes.")
@click.option("--reported", is_flag=True, help="Only what agents' hooks reported; this is what the hooks run.")
@json_option("the report as in RescueReport, and totals", "superqode.session.store.rescue:RescueReport + RescueSummed")
@store_option
@click.pass_context
def rescue(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    agents: tuple[str, ...],
    dry_run: bool,
    watch: bool,
    reported: bool,
) -> None:
    """Bring in what all agents on this machine wrote.

    Looks where each agent keeps its sessions (its own environment variables count), and imports what is new
    since the last time: done in a moment when nothing is. Nothing of the agents' is changed. What cannot be
    read is named, the rest is imported, and the exit code is 3.
    """
    if watch and (dry_run or wants_json()):
        raise click.UsageError("--watch goes neither with --dry-run nor with --json", ctx)
    if reported and (watch or dry_run or paths or agents or wants_json()):
        raise click.UsageError("--reported goes with no other option", ctx)
    from superqode.cli.agent_homes import places

    if reported:
        _work_off()
        return
    paths = paths or _configured()
    with open_store(create=True, notice=False) as store:
        if watch:
            _watch(store, agents, paths)
            return
        with progress("Rescuing") as drawn:
            report = store.rescue(places(store, agents, paths), dry_run=dry_run, progress=drawn)
    if wants_json():
        emit_json(report.to_dict())
    else:
        _tell(report, dry_run=dry_run)
    ctx.exit(ExitCode.PARTLY if report.failures else ExitCode.OK)


def _configured() -> tuple[Path, ...]:
    """The places that the configuration names and that are there; a disk may not be plugged in."""
    from superqode.cli.config import load_config

    told = load_config().rescue.paths
    for path in told:
        if not path.exists() and not wants_json():
            note(f"{path}, which the configuration names, is not there now")
    return tuple(path for path in told if path.exists())


def _work_off() -> None:
    from superqode.cli.agent_homes import places
    from superqode.session.store.rescue_reports import work_off

    with open_store(notice=False) as store:
        work_off(store, lambda agent: places(store, [agent], ()))


def _tell(report: RescueReport, *, dry_run: bool) -> None:
    for failure in report.failures[:_FAILURES_SHOWN]:
        note(f"{failure.source}: {failure.reason}")
    if len(report.failures) > _FAILURES_SHOWN:
        note(f"… and {len(report.failures) - _FAILURES_SHOWN} more; --json names all")
    for told in report.notes:
        note(told)
    if not report.places:
        emit("No agent has sessions here; --path looks elsewhere")
        return
    totals = report.totals()
    rows = [_row(place, place.agent or "(named)", _at_home(place.place)) for place in report.places]
    table(_COLUMNS, [*rows, _row(totals, "total", "")] if len(rows) > 1 else rows)
    verb = "Would rescue" if dry_run else "Rescued"
    emit(f"{verb} {count(totals.new, 'new session')}, {totals.updated:,} that went on; {totals.unchanged:,} were here")


def _row(place: PlaceReport, agent: str, where: str) -> tuple[object, ...]:
    numbers = (place.files, place.sessions, place.new, place.updated, place.unchanged, place.failed)
    return agent, where, *(f"{number:,}" for number in numbers)


def _at_home(path: str) -> str:
    """A path as people write it."""
    home = f"{Path.home()}/"
    return f"~/{path.removeprefix(home)}" if path.startswith(home) else path


def _watch(store: SessionStore, agents: tuple[str, ...], paths: tuple[Path, ...]) -> None:
    from superqode.cli.agent_homes import places
    from superqode.session.errors import SessionError
    from superqode.session.store.rescue import watch

    known: set[tuple[str, str]] = set()
    begun = False

    def told(report: RescueReport | SessionError) -> None:
        nonlocal begun
        if isinstance(report, SessionError):
            note(f"{report}; trying again")
            return
        for outcome in report.changed:
            emit(_change(outcome))
        for failure in report.failures:
            if (failure.source, failure.reason) not in known:
                known.add((failure.source, failure.reason))
                note(f"{failure.source}: {failure.reason}")
        if not begun:
            begun = True
            note(f"watching {count(report.totals().files, 'file')}; Ctrl-C ends it")

    with until_stopped() as stop:
        watch(store, lambda: places(store, agents, paths), stop, told)
    note("stopped")


def _change(outcome: ImportOutcome) -> str:
    counts = f"{count(outcome.messages, 'message')}, {count(outcome.executions, 'tool call')}"
    shown = style(line(outcome.session_id), fg="cyan")
    return f"{local(clock.now())}  {outcome.status:<8} {shown}  {counts}"
