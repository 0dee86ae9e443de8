"""`qe run`: a quality run, told as it goes on, with an exit code for CI."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli import params
from superqode.cli.completing import complete_ids
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, resolve, store_option, wants_json
from superqode.cli.output import emit, emit_json, note

if TYPE_CHECKING:
    from superqode.qe import Event, QERun

__all__ = ["run"]

_MODES: Final = ("quick", "deep")


@click.command(
    "run",
    cls=Command,
    see=("qe report", "qe compare", "sessions list"),
    codes=(ExitCode.PARTLY, ExitCode.FINDINGS),
    epilog=examples(
        "superqode qe run",
        "superqode qe run ~/code/shop --role lint_tester --role regression_tester --fail-on high",
        "superqode qe run --mode deep --agent 'gemini --experimental-acp' --json",
    ),
)
@click.argument(
    "path", default=".", type=click.Path(exists=True, file_okay=False), help="The project's folder; here without it."
)
@click.option(
    "--role",
    "roles",
    metavar="NAME",
    multiple=True,
    help="A role that works, again for more: smoke_tester, lint_tester, regression_tester, coverage_tester; with an"
    " agent also security_tester, api_tester, edge_case_tester, performance_tester, test_reviewer. Those of the mode"
    " without it.",
)
@click.option("--mode", type=click.Choice(_MODES), help="quick (three roles, 300 s each) or deep (all, 1800 s each).")
@click.option("--agent", metavar="NAME", help="The agent of agent roles: its name in the config file, or a command.")
@click.option(
    "--fail-on",
    type=click.Choice(params.SEVERITIES),
    default="medium",
    show_default=True,
    help="Findings as bad as this, or worse, fail the run.",
)
@click.option(
    "--timeout", metavar="SECONDS", type=click.FloatRange(min=0, min_open=True), help="How long a role may take."
)
@click.option("--title", help="The session's title; without it, the project's name and what came out.")
@click.option(
    "--session",
    "session_id",
    metavar="ID",
    shell_complete=complete_ids,
    help="Go on in this session, instead of one of its own.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also print what the tools say, as they say it.")
@json_option("the run, with its roles and findings", "superqode.cli.qe.documents:RunShown")
@store_option
@click.pass_context
def run(
    ctx: click.Context,
    *,
    path: str,
    roles: Sequence[str],
    mode: str | None,
    agent: str | None,
    fail_on: str,
    timeout: float | None,
    title: str | None,
    session_id: str | None,
    verbose: bool,
) -> None:
    """Check a project on a copy of it, and keep what is found.

    The project's own tools run on a Git worktree (outside Git: a copy) of its present state, uncommitted and
    untracked files included; the project's folder is never written, and the copy is gone afterwards. Tools that are
    missing are told. Agents may look at the copy, and nothing else. Each step is saved as it ends: a run that is
    killed is there up to its last step. Exit code 4 where findings fail the run, 3 where it is incomplete.
    """
    from superqode.cli.config import load_config
    from superqode.qe import QESession

    config = load_config()
    with open_store(create=True) as store, _ended_politely():
        session = QESession(
            path,
            title=title,
            roles=roles or config.qe.roles or None,
            store=store,
            mode=mode or config.qe.mode or "quick",
            agent=_command(agent or config.qe.agent, config.agents),
            session_id=resolve(store, session_id) if session_id else None,
            timeout=timeout or config.qe.timeout,
            fail_on=fail_on,
            on_event=_teller(verbose=verbose),
        )
        done = session.run()
    if wants_json():
        emit_json(done.to_dict())
    else:
        _tell(done)
    ctx.exit(_exit_code(done))


def _exit_code(done: QERun) -> ExitCode:
    """Give what a run ends with."""
    return {"passed": ExitCode.OK, "failed": ExitCode.FINDINGS, "incomplete": ExitCode.PARTLY}[done.verdict.value]


def _command(agent: str | None, known: Any) -> Sequence[str] | None:
    """How an agent is started: as configured, else as it is written."""
    if not agent:
        return None
    try:
        return known.get(agent) or tuple(shlex.split(agent))
    except ValueError as problem:
        raise click.BadParameter(f"{agent!r} is neither a configured agent nor a command: {problem}") from problem


def _tell(done: QERun) -> None:
    from superqode.qe.reports import render

    emit(render(done, "text").rstrip("\n"))
    note(f"kept as session {done.session_id}; `superqode qe report {done.session_id} --format markdown` tells more")


def _teller(*, verbose: bool) -> Callable[[Event], None]:
    """Tells what happens on stderr; nothing beside a JSON document."""
    silent = wants_json()
    ctx = click.get_current_context()

    def tell(event: Event) -> None:
        if silent or event.kind in ("role", "verdict"):
            return
        with ctx.scope(cleanup=False):  # output is told by threads, which have no context
            if event.kind != "output":
                note(f"{event.role or 'sandbox'}: {event.text}")
            elif verbose:
                for line in event.text.splitlines():
                    note(f"  {line}")

    return tell


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Let SIGTERM and SIGHUP, which CI systems cancel with, end a run as Ctrl-C does: with its sandbox removed."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [(number, signal.signal(number, interrupt)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
