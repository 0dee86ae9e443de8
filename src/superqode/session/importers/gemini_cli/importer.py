"""From a chat's bytes to its sessions: the conversation, what was rewound, and what sub-agents did."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final

from superqode.session.errors import InvalidEntry, TranscriptError
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.conversations import Origin, conversations, or_errors, session_name, take_records
from superqode.session.importers.drafts import Call
from superqode.session.importers.fields import mapping_at, parse_time, text_at
from superqode.session.importers.gemini_cli.answers import Side
from superqode.session.importers.gemini_cli.relatives import (
    find_spawn,
    guess_folder,
    is_continued,
    marked_folder,
    parent_of,
)
from superqode.session.importers.gemini_cli.transcript import ANSWERING, Transcript
from superqode.session.importers.jsonmembers import read_members
from superqode.session.importers.lines import read_records
from superqode.session.importers.origin import digest_of
from superqode.session.importers.spool import is_big
from superqode.session.importers.wholefile import head_text, leading_members

__all__ = ["GeminiCliImporter"]

_VERSION: Final = 1
# How many records at a file's beginning are looked at to recognise it.
_LOOK: Final = 5
_HISTORY: Final = re.compile(rb'\s*\{\s*"\$set"\s*:\s*(?=\{\s*"messages"\s*:\s*\[)')
_SPEAKERS: Final = ("user", *ANSWERING)


class GeminiCliImporter:
    """Reads the chats of Gemini CLI, `~/.gemini/tmp/<project>/chats/`: 0.21's JSON and the logs since 0.39.

    Qwen Code 0.1 wrote the same JSON below `~/.qwen/tmp/`, without the calls. Session ids are `gemini-cli-<session>`,
    `…-agent-<agent>` for sub-agents and `…-branch-<message>` for what a person rewound. A file that holds no more than
    the start of the program gives nothing, and so does one that a newer version copied into another.
    """

    name: Final = "gemini-cli"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether it is one chat as a JSON object, or its first records are of a chat's log."""
        if _is_object(head):
            return True
        start = Source(source.name, lambda: io.BytesIO(head))
        return any(_is_ours(record) for _, record in islice(read_records(start, Receipt()), _LOOK))

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of a file, the conversation before those that hang on it."""
        yield from or_errors(source, self._read(source))

    def _read(self, source: Source) -> Iterator[Imported]:
        # The hash comes first: of a file that grows meanwhile, more is imported than it says, never less.
        digest = digest_of(source)
        if is_continued(source):
            return
        receipt = Receipt()
        transcript = Transcript(receipt, big=is_big(source))
        if _is_object(source.head()):
            _read_object(source, transcript, receipt)
        else:
            take_records(source, receipt, transcript.take, partial(_divide, receipt))
        transcript.finish()
        if not _spoken(transcript):
            # Each start of the program begins a file, though it may go on in another one.
            if transcript.header and not receipt.problems:
                return
            raise TranscriptError(source.name, "it holds no messages" if receipt.lines else "it is empty")
        origin = self._origin(source, digest, receipt, transcript)
        for side in transcript.sides:
            if side.call is not None:
                transcript.drafts.shelf[side.call].details["subagent_session_id"] = self._side_name(origin, side)
        for call, agent in transcript.spawned:
            told = session_name(self.name, origin.original_id, "agent", agent)
            transcript.drafts.shelf[call].details["subagent_session_id"] = told
            transcript.drafts.let_go()
        transcript.drafts.let_go()
        yield from conversations(origin, transcript.drafts)
        for side in transcript.sides:
            yield from conversations(self._side_origin(origin, side), side.drafts)

    def _origin(self, source: Source, digest: str, receipt: Receipt, transcript: Transcript) -> Origin:
        header = transcript.header
        own = header.get("sessionId") or _first_id(transcript) or f"file-{digest[:20]}"
        origin = Origin(
            source=source,
            digest=digest,
            receipt=receipt,
            agent=self.name,
            version=_VERSION,
            id=session_name(self.name, own),
            original_id=own,
            title=header.get("summary", ""),
            about={"models": transcript.models},
        )
        try:
            origin.began = parse_time(header.get("startTime"))
        except ValueError:
            origin.began = None
        origin.folder = transcript.workspace or marked_folder(source, header.get("projectHash", ""))
        if not origin.folder:
            origin.folder, sure = guess_folder(transcript.drafts, header.get("projectHash", ""))
            if origin.folder and not sure:
                origin.about["project_path_guessed"] = True
        if transcript.is_subagent:
            self._link(origin, own)
        return origin

    def _link(self, origin: Origin, own: str) -> None:
        """Say whose sub-agent this was."""
        parent = parent_of(origin.source.name)
        facts = {"agent_id": own}
        if parent:
            spawn = find_spawn(origin.source, parent, own)
            facts |= {"agent_type": spawn.agent_type, "tool_use_id": spawn.tool_use_id}
            origin.id = session_name(self.name, parent, "agent", own)
            origin.parent = session_name(self.name, parent)
        origin.relation = {"relation": "subagent", "subagent": {name: fact for name, fact in facts.items() if fact}}

    def _side_name(self, origin: Origin, side: Side) -> str:
        starter = side.drafts[0] if side.call is None else side.drafts.shelf.peek(side.call)
        return session_name(self.name, origin.original_id, "agent", starter.id)

    def _side_origin(self, origin: Origin, side: Side) -> Origin:
        count = sum(draft.records for draft in side.drafts)
        call = None if side.call is None else side.drafts.shelf.peek(side.call)
        facts = {"tool_use_id": call.id, "agent_type": call.name} if isinstance(call, Call) else {}
        return Origin(
            source=origin.source,
            digest=origin.digest,
            receipt=Receipt(lines=count, mapped=count),
            agent=self.name,
            version=_VERSION,
            id=self._side_name(origin, side),
            original_id=origin.original_id,
            folder=origin.folder,
            parent=origin.id,
            relation={"relation": "subagent", "subagent": facts},
            about=origin.about,
        )


def _divide(receipt: Receipt, line: bytes) -> Iterator[dict[str, Any]] | None:
    """Give the messages of a history one by one: resuming writes all of it anew, on one line."""
    found = _HISTORY.match(line)
    return _messages(receipt, line, found.end()) if found else None


def _messages(receipt: Receipt, line: bytes, start: int) -> Iterator[dict[str, Any]]:
    def opened() -> io.BytesIO:
        stream = io.BytesIO(line)
        stream.seek(start)
        return stream

    rest: dict[str, Any] = {}
    for name, value in read_members(Source("", opened), receipt, frozenset({"messages"})):
        if name == "messages":
            yield {"$set": {"messages": [value]}}
        else:
            rest[name] = value
    yield {"$set": rest}


def _read_object(source: Source, transcript: Transcript, receipt: Receipt) -> None:
    header: dict[str, Any] = {}
    number = 0
    for name, value in read_members(source, receipt, frozenset({"messages"})):
        if name != "messages":
            header[name] = value
            continue
        if not transcript.header:
            transcript.take_header(header)
        number += 1
        receipt.lines += 1
        if not isinstance(value, dict):
            receipt.problem(f"message {number}: not a JSON object")
            continue
        try:
            transcript.take_message(value)
        except InvalidEntry as problem:
            receipt.problem(f"message {number}: {problem}")
    transcript.take_header(header)
    if header:
        receipt.lines += 1
        receipt.kept += 1


def _spoken(transcript: Transcript) -> bool:
    return any("injected" not in draft.details for draft in transcript.drafts)


def _first_id(transcript: Transcript) -> str:
    return next((draft.id for draft in transcript.drafts if draft.id), "")


def _is_object(head: bytes) -> bool:
    members = leading_members(head_text(head))
    return "messages" in members and "sessionId" in members and "projectHash" in members


def _is_ours(record: Mapping[str, Any]) -> bool:
    if text_at(record, "sessionId") and "projectHash" in record:
        return "messages" in record or "startTime" in record or "kind" in record
    if mapping_at(record, "$set") or isinstance(record.get("$rewindTo"), str):
        return True
    known = text_at(record, "id") and "timestamp" in record and "content" in record
    return bool(known) and text_at(record, "type") in _SPEAKERS and "message" not in record
