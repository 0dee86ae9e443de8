"""What the exporters for readers say alike: times, durations, thoughts, calls that were asked for, what is left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from superqode.session.codec.jsontext import dump_text
from superqode.session.exporters.visible import json_safe, one_line
from superqode.session.models.files import relative_path

if TYPE_CHECKING:
    from superqode.session.models import Entry, Message, Session

__all__ = [
    "Asked",
    "attached",
    "counted",
    "duration",
    "excerpt_note",
    "facts",
    "gist",
    "is_aside",
    "json_text",
    "known_calls",
    "moment",
    "thoughts",
    "unanswered",
]

# What tells a call from others of its tool, the most telling first.
_TELLING: Final = ("command", "cmd", "pattern", "query", "url")
_PATHS: Final = ("file_path", "filePath", "path", "absolute_path", "notebook_path")
_PATCHES: Final = ("input", "patch", "patchText")
_TELLING_LESS: Final = ("description", "prompt", "message", *_PATCHES)
_GIST_MAX: Final = 160
# The patch language of Codex says at each file what becomes of it; more of a patch is not looked at, in characters.
_PATCH_FILE: Final = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+)$", re.MULTILINE)
_PATCH_MAX: Final = 100_000
# A system message longer than this, in characters, is an aside: prompts of agents and injected context are long.
_ASIDE_MIN: Final = 400
_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
# A count from outside: nobody reads more.
_IMAGES_MAX: Final = 100


class Asked(NamedTuple):
    """A call that a message asks for.

    Attributes:
        name: the tool's name; empty where the agent's shape tells none.
        arguments: what it is to be called with; the whole call where the shape is not known.
    """

    name: str
    arguments: Any


def counted(number: int, thing: str) -> str:
    """Give `1 message`, `12,000 messages`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def duration(milliseconds: int) -> str:
    """Give `420 ms`, `1.2 s`, `3 min 5 s`; nothing where it is not known (0)."""
    if milliseconds >= _MINUTE:
        return f"{milliseconds // _MINUTE:,} min {milliseconds % _MINUTE // _SECOND} s"
    if milliseconds >= _SECOND:
        return f"{milliseconds / _SECOND:.1f} s"
    return f"{milliseconds} ms" if milliseconds else ""


def moment(time: datetime) -> str:
    """Give an aware UTC time as `2026-11-22 10:00:00 UTC`."""
    # Not strftime, which leaves the zeros of early years out.
    return time.isoformat(" ", "seconds").removesuffix("+00:00") + " UTC"


def gist(arguments: Mapping[str, Any], project: str) -> str:
    """Give the one line that tells most of a call; empty where there is none. Paths start at the project."""
    for key in (*_TELLING, *_PATHS, *_TELLING_LESS):
        told = arguments.get(key)
        if isinstance(told, list) and told and all(isinstance(word, str) for word in told):
            told = " ".join(told)
        if isinstance(told, str) and told.strip():
            return one_line(_essence(key, told, project).lstrip(), _GIST_MAX)
    return ""


def _essence(key: str, told: str, project: str) -> str:
    if key in _PATHS:
        return relative_path(told, project)
    patched = _PATCH_FILE.findall(told, 0, _PATCH_MAX) if key in _PATCHES else []
    return ", ".join(f"{verb.lower()} {path}" for verb, path in patched) or told


def is_aside(message: Message) -> bool:
    """Whether nobody said it: what an agent put in by itself, which readers unfold when they want it."""
    return message.role == "system" and (len(message.content) > _ASIDE_MIN or "injected" in message.metadata)


def thoughts(message: Message) -> list[str]:
    """The reasoning behind an answer, as importers keep it: a text or a list of them."""
    told = message.metadata.get("thinking")
    return [text for text in (told if isinstance(told, list) else [told]) if isinstance(text, str) and text]


def attached(entry: Entry) -> list[str]:
    """What was sent along that is no text, as importers describe it: `image/png shot.png`; its bytes are not kept."""
    listed, images = entry.metadata.get("attachments"), entry.metadata.get("images")
    told = [_described(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return told + ["image"] * min(images, _IMAGES_MAX) if type(images) is int else told


def _described(one: dict[str, Any]) -> str:
    what = next((told for key in ("media_type", "type") if isinstance(told := one.get(key), str) and told), "file")
    named = next((told for key in ("name", "uri") if isinstance(told := one.get(key), str) and told), "")
    return f"{what} {named}".rstrip()


def known_calls(entries: Iterable[Entry]) -> frozenset[str]:
    """The ids of the calls whose execution is among some entries."""
    return frozenset(entry.id for entry in entries if entry.kind == "call")


def unanswered(message: Message, known: Collection[str]) -> Iterator[Asked]:
    """The calls that a message asks for and no execution tells of."""
    for call in message.tool_calls or ():
        if not isinstance(call, dict):
            yield Asked("", call)
        elif not any(isinstance(name, str) and name in known for name in (call.get("id"), call.get("call_id"))):
            yield _asked(call)


def _asked(call: dict[str, Any]) -> Asked:
    inner = call["function"] if isinstance(call.get("function"), dict) else call
    name = inner.get("name")
    arguments = next((inner[key] for key in ("input", "arguments", "args") if key in inner), None)
    return Asked(name, arguments) if isinstance(name, str) and arguments is not None else Asked("", call)


def excerpt_note(session: Session) -> str:
    """Say in one line what a selection left out (`selection.py`); nothing for a whole session."""
    told = session.metadata.get("excerpt")
    if not isinstance(told, dict):
        return ""
    parts = [f"excerpt of {told.get('of')}"]
    if told.get("left_out"):
        parts.append(f"{told['left_out']} entries left out")
    if told.get("without_tools"):
        parts.append("without tool calls")
    if told.get("masked"):
        parts.append(f"{told['masked']} secrets masked")
    return ", ".join(parts)


def facts(session: Session) -> Iterator[tuple[str, list[str]]]:
    """What a reader wants to know of a session before reading it: names and values, those that there are."""
    counts = f"{counted(len(session.messages), 'message')}, {counted(len(session.tool_executions), 'tool call')}"
    excerpt = excerpt_note(session)
    for name, values in (
        ("Session", [session.id]),
        ("Excerpt", [excerpt] if excerpt else []),
        ("Fork of", [session.parent_session_id] if session.parent_session_id and not excerpt else []),
        ("Project", [session.project_path] if session.project_path else []),
        ("Agents", session.agents_used),
        ("Tags", session.tags),
        ("Begun", [moment(session.created_at)]),
        ("Changed", [moment(session.updated_at)]),
        ("Holds", [counts]),
        ("Files created", session.files_created),
        ("Files modified", session.files_modified),
        ("Snapshots", [f"{one.id} {one.description}".rstrip() for one in session.snapshots]),
    ):
        if values:
            yield name, list(values)


def json_text(value: Any, *, indent: int | None = 2) -> str:
    """Give JSON text in which nothing is invisible."""
    return json_safe(dump_text(value, indent=indent))
