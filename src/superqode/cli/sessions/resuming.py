"""`resume`: a session goes on in an agent, whichever agent it began in."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.agent_homes import home_of, is_folder_here
from superqode.cli.agent_programs import (
    PACKAGES,
    configured_model,
    find_program,
    moving_variable,
    run_in_terminal,
    run_quietly,
)
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, session_argument, store_option, wants_json
from superqode.cli.output import emit, emit_json, note
from superqode.cli.text import count, line
from superqode.session.agents.table import agent_named

if TYPE_CHECKING:
    from superqode.session import Session
    from superqode.session.store.handing_over import HandedOver, Target

__all__ = ["resume"]

# The receipt's parts, in words for people.
_PARTS: Final = {"left_out": "left out", "changed": "changed", "added": "added"}


@click.command(
    "resume",
    cls=Command,
    epilog=examples(
        "superqode sessions resume @latest",
        "superqode sessions resume session-123 --agent codex",
        "superqode sessions resume session-123 --agent claude-code --project ~/src/app --run",
        "superqode sessions resume session-123 --agent opencode --model anthropic/claude-sonnet-4-5 --dry-run",
    ),
)
@session_argument
@click.option(
    "--agent", type=click.Choice(tuple(PACKAGES)), help="Where to go on (default: the agent it was imported from)."
)
@click.option(
    "--project",
    metavar="PATH",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder to work in (default: the session's, where it is on this machine, else the current one).",
)
@click.option(
    "--model",
    metavar="NAME",
    default="",
    help="The model to go on with, as the agent calls it (opencode: PROVIDER/MODEL). Most agents take their own.",
)
@click.option("--run", "start", is_flag=True, help="Start the agent at once, and end with its exit code.")
@click.option("--receipt", is_flag=True, help="List all that was left out, changed or added on the way.")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@json_option("what was written and the command, as in HandedOver", "superqode.session.store.handing_over:HandedOver")
@store_option
@click.pass_context
def resume(
    ctx: click.Context,
    *,
    session_id: str,
    agent: str | None,
    project: Path | None,
    model: str,
    start: bool,
    receipt: bool,
    dry_run: bool,
) -> None:
    """Go on with a session in an agent, whichever agent it began in.

    It is written into the agent's own folder, in its own format and with this machine's paths, and the command
    that continues it is printed. Prompts, answers, tool calls and their results go over; what does not is told.
    To resume again writes only what is new, and nothing where the agent has it all. The agent's own files are
    never changed but by what is added to a session that was handed over before.
    """
    if start and (dry_run or wants_json()):
        raise click.UsageError("--run shows the agent on this terminal: leave --dry-run and --json out", ctx)
    with open_store() as store:
        session = store.load(store.resolve(session_id))
        target = _target(ctx, session, agent, project, model)
        _check_program(target, needed=start or (target.agent == "opencode" and not dry_run))
        done = store.hand_over(
            session.id,
            target,
            run=lambda words: _bring(words, target.project),
            dry_run=dry_run,
        )
    if wants_json():
        emit_json(done.to_dict())
        return
    for told in _told(done, whole=receipt):
        emit(told)
    if start:
        ctx.exit(run_in_terminal(done.command, Path(done.project)))
    ctx.exit(ExitCode.OK)


def _bring(words: tuple[str, ...], folder: Path) -> None:
    _say(f"running {words[0]} {words[1]}")
    run_quietly(words, folder)


def _target(ctx: click.Context, session: Session, agent: str | None, project: Path | None, model: str) -> Target:
    from superqode.session.handoff import WRITERS
    from superqode.session.store.handing_over import Target, agent_of

    chosen = agent or agent_of(session)
    if not chosen:
        raise click.UsageError(
            f"no agent that takes sessions wrote this one: name one with --agent {'|'.join(PACKAGES)}", ctx
        )
    folder = project.resolve() if project else _folder(session)
    writer = next(writer for writer in WRITERS if writer.name == chosen)
    home = home_of(writer.home)
    title = agent_named(chosen).title
    if home is None:
        raise click.ClickException(f"no folder of {title} is known here: set {writer.home.variable}")
    if not home.is_dir() and find_program(chosen) is None:
        raise click.ClickException(
            f"{title} was never used here: there is no folder {home} and no program {PACKAGES[chosen][0]}."
            f" Install it (npm install -g {PACKAGES[chosen][1]}), or name its folder with {writer.home.variable}"
        )
    if variable := moving_variable(chosen):
        _say(f"{variable} is set, which keeps {title} from finding it: unset that for the command below")
    if chosen == "opencode" and not model:
        model = configured_model(folder)
    return Target(chosen, home, folder, model)


def _folder(session: Session) -> Path:
    """The session's project where it is here, else the current folder, and say so."""
    known = Path(session.project_path)
    if session.project_path and is_folder_here(known):
        return known.resolve()
    here = Path.cwd()
    if session.project_path:
        _say(f"{session.project_path} is not on this machine: it goes on in {here} (--project names another)")
    return here


def _check_program(target: Target, *, needed: bool) -> None:
    if find_program(target.agent) is not None:
        return
    name, package = PACKAGES[target.agent]
    told = f"{name} is not on PATH here. Install it with npm install -g {package}"
    if needed:
        raise click.ClickException(told)
    _say(told)


def _say(text: str) -> None:
    """Tell people something beside the result; programs ask for JSON and read the result."""
    if not wants_json():
        note(text)


def _told(done: HandedOver, *, whole: bool) -> Iterator[str]:
    """Say what was done, and what to do next."""
    title = agent_named(done.agent).title
    receipt = done.receipt
    kept: Mapping[str, int] = receipt["kept"]
    if kept:
        counts = ", ".join(count(kept[name], name[:-1]) for name in ("prompts", "answers", "calls") if kept.get(name))
        would = "Would hand" if done.dry_run else "Handed"
        yield f"{would} {line(done.session_id)} over to {title}: {counts}, {count(kept.get('results', 0), 'result')}"
    for file in done.files:
        way = "new" if file["new"] else "added to it"
        yield f"  {line(file['path'])}  ({file['bytes']:,} bytes, {way})"
    for name, words in _PARTS.items():
        counts = receipt[name]
        if whole:
            yield from (f"  {words}: {number:,} {line(what)}" for what, number in counts.items())
        elif counts:
            yield f"  {words}: {', '.join(f'{number:,} {line(what)}' for what, number in counts.items())}"
    yield from (f"  {line(told)}" for told in receipt["notes"])
    yield f"\nGo on with:\n\n    {_command(done)}"


def _command(done: HandedOver) -> str:
    """The command to copy; from any folder."""
    words = shlex.join(done.command)
    if Path(done.project) == Path.cwd().resolve():
        return words
    return f"cd {shlex.quote(done.project)} && {words}"
