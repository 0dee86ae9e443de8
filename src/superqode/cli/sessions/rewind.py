"""`snapshot`, `snapshots`, `restore`, `undo`, `redo`: going back, always by a new save; nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli.completing import complete_revisions
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, resolve, session_argument, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, table, warn
from superqode.cli.sessions.saved import tell_save
from superqode.cli.text import line
from superqode.cli.times import ago
from superqode.session import clock

if TYPE_CHECKING:
    from superqode.session import Session, Snapshot

__all__ = ["redo", "restore", "snapshot", "snapshots", "undo"]

_SNAPSHOT_SHAPE: Final = "{id, session_id, created_at, description, commit}"
_COLUMNS: Final = (
    Column("ID", style="cyan"),
    Column("MADE"),
    Column("COMMIT", style="yellow"),
    Column("DESCRIPTION", flexible=True),
)


def _as_dict(session: Session, made: Snapshot) -> dict[str, Any]:
    return {
        "id": made.id,
        "session_id": session.id,
        "created_at": clock.format_time(made.created_at),
        "description": made.description,
        "commit": made.commit,
    }


@click.command(
    "snapshot",
    cls=Command,
    see=("sessions snapshots", "sessions restore"),
    epilog=examples('superqode sessions snapshot @latest "Before refactoring"'),
)
@session_argument
@click.argument("description", metavar="DESCRIPTION", help="One line that says what the state is good for.")
@json_option(_SNAPSHOT_SHAPE, "SnapshotShown")
@store_option
def snapshot(session_id: str, description: str) -> None:
    """Name the present state, to go back to it."""
    with open_store() as store:
        session = store.load(resolve(store, session_id))
        made = session.create_snapshot(description)
        store.save(session)
    if wants_json():
        emit_json(_as_dict(session, made))
    else:
        emit(line(made.id))


@click.command(
    "snapshots",
    cls=Command,
    see=("sessions snapshot", "sessions restore", "sessions log"),
    epilog=examples("superqode sessions snapshots @latest"),
)
@session_argument
@json_option(f"an array of {_SNAPSHOT_SHAPE}", "SnapshotShown[]")
@store_option
@click.pass_context
def snapshots(ctx: click.Context, session_id: str) -> None:
    """List the snapshots of a session.

    One that is damaged is named, and the exit code is 14.
    """
    with open_store() as store:
        session = store.load(resolve(store, session_id), last=1)  # of which no entry is asked for
        damaged = [
            found
            for found in store.verify([session.id], level="quick").findings
            if found.severity == "error" and found.path.startswith("refs/tags/")
        ]
    if wants_json():
        emit_json([_as_dict(session, made) for made in session.snapshots])
    elif session.snapshots:
        rows = [(made.id, ago(made.created_at), made.commit[:12], made.description) for made in session.snapshots]
        table(_COLUMNS, rows)
    elif not damaged:
        note(f"{session.id} has no snapshots")
    for found in damaged:
        warn(f"{line(found.path)}: {line(found.message, 200)}")
    if damaged:
        ctx.exit(ExitCode.CORRUPT)


@click.command(
    "restore",
    cls=Command,
    see=("sessions snapshots", "sessions log", "sessions undo"),
    epilog=examples("superqode sessions restore session-123 snap-20261122", "superqode sessions restore @latest ~3"),
)
@session_argument
@click.argument(
    "point",
    metavar="SNAPSHOT|REV",
    shell_complete=complete_revisions,
    help="A snapshot's id or the beginning of it, a save, or ~N for N saves back.",
)
@json_option("the save as in SaveResult", "superqode.session.store.results:SaveResult")
@store_option
def restore(session_id: str, point: str) -> None:
    """Go back to a snapshot or an earlier save, as a new save.

    The conversation, its files and agents go back; title, tags and metadata stay.
    """
    with open_store() as store:
        session = store.load(resolve(store, session_id))
        revision = _snapshot_named(session, point) or point
        saved = store.restore(session.id, revision)
    tell_save(saved, f"is as it was at {line(revision)}", "is in that state already", moved=True)


def _snapshot_named(session: Session, point: str) -> str:
    """Complete the beginning of a snapshot's id; empty where none begins so."""
    from superqode.session.errors import AmbiguousId

    known = [made.id for made in session.snapshots]
    fitting = [point] if point in known else [name for name in known if point and name.startswith(point)]
    if len(fitting) > 1:
        raise AmbiguousId(point, fitting)
    return fitting[0] if fitting else ""


@click.command(
    "undo",
    cls=Command,
    see=("sessions redo", "sessions restore", "sessions log"),
    epilog=examples("superqode sessions undo @latest"),
)
@session_argument
@json_option("the save as in SaveResult", "superqode.session.store.results:SaveResult")
@store_option
def undo(session_id: str) -> None:
    """Go back one save, as a new save."""
    with open_store() as store:
        saved = store.undo(resolve(store, session_id))
    tell_save(saved, "went back one save", "was in that state already", moved=True)


@click.command(
    "redo", cls=Command, see=("sessions undo", "sessions log"), epilog=examples("superqode sessions redo @latest")
)
@session_argument
@json_option("the save as in SaveResult", "superqode.session.store.results:SaveResult")
@store_option
def redo(session_id: str) -> None:
    """Take the last undo back."""
    with open_store() as store:
        saved = store.redo(resolve(store, session_id))
    tell_save(saved, "took the undo back", "was in that state already", moved=True)
