"""`show`, `log`, `diff`: reading one session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from superqode.cli.completing import complete_ids_and_revisions, complete_revisions
from superqode.cli.lazy import Command, examples
from superqode.cli.options import (
    json_option,
    open_store,
    resolve,
    session_argument,
    store_option,
    wants_json,
)
from superqode.cli.output import emit, emit_json, note, page, style
from superqode.cli.params import split_revision
from superqode.cli.sessions.conversation import conversation
from superqode.cli.sessions.provenance import provenance, provenance_lines
from superqode.cli.text import line
from superqode.cli.times import ago, local

if TYPE_CHECKING:
    from superqode.session.errors import CorruptSession
    from superqode.session.store.results import Change, SaveRecord

__all__ = ["diff", "log", "show"]

_COMMIT_SHOWN: Final = 12
_VALUE_SHOWN: Final = 200


@click.command(
    "show",
    cls=Command,
    see=("sessions log", "sessions export", "sessions search"),
    epilog=examples(
        "superqode sessions show @latest --last 5",
        "superqode sessions show session-123 --at ~1 --tools",
        "superqode sessions show @latest --provenance",
    ),
)
@session_argument
@click.option(
    "--at",
    "revision",
    metavar="REV",
    shell_complete=complete_revisions,
    help="As it was then: a save, a snapshot, or ~N for N saves back.",
)
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="Only the last N messages and tool calls.")
@click.option("--tools", is_flag=True, help="All that tools were given and gave back, and what agents put in.")
@click.option("--provenance", "origin", is_flag=True, help="Where it was imported from, and what became of each line.")
@json_option("the whole session as Session.to_dict() gives it; with --provenance where it came from", "SessionShown")
@store_option
@click.pass_context
def show(
    ctx: click.Context, session_id: str, revision: str | None, last: int | None, tools: bool, origin: bool
) -> None:
    """Read a conversation.

    --provenance shows what the import wrote down instead: the file, its format and SHA-256, how many of its lines
    became part of the session, were kept as they are or dropped and why, and what was damaged.
    """
    if origin and (revision is not None or last is not None or tools):
        raise click.UsageError("--provenance tells of the import as a whole: leave --at, --last and --tools out", ctx)
    with open_store() as store:
        found = resolve(store, session_id)
        part = None if wants_json() else last  # the whole document needs the whole session
        session = store.at(found, revision) if revision else store.load(found, last=part)
        if origin:
            told = provenance(session, store.original(found))
            emit_json(told) if wants_json() else page(provenance_lines(told))
        elif wants_json():
            emit_json(session.to_dict())
        else:
            page(conversation(session, last=last, tools=tools))


@click.command(
    "log",
    cls=Command,
    see=("sessions show", "sessions diff", "sessions restore"),
    epilog=examples("superqode sessions log @latest", "superqode sessions log session-123 --oneline"),
)
@session_argument
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N saves.")
@click.option("--oneline", is_flag=True, help="One line a save.")
@json_option("an array of saves as in SaveRecord", "superqode.session.store.results:SaveRecord[]")
@store_option
def log(session_id: str, limit: int | None, oneline: bool) -> None:
    """Show the saves of a session, newest first.

    Where one is damaged: those that can be read, and exit code 14.
    """
    damage: list[CorruptSession] = []
    with open_store() as store:
        saves = store.history(resolve(store, session_id), limit=limit, damaged=damage.append)
    if wants_json():
        emit_json([save.to_dict() for save in saves])
    else:
        page(_one_line(save) if oneline else "\n".join(_save_lines(save)) for save in saves)
    for problem in damage:
        raise problem


def _one_line(save: SaveRecord) -> str:
    commit = style(save.commit[:_COMMIT_SHOWN], fg="yellow")
    return f"{commit} {local(save.saved_at)} {_snapshots(save)}{line(save.subject)}"


def _snapshots(save: SaveRecord) -> str:
    named = ", ".join(f"snapshot {line(snapshot)}" for snapshot in save.snapshots)
    return style(f"({named}) ", fg="green") if named else ""


def _save_lines(save: SaveRecord) -> Iterator[str]:
    yield f"{style(f'commit {save.commit}', fg='yellow')} {_snapshots(save)}".rstrip()
    yield f"Author: {line(save.author)}"
    yield f"Date:   {local(save.saved_at)} ({ago(save.saved_at)})"
    if save.restores:
        yield f"Back to: {save.restores[:_COMMIT_SHOWN]}"
    yield f"\n    {line(save.subject)}\n"
    messages, calls = (
        _count(save.messages, save.messages_added),
        _count(save.executions, save.executions_added),
    )
    yield f"    messages {messages} · tool calls {calls}\n"


def _count(total: int, added: int) -> str:
    return f"{total} ({added:+})" if added else str(total)


@click.command(
    "diff",
    cls=Command,
    see=("sessions log", "sessions show"),
    epilog=examples(
        "superqode sessions diff @latest",
        "superqode sessions diff session-123@~3",
        "superqode sessions diff session-123@snap-1 session-456",
    ),
)
@click.argument(
    "first",
    metavar="A[@REV]",
    shell_complete=complete_ids_and_revisions,
    help="A session, or a save or snapshot of it.",
)
@click.argument(
    "second",
    metavar="[B[@REV]]",
    required=False,
    shell_complete=complete_ids_and_revisions,
    help="The other one; without it, A as it is now.",
)
@json_option("the difference as in SessionDiff", "superqode.session.store.results:SessionDiff")
@store_option
def diff(first: str, second: str | None) -> None:
    """Show what differs between two sessions or two saves.

    A alone: what its last save changed. A@REV alone: what changed since then.
    """
    with open_store() as store:
        a_id, a_rev = split_revision(first, store)
        b_id, b_rev = split_revision(second, store) if second else (a_id, None)
        if second is None and a_rev is None:
            a_rev = "~1" if len(store.history(a_id, limit=2)) > 1 else "~0"
        found = store.diff(a_id, b_id, a_rev=a_rev, b_rev=b_rev)
    if wants_json():
        emit_json(found.to_dict())
        return
    if not found.changes:
        note("no difference")
        return
    emit(f"{found.common} entries are the same\n" + "\n".join(_change_line(change) for change in found.changes))


def _change_line(change: Change) -> str:
    if change.kind == "added":
        return style(f"+ {line(change.name)}  {_told(change.after)}", fg="green")
    if change.kind == "removed":
        return style(f"- {line(change.name)}  {_told(change.before)}", fg="red")
    if change.kind == "moved":
        return f"> {line(change.name)}  from place {change.before + 1:,} to {change.after + 1:,}"
    return f"~ {line(change.name)}  {_told(change.before)} → {_told(change.after)}"


def _told(value: Any) -> str:
    if isinstance(value, dict) and "tool_name" in value:
        return line(f"{value['tool_name']} {_compact(value.get('arguments'))}", _VALUE_SHOWN)
    if isinstance(value, dict) and "role" in value:
        return line(f"{value['role']}: {value.get('content', '')}", _VALUE_SHOWN)
    return line(_compact(value), _VALUE_SHOWN)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
