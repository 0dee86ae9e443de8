"""`superqode sync [run]`: what is here and what is there become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli import failures
from superqode.cli.asking import can_ask
from superqode.cli.completing import complete_remotes
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, store_option, wants_json
from superqode.cli.output import emit, emit_json, note, warn
from superqode.cli.progress import progress
from superqode.cli.share.masking import hide_secrets
from superqode.cli.stopping import until_stopped
from superqode.cli.text import count, line, size
from superqode.cli.times import local
from superqode.session import clock

if TYPE_CHECKING:
    from superqode.session import SessionStore, SessionSync
    from superqode.session.errors import SessionError
    from superqode.session.sync.results import Changed, SyncReport

__all__ = ["run", "tell"]

_EVERY: Final = 60.0


@click.command(
    "run",
    cls=Command,
    see=("sync init", "sync status"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.WRONG_PASSWORD, ExitCode.NOT_FOUND, ExitCode.PARTLY),
    epilog=examples("superqode sync", "superqode sync run home --dry-run", "superqode sync --watch 300"),
)
@click.argument(
    "remote",
    metavar="[REMOTE]",
    required=False,
    shell_complete=complete_remotes,
    help="A remote's name, URL or path (default: all that this store is synced with).",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go which way.")
@click.option("--compact", is_flag=True, help="Seal everything anew, so that nothing stays there of what was purged.")
@click.option(
    "--watch",
    metavar="[SECONDS]",
    type=click.FloatRange(min=1),
    is_flag=False,
    flag_value=_EVERY,
    help="Go on until Ctrl-C: at once when something changes here, and each minute (or so many seconds).",
)
@json_option("an array of reports as in SyncReport", "superqode.session.sync.results:SyncReport[]")
@store_option
@click.pass_context
def run(ctx: click.Context, *, remote: str | None, dry_run: bool, compact: bool, watch: float | None) -> None:
    """Sync now; `superqode sync` alone does it, too.

    Fetches what other machines pushed, merges, and pushes what is new here. It can be cut short at any point
    and run again. Exit code 11 where other machines were faster each time; 3 where one of several remotes failed,
    or something was not sent, as it is damaged or was refused: it is named, and all else went.
    """
    if watch is not None and (dry_run or compact or wants_json()):
        raise click.UsageError("--watch goes with neither --dry-run, --compact nor --json", ctx)
    with open_store(create=True, notice=False) as store:
        if watch is not None:
            ctx.exit(_watch(store, remote, watch))
        with progress("Syncing") as drawn:
            reports, failed = _each(store, remote, dry_run=dry_run, compact=compact, progress=drawn)
    last = None if reports else failed.pop()
    for problem in failed:
        failures.report(hide_secrets(problem), as_json=wants_json())
    if last is not None:
        raise last
    if wants_json():
        emit_json([report.to_dict() for report in reports])
    else:
        for report in reports:
            tell(report)
    ctx.exit(ExitCode.PARTLY if failed or any(report.unsent for report in reports) else ExitCode.OK)


def _each(store: SessionStore, remote: str | None, **options: Any) -> tuple[list[SyncReport], list[SessionError]]:
    """Sync with each remote; gives what was done, and what kept others from it."""
    from superqode.session.errors import SessionError

    reports: list[SyncReport] = []
    failed: list[SessionError] = []
    for name in _names(store, remote):
        try:
            reports.append(_sync(store, name).run(**options))
        except SessionError as problem:
            failed.append(problem)
    return reports, failed


def _sync(store: SessionStore, name: str | None) -> SessionSync:
    from superqode.session.sync.session_sync import SessionSync

    return SessionSync(store, name, interactive=can_ask())


def _names(store: SessionStore, remote: str | None) -> list[str | None]:
    """The remotes to sync with; one where nothing is set up, whose error says what to do."""
    from superqode.session.git.repository import is_store
    from superqode.session.sync.session_sync import synced_remotes

    if remote is not None or not is_store(store.path):
        return [remote]
    return [found.name for found in synced_remotes(store.path)] or [None]


def tell(report: SyncReport) -> None:
    """Tell people what a sync did."""
    for told in report.notices:
        note(told)
    verb = "Would sync" if report.dry_run else "Synced"
    came, went = _counted(report.received), _counted(report.sent)
    if not came and not went:
        emit(f"{verb} with {line(report.remote)}: nothing new")
        return
    sent = f" ({size(report.bytes_sent)} of ciphertext)" if report.bytes_sent else ""
    emit(f"{verb} with {line(report.remote)}: received {came or 'nothing'}; sent {went or 'nothing'}{sent}")
    if report.merged:
        emit(f"Merged {count(len(report.merged), 'session')}: {', '.join(map(line, report.merged))}")


def _counted(changed: Changed) -> str:
    parts = (
        (len(changed.new), "new session"),
        (len(changed.updated), "session that went on"),
        (len(changed.deleted), "deletion"),
        (changed.other, "other thing"),
    )
    words = {"session that went on": "sessions that went on"}
    return ", ".join(
        f"{number:,} {words.get(what, what + 's')}" if number > 1 else count(number, what)
        for number, what in parts
        if number
    )


def _watch(store: SessionStore, remote: str | None, seconds: float) -> ExitCode:
    from superqode.session.errors import SessionError
    from superqode.session.sync.watching import PASSING, watch

    given_up: list[SessionError] = []

    def told(report: SyncReport | SessionError) -> None:
        if isinstance(report, PASSING):
            note(f"{report}; trying again")
        elif isinstance(report, SessionError):
            given_up.append(report)
            warn(f"{report}; going on without it")
        elif report.received.any or report.sent.any or report.notices:
            emit(local(clock.now()))
            tell(report)

    syncs = [_sync(store, name) for name in _names(store, remote)]
    note(f"syncing when something changes here, and every {seconds:g} seconds; Ctrl-C ends it")
    with until_stopped() as stop:
        watch(store, syncs, seconds, stop, told)
    note("stopped")
    return ExitCode.PARTLY if given_up else ExitCode.OK
