"""From a chat's bytes to its sessions: the conversation, what was rewound, and what sub-agents did."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.conversations import Origin, conversations, or_errors, session_name, take_records
from superqode.session.importers.drafts import Call
from superqode.session.importers.fields import mapping_at, text_at
from superqode.session.importers.lines import parse_json, read_records
from superqode.session.importers.origin import digest_of
from superqode.session.importers.qwen_code.inline import InlineAgent
from superqode.session.importers.qwen_code.transcript import Transcript
from superqode.session.importers.spool import is_big

__all__ = ["QwenCodeImporter"]

_VERSION: Final = 1
# How many records at a file's beginning are looked at to recognise it.
_LOOK: Final = 5
_META: Final = ".meta.json"


class QwenCodeImporter:
    """Reads the chats of Qwen Code 0.15 to 0.24.

    Session ids are `qwen-code-<session>`, `…-agent-<agent>` for sub-agents and `…-branch-<record>` for what a person
    rewound; `metadata["relation"]` says whether `parent_session_id` means a `fork`, a `subagent`, a `branch` or a
    session that `spawned` this one.
    """

    name: Final = "qwen-code"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether the first records are Qwen Code's."""
        start = Source(source.name, lambda: io.BytesIO(head))
        if any(_is_ours(record) for _, record in islice(read_records(start, Receipt()), _LOOK)):
            return True
        # A first record longer than what is looked at: then only the names of fields can tell.
        return b"\n" not in head and all(name in head for name in (b'"sessionId"', b'"parentUuid"', b'"parts"'))

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of a file, the conversation before those that hang on it."""
        yield from or_errors(source, self._read(source))

    def _read(self, source: Source) -> Iterator[Imported]:
        # The hash comes first: of a file that grows meanwhile, more is imported than it says, never less.
        digest = digest_of(source)
        receipt = Receipt()
        transcript = Transcript(receipt, big=is_big(source))
        take_records(source, receipt, transcript.take)
        transcript.finish()
        if not transcript.drafts:
            raise TranscriptError(source.name, "it holds no messages" if receipt.lines else "it is empty")
        inline = list(transcript.inline.agents.values())
        shown = [told for told in inline if not _has_file(source, transcript.session_id, told.id)]
        receipt.mapped += sum(told.records for told in shown)
        if repeated := sum(told.records for told in inline if told not in shown):
            receipt.drop("system: ui_telemetry", repeated)
        origin = self._origin(source, digest, receipt, transcript)
        for call, agent in transcript.spawned():
            call.details["subagent_session_id"] = session_name(self.name, transcript.session_id, "agent", agent)
        transcript.drafts.let_go()
        yield from conversations(origin, transcript.drafts)
        for told in shown:
            beginning = transcript.inline.call_of(told)
            yield from conversations(self._inline_origin(origin, told, beginning), told.drafts)

    def _origin(self, source: Source, digest: str, receipt: Receipt, transcript: Transcript) -> Origin:
        first = next((draft.id for draft in transcript.drafts if draft.id), "")
        own = transcript.session_id or first or f"file-{digest[:20]}"
        origin = Origin(
            source=source,
            digest=digest,
            receipt=receipt,
            agent=self.name,
            version=_VERSION,
            id=session_name(self.name, own),
            original_id=own,
            title=transcript.title,
            folder=transcript.folder,
            about=transcript.about(),
        )
        if transcript.agent_id:
            self._link(origin, transcript)
        elif parent := transcript.forked_from or transcript.parent_id:
            origin.parent = session_name(self.name, parent)
            origin.relation = {"relation": "fork" if transcript.forked_from else "spawned"}
        return origin

    def _link(self, origin: Origin, transcript: Transcript) -> None:
        """Say whose sub-agent this was, with what stands beside its file."""
        meta = _meta(origin.source)
        facts = {
            "agent_id": transcript.agent_id,
            "agent_type": text_at(meta, "agentType") or transcript.agent_type,
            "description": text_at(meta, "description"),
            "tool_use_id": text_at(meta, "toolUseId"),
        }
        parent = text_at(meta, "parentAgentId")
        names = [origin.original_id, "agent", parent] if parent else [origin.original_id]
        origin.parent = session_name(self.name, *names)
        origin.id = session_name(self.name, origin.original_id, "agent", transcript.agent_id)
        origin.title = origin.title or facts["description"]
        origin.relation = {"relation": "subagent", "subagent": {name: fact for name, fact in facts.items() if fact}}

    def _inline_origin(self, origin: Origin, told: InlineAgent, call: Call | None) -> Origin:
        arguments = call.arguments if call else {}
        facts = {
            "agent_id": told.id,
            "agent_type": told.type,
            "description": text_at(arguments, "description"),
            "tool_use_id": call.id if call else "",
        }
        return Origin(
            source=origin.source,
            digest=origin.digest,
            receipt=Receipt(lines=told.records, mapped=told.records),
            agent=self.name,
            version=_VERSION,
            id=session_name(self.name, origin.original_id, "agent", told.id),
            original_id=origin.original_id,
            title=facts["description"],
            folder=origin.folder,
            parent=origin.id,
            relation={"relation": "subagent", "subagent": {name: fact for name, fact in facts.items() if fact}},
            about=origin.about,
        )


def _has_file(source: Source, session: str, agent: str) -> bool:
    wanted = f"subagents/{session}/agent-{agent}.jsonl"
    return any(other.name.endswith(wanted) for other in source.related(wanted))


def _meta(source: Source) -> dict[str, Any]:
    """What stands beside a sub-agent's file; nothing where it is missing or damaged."""
    wanted = source.name.removesuffix(".jsonl") + _META
    for other in source.related(wanted):
        if other.name != wanted:
            continue
        try:
            value = parse_json(other.head().decode(errors="replace"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}
    return {}


def _is_ours(record: Mapping[str, Any]) -> bool:
    if not text_at(record, "uuid") or not text_at(record, "sessionId") or "parentUuid" not in record:
        return False
    parts = mapping_at(record, "message").get("parts")
    return isinstance(parts, list) or isinstance(record.get("systemPayload"), dict)
