"""`verify`, `maintain`, `backup`, `restore-backup`: keeping a store whole and small."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import (
    json_option,
    open_store,
    sessions_argument,
    store_option,
    store_path,
    wants_json,
)
from superqode.cli.output import emit, emit_json, note
from superqode.cli.progress import progress
from superqode.cli.text import count, line

__all__ = ["backup", "maintain", "restore_backup", "verify"]


@click.command("verify", cls=Command, epilog=examples("superqode sessions verify", "superqode sessions verify @latest"))
@sessions_argument(required=False)
@json_option("the report as in VerifyReport, and ok")
@store_option
@click.pass_context
def verify(ctx: click.Context, session_ids: Sequence[str]) -> None:
    """Read everything and report what is damaged.

    Exit code 14 where something is lost; warnings alone are 0.
    """
    with open_store() as store, progress("Verifying") as drawn:
        found = [store.resolve(session_id) for session_id in session_ids]
        report = store.verify(found or None, progress=drawn)
    if wants_json():
        emit_json({**report.to_dict(), "ok": report.ok})
    else:
        for finding in report.findings:
            place = " ".join(part for part in (finding.session_id, finding.commit[:12], finding.path) if part)
            emit(f"{finding.severity}: {line(place)}: {line(finding.message)}")
        counted = (count(report.sessions, "session"), count(report.commits, "save"), count(report.objects, "object"))
        emit(f"{', '.join(counted)}: {'whole' if report.ok else 'DAMAGED'}")
    ctx.exit(ExitCode.OK if report.ok else ExitCode.CORRUPT)


@click.command("maintain", cls=Command, epilog=examples("superqode sessions maintain"))
@json_option("the report as in MaintenanceReport")
@store_option
@click.pass_context
def maintain(ctx: click.Context) -> None:
    """Pack the store and sweep leftovers.

    Safe beside other processes; what cannot be done now is said, and the exit code is 3.
    """
    with open_store() as store, progress("Maintaining") as drawn:
        report = store.maintain(progress=drawn)
    if wants_json():
        emit_json(report.to_dict())
    else:
        packed = f"{count(report.packed_objects, 'object')} and {count(report.packed_refs, 'ref')} packed"
        loose = f"{count(report.loose_before, 'loose object')} before, {report.loose_after:,} after"
        emit(f"{packed}, {count(report.removed_files, 'file')} removed; {loose}")
        for skipped in report.skipped:
            note(skipped)
    ctx.exit(ExitCode.PARTLY if report.skipped else ExitCode.OK)


@click.command("backup", cls=Command, epilog=examples("superqode sessions backup ~/sessions.backup"))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option("{path, bytes}")
@store_option
def backup(file: Path) -> None:
    """Write the whole store into one file."""
    with open_store() as store, progress("Backing up") as drawn:
        written = store.backup(file, progress=drawn)
    size = written.stat().st_size
    if wants_json():
        emit_json({"path": str(written), "bytes": size})
    else:
        emit(f"{line(written)}: {size:,} bytes, verified. It holds your sessions in clear: keep it safe")


@click.command(
    "restore-backup",
    cls=Command,
    epilog=examples("superqode sessions restore-backup ~/sessions.backup --store ~/restored"),
)
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option("{store, sessions}")
@store_option
def restore_backup(file: Path) -> None:
    """Make a store from a backup.

    The store is made at --store, or where the default one lies; a store that is there already is left alone.
    """
    from superqode.session import SessionStore
    from superqode.session.store.handle import DEFAULT_STORE

    with SessionStore.restore_backup(file, store_path() or Path.home() / DEFAULT_STORE) as store:
        path, sessions = store.path, len(store.list_sessions())
    if wants_json():
        emit_json({"store": str(path), "sessions": sessions})
    else:
        emit(f"{count(sessions, 'session')} restored to {line(path)}")
