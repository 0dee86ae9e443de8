"""`delete`, `undelete`, `trash`, `purge`, `prune`: the trash, and what leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from superqode.cli import params
from superqode.cli.asking import can_ask, confirm
from superqode.cli.common import says_yes
from superqode.cli.completing import complete_trash
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.ops import hint
from superqode.cli.options import (
    json_option,
    open_store,
    resolve,
    sessions_argument,
    store_option,
    wants_json,
)
from superqode.cli.output import Column, emit, emit_json, note, table
from superqode.cli.progress import progress, waiting
from superqode.cli.sessions.held import tell_held
from superqode.cli.text import count, line
from superqode.cli.times import ago

if TYPE_CHECKING:
    from superqode.session.store.results import TrashItem

__all__ = ["delete", "prune", "purge", "trash", "undelete"]

_TRASH_COLUMNS: Final = (
    Column("ID", style="cyan"),
    Column("TITLE", flexible=True),
    Column("DELETED"),
    Column("SNAPSHOTS", right=True, spare=1),
    Column("KEY", style="dim"),
)
_PRUNE_COLUMNS: Final = (
    Column("ID", style="cyan"),
    Column("TITLE", flexible=True),
    Column("CHANGED"),
    Column("MESSAGES", right=True),
)


@click.command(
    "delete",
    cls=Command,
    see=("sessions undelete", "sessions trash", "sessions purge"),
    epilog=examples("superqode sessions delete session-123 session-456"),
)
@sessions_argument(required=True)
@json_option("{deleted: [id, …]}", "Deleted")
@store_option
def delete(session_ids: Sequence[str]) -> None:
    """Move sessions to the trash."""
    with open_store() as store:
        # All names first: a wrong one among them stops the command before anything is gone.
        found = list(dict.fromkeys(resolve(store, session_id) for session_id in session_ids))
        deleted = [session_id for session_id in found if store.delete(session_id)]
    if wants_json():
        emit_json({"deleted": deleted})
        return
    for session_id in deleted:
        emit(f"Deleted {line(session_id)} (`superqode sessions undelete {line(session_id)}` brings it back)")
    hint()


@click.command(
    "undelete",
    cls=Command,
    see=("sessions trash", "sessions delete"),
    epilog=examples("superqode sessions undelete session-123"),
)
@click.argument(
    "wanted",
    metavar="ID|KEY",
    shell_complete=complete_trash,
    help="A deleted session: its id, or its KEY as `trash` shows it where it was deleted several times.",
)
@click.option("--id", "new_id", metavar="ID", help="Bring it back under this id, where its own is taken.")
@json_option("{id}", "Named")
@store_option
def undelete(wanted: str, new_id: str | None) -> None:
    """Bring a session back from the trash."""
    with open_store() as store:
        back = store.undelete(wanted, new_id=new_id)
    if wants_json():
        emit_json({"id": back})
    else:
        emit(f"{line(back)} is back")
        hint()


@click.command(
    "trash",
    cls=Command,
    see=("sessions undelete", "sessions purge"),
    epilog=examples("superqode sessions trash", "superqode sessions trash --json"),
)
@json_option("an array of deletions as in TrashItem", "superqode.session.store.results:TrashItem[]")
@store_option
def trash() -> None:
    """List what is in the trash."""
    with open_store() as store:
        items = store.trash()
    if wants_json():
        emit_json([item.to_dict() for item in items])
    elif items:
        table(_TRASH_COLUMNS, [_trash_row(item) for item in items])
    else:
        note("the trash is empty")


def _trash_row(item: TrashItem) -> tuple[object, ...]:
    return item.session_id, item.title, ago(item.deleted_at), len(item.snapshots), item.key


@click.command(
    "purge",
    cls=Command,
    see=("sessions trash", "sessions undelete", "sessions scrub"),
    codes=(ExitCode.PARTLY,),
    epilog=examples("superqode sessions purge session-123 --now", "superqode sessions purge --older-than 30d --yes"),
)
@click.argument(
    "wanted",
    metavar="[ID|KEY]",
    required=False,
    shell_complete=complete_trash,
    help="A deleted session: its id or its KEY; all without one.",
)
@click.option("--older-than", metavar="AGE", type=params.age, help="Only what was deleted longer ago, such as 30d.")
@click.option("--now", is_flag=True, help="Free the bytes at once; other processes wait meanwhile.")
@json_option("what was forgotten as in PurgeResult", "superqode.session.store.results:PurgeResult")
@store_option
@click.pass_context
def purge(ctx: click.Context, wanted: str | None, older_than: timedelta | None, now: bool) -> None:
    """Forget what is in the trash, for good.

    Without an ID: all of it. Nothing but this and `scrub` forgets; it asks first, and without a terminal it
    refuses unless --yes is given. Bytes that are not freed with --now go with a `maintain` 90 days later.
    Exit code 3 where with --now a work tree or somebody's `.keep` file keeps old bytes in the store still.
    """
    with open_store() as store:
        doomed = [] if says_yes() else store.trash(wanted, older_than=older_than)
        if doomed:
            _ask(doomed)
        with waiting("Freeing" if now else "Forgetting"):
            forgotten = store.purge(wanted, older_than=older_than, now=now)
    if wants_json():
        emit_json(forgotten.to_dict())
    else:
        freed = f", {forgotten.freed_bytes:,} bytes freed" if now else ""
        emit(f"Forgot {count(len(forgotten.purged), 'deleted session')}{freed}")
        if forgotten.shares:
            named = ", ".join(forgotten.shares)
            note(
                f"these shares carry it still, in this store too: {named}; `superqode share revoke` them."
                " Another time revoke first: what was shared goes with the purge then"
            )
        tell_held(forgotten.held_by)
    ctx.exit(ExitCode.PARTLY if forgotten.held_by else ExitCode.OK)


def _ask(doomed: Sequence[TrashItem]) -> None:
    for item in doomed[:20] if can_ask() else ():
        click.echo(f"  {line(item.session_id)}  {line(item.title, 60)}  deleted {ago(item.deleted_at)}", err=True)
    confirm(f"Forget {count(len(doomed), 'deleted session')} for good?", "purging cannot be undone")


@click.command(
    "prune",
    cls=Command,
    see=("sessions trash", "sessions purge"),
    epilog=examples("superqode sessions prune --older-than 90d --dry-run"),
)
@click.option(
    "--older-than",
    metavar="AGE",
    type=params.age,
    required=True,
    help="Not changed for this long, such as 30d.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be moved.")
@json_option("an array of sessions as in SessionSummary", "superqode.session.store.results:SessionSummary[]")
@store_option
def prune(older_than: timedelta, dry_run: bool) -> None:
    """Move sessions that have not changed for long to the trash."""
    with open_store() as store, progress("Moving") as drawn:
        moved = store.cleanup_old_sessions(older_than / timedelta(days=1), dry_run=dry_run, progress=drawn)
    if wants_json():
        emit_json([summary.to_dict() for summary in moved])
        return
    if moved:
        table(
            _PRUNE_COLUMNS,
            [(item.id, item.title, ago(item.updated_at), item.message_count) for item in moved],
        )
    emit(f"{'Would move' if dry_run else 'Moved'} {count(len(moved), 'session')} to the trash")
    if moved and not dry_run:
        hint()
