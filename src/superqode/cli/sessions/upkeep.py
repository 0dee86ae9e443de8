"""`verify`, `repair`, `maintain`, `backup`, `restore-backup`: keeping a store whole and small."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import (
    json_option,
    open_store,
    resolve,
    sessions_argument,
    store_option,
    store_path,
    wants_json,
)
from superqode.cli.output import emit, emit_json, warn
from superqode.cli.progress import progress, waiting
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session.store.results import RepairReport
    from superqode.session.store.verify import Level

__all__ = ["backup", "maintain", "repair", "restore_backup", "verify"]

_PARTS_MAX: Final = 1_000_000


def _part(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, int]:
    if value is None:
        return 1, 1
    number, _, of = value.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= _PARTS_MAX):
        raise click.BadParameter(f"{value!r} is no part: write 1/7 for the first of seven")
    return int(number), int(of)


@click.command(
    "verify",
    cls=Command,
    see=("doctor", "sessions repair", "sessions maintain", "sessions backup"),
    epilog=examples(
        "superqode sessions verify",
        "superqode sessions verify @latest",
        "superqode sessions verify --quick",
        "superqode sessions verify --read-data 1/7",
    ),
)
@sessions_argument(required=False)
@click.option("--quick", is_flag=True, help="Each session's last save is there, no pack is cut; what is new is read.")
@click.option("--structure", is_flag=True, help="All saves and folders; files only have to be there.")
@click.option(
    "--read-data",
    "part",
    metavar="N/T",
    callback=_part,
    help="All, and of the files' contents the N-th of T parts: one a day reads an enormous store in T days.",
)
@json_option("the report as in VerifyReport, and ok", "superqode.session.store.results:VerifyReport + Judged")
@store_option
@click.pass_context
def verify(
    ctx: click.Context, session_ids: Sequence[str], *, quick: bool, structure: bool, part: tuple[int, int]
) -> None:
    """Read everything and report what is damaged.

    Exit code 14 where something is lost; warnings alone are 0. `superqode sessions repair` makes whole what it can.
    """
    if quick + structure + (part != (1, 1)) > 1:
        raise click.UsageError("--quick, --structure and --read-data are three ways: choose one", ctx)
    with open_store() as store, progress("Verifying") as drawn:
        found = [resolve(store, session_id) for session_id in session_ids]
        level: Level = "quick" if quick else "structure" if structure else "data"
        report = store.verify(found or None, level=level, part=part, progress=drawn)
    if wants_json():
        emit_json({**report.to_dict(), "ok": report.ok})
    else:
        for finding in report.findings:
            place = " ".join(part for part in (finding.session_id, finding.commit[:12], finding.path) if part)
            emit(f"{finding.severity}: {line(place)}: {line(finding.message)}")
        counted = (count(report.sessions, "session"), count(report.commits, "save"), count(report.objects, "object"))
        emit(f"{', '.join(counted)}: {'whole' if report.ok else 'DAMAGED'}")
    ctx.exit(ExitCode.OK if report.ok else ExitCode.CORRUPT)


@click.command(
    "repair",
    cls=Command,
    see=("sessions verify", "doctor", "sessions backup"),
    epilog=examples(
        "superqode sessions repair --dry-run",
        "superqode sessions repair --from sessions.bundle --from /mnt/copy/.superqode/sessions",
    ),
)
@click.option(
    "--from",
    "places",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A backup, or another store, that may hold whole copies; again for more.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option("what was done and what is lost as in RepairReport", "superqode.session.store.results:RepairReport")
@store_option
@click.pass_context
def repair(ctx: click.Context, places: tuple[Path, ...], dry_run: bool) -> None:
    """Make whole what is damaged, from copies; destroys nothing.

    Whole copies are looked for in packs, in the journal and in what --from names. Damaged files are set aside in the
    store's quarantine. Of a session that stays damaged, what can be read becomes another session beside it.
    It says first what it will do. Exit code 14 where something is lost.
    """
    with open_store() as store, progress("Repairing") as drawn:
        plan = store.repair(places, dry_run=True, progress=drawn)
        if plan.steps and not dry_run and not wants_json():
            _tell_repair(plan, "Will be done")
        done = plan if dry_run else store.repair(places, progress=drawn)
    if wants_json():
        emit_json(done.to_dict())
    elif dry_run or not plan.steps:
        _tell_repair(done, "Would be done" if dry_run else "Done")
    else:
        emit(f"Done: {count(len(done.steps), 'step')}")
    ctx.exit(ExitCode.CORRUPT if done.lost else ExitCode.OK)


def _tell_repair(report: RepairReport, heading: str) -> None:
    if report.steps:
        emit(f"{heading}:")
    for step in report.steps:
        place = f"{line(step.session_id)}: " if step.session_id else ""
        emit(f"  {place}{step.what} {line(step.name, 60)} from {line(step.how)} ({line(step.detail, 100)})")
    for step in report.lost:
        place = f"{line(step.session_id)}: " if step.session_id else ""
        emit(f"  lost: {place}{step.what} {line(step.name, 60)} ({line(step.detail, 100)})")
    if not report.steps and not report.lost:
        emit("Nothing is damaged")


@click.command(
    "maintain",
    cls=Command,
    see=("doctor", "sessions verify", "sessions purge"),
    codes=(ExitCode.PARTLY,),
    epilog=examples("superqode sessions maintain"),
)
@json_option("the report as in MaintenanceReport", "superqode.session.store.results:MaintenanceReport")
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
            warn(skipped)
    ctx.exit(ExitCode.PARTLY if report.skipped else ExitCode.OK)


@click.command(
    "backup",
    cls=Command,
    see=("sessions restore-backup", "sessions repair", "sessions export"),
    codes=(ExitCode.PARTLY,),
    epilog=examples("superqode sessions backup ~/sessions.backup"),
)
@click.argument(
    "file", metavar="FILE", type=click.Path(path_type=Path), help="The file to write; it must not be there yet."
)
@json_option("{path, bytes, left_out}", "Written")
@store_option
@click.pass_context
def backup(ctx: click.Context, file: Path) -> None:
    """Write the whole store into one file.

    What is damaged is left out and named, and the exit code is 3: `repair` first, and it is in there as far as it can
    be read.
    """
    left_out: dict[str, str] = {}
    with open_store() as store, progress("Backing up") as drawn:
        written = store.backup(file, progress=drawn, damaged=left_out.__setitem__)
    size = written.stat().st_size
    if wants_json():
        told = [{"ref": ref, "reason": reason} for ref, reason in left_out.items()]
        emit_json({"path": str(written), "bytes": size, "left_out": told})
    else:
        emit(f"{line(written)}: {size:,} bytes, verified. It holds your sessions in clear: keep it safe")
        for ref, reason in left_out.items():
            warn(f"not in it: {line(ref)} ({line(reason, 100)})")
        if left_out:
            warn("`superqode sessions repair` saves what can be read of them; then make another backup")
    ctx.exit(ExitCode.PARTLY if left_out else ExitCode.OK)


@click.command(
    "restore-backup",
    cls=Command,
    see=("sessions backup",),
    epilog=examples("superqode sessions restore-backup ~/sessions.backup --store ~/restored"),
)
@click.argument(
    "file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that `backup` wrote.",
)
@json_option("{store, sessions}", "Restored")
@store_option
def restore_backup(file: Path) -> None:
    """Make a store from a backup.

    The store is made at --store, or where the default one lies; a store that is there already is left alone.
    """
    from superqode.session import SessionStore
    from superqode.session.store.handle import DEFAULT_STORE

    with waiting("Restoring"):
        restored = SessionStore.restore_backup(file, store_path() or Path.home() / DEFAULT_STORE)
    with restored as store:
        path, sessions = store.path, len(store.list_sessions())
    if wants_json():
        emit_json({"store": str(path), "sessions": sessions})
    else:
        emit(f"{count(sessions, 'session')} restored to {line(path)}")
