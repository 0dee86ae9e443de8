"""`list`, `search`, `tree`: finding sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click

from superqode.cli import params
from superqode.cli.completing import complete_ids
from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples, terminal_width
from superqode.cli.options import json_option, open_store, resolve, store_option, wants_json
from superqode.cli.output import Column, emit, emit_json, note, on_terminal, style, table, warn
from superqode.cli.progress import progress
from superqode.cli.sessions.filters import filters
from superqode.cli.text import count, line, width
from superqode.cli.times import ago

if TYPE_CHECKING:
    from superqode.session.store.results import SearchHit, SessionSummary

__all__ = ["list_", "search", "tree"]

_SHOWN: Final = 50
_NOTHING_YET: Final = "no sessions here yet; `superqode sessions rescue` brings in what agents on this machine wrote"
_TITLE: Final = 80
_TITLE_LEAST: Final = 16
_COLUMNS: Final = (
    Column("ID", style="cyan"),
    Column("TITLE", flexible=True),
    Column("CHANGED"),
    Column("MESSAGES", right=True, spare=1),
    Column("AGENTS", flexible=True, spare=2),
    Column("TAGS", style="yellow", flexible=True, spare=3),
)


@click.command(
    "list",
    cls=Command,
    see=("sessions search", "sessions show", "sessions stats", "sessions tree"),
    codes=(ExitCode.NOT_FOUND,),
    epilog=examples("superqode sessions list --tag security --since 7d"),
)
@filters
@click.option("--parent", metavar="ID", shell_complete=complete_ids, help="Only forks of this session.")
@click.option("--text", metavar="TEXT", help="Only where the title or a tag contains this.")
@click.option(
    "--finding",
    type=click.Choice(params.SEVERITIES),
    help="Only quality runs that found something as bad as this, or worse.",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=_SHOWN, show_default=True, help="How many.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@json_option("an array of sessions as in SessionSummary", "superqode.session.store.results:SessionSummary[]")
@store_option
def list_(
    *,
    project: str | None,
    tags: Sequence[str],
    agent: str | None,
    since: datetime | None,
    until: datetime | None,
    parent: str | None,
    text: str | None,
    finding: str | None,
    limit: int,
    everything: bool,
) -> None:
    """List sessions, newest first."""
    with open_store() as store, progress("Reading") as drawn:
        found = store.list_sessions(
            project_path=project,
            tags=list(tags) or None,
            agent=agent,
            since=since,
            until=until,
            parent=resolve(store, parent) if parent else None,
            text=text,
            finding=finding,
            limit=None if everything else limit + 1,
            progress=drawn,
        )
    shown = found if everything else found[:limit]
    if wants_json():
        emit_json([summary.to_dict() for summary in shown])
        return
    if not found:
        chosen = any((project, tags, agent, since, until, parent, text, finding))
        note("no session fits" if chosen else _NOTHING_YET)
        return
    table(_COLUMNS, [_row(summary) for summary in shown])
    if len(found) > len(shown):
        note(f"there are more than these {limit}; --all shows them")


def _row(summary: SessionSummary) -> tuple[object, ...]:
    title = f"({summary.problem}) {summary.title}" if summary.problem else summary.title
    agents, tags = ", ".join(summary.agents_used), ", ".join(summary.tags)
    return summary.id, title, ago(summary.updated_at), summary.message_count, agents, tags


@click.command(
    "search",
    cls=Command,
    see=("sessions list", "sessions show"),
    epilog=examples("superqode sessions search sql injection --agent reviewer"),
)
@click.argument(
    "query",
    metavar="QUERY...",
    nargs=-1,
    required=True,
    help='The words; all must be there. "In quotes" they are a phrase, begin* is a beginning.',
)
@filters
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@click.option("--now", is_flag=True, help="Answer from what was read before, and say how many sessions are missing.")
@json_option("an array of hits as in SearchHit", "superqode.session.store.results:SearchHit[]")
@store_option
def search(
    *,
    query: Sequence[str],
    project: str | None,
    tags: Sequence[str],
    agent: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    now: bool,
) -> None:
    """Find words in titles, tags, messages and tool text.

    The best hits come first; of more than a thousand the best of those that came last. What was saved since the
    last search is read first, which takes a while where it is very much. Ctrl-C keeps what was read by then.
    """
    with open_store() as store, progress("Indexing") as drawn:
        hits = store.search(
            " ".join(query),
            project_path=project,
            tags=list(tags) or None,
            agent=agent,
            since=since,
            until=until,
            limit=limit,
            patience=0 if now else None,
            progress=drawn,
        )
        unread = store.unread() if now else 0
    if unread:
        warn(f"{count(unread, 'session')} not searched: without --now they are")
    if wants_json():
        emit_json([hit.to_dict() for hit in hits])
        return
    if not hits:
        note("nothing found")
    for hit in hits:
        emit("\n".join(_hit_lines(hit)))


def _hit_lines(hit: SearchHit) -> Iterator[str]:
    place = hit.kind if hit.position < 0 else f"{hit.kind} #{hit.position}"
    head = (style(line(hit.session_id), fg="cyan"), line(hit.title, 60), place, ago(hit.updated_at))
    yield "  ".join(part for part in head if part)
    yield f"    {_marked(hit)}"


def _marked(hit: SearchHit) -> str:
    # Cut at the marks first: making a piece safe changes its length.
    pieces, done = [], 0
    for start, end in hit.marks:
        pieces += [
            _spaced(hit.snippet[done:start]),
            style(_spaced(hit.snippet[start:end]), bold=True, fg="red"),
        ]
        done = end
    return "".join([*pieces, _spaced(hit.snippet[done:])]).strip()


def _spaced(piece: str) -> str:
    # `line` strips, and a piece's outer spaces stand between words.
    return line(f"|{piece}|")[1:-1]


@click.command(
    "tree",
    cls=Command,
    see=("sessions list", "sessions fork"),
    epilog=examples("superqode sessions tree", "superqode sessions tree --json"),
)
@json_option(
    "an array of {id, title, parent_session_id, depth}, each fork after what it is a fork of",
    "Node[]",
)
@store_option
def tree() -> None:
    """Draw which session is a fork of which."""
    from superqode.session.store.lineage import walk_lineage

    with open_store() as store, progress("Reading") as drawn:
        found = store.list_sessions(progress=drawn)
    walked = list(walk_lineage(found))
    if wants_json():
        emit_json(
            [
                {
                    "id": item.id,
                    "title": item.title,
                    "parent_session_id": item.parent_session_id,
                    "depth": len(lasts) - 1,
                }
                for item, lasts in walked
            ]
        )
        return
    if not walked:
        note(_NOTHING_YET)
        return
    known = {item.id for item, _ in walked}
    emit("\n".join(_branch(item, lasts, known) for item, lasts in walked))


def _branch(item: SessionSummary, lasts: tuple[bool, ...], known: set[str]) -> str:
    rails = "".join("   " if last else "│  " for last in lasts[1:-1])
    joint = ("└─ " if lasts[-1] else "├─ ") if len(lasts) > 1 else ""
    parent = item.parent_session_id
    orphan = f"  (fork of {line(parent)}, which is not here)" if parent and parent not in known else ""
    room = terminal_width() - width(f"{rails}{joint}{line(item.id)}  {orphan}") if on_terminal() else _TITLE
    return f"{rails}{joint}{style(line(item.id), fg='cyan')}  {line(item.title, max(room, _TITLE_LEAST))}{orphan}"
