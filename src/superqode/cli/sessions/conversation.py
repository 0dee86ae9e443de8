"""A session as people read it: who said what, and each tool call as one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from superqode.cli.output import style
from superqode.cli.text import block, count, line
from superqode.cli.times import ago, local
from superqode.session.exporters.reading import gist, is_aside
from superqode.session.git.project import ProjectIdentity

if TYPE_CHECKING:
    from superqode.session.models import Message, Session, ToolExecution

__all__ = ["conversation"]

_ARGUMENTS_SHOWN: Final = 100
_FILES_SHOWN: Final = 20
_COMMIT_SHOWN: Final = 12
_COLOURS: Final = {"user": "green", "assistant": "cyan", "system": "magenta", "tool": "yellow"}


def conversation(session: Session, *, last: int | None = None, tools: bool = False) -> Iterator[str]:
    """Give a session as pieces of safe text.

    Args:
        session: what to show.
        last: only the last so many entries.
        tools: show the arguments and results of tool calls whole.
    """
    yield "\n".join(_head(session))
    total = session.message_count + session.execution_count
    if last and last < total:
        yield f"\n… {total - last} earlier entries"
    for entry in session.ending(last or total):
        if entry.kind == "call":
            yield "\n".join(_call(entry, session.project_path, whole=tools))
        else:
            yield "\n".join(_message(entry, whole=tools))


def _head(session: Session) -> Iterator[str]:
    yield f"{style(line(session.id), fg='cyan', bold=True)}  {style(line(session.title), bold=True)}"
    counts = f"{count(session.message_count, 'message')}, {count(session.execution_count, 'tool call')}"
    yield f"{counts}, begun {local(session.created_at)}, changed {ago(session.updated_at)}"
    for name, values in (
        ("fork of", [session.parent_session_id or ""]),
        ("project", [session.project_path, *_identity(session)]),
        ("agents", session.agents_used),
        ("tags", session.tags),
        ("created", session.files_created),
        ("modified", session.files_modified),
        ("snapshots", [snapshot.id for snapshot in session.snapshots]),
    ):
        told = ", ".join(line(value) for value in values[:_FILES_SHOWN] if value)
        if told:
            more = len(values) - _FILES_SHOWN
            yield f"{name}: {told}" + (f" and {more} more" if more > 0 else "")


def _identity(session: Session) -> Iterator[str]:
    """What the project is known by on every machine."""
    project = ProjectIdentity.noted(session.metadata)
    if project is not None and project.origin:
        yield project.origin
    if project is not None and project.roots:
        yield f"begun with commit {project.roots[0][:_COMMIT_SHOWN]}"


def _message(message: Message, *, whole: bool) -> Iterator[str]:
    role = message.role.value
    who = f"{role} ({line(message.agent_name)})" if message.agent_name else role
    yield f"\n{style(who, fg=_COLOURS[role], bold=True)}  {local(message.timestamp)}"
    if not whole and (role == "tool" or is_aside(message)):
        more = f"  ({len(message.content):,} characters, --tools shows them)" if role == "system" else ""
        yield f"  {line(message.content, _ARGUMENTS_SHOWN)}{more}"
    elif message.content:
        yield block(message.content)


def _call(call: ToolExecution, project: str, *, whole: bool) -> Iterator[str]:
    outcome = style("ok", fg="green") if call.success else style("failed", fg="red")
    took = f"  {call.duration_ms} ms" if call.duration_ms else ""
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    shown = line(arguments) if whole else line(gist(call.arguments, project) or arguments, _ARGUMENTS_SHOWN)
    yield f"  → {line(call.tool_name)} {shown}  {outcome}{took}"
    if whole and call.result:
        yield "\n".join(f"    {row}" for row in block(call.result).splitlines())
