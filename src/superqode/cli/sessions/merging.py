"""`merge`: what two sessions became since they were one comes together in one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.completing import complete_ids
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, open_store, resolve, session_argument, store_option, wants_json
from superqode.cli.output import emit, emit_json
from superqode.cli.text import count, line

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.session.store.results import MergeResult

__all__ = ["merge"]

_COMMIT: Final = re.compile("[0-9a-f]{40}")


@click.command(
    "merge",
    cls=Command,
    see=("sessions fork", "sessions tree", "sessions diff", "ops undo"),
    codes=(ExitCode.NOT_FOUND, ExitCode.CORRUPT, ExitCode.LOCKED),
    epilog=examples(
        "superqode sessions merge session-123 experiment --dry-run",
        "superqode sessions merge session-123 experiment",
        "superqode sessions merge session-123 refs/remotes/laptop/session-123",
    ),
)
@session_argument
@click.argument(
    "other",
    metavar="OTHER",
    shell_complete=complete_ids,
    help="What comes in: a session, a commit's whole id, or the whole name of a ref.",
)
@click.option("--unrelated", is_flag=True, help="Also where the two have no save in common.")
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
@json_option("what came in as in MergeResult", "superqode.session.store.results:MergeResult")
@store_option
def merge(session_id: str, other: str, unrelated: bool, dry_run: bool) -> None:
    """Take in what a fork, or another life of a session, has.

    Both conversations are in ID afterwards, one after the other in the order in which they began; what either took
    back stays taken back. ID keeps its title where OTHER is a fork. Of other fields that both changed the last change
    counts, and the history has the other. OTHER stays as it is. `ops undo` takes it back.
    """
    with open_store() as store:
        found = resolve(store, session_id)
        result = store.merge(found, _named(store, other), unrelated=unrelated, dry_run=dry_run)
    if wants_json():
        emit_json(result.to_dict())
    else:
        emit(_told(result))


def _named(store: SessionStore, text: str) -> str:
    return text if text.startswith("refs/") or _COMMIT.fullmatch(text) else resolve(store, text)


def _told(result: MergeResult) -> str:
    name, other = line(result.session_id), line(result.other)
    if result.status == "nothing":
        if not result.entries_taken_back:
            return f"{name} has all of {other} already"
        return (
            f"{name} has all saves of {other} already; messages and tool calls of it that were taken back or removed"
            f" here since: {result.entries_taken_back:,}. `superqode ops` lists what was taken back, and `superqode ops"
            f" undo` of that brings it in again; `superqode sessions log {name}` has the saves to restore"
        )
    what = [
        count(result.messages_added, "message"),
        count(result.executions_added, "tool call"),
        *([count(len(result.snapshots), "snapshot")] if result.snapshots else []),
        *([f"{result.entries_removed:,} taken back"] if result.entries_removed else []),
        *([f"changed: {', '.join(result.fields)}"] if result.fields else []),
    ]
    done = "would take in" if result.dry_run else "took in"
    where = f" (save {result.tip[:12]})" if result.tip and not result.dry_run else ""
    return f"{name} {done} {other}: {', '.join(what)}{where}"
