"""`import`, `reimport`: what other agents wrote becomes sessions, now and again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, resolve, sessions_argument, store_option, wants_json
from superqode.cli.output import emit, emit_json, note, warn
from superqode.cli.progress import progress
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session.store.imports import ImportReport
    from superqode.session.store.outcomes import Status

__all__ = ["import_", "reimport"]

_SHOWN: Final = 20
_TITLE_SHOWN: Final = 60
_AGAIN: Final = "Mapped again"
_WOULD: Final = "Would map again"
_STATUSES: Final[tuple[Status, ...]] = ("new", "updated", "unchanged", "failed")


@click.command(
    "import",
    cls=Command,
    see=("sessions list", "sessions export"),
    codes=(ExitCode.PARTLY,),
    epilog=examples(
        "superqode sessions import ~/.claude ~/.codex",
        "superqode sessions import transcript.jsonl --dry-run",
        "superqode sessions import --old-store",
    ),
)
@click.argument(
    "paths",
    metavar="[PATH]...",
    nargs=-1,
    type=click.Path(exists=True, path_type=Path),
    help="Transcripts, or folders of them; hidden folders are searched too.",
)
@click.option("--old-store", is_flag=True, help="Import the sessions that superqode 2.25 left in the store's folder.")
@click.option("--dry-run", is_flag=True, help="Only say what would be imported.")
@json_option("the report as in ImportReport", "superqode.session.store.imports:ImportReport")
@store_option
@click.pass_context
def import_(ctx: click.Context, paths: tuple[Path, ...], old_store: bool, dry_run: bool) -> None:
    """Import what other agents wrote.

    PATH is a transcript or a folder of them, such as a whole home; hidden folders are searched too. Known by
    their content: Claude Code, Codex, Gemini CLI, Qwen Code, opencode (files, database, export), Pi, goose
    (export), aider, recorded ACP traffic, superqode's exports and both its old stores.

    A file that was imported before changes nothing; a longer one adds a save to its session. The file itself
    is kept in the store, unshared, for `reimport`. What cannot be read is named, the rest is imported, and the
    exit code is 3 (1 where there is no rest); `show --provenance` tells what became of every line.
    """
    if bool(paths) == old_store:
        raise click.UsageError("name files or folders to import, or give --old-store alone", ctx)
    if old_store and dry_run:
        raise click.UsageError("--dry-run goes with files and folders, not with --old-store", ctx)
    with open_store(create=True, notice=not old_store) as store, progress("Importing") as drawn:
        if old_store:
            report = store.import_old_store(progress=drawn)
        else:
            report = store.import_sources(paths, progress=drawn, dry_run=dry_run)
    _finish(ctx, report, "Would import" if dry_run else "Imported")


@click.command(
    "reimport",
    cls=Command,
    see=("sessions import", "sessions show"),
    codes=(ExitCode.PARTLY,),
    epilog=examples(
        "superqode sessions reimport @latest",
        "superqode sessions reimport --all --dry-run",
    ),
)
@sessions_argument(required=False)
@click.option("--all", "everything", is_flag=True, help="All sessions whose original is kept.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option("the report as in ImportReport", "superqode.session.store.imports:ImportReport")
@store_option
@click.pass_context
def reimport(ctx: click.Context, session_ids: Sequence[str], everything: bool, dry_run: bool) -> None:
    """Map the kept originals of imports again.

    For after an update that reads an agent's files better. Ids stay, and so does what you changed: titles,
    tags, your own messages. A session gets a new save only where something is different now. One without a kept
    original (imported by an older superqode, scrubbed) is named, and the exit code is 3, or 1 where none has one.
    """
    if bool(session_ids) == everything:
        raise click.UsageError("name sessions, or give --all alone", ctx)
    with open_store() as store, progress("Importing again") as drawn:
        named = None if everything else [resolve(store, session_id) for session_id in session_ids]
        report = store.reimport(named, dry_run=dry_run, progress=drawn)
    _finish(ctx, report, _WOULD if dry_run else _AGAIN)


def _finish(ctx: click.Context, report: ImportReport, done: str) -> NoReturn:
    if wants_json():
        emit_json(report.to_dict())
    else:
        _tell(report, done)
    ctx.exit(_outcome(report))


def _outcome(report: ImportReport) -> ExitCode:
    failed = report.count("failed")
    if not failed:
        return ExitCode.OK
    return ExitCode.PARTLY if failed < len(report.sessions) else ExitCode.ERROR


def _tell(report: ImportReport, done: str) -> None:
    for outcome in report.sessions:
        if outcome.status == "failed":
            warn(f"{outcome.session_id or outcome.source}: {outcome.reason}")
    changed = [outcome for outcome in report.sessions if outcome.status in ("new", "updated")]
    for outcome in changed[:_SHOWN]:
        counts = f"{count(outcome.messages, 'message')}, {count(outcome.executions, 'tool call')}"
        emit(f"{outcome.status:<8} {line(outcome.session_id)}  {line(outcome.title, _TITLE_SHOWN)}  ({counts})")
    if len(changed) > _SHOWN:
        emit(f"… and {len(changed) - _SHOWN} more")
    told = ", ".join(f"{report.count(status)} {status}" for status in _STATUSES)
    ignored = f" ({report.files_ignored:,} of them no transcripts)" if report.files_ignored else ""
    if not report.sessions and done not in (_AGAIN, _WOULD):
        note("there are no transcripts; `superqode sessions import ~` looks through a whole home, hidden folders too")
    emit(f"{done} from {count(report.files_seen, 'file')}{ignored}: {told}")
