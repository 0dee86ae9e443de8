"""`superqode ops`: what moved or removed something in the store, and how it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from superqode.cli.asking import can_ask
from superqode.cli.completing import complete_operations
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, LazyGroup, examples
from superqode.cli.operation_words import about, state
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, table, warn
from superqode.cli.progress import waiting
from superqode.cli.text import count, line
from superqode.cli.times import ago

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.session.store.operations.results import Operation

__all__ = ["hint", "ops", "undo"]

_HERE: Final = "superqode.cli.ops"
_RESULTS: Final = "superqode.session.store.operations.results"
_COMMANDS: Final = {"undo": (f"{_HERE}:undo", "Take an operation back.")}
_COLUMNS: Final = (
    Column("N", right=True),
    Column("ID", style="cyan"),
    Column("WHEN"),
    Column("WHAT"),
    Column("SESSION", flexible=True),
    Column("STATE"),
)


def hint() -> None:
    """Say on stderr how what was just done is taken back."""
    if not wants_json():
        note("undo it with: superqode ops undo")


@click.group(
    cls=LazyGroup,
    table=_COMMANDS,
    works_alone=True,
    epilog=examples("superqode ops", "superqode ops undo", "superqode ops undo 3 --dry-run"),
)
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list."
)
@json_option("an array of operations as in Operation", f"{_RESULTS}:Operation[]")
@store_option
@click.pass_context
def ops(ctx: click.Context, limit: int) -> None:
    """List what moved or removed sessions, and take it back.

    Deleting, bringing back, renaming, restoring, undo and redo, replacing, imports and reimports that take from a
    session, merging, repairs, ending shares, and what `sync` moves or removes are operations. What was purged or
    scrubbed is gone for good, and so is, a month later at most, what is older than 90 days where `sessions
    maintain` runs. Saves are not here: `sessions log` has them.
    """
    if ctx.invoked_subcommand is not None:
        return
    with open_store() as store:
        operations = store.operations(limit)
    if wants_json():
        emit_json([operation.to_dict() for operation in operations])
    elif operations:
        table(_COLUMNS, [_row(operation) for operation in operations])
    else:
        note("nothing was moved or removed here")


def _row(operation: Operation) -> tuple[object, ...]:
    number = operation.number or ""
    return number, operation.id, ago(operation.at), operation.verb, about(operation), state(operation)


@click.command(
    "undo",
    cls=Command,
    see=("ops", "sessions undelete", "sessions restore", "sessions undo"),
    codes=(ExitCode.PARTLY, ExitCode.REMOTE_FAILED),
    epilog=examples("superqode ops undo", "superqode ops undo 3 --dry-run", "superqode ops undo 7m2q9x4k"),
)
@click.argument(
    "which",
    metavar="[N|ID]",
    required=False,
    shell_complete=complete_operations,
    help="An operation's number or id (or the beginning of it) as `ops` lists them; without one the newest in effect.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option(
    "what changed as in UndoneOperation, and whether the share was pushed", f"{_RESULTS}:UndoneOperation+Pushed"
)
@store_option
@click.pass_context
def undo(ctx: click.Context, which: str | None, dry_run: bool) -> None:
    """Take an operation back.

    All of it or nothing. Without N the newest that is in effect: doing it again goes further back. Taking back
    is an operation, too, and `ops undo 1` takes that back. What was saved since is kept; where something else
    stands in the way, nothing is changed. A share that was revoked goes to its remote again: exit code 3 where
    that cannot be reached.
    """
    with open_store() as store, waiting("Taking it back"):
        done = store.undo_operation(which, dry_run=dry_run)
        pushed = bool(done.share) and not dry_run and _push(store, done.share)
    operation = done.operation
    if wants_json():
        emit_json(done.to_dict() | {"pushed": pushed})
    else:
        told = ", ".join(line(session.id) for session in operation.sessions[:3])
        more = f" and {count(len(operation.sessions) - 3, 'more session')}" if len(operation.sessions) > 3 else ""
        emit(f"{'Would take' if dry_run else 'Took'} back: {operation.verb} of {told}{more} ({ago(operation.at)})")
        for change in done.changes:
            emit(f"  {line(change)}")
        if not dry_run:
            note("take that back with: superqode ops undo 1")
    ctx.exit(ExitCode.PARTLY if done.share and not pushed and not dry_run else ExitCode.OK)


def _push(store: SessionStore, share_id: str) -> bool:
    """Send a share to its remote again; says whether it is there."""
    from superqode.session.errors import GitError, RemoteError, ShareError
    from superqode.session.sharing.manager import SessionSharingManager

    try:
        SessionSharingManager(store, interactive=can_ask()).push_shares([share_id])
    except (RemoteError, ShareError, GitError) as problem:
        warn(f"the share {share_id} is back here, but not on its remote: {problem}")
        warn(f"`superqode share push {share_id}` sends it once that is put right")
        return False
    return True
