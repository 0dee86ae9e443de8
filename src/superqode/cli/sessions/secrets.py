"""`scan`, `scrub`: passwords, keys and tokens that got into sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from superqode.cli.asking import can_ask, confirm
from superqode.cli.common import says_yes
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import (
    json_option,
    open_store,
    resolve,
    session_argument,
    sessions_argument,
    store_option,
    wants_json,
)
from superqode.cli.output import emit, emit_json, note, table, warn
from superqode.cli.progress import progress
from superqode.cli.sessions.held import tell_held
from superqode.cli.share.asking import read_lines
from superqode.cli.share.telling import PLACE_COLUMNS, place_row
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session.errors import CorruptSession
    from superqode.session.store.results import ScrubResult

__all__ = ["scan", "scrub"]


@click.command(
    "scan",
    cls=Command,
    see=("sessions scrub", "share create"),
    codes=(ExitCode.PARTLY,),
    epilog=examples("superqode sessions scan", "superqode sessions scan @latest --json"),
)
@sessions_argument(required=False)
@json_option(
    "an array of places as in SecretPlace; never the secrets themselves",
    "superqode.session.store.results:SecretPlace[]",
)
@store_option
@click.pass_context
def scan(ctx: click.Context, session_ids: Sequence[str]) -> None:
    """Find passwords, keys and tokens in sessions.

    Every save is looked through, not only the last one. SINCE is the first save that holds the secret; equal
    secrets have equal marks. What no rule knows is not found. The kept originals of imports are not looked
    into: they hold what their sessions hold, and more. Exit code 3 where a session is damaged.
    """
    damaged: list[CorruptSession] = []
    with open_store() as store, progress("Scanning") as drawn:
        named = [resolve(store, session_id) for session_id in session_ids] or None
        found = store.scan(named, progress=drawn, damaged=damaged.append)
    for problem in damaged:
        warn(f"not looked through: {problem}")
    if wants_json():
        emit_json([place.to_dict() for place in found])
    elif found:
        table(PLACE_COLUMNS, [place_row(place) for place in found])
        distinct = len({(place.rule, place.mark) for place in found})
        note(f"{count(distinct, 'secret')}. Change them where they are used; `superqode sessions scrub` takes them out")
    else:
        note("no secrets were found")
    ctx.exit(ExitCode.PARTLY if damaged else ExitCode.OK)


@click.command(
    "scrub",
    cls=Command,
    see=("sessions scan", "share revoke"),
    codes=(ExitCode.PARTLY,),
    epilog=examples(
        "superqode sessions scrub session-123 --secret",
        "superqode sessions scrub session-123 --rule aws-access-key-id --dry-run",
        "pass show old-key | superqode sessions scrub session-123 --secret-stdin --yes",
    ),
)
@session_argument
@click.option("--secret", "ask", is_flag=True, help="Ask for a text that is to go; it is not shown.")
@click.option("--secret-stdin", "from_stdin", is_flag=True, help="Read texts that are to go, one a line.")
@click.option(
    "--rule", "rules", metavar="RULE|MARK", multiple=True, help="What this rule found, or has this mark, is to go."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be taken out.")
@json_option("what was done as in ScrubResult", "superqode.session.store.results:ScrubResult")
@store_option
@click.pass_context
def scrub(
    ctx: click.Context,
    *,
    session_id: str,
    ask: bool,
    from_stdin: bool,
    rules: Sequence[str],
    dry_run: bool,
) -> None:
    """Take a secret out of a session's whole history, for good.

    Its saves are written anew from the first one that holds it, and the old ones are purged at once. The text
    never stands on the command line: it is asked for, or read from standard input. Shares that carry it
    already are named; nothing can be taken back from who opened them. An imported session's kept original
    is dropped, with that of every session from the same file. Machines that sync take it out of what they have
    of the old saves, in forks and the trash too; a text that was said again there has to be scrubbed again.
    Exit code 3 where a work tree or somebody's `.keep` file keeps old bytes in the store still.
    """
    from superqode.session.errors import GitFailed

    yes = says_yes()
    if not (ask or from_stdin or rules):
        raise click.UsageError("say what is to go: --secret, --secret-stdin, or --rule as `scan` names it", ctx)
    if not (dry_run or yes or can_ask()):
        raise click.UsageError("scrubbing cannot be undone, and there is nobody to ask: add --yes", ctx)
    if from_stdin and not (dry_run or yes):
        raise click.UsageError("--secret-stdin takes the place of your answers: add --yes or --dry-run", ctx)
    with open_store() as store:
        found = resolve(store, session_id)
        secrets = (read_lines("the secret") if from_stdin else []) + ([_typed(ctx)] if ask else [])
        if not yes and not dry_run:
            with progress("Looking") as drawn:
                doomed = store.scrub(found, secrets=secrets, rules=rules, dry_run=True, progress=drawn)
            _ask(doomed)
        try:
            with progress("Scrubbing") as drawn:
                done = store.scrub(found, secrets=secrets, rules=rules, dry_run=dry_run, progress=drawn)
        except GitFailed:  # its bytes are not freed; what else holds it is known all the same
            if not wants_json():
                _tell_elsewhere(store.scrub(found, secrets=secrets, rules=rules, dry_run=True))
            raise
    if wants_json():
        emit_json(done.to_dict())
    else:
        _tell(done, dry_run=dry_run)
        tell_held(done.held_by)
    ctx.exit(ExitCode.PARTLY if done.held_by else ExitCode.OK)


def _typed(ctx: click.Context) -> str:
    if not can_ask():
        raise click.UsageError("there is nobody to ask for the secret: give --secret-stdin", ctx)
    return str(click.prompt("Text that is to go", hide_input=True, err=True))


def _ask(doomed: ScrubResult) -> None:
    if not doomed.places:
        return
    places = count(sum(place.count for place in doomed.places), "place")
    question = f"Take it out of {places} and write {count(doomed.rewritten, 'save')} anew, for good?"
    confirm(question, "scrubbing cannot be undone")


def _tell(done: ScrubResult, *, dry_run: bool) -> None:
    if done.places or done.originals:
        _tell_done(done, dry_run=dry_run)
    else:
        note(f"{done.session_id} does not hold it")
    _tell_elsewhere(done)


def _tell_done(done: ScrubResult, *, dry_run: bool) -> None:
    table(PLACE_COLUMNS, [place_row(place) for place in done.places])
    freed = "" if dry_run else f", {done.freed_bytes:,} bytes freed"
    emit(f"{'Would write' if dry_run else 'Wrote'} {count(done.rewritten, 'save')} anew{freed}")
    if done.originals:
        note(f"dropped the kept originals of {line(', '.join(done.originals))}: they held it, or may")


def _tell_elsewhere(done: ScrubResult) -> None:
    if done.also_in:
        note(f"these hold it too: {line(', '.join(done.also_in))}; scrub or purge them as well")
    if done.shares:
        note(
            f"these shares carry it already: {line(', '.join(done.shares))}; `superqode share revoke` them,"
            " and change the secret: who opened one has it"
        )
