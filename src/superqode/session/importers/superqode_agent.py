"""The agent's own store of superqode 2.25: `<id>.jsonl` with `<id>.meta.json` beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.fields import list_at, mapping_at, parse_time, text_at
from superqode.session.importers.lines import read_records
from superqode.session.importers.origin import EntryIds, digest_of, provenance, session_id_for, title_of
from superqode.session.importers.wholefile import head_text, leading_members, read_json
from superqode.session.models import Entry, Message, MessageRole, Session, ToolExecution

__all__ = ["AgentStoreImporter"]

_AGENT: Final = "superqode"
_VERSION: Final = 1
_GRAPH_FORMAT: Final = "superqode-session-graph-v1"
_MESSAGE_KEYS: Final = frozenset(("role", "content", "timestamp", "tool_calls", "tool_name", "tool_result"))
_META_KEYS: Final = frozenset(("session_id", "created_at", "message_count", "total_tokens", "harness_id"))
# Fields of the metadata that have a place of their own in a session.
_PLACED: Final = frozenset(
    ("session_id", "created_at", "updated_at", "title", "parent_session_id", "message_count", "working_directory")
)
# How the agent wrote the result of a tool that failed.
_FAILED: Final = "Error:"


class AgentStoreImporter:
    """Reads the JSONL store of superqode 2.25's agent; the metadata and the graph beside it give no sessions."""

    name: Final = "superqode-agent"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether it begins as a message, a session's metadata or the graph of sessions does."""
        del source
        members = leading_members(head_text(head))
        keys = members.keys()
        return keys >= _MESSAGE_KEYS or keys >= _META_KEYS or members.get("format") == _GRAPH_FORMAT

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the session of a file of messages."""
        try:
            if leading_members(head_text(source.head())).keys() >= _MESSAGE_KEYS or source.name.endswith(".jsonl"):
                yield self._read(source)
        except TranscriptError as problem:
            yield problem
        except OSError as problem:
            yield TranscriptError(source.name, f"it cannot be read ({problem.strerror or problem})")

    def _read(self, source: Source) -> Imported:
        digest = digest_of(source)
        receipt = Receipt()
        conversation = _Conversation(receipt)
        for _, record in read_records(source, receipt):
            conversation.take(record)
        entries = list(conversation.entries())
        if not entries:
            raise TranscriptError(source.name, "it holds no messages")
        stem = source.name.rpartition("/")[2].removesuffix(".jsonl")
        meta = _meta(source, receipt)
        session = _session(stem, meta, entries)
        session.metadata["imported"] = provenance(
            source,
            digest,
            receipt,
            importer=self.name,
            version=_VERSION,
            original_id=stem,
            title=session.title,
        )
        return Imported(session, receipt)


def _meta(source: Source, receipt: Receipt) -> dict[str, Any]:
    """What stands beside the messages; nothing where it is missing or damaged."""
    wanted = source.name.removesuffix(".jsonl") + ".meta.json"
    found = next((other for other in source.related(wanted) if other.name == wanted), None)
    if found is None:
        receipt.problems.append("its .meta.json is not here, so its title, parent and model are not known")
        return {}
    try:
        meta = read_json(found)
    except TranscriptError as problem:
        receipt.problems.append(f"its .meta.json is damaged: {problem.reason}")
        return {}
    return meta if isinstance(meta, dict) else {}


def _session(stem: str, meta: Mapping[str, Any], entries: list[Entry]) -> Session:
    parent = text_at(meta, "parent_session_id")
    prompts = (title_of(entry.content) for entry in entries if isinstance(entry, Message) and entry.role == "user")
    try:
        began = parse_time(meta.get("created_at"))
    except ValueError:
        began = entries[0].timestamp
    session = Session(
        id=session_id_for(stem),
        title=title_of(text_at(meta, "title")) or next(filter(None, prompts), stem),
        created_at=began,
        updated_at=began,
        project_path=text_at(meta, "working_directory"),
        parent_session_id=session_id_for(parent) if parent else None,
        metadata={"superqode": {name: value for name, value in meta.items() if value and name not in _PLACED}},
    )
    if model := text_at(meta, "model"):
        session.metadata["model"] = model
    if parent:
        session.metadata["relation"] = "fork"
    for entry in entries:
        session.add(entry)
    return session


@dataclass(slots=True)
class _Call:
    """A call on its way to its result."""

    id: str
    entry_id: str
    name: str
    arguments: dict[str, Any]
    time: datetime
    ended: datetime | None = None
    result: str = ""

    def execution(self) -> ToolExecution:
        ended = self.ended or self.time
        return ToolExecution(
            id=self.entry_id,
            tool_name=self.name,
            arguments=self.arguments,
            result=self.result,
            success=self.ended is not None and not self.result.startswith(_FAILED),
            timestamp=ended,
            duration_ms=max(round((ended - self.time).total_seconds() * 1000), 0),
            agent_name=_AGENT,
            metadata={} if self.ended else {"unfinished": True},
        )


class _Conversation:
    """Takes the records in order and joins calls with their results."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self._drafts: list[Message | _Call] = []
        self._open: dict[str, list[_Call]] = {}
        self._ids = EntryIds()
        self._time = datetime.fromtimestamp(0, UTC)

    def take(self, record: Mapping[str, Any]) -> None:
        """Take one record."""
        with contextlib.suppress(ValueError):
            self._time = parse_time(record.get("timestamp"))
        role = text_at(record, "role")
        if role not in ("user", "assistant", "system", "tool"):
            self._receipt.drop("records without a known role")
            return
        self._receipt.mapped += 1
        if role == "tool" and self._answer(record):
            return
        calls = [call for call in list_at(record, "tool_calls") if isinstance(call, dict)]
        self._say(role, record, calls)
        for call in calls:
            self._ask(call)

    def _say(self, role: str, record: Mapping[str, Any], calls: list[dict[str, Any]]) -> None:
        text = text_at(record, "content", "tool_result")
        tool = text_at(record, "tool_name")
        message = Message(
            id=self._ids.derive("msg", role, text, *(text_at(call, "id") for call in calls)),
            role=MessageRole(role),
            content=text,
            timestamp=self._time,
            agent_name=_AGENT if role == "assistant" else None,
            tool_calls=calls or None,
            tool_call_id=text_at(record, "tool_call_id") or None,
            metadata={"tool_name": tool} if tool else {},
        )
        self._drafts.append(message)

    def _ask(self, call: Mapping[str, Any]) -> None:
        function = mapping_at(call, "function")
        call_id = text_at(call, "id")
        name = text_at(function, "name") or "unknown"
        raw = function.get("arguments")
        entry_id = self._ids.claim(call_id) if call_id else self._ids.derive("call", name, str(raw))
        draft = _Call(call_id, entry_id, name, arguments_of(raw), self._time)
        self._drafts.append(draft)
        self._open.setdefault(call_id, []).append(draft)

    def _answer(self, record: Mapping[str, Any]) -> bool:
        """Give a result to the call it belongs to; False where there is none."""
        waiting = self._open.get(text_at(record, "tool_call_id"))
        if not waiting:
            return False
        call = waiting.pop(0)
        call.result, call.ended = text_at(record, "content", "tool_result"), self._time
        return True

    def entries(self) -> Iterator[Entry]:
        """Give the entries in order."""
        for draft in self._drafts:
            yield draft.execution() if isinstance(draft, _Call) else draft
