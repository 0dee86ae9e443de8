"""Commit messages ⇄ what a save tells: one line for people, trailers for us."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from superqode.session import clock, ids
from superqode.session.codec.lines import one_line
from superqode.session.models import Entry, Message, MessageRole, ToolExecution

__all__ = [
    "SharedSnapshot",
    "Story",
    "compose",
    "parse",
    "save_subject",
    "shared_snapshots",
    "snapshot_trailer",
    "subject_line",
]

SUBJECT_MAX: Final = 100

_TRAILER: Final = re.compile(r"(Superqode-[A-Za-z-]+): (.*)")
_SNAPSHOT: Final = re.compile(
    rb"^Superqode-Snapshot: ([!-~]{1,128}) ([0-9a-f]{40}) ([0-9TZ:.-]{1,40})(?: (.*))?$", re.MULTILINE
)
_SNAPSHOTS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Story:
    """What a commit's message says.

    Attributes:
        subject: the first line.
        session_id: the id it was saved under; empty in commits that are not ours.
        saved_at: when it was saved, with microseconds.
        updated_at: when the session last changed, where that is not the same.
        messages: messages after the save, and how many it added.
        executions: tool executions after the save, and how many it added.
        agent: the agent that spoke last.
        restores: commit gone back to, or empty.
        action: `save`, `fork`, `merge`, `restore`, `undo` or `redo`.
    """

    subject: str
    session_id: str = ""
    saved_at: datetime | None = None
    updated_at: datetime | None = None
    messages: tuple[int, int] | None = None
    executions: tuple[int, int] | None = None
    agent: str = ""
    restores: str = ""
    action: str = "save"


def subject_line(text: str) -> str:
    """One line of at most 100 characters, without control characters (a NUL would cut the trailers off)."""
    line = one_line(text[: 4 * SUBJECT_MAX])
    return line if len(line) <= SUBJECT_MAX else line[: SUBJECT_MAX - 1].rstrip() + "…"


def save_subject(added: Sequence[Entry], changed: bool) -> str:
    """The story of an ordinary save: what was said, by whom, and how many tools ran."""
    spoken = [entry for entry in added if isinstance(entry, Message)]
    tools = len(added) - len(spoken)
    if not added:
        return "edit: conversation" if changed else "edit: title, tags or metadata"
    if not spoken:
        last = added[-1]
        name = last.tool_name if isinstance(last, ToolExecution) else ""
        return subject_line(f"tool: {name}" + (f" +{tools - 1} tool{'s' if tools > 2 else ''}" if tools > 1 else ""))
    told = next((entry for entry in reversed(spoken) if entry.content.strip()), spoken[-1])
    who = told.role.value
    if told.agent_name and told.role is not MessageRole.USER:
        who += f" ({told.agent_name[:40]})"
    suffix = f" +{tools} tool{'s' if tools > 1 else ''}" if tools else ""
    others = len(spoken) - 1
    suffix = (f" +{others} message{'s' if others > 1 else ''}" if others else "") + suffix
    text = subject_line(f"{who}: {told.content[:400]}")
    keep = SUBJECT_MAX - len(suffix)
    return (text if len(text) <= keep else text[: keep - 1].rstrip() + "…") + suffix


def compose(story: Story) -> bytes:
    """Give the commit message: subject, empty line, trailers."""
    lines = [subject_line(story.subject) or "save", ""]
    if story.session_id:
        lines.append(f"Superqode-Session: {_value(story.session_id)}")
    if story.saved_at is not None:
        lines.append(f"Superqode-Saved-At: {clock.format_time(story.saved_at)}")
    if story.updated_at is not None:
        lines.append(f"Superqode-Updated-At: {clock.format_time(story.updated_at)}")
    for name, counts in (("Messages", story.messages), ("Tools", story.executions)):
        if counts is not None:
            lines.append(f"Superqode-{name}: {counts[0]} {counts[1]:+d}")
    if story.agent:
        lines.append(f"Superqode-Agent: {_value(story.agent)}")
    if story.restores:
        lines.append(f"Superqode-Restores: {story.restores} {story.action}")
    return ("\n".join(lines) + "\n").encode()


def _value(text: str) -> str:
    return one_line(text[:400])


@lru_cache(maxsize=4)  # who reads a save asks first for its times, then for its counts
def parse(data: bytes) -> Story:
    """Read a commit message; whatever is missing or makes no sense is left at its default."""
    text = data.decode("utf-8", "replace")
    subject = text.split("\n", 1)[0]
    tail = text.rstrip("\n").partition("\n\n")[2].rpartition("\n\n")[2] or text.rstrip("\n").partition("\n\n")[2]
    found: dict[str, str] = {}
    for line in tail.split("\n"):
        trailer = _TRAILER.fullmatch(line)
        if trailer:
            found[trailer[1]] = trailer[2]
    restores, _, action = found.get("Superqode-Restores", "").partition(" ")
    if not re.fullmatch(r"[0-9a-f]{40}", restores):
        restores, action = "", ""
    if not action and (told := re.match("(fork|merge): ", subject)):
        action = told[1]
    return Story(
        subject=subject,
        session_id=found.get("Superqode-Session", ""),
        saved_at=_time(found.get("Superqode-Saved-At")),
        updated_at=_time(found.get("Superqode-Updated-At")),
        messages=_counts(found.get("Superqode-Messages")),
        executions=_counts(found.get("Superqode-Tools")),
        agent=found.get("Superqode-Agent", ""),
        restores=restores,
        action=action or ("restore" if restores else "save"),
    )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _counts(text: str | None) -> tuple[int, int] | None:
    found = re.fullmatch(r"([0-9]{1,12}) ([+-][0-9]{1,12})", text or "")
    return (int(found[1]), int(found[2])) if found else None


class SharedSnapshot(NamedTuple):
    """A snapshot as a public share's commit tells of it."""

    id: str
    commit: str
    created_at: datetime
    description: str


def snapshot_trailer(snapshot: SharedSnapshot) -> str:
    """One line of a public share's message."""
    told = f"{snapshot.id} {snapshot.commit} {clock.format_time(snapshot.created_at)} {_value(snapshot.description)}"
    return f"Superqode-Snapshot: {told.rstrip()}"


def shared_snapshots(data: bytes) -> list[SharedSnapshot]:
    """The snapshots that a public share's message tells of; lines that make no sense are passed over."""
    found: list[SharedSnapshot] = []
    if b"\nSuperqode-Share: " not in data:
        return found
    for line in islice(_SNAPSHOT.finditer(data), _SNAPSHOTS_MAX):
        snapshot_id, created_at = line[1].decode(), _time(line[3].decode())
        if created_at is not None and ids.is_session_id(snapshot_id):
            description = _value((line[4] or b"").decode("utf-8", "replace"))
            found.append(SharedSnapshot(snapshot_id, line[2].decode(), created_at, description))
    return found
