"""Makes sessions of Codex rollouts."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.balance import FileBalance
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.codex.changes import take_call
from superqode.session.importers.codex.entries import AGENT, entry_ids, entry_of
from superqode.session.importers.codex.rollout import Rollout, is_record, read_rollout
from superqode.session.importers.codex.speech import Said, prompt_core
from superqode.session.importers.fields import parse_time
from superqode.session.importers.lines import read_records
from superqode.session.importers.origin import digest_of, provenance, session_id_for, title_of
from superqode.session.models import Entry, Message, Session, ToolExecution

__all__ = ["CodexImporter"]

_VERSION: Final = 1
_PREFIX: Final = "codex-"
# How many records at a file's beginning are looked at to recognise it.
_LOOK: Final = 5
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_TURNS_TAKEN_BACK: Final = "turns taken back"


class CodexImporter:
    """Reads Codex's rollouts, `~/.codex/sessions/YYYY/MM/DD/rollout-….jsonl`; one file is one session."""

    name: Final = "codex"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether the first records are Codex's."""
        if _is_packed(source, head):
            return True
        start = Source(source.name, lambda: io.BytesIO(head))
        records = (record for _, record in read_records(start, Receipt()))
        if any(map(is_record, islice(records, _LOOK))):
            return True
        # A first record longer than what is looked at: its beginning tells enough.
        return b"\n" not in head and b'"session_meta"' in head[:400] and b'"payload"' in head[:400]

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the session of a rollout."""
        try:
            yield self._import(source)
        except TranscriptError as problem:
            yield problem
        except (ValueError, OSError) as problem:
            yield TranscriptError(source.name, f"it cannot be made a session ({problem})")

    def _import(self, source: Source) -> Imported:
        digest = digest_of(source)
        if _is_packed(source, source.head()):
            raise TranscriptError(source.name, "it is compressed; unpack it first with `zstd -d`")
        receipt = Receipt()
        rollout = read_rollout(source, receipt)
        big = rollout.transcript.kinds.big
        session = _session(rollout, [] if big else list(_entries(rollout)))
        receipt.mapped = sum(draft.records for draft in rollout.drafts)
        session.metadata["imported"] = provenance(
            source,
            digest,
            receipt,
            importer=self.name,
            version=_VERSION,
            original_id=rollout.meta.thread_id,
            title=session.title,
        )
        if not big:
            return Imported(session, receipt)
        spoken = sum(1 for draft in rollout.drafts if isinstance(draft, Said))
        return Imported(session, receipt, partial(_entries, rollout), (spoken, len(rollout.drafts) - spoken))


def _is_packed(source: Source, head: bytes) -> bool:
    """Whether this is a rollout that Codex compressed, as it does with old ones."""
    return head.startswith(_ZSTD_MAGIC) and source.name.endswith(".jsonl.zst")


def _entries(rollout: Rollout) -> Iterator[Entry]:
    """Make the entries, in order."""
    transcript = rollout.transcript
    named = zip(rollout.drafts, entry_ids(rollout.drafts, compact=transcript.kinds.big), strict=True)
    return (entry_of(draft, entry_id, transcript.is_prompt, _PREFIX) for draft, entry_id in named)


def _session(rollout: Rollout, entries: Sequence[Entry]) -> Session:
    """Make the session, with these entries of it."""
    meta, transcript = rollout.meta, rollout.transcript
    began = _began(rollout)
    balance = _files(rollout)
    # Taken over as a whole: adding one by one would guess files from tool names, and Codex records them.
    return Session.from_dict(
        {
            "id": session_id_for(meta.thread_id, _PREFIX),
            "title": _title(rollout, began),
            "created_at": began,
            "updated_at": max(began, transcript.now),
            "project_path": rollout.folder,
            "messages": [entry for entry in entries if isinstance(entry, Message)],
            "tool_executions": [entry for entry in entries if isinstance(entry, ToolExecution)],
            "timeline": [entry.id for entry in entries],
            "files_created": balance.created,
            "files_modified": balance.modified,
            "agents_used": [AGENT],
            "parent_session_id": session_id_for(meta.parent_id, _PREFIX) if meta.parent_id else None,
            "metadata": _about(rollout, balance),
        }
    )


def _began(rollout: Rollout) -> datetime:
    try:
        return parse_time(rollout.meta.time)
    except ValueError:
        return next((draft.time for draft in rollout.drafts), datetime.fromtimestamp(0, UTC))


def _title(rollout: Rollout, began: datetime) -> str:
    said = [draft for draft in rollout.drafts if isinstance(draft, Said)]
    prompts = (draft.text for draft in said if rollout.transcript.is_prompt(draft))
    # A sub-agent may get its task from another agent instead of a person.
    tasks = (draft.text for draft in said if draft.metadata.get("kind") == "agent_message")
    titles = (title_of(prompt_core(text)) for texts in (prompts, tasks) for text in texts)
    return next(filter(None, titles), f"Codex session {began:%Y-%m-%d %H:%M}")


def _files(rollout: Rollout) -> FileBalance:
    """What the calls changed; turns taken back left their changes behind."""
    balance = FileBalance(rollout.folder)
    for call in rollout.transcript.calls:
        if call.gone in ("", _TURNS_TAKEN_BACK):
            take_call(balance, call)
    return balance


def _about(rollout: Rollout, balance: FileBalance) -> dict[str, object]:
    meta, transcript = rollout.meta, rollout.transcript
    told = {**meta.about, "thread_id": meta.thread_id, "models": transcript.models}
    about: dict[str, object] = {"codex": told}
    if balance.deleted:
        about["files_deleted"] = balance.deleted
    if meta.relation:
        about["relation"] = meta.relation
    if rollout.missing:
        about["history_missing"] = session_id_for(rollout.missing, _PREFIX)
    if transcript.model:
        about["model"] = transcript.model
    if transcript.usage:
        about["usage"] = transcript.usage
    if transcript.left_out:
        about["left_out"] = transcript.left_out
    return about
