"""`open`, `fork`: what others shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from superqode.cli.exit_codes import ExitCode
from superqode.cli.lazy import Command, examples
from superqode.cli.options import json_option, store_option, wants_json
from superqode.cli.output import emit, emit_json, note, page
from superqode.cli.progress import progress
from superqode.cli.sessions.conversation import conversation
from superqode.cli.share.asking import password_options, with_password
from superqode.cli.share.options import link_argument, open_sharing, remote_option
from superqode.cli.text import line

if TYPE_CHECKING:
    from superqode.session import Session

__all__ = ["fork", "open_"]


@click.command(
    "open",
    cls=Command,
    see=("share fork", "sessions show"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.WRONG_PASSWORD),
    epilog=examples(
        "superqode share open 'https://git.example/team/shares.git#01h…'",
        "pbpaste | superqode share open - --last 10",
    ),
)
@link_argument
@password_options
@remote_option
@click.option("--last", metavar="N", type=click.IntRange(min=1), help="Only the last N messages and tool calls.")
@click.option("--tools", is_flag=True, help="Show what tools were given and what they gave back.")
@json_option("the whole session as Session.to_dict() gives it", "SessionShown")
@store_option
def open_(*, link: str, ask: bool, from_stdin: bool, remote: str | None, last: int | None, tools: bool) -> None:
    """Read a shared conversation.

    Nothing is saved; `share fork` takes it into your store. The password is asked for where one is needed.
    """

    def read(password: str | None) -> Session:
        with progress("Fetching") as drawn:
            return manager.get_session_for_share(link, password, progress=drawn)

    with open_sharing(remote, create=True) as manager:
        session = with_password(read, ask=ask, from_stdin=from_stdin)
        if wants_json():
            emit_json(session.to_dict())
        else:
            page(conversation(session, last=last, tools=tools))


@click.command(
    "fork",
    cls=Command,
    see=("share open", "sessions fork"),
    codes=(ExitCode.REMOTE_FAILED, ExitCode.WRONG_PASSWORD),
    epilog=examples("superqode share fork 'https://git.example/team/shares.git#01h…' --title 'My try'"),
)
@link_argument
@click.option("--title", help="The fork's title.")
@password_options
@remote_option
@json_option("{id, title, parent_session_id, project_path, message_count, execution_count}", "Forked")
@store_option
def fork(*, link: str, title: str | None, ask: bool, from_stdin: bool, remote: str | None) -> None:
    """Go on from a shared session in your own store.

    Prints the new session's id. Its history is that of the share, so both can be compared and shared back.
    """

    def made(password: str | None) -> Session:
        with progress("Fetching") as drawn:
            return manager.fork(link, title, password, progress=drawn)

    with open_sharing(remote, create=True) as manager:
        forked = with_password(made, ask=ask, from_stdin=from_stdin)
    if not wants_json():
        emit(line(forked.id))
        note(f"`superqode sessions show {forked.id}` shows it, `superqode share create {forked.id}` shares it on")
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
