"""A Codex rollout as a whole: its own records, and the history before them, which may be in another file."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from superqode.session.codec.jsontext import dump_text
from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt, Source
from superqode.session.importers.codex.entries import entry_ids
from superqode.session.importers.codex.meta import Base, Meta, is_bare_meta, read_meta
from superqode.session.importers.codex.responses import Draft, Kinds
from superqode.session.importers.codex.speech import Said
from superqode.session.importers.codex.transcript import Transcript
from superqode.session.importers.fields import mapping_at, number_at, text_at
from superqode.session.importers.lines import read_records
from superqode.session.importers.spool import is_big

__all__ = ["Rollout", "is_record", "read_rollout"]

_RECORD_TYPES: Final = frozenset((
    "session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state",
    "inter_agent_communication", "token_usage_record",
))  # fmt: skip
_THREAD_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}")
_NAME_ID: Final = re.compile(r"rollout-[0-9T-]{19}-([0-9A-Za-z-]{8,64})\.jsonl")
_CWD: Final = re.compile(r"<cwd>([^<]{1,4096})</cwd>")
# How many rollouts may go on from one another.
_MAX_CHAIN: Final = 64


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a rollout and the history before it hold.

    Attributes:
        meta: what the file says about itself.
        transcript: its records, put together.
        drafts: what becomes the session's entries.
        folder: the project's folder; empty where none is recorded.
        missing: the thread whose file is needed for the history and is not here; empty where none is.
    """

    meta: Meta
    transcript: Transcript
    drafts: list[Draft]
    folder: str
    missing: str


def is_record(record: dict[str, Any]) -> bool:
    """Whether a record is one of Codex's."""
    if isinstance(record.get("payload"), dict):
        return text_at(record, "type") in _RECORD_TYPES
    return is_bare_meta(record) or record.get("record_type") == "state"


def _is_meta(record: dict[str, Any]) -> bool:
    return record.get("type") == "session_meta" or is_bare_meta(record)


def _meta_of(record: dict[str, Any]) -> Meta:
    return read_meta(mapping_at(record, "payload") or record)


def _first_meta(source: Source) -> Meta | None:
    first = next((record for _, record in read_records(source, Receipt())), {})
    return _meta_of(first) if _is_meta(first) else None


def _name_id(source: Source) -> str:
    found = _NAME_ID.fullmatch(source.name.rpartition("/")[2])
    return found[1] if found else ""


def read_rollout(source: Source, receipt: Receipt) -> Rollout:
    """Read a rollout, and what it goes on from.

    Raises:
        TranscriptError: there is nothing in it, or it cannot be read.
    """
    reader = _Reader(source, receipt)
    reader.read()
    return reader.finish()


class _Reader:
    """Reads one rollout; the first thing in it says whose it is."""

    def __init__(self, source: Source, receipt: Receipt) -> None:
        kinds = Kinds.on_disk() if is_big(source) else Kinds()
        self.transcript = Transcript(datetime.fromtimestamp(0, UTC), receipt, kinds)
        self._source = source
        self._receipt = receipt
        self._meta: Meta | None = None
        self._copied_from = ""
        self._missing = ""

    def read(self) -> None:
        for _, record in read_records(self._source, self._receipt):
            if _is_meta(record):
                self._receipt.kept += 1
                self._take_meta(record)
            else:
                if self._meta is None:
                    self._begin(_unnamed(self._source, record))
                self.transcript.take(record)
        self.transcript.finish()

    def _take_meta(self, record: dict[str, Any]) -> None:
        meta = _meta_of(record)
        if self._meta is None and self._receipt.problems and _name_id(self._source) not in ("", meta.thread_id):
            # The record that said whose file this is was damaged; this one came with copied history.
            self._begin(_unnamed(self._source, record))
        if self._meta is None:
            self._begin(meta)
        elif meta.thread_id != self._meta.thread_id:
            self._copied_from = self._copied_from or meta.thread_id

    def _begin(self, meta: Meta) -> None:
        self._meta = meta
        if meta.base is not None and meta.relation != "subagent":
            self.transcript.inherited = True
            self._inherit(meta.base)
            self.transcript.inherited = False
        self.transcript.begin(meta.time, meta.cwd)

    def _inherit(self, base: Base) -> None:
        parts, self._missing = _history(self._source, base)
        if self._missing:
            self._note(f"the history before it is in thread {self._missing}, whose file is not here")
        for part, end in parts:
            for record in _before(part, end):
                if not _is_meta(record):
                    self.transcript.take(record)

    def _note(self, text: str) -> None:
        # Nothing of this file is damaged, so this does not count as damage.
        self._receipt.problems.append(text)

    def finish(self) -> Rollout:
        if self._meta is None:
            raise TranscriptError(self._source.name, "no record in it can be read")
        meta = self._meta
        if self._copied_from and not meta.relation:
            meta = replace(meta, relation="fork", parent_id=self._copied_from)
        if self._copied_from and meta.relation == "subagent":
            self._leave_out_parents(self._copied_from)
        drafts = _kept(self.transcript)
        folder = meta.cwd or self.transcript.folder or _folder_told(drafts)
        return Rollout(meta, self.transcript, drafts, folder, self._missing)

    def _leave_out_parents(self, parent_id: str) -> None:
        """A sub-agent's file may begin with its parent's records: they are the parent's, not its own."""
        parent = _find(self._source, parent_id, {self._source.name})
        if parent is None:
            self._note(f"it repeats records of thread {parent_id}, whose file is not here to tell them apart")
            return
        other = _Reader(parent, Receipt())
        other.read()
        theirs = set(entry_ids(other.transcript.drafts))
        drafts = self.transcript.drafts
        repeated = 0
        for place, (draft, entry_id) in enumerate(zip(drafts, entry_ids(drafts), strict=True), 1):
            if entry_id in theirs:
                repeated = place
            elif self._is_own(draft):
                break
        self.transcript.retire(drafts[:repeated], "repeats of the parent's records")

    def _is_own(self, draft: Draft) -> bool:
        """Whether this ends the parent's part: not notices, nor answers that only call tools."""
        if not isinstance(draft, Said):
            return True
        return bool(draft.text) if draft.role == "assistant" else self.transcript.is_prompt(draft)


def _kept(transcript: Transcript) -> list[Draft]:
    """The drafts that become entries; an answer that was thought about and never given is none."""
    for draft in transcript.drafts:
        if isinstance(draft, Said) and draft.role == "assistant" and not draft.text and not draft.calls:
            transcript.retire([draft], "reasoning without an answer")
    return [draft for draft in transcript.drafts if not draft.gone]


def _unnamed(source: Source, record: dict[str, Any]) -> Meta:
    """Stand in for a lost first record: the file's name has the thread's id, too; else a hash is one."""
    digest = hashlib.sha256(dump_text(record).encode()).hexdigest()
    return read_meta({"id": _name_id(source) or digest[:32], "timestamp": record.get("timestamp")})


def _folder_told(drafts: list[Draft]) -> str:
    texts = (draft.text for draft in drafts if isinstance(draft, Said) and draft.injected)
    return next((found[1].strip() for text in texts if (found := _CWD.search(text))), "")


def _find(source: Source, thread_id: str, visited: set[str]) -> Source | None:
    """Find the rollout of a thread among the files of this run; None where it is not there."""
    if not _THREAD_ID.fullmatch(thread_id):
        return None
    for candidate in source.related(thread_id):
        meta = None if candidate.name in visited else _first_meta(candidate)
        if meta is not None and thread_id in (meta.thread_id, _name_id(candidate)):
            return candidate
    return None


def _history(source: Source, base: Base) -> tuple[list[tuple[Source, float]], str]:
    """Give the rollouts before this one, oldest first, each with its end; and the thread that is missing."""
    parts: list[tuple[Source, float]] = []
    visited = {source.name}
    wanted: Base | None = base
    end = math.inf
    while wanted is not None and len(parts) < _MAX_CHAIN:
        found = _find(source, wanted.thread_id, visited)
        if found is None:
            return parts[::-1], wanted.thread_id
        visited.add(found.name)
        # A fork of a fork may leave off before the first one does.
        end = min(end, wanted.end)
        parts.append((found, end))
        meta = _first_meta(found)
        wanted = meta.base if meta else None
    return parts[::-1], ""


def _before(rollout: Source, end: float) -> Iterator[dict[str, Any]]:
    for place, (_, record) in enumerate(read_records(rollout, Receipt())):
        ordinal = number_at(record, "ordinal")
        if (ordinal if ordinal >= 0 else place) < end:
            yield record
