"""goose: `goose session export --format json` of one session, and the JSONL files it kept before 1.10.

An export is `{"id", "working_dir", "name", …, "conversation": [message, …], "child_sessions": […], "artifacts": […]}`,
a JSONL file a line with `working_dir` and `description`, and a message on each further one.
"""

from __future__ import annotations

import hashlib
import io
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.assembly import Parts, first_prompt, make_session
from superqode.session.importers.balance import FileBalance
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.fields import mapping_at, objects_at, parse_time, text_at
from superqode.session.importers.goose_talk import AGENT, BLOCKS, Talk
from superqode.session.importers.jsonmembers import read_members
from superqode.session.importers.lines import read_records
from superqode.session.importers.origin import digest_of, provenance, session_id_for, title_of
from superqode.session.importers.wholefile import head_text, leading_members
from superqode.session.models import Entry, ToolExecution, thaw
from superqode.session.models.files import touched_files

__all__ = ["GooseImporter"]

_VERSION: Final = 1
_PREFIX: Final = "goose-"
_ARRAYS: Final = frozenset(("conversation", "child_sessions", "artifacts"))
# Names that goose gives a session before it knows what it is about.
_UNNAMED: Final = re.compile(r"(?:New session \d*|New Chat|CLI Session|Chat)\Z", re.IGNORECASE)
_OWN_ID: Final = re.compile(r"\d{8}_\d{1,8}")
_ABOUT: Final = ("session_type", "provider_name", "schedule_id", "user_set_name", "goose_mode", "project_id")


class GooseImporter:
    """Reads goose's exports and its old JSONL files.

    goose counts its sessions anew each day on each machine, so `goose-<id>-<hash>` has a hash of the beginning in it.
    """

    name: Final = AGENT

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether this is an export, or begins with records of an old file."""
        members = leading_members(head_text(head))
        if "working_dir" in members and {"conversation", "extension_data", "session_type"} & members.keys():
            return True
        start = Source(source.name, lambda: io.BytesIO(head))
        first = [record for _, record in islice(read_records(start, Receipt()), 2)]
        return bool(first) and (_is_metadata(first[0]) or _is_message(first[0])) and all(map(_is_message, first[1:]))

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the session of a file, and those of its sub-agents that an export holds."""
        try:
            digest = digest_of(source)
            receipt = Receipt()
            head = leading_members(head_text(source.head()))
            exported = "conversation" in head or "extension_data" in head or "session_type" in head
            told = _read_export(source, receipt) if exported else _read_lines(source, receipt)
            yield from _sessions(source, digest, told, receipt)
        except TranscriptError as problem:
            yield problem
        except (ValueError, OSError) as problem:
            yield TranscriptError(source.name, f"it cannot be made a session ({problem})")


def _is_metadata(record: Mapping[str, Any]) -> bool:
    known = "description" in record and ("working_dir" in record or "message_count" in record)
    return known and "role" not in record and "type" not in record


def _is_message(record: Mapping[str, Any]) -> bool:
    kinds = [text_at(block, "type") for block in objects_at(record, "content")]
    known = record.get("role") in ("user", "assistant") and isinstance(record.get("created"), int)
    return known and "type" not in record and any(kind in BLOCKS for kind in kinds)


# -- reading --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Told:
    """What a file tells of one session."""

    info: dict[str, Any] = field(default_factory=dict)
    talk: Talk = field(default_factory=lambda: Talk(Receipt()))
    children: list[_Told] = field(default_factory=list)
    artifacts: list[tuple[str, str]] = field(default_factory=list)


def _read_export(source: Source, receipt: Receipt) -> _Told:
    told = _Told(talk=Talk(receipt))
    for name, value in read_members(source, receipt, _ARRAYS):
        if name not in _ARRAYS:
            told.info[name] = value
            continue
        receipt.lines += 1
        if not isinstance(value, dict):
            receipt.problem(f"{name}: not a JSON object")
        elif name == "conversation":
            told.talk.take(value)
        elif name == "child_sessions":
            receipt.mapped += 1
            told.children.append(_read_child(value))
        else:
            receipt.kept += 1
            told.artifacts.append((text_at(value, "path"), text_at(value, "content")))
    return told


def _read_child(value: dict[str, Any]) -> _Told:
    child = _Told({name: item for name, item in value.items() if name != "conversation"})
    for message in objects_at(value, "conversation"):
        child.talk.receipt.lines += 1
        child.talk.take(message)
    return child


def _read_lines(source: Source, receipt: Receipt) -> _Told:
    told = _Told(talk=Talk(receipt))
    for _, record in read_records(source, receipt):
        if _is_metadata(record):
            told.info = record
            receipt.kept += 1
        else:
            told.talk.take(record)
    stem = posixpath.basename(source.name).removesuffix(".jsonl")
    if _OWN_ID.fullmatch(stem):
        told.info = {"id": stem, **told.info}
    return told


# -- sessions -------------------------------------------------------------------------------------------------


def _sessions(source: Source, digest: str, told: _Told, receipt: Receipt) -> Iterator[Imported]:
    if not told.talk.entries:
        raise TranscriptError(source.name, "it holds no messages")
    known = {text_at(child.info, "id"): _own_id(child) for child in told.children}
    yield _import(source, digest, told, receipt, known)
    for child in told.children:
        if child.talk.entries:
            relation = {"relation": "subagent", "parent": _own_id(told)}
            yield _import(source, digest, child, child.talk.receipt, known, relation)


def _own_id(told: _Told) -> str:
    began = hashlib.sha256(told.talk.opening.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return session_id_for(f"{text_at(told.info, 'id') or 'session'}-{began}", _PREFIX)


def _import(
    source: Source,
    digest: str,
    told: _Told,
    receipt: Receipt,
    known: Mapping[str, str],
    relation: Mapping[str, Any] | None = None,
) -> Imported:
    info = told.info
    entries = [_linked(entry, known, told.artifacts) for entry in told.talk.entries]
    folder = text_at(info, "working_dir")
    files = FileBalance(folder)
    for call in entries:
        if isinstance(call, ToolExecution) and call.success:
            for touch, path in touched_files(call.tool_name, call.arguments, folder):
                files.take(touch, path)
    times = [entry.timestamp for entry in entries]
    began = _told_time(info.get("created_at"), min(times))
    named = text_at(info, "name", "description")
    title = (
        title_of("" if _UNNAMED.match(named) else named) or title_of(first_prompt(entries)) or named or "goose session"
    )
    about = {name: info[name] for name in _ABOUT if info.get(name)}
    usage = mapping_at(info, "usage") or {name: info[name] for name in info if name.endswith("_tokens") and info[name]}
    if usage:
        about["usage"] = usage
    if model := text_at(mapping_at(info, "model_config"), "model_name"):
        about["model"] = model
    link = dict(relation or {})
    if not link and info.get("session_type") == "sub_agent":
        link = {"relation": "subagent"}
    metadata = {
        "imported": provenance(
            source,
            digest,
            receipt,
            importer=AGENT,
            version=_VERSION,
            original_id=text_at(info, "id"),
            title=title,
        ),
        "goose": about,
        **{name: value for name, value in link.items() if name != "parent"},
    }
    if told.talk.left_out:
        metadata["left_out"] = told.talk.left_out
    ended = _told_time(info.get("updated_at"), max(times))
    parts = Parts(_own_id(told), title, began, ended, AGENT, folder, link.get("parent"), metadata)
    return Imported(make_session(parts, entries, files), receipt)


def _told_time(value: object, otherwise: datetime) -> datetime:
    try:
        return parse_time(value)
    except ValueError:
        return otherwise


def _linked(entry: Entry, known: Mapping[str, str], artifacts: list[tuple[str, str]]) -> Entry:
    """Give a call with our id of its sub-agent's session, and the output that was put into a file beside."""
    if not isinstance(entry, ToolExecution):
        return entry
    details: dict[str, Any] = thaw(entry.metadata)
    child = details.pop("subagent", "")
    if child:
        details["subagent_session_id" if child in known else "original_subagent_id"] = known.get(child, child)
    spilled = [content for path, content in artifacts if path and path in entry.result]
    if spilled:
        details["spilled_output"] = "\n".join(spilled)
    return entry.model_copy(update={"metadata": details}) if child or spilled else entry
