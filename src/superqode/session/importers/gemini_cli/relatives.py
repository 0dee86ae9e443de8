"""What other files of a run tell of a chat: the call that started a sub-agent, the project's folder.

Nothing a transcript names is opened: files are found among those of the run, by their names.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt, Source
from superqode.session.importers.drafts import Call, Drafts
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.importers.lines import parse_json, read_records
from superqode.session.importers.wholefile import head_text, leading_members
from superqode.session.models.files import touched_files

__all__ = ["Spawn", "find_spawn", "guess_folder", "is_continued", "marked_folder", "parent_of"]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SUBAGENT_FILE: Final = re.compile(r"(?:.*/)?chats/([^/]+)/[^/]+\.jsonl")
_STORE: Final = re.compile(r"((?:.*/)?)tmp/([^/]+)/chats/.+")
_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:[\\/]")
_SHORT: Final = 8
_DEEPEST: Final = 64
_MOST_PATHS: Final = 10_000
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Spawn:
    """The call that started a sub-agent; empty fields where that is not known."""

    tool_use_id: str = ""
    agent_type: str = ""


def parent_of(name: str) -> str:
    """The session whose sub-agent a file is of, by its folder; empty where that is none's."""
    found = _SUBAGENT_FILE.fullmatch(name)
    return found[1] if found and _UUID.fullmatch(found[1]) else ""


def is_continued(source: Source) -> bool:
    """Whether this is a chat in the old form that a newer version copied into a file of the new form."""
    own = text_at(leading_members(head_text(source.head())), "sessionId")
    longer = (other for other in source.related(f"{source.name}l") if other.name == f"{source.name}l")
    return bool(own) and source.name.endswith(".json") and any(json.dumps(own) in _head(other) for other in longer)


def find_spawn(source: Source, parent: str, agent: str) -> Spawn:
    """Find the call that started a sub-agent, in its parent's file."""
    for other in source.related(f"-{parent[:_SHORT]}.jsonl"):
        try:
            for _, record in read_records(other, Receipt(), holding=agent.encode(errors="surrogatepass")):
                for call in objects_at(record, "toolCalls"):
                    if call.get("agentId") == agent:
                        return Spawn(text_at(call, "id"), text_at(mapping_at(call, "args"), "agent_name"))
        except TranscriptError:
            continue
    return Spawn()


def marked_folder(source: Source, project_hash: str) -> str:
    """The project's folder as Gemini CLI noted it beside its chats; empty where that is not here."""
    found = _STORE.fullmatch(source.name)
    if found is None:
        return ""
    root, slug = found[1], found[2]
    marker = f"{root}tmp/{slug}/.project_root"
    if folder := next((_head(other) for other in source.related(marker) if other.name == marker), "").strip():
        return folder
    known = f"{root}projects.json"
    listed = next((_head(other) for other in source.related(known) if other.name == known), "")
    try:
        projects = parse_json(listed)
    except ValueError:
        return ""
    folders = mapping_at(projects, "projects") if isinstance(projects, dict) else {}
    return next((path for path, name in folders.items() if name == slug or _hash(path) == project_hash), "")


def guess_folder(drafts: Drafts, project_hash: str) -> tuple[str, bool]:
    """Tell the project's folder by the files that were worked on, and whether that is sure.

    It is sure where the hash in the chat is that of a folder above one of these files; else it is the folder that
    holds all of them.
    """
    paths = list(islice(_worked_on(drafts), _MOST_PATHS))
    above = dict.fromkeys(folder for path in paths for folder in _above(path))
    for folder in above:
        if _hash(folder) == project_hash:
            return folder, True
    if not paths or not all(path.startswith("/") for path in paths):
        return "", False
    common = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    return (common, False) if common.count("/") > 1 else ("", False)


def _worked_on(drafts: Drafts) -> Iterator[str]:
    for draft in drafts:
        if isinstance(draft, Call):
            for _, path in touched_files(draft.name, draft.arguments, ""):
                if _ABSOLUTE.match(path) and len(path) <= _LONGEST:
                    yield path


def _above(path: str) -> Iterator[str]:
    for _ in range(_DEEPEST):
        shorter = re.sub(r"[\\/][^\\/]*\Z", "", path)
        if shorter in ("", path):
            return
        path = shorter
        yield path


def _hash(folder: str) -> str:
    return hashlib.sha256(folder.encode("utf-8", "surrogatepass")).hexdigest()


def _head(source: Source) -> str:
    try:
        return source.head().decode(errors="replace")
    except OSError:
        return ""
