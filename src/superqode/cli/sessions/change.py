"""`new`, `edit`, `fork`, `rename`: sessions and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

import click

from superqode.cli import params
from superqode.cli.completing import complete_revisions, complete_tags
from superqode.cli.lazy import Command, examples
from superqode.cli.ops import hint
from superqode.cli.options import json_option, open_store, resolve, session_argument, store_option, wants_json
from superqode.cli.output import emit, emit_json, warn
from superqode.cli.sessions.saved import tell_save
from superqode.cli.text import line

__all__ = ["edit", "fork", "new", "rename"]


@click.command(
    "new",
    cls=Command,
    see=("sessions edit", "sessions import"),
    epilog=examples('superqode sessions new --title "Fix SQL injection" --tag security'),
)
@click.option("--title", default="", help="One line for people; without it, the time.")
@click.option(
    "--tag", "tags", metavar="TAG", multiple=True, shell_complete=complete_tags, help="A label; again for more."
)
@click.option("--project", metavar="PATH", type=params.project, help="The project it works on.")
@click.option("--id", "session_id", metavar="ID", help="Its id; without it, one is made.")
@json_option("the save as in SaveResult", "superqode.session.store.results:SaveResult")
@store_option
def new(title: str, tags: Sequence[str], project: str | None, session_id: str | None) -> None:
    """Make an empty session and print its id."""
    from superqode.session import create_session
    from superqode.session.errors import SessionExists

    session = create_session(title, project)
    session.tags = list(tags)
    if session_id:
        session.id = session_id
    with open_store(create=True) as store:
        try:
            saved = store.save(session)
        except SessionExists:
            raise SessionExists.taken(session.id) from None
    if wants_json():
        emit_json(saved.to_dict())
    else:
        emit(line(saved.session_id))


@click.command(
    "edit",
    cls=Command,
    see=("sessions rename", "sessions show"),
    epilog=examples('superqode sessions edit @latest --title "Better" --add-tag done'),
)
@session_argument
@click.option("--title", help="The new title.")
@click.option(
    "--add-tag",
    "added",
    metavar="TAG",
    multiple=True,
    shell_complete=complete_tags,
    help="A tag to add; again for more.",
)
@click.option(
    "--remove-tag",
    "removed",
    metavar="TAG",
    multiple=True,
    shell_complete=complete_tags,
    help="A tag to remove; again for more.",
)
@click.option("--project", metavar="PATH", type=params.project, help="The project it works on.")
@json_option("the save as in SaveResult", "superqode.session.store.results:SaveResult")
@store_option
@click.pass_context
def edit(
    ctx: click.Context,
    *,
    session_id: str,
    title: str | None,
    added: Sequence[str],
    removed: Sequence[str],
    project: str | None,
) -> None:
    """Change a session's title, tags or project."""
    if title is None and project is None and not added and not removed:
        raise click.UsageError("say what to change: --title, --add-tag, --remove-tag or --project", ctx)
    with open_store() as store:
        session = store.load(resolve(store, session_id), last=1)  # of which no entry is asked for
        kept = [tag for tag in session.tags if tag not in removed]
        session.tags = kept + [tag for tag in dict.fromkeys(added) if tag not in kept]
        if title is not None:
            session.title = title
        if project is not None:
            session.project_path = project
        saved = store.save(session)
    tell_save(saved, "is changed", "is like that already")


@click.command(
    "fork",
    cls=Command,
    see=("sessions tree", "sessions restore", "share fork"),
    epilog=examples(
        "superqode sessions fork @latest --title Experiment", "superqode sessions fork session-123 --at ~2"
    ),
)
@session_argument
@click.option("--title", help="The fork's title.")
@click.option(
    "--at",
    "revision",
    metavar="REV",
    shell_complete=complete_revisions,
    help="From there: a save, a snapshot, or ~N for N saves back.",
)
@click.option("--id", "new_id", metavar="ID", help="The fork's id; without it, one is made.")
@json_option("{id, title, parent_session_id, project_path, message_count, execution_count}", "Forked")
@store_option
def fork(session_id: str, title: str | None, revision: str | None, new_id: str | None) -> None:
    """Go on from a session, or an earlier save of it, under a new id."""
    with open_store() as store:
        forked = store.fork(resolve(store, session_id), title=title, at=revision, new_id=new_id)
    if not wants_json():
        emit(line(forked.id))
        return
    emit_json(
        {
            "id": forked.id,
            "title": forked.title,
            "parent_session_id": forked.parent_session_id,
            "project_path": forked.project_path,
            "message_count": len(forked.messages),
            "execution_count": len(forked.tool_executions),
        }
    )


@click.command(
    "rename",
    cls=Command,
    see=("sessions edit",),
    epilog=examples("superqode sessions rename session-123 fix-sql-injection"),
)
@session_argument
@click.argument("new_id", metavar="NEW", help="Its id from now on: letters, digits, dots, dashes, underscores.")
@json_option("{id, new_id, left: ids of forks that could not be told, and name the old id}", "Renamed")
@store_option
def rename(session_id: str, new_id: str) -> None:
    """Give a session another id."""
    with open_store() as store:
        found = resolve(store, session_id)
        left = store.rename(found, new_id)
    if left:
        warn(f"forks that could not be told, and name {line(found)} as before: {', '.join(map(line, left))}")
    if wants_json():
        emit_json({"id": found, "new_id": new_id, "left": list(left)})
    else:
        emit(f"{line(found)} is {line(new_id)} now")
        hint()
