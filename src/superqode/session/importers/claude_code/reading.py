"""Reads a transcript's records into rows, and collects what the file as a whole says about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from superqode.session.importers.claude_code import speech
from superqode.session.importers.claude_code.blocks import (
    as_blocks,
    call_of,
    is_call,
    is_result,
    others_of,
    result_of,
    texts_of,
)
from superqode.session.importers.claude_code.rows import Row
from superqode.session.importers.fields import mapping_at, parse_time, text_at
from superqode.session.importers.origin import EntryIds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from superqode.session.importers.base import Receipt

__all__ = ["Facts", "Reading"]

# How long a name of a version, branch or model may be, and how many are kept.
_LONGEST_NAME: Final = 128
_MOST_NAMES: Final = 20
_MOST_REASONS: Final = 100
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_USAGE: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
_TITLES: Final = {"custom-title": "customTitle", "ai-title": "aiTitle", "summary": "summary"}


@dataclass(slots=True)
class Facts:
    """What the file says about itself.

    Attributes:
        session_ids: the session ids of its messages, in order of appearance.
        cwd: the first working directory.
        versions: the versions of Claude Code that wrote it.
        git_branches: the branches it worked on.
        models: the models that answered.
        titles: the latest title of each kind (`custom-title`, `ai-title`, `summary`).
        forked_from: the session the copied records say they come from; the nearest one.
        agent_types: the type of each sub-agent, by its id, where the records tell.
    """

    session_ids: list[str] = field(default_factory=list)
    cwd: str = ""
    versions: list[str] = field(default_factory=list)
    git_branches: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    forked_from: str = ""
    agent_types: dict[str, str] = field(default_factory=dict)


class Reading:
    """Takes records one by one and keeps what sessions need; counts the rest.

    Attributes:
        rows: the rows so far, in the file's order.
        facts: what the file says about itself.
    """

    def __init__(self, receipt: Receipt) -> None:
        self.rows: list[Row] = []
        self.facts = Facts()
        self._receipt = receipt
        self._by_uuid: dict[str, Row] = {}
        self._uuids = EntryIds()
        self._time: datetime | None = None

    def take(self, number: int, record: dict[str, Any]) -> None:
        """Read one record; `number` is its line, for people."""
        kind = text_at(record, "type")
        self._note_file(record)
        if kind in _TITLES:
            self._take_title(kind, record)
        elif kind in ("user", "assistant") and not isinstance(record.get("message"), dict):
            self._receipt.problem(f"line {number}: a {kind} record without a message")
        else:
            self._add(self._row(kind, record), record)

    @property
    def first_uuid(self) -> str:
        """The id of the first row."""
        return self.rows[0].uuid

    @property
    def spoken(self) -> bool:
        """Whether a row says something."""
        return any(row.kind != "link" for row in self.rows)

    def finish(self) -> None:
        """Give rows at the beginning that have no time the first known one."""
        first = next((row.time for row in self.rows if row.time), datetime.fromtimestamp(0, UTC))
        for row in self.rows:
            if row.time is not None:
                break
            row.time = first

    def _row(self, kind: str, record: dict[str, Any]) -> Row:
        row = self._place(record)
        if kind == "user":
            _fill_user(row, record)
        elif kind == "assistant":
            _fill_assistant(row, record)
            _note(self.facts.models, text_at(row.details, "model"))
        elif kind == "system":
            _fill_notice(row, record)
        elif kind == "attachment":
            _fill_queued(row, mapping_at(record, "attachment"))
        return row

    def _place(self, record: dict[str, Any]) -> Row:
        moment = _moment(record.get("timestamp")) or self._time
        self._time = moment
        parent = record.get("parentUuid", "")
        return Row(
            kind="link",
            uuid=text_at(record, "uuid"),
            parent=None if parent is None else text_at(record, "parentUuid"),
            other_parent=text_at(record, "logicalParentUuid"),
            time=moment,
            sidechain=record.get("isSidechain") is True,
            agent_id=text_at(record, "agentId"),
            copied_from=_copied_from(record),
        )

    def _add(self, row: Row, record: Mapping[str, Any]) -> None:
        if not row.uuid and row.kind == "link":
            self._drop(record)
            return
        row.uuid = row.uuid or f"record-{self._count}"
        known = self._known(row.uuid)
        if known == row:
            self._receipt.drop("repeated records")
            return
        free = self._uuids.claim(row.uuid)
        if known is not None:  # another record under the same id: both stay
            row = replace(row, uuid=free, details={**row.details, "original_id": row.uuid})
        self._keep(row)
        if row.kind == "link":
            self._drop(record)
        else:
            self._receipt.mapped += 1

    @property
    def _count(self) -> int:
        """How many rows there are so far."""
        return len(self.rows)

    def _known(self, uuid: str) -> Row | None:
        """The row so far that has this id."""
        return self._by_uuid.get(uuid)

    def _keep(self, row: Row) -> None:
        self._by_uuid[row.uuid] = row
        self.rows.append(row)

    def _drop(self, record: Mapping[str, Any]) -> None:
        reason = _reason(record)
        known = reason in self._receipt.dropped or len(self._receipt.dropped) < _MOST_REASONS
        self._receipt.drop(reason if known else "unknown records")

    def _take_title(self, kind: str, record: Mapping[str, Any]) -> None:
        # A summary names its conversation by the last record of it, which may stand in another file.
        title = text_at(record, _TITLES[kind])
        leaf = text_at(record, "leafUuid")
        if title and (not leaf or self._known(leaf) is not None):
            self.facts.titles[kind] = title
            self._receipt.kept += 1
        else:
            self._receipt.drop(f"{kind} of another session" if leaf else f"{kind} without a title")

    def _note_file(self, record: Mapping[str, Any]) -> None:
        facts = self.facts
        if record.get("type") in ("user", "assistant"):
            _note(facts.session_ids, text_at(record, "sessionId"))
        _note(facts.versions, text_at(record, "version"))
        _note(facts.git_branches, text_at(record, "gitBranch"))
        facts.cwd = facts.cwd or text_at(record, "cwd")
        if record.get("isSidechain") is not True:
            facts.forked_from = _copied_from(record) or facts.forked_from
        if (agent_type := text_at(record, "attributionAgent")) and len(facts.agent_types) < 10_000:
            facts.agent_types.setdefault(text_at(record, "agentId"), agent_type)


def _copied_from(record: Mapping[str, Any]) -> str:
    """The session a record was copied from, as a branched or forked session says of what it took over."""
    origin = text_at(mapping_at(record, "forkedFrom"), "sessionId") or text_at(record, "requestSessionId")
    return "" if origin == text_at(record, "sessionId") else origin


def _fill_user(row: Row, record: Mapping[str, Any]) -> None:
    message = record["message"]
    blocks = as_blocks(message.get("content"))
    answers = [block for block in blocks if is_result(block)]
    # `toolUseResult` tells about one result; with several it is not said about which.
    told = record.get("toolUseResult") if len(answers) == 1 else None
    row.results = tuple(result_of(block, told, record.get("permissionDecision")) for block in answers)
    if others := others_of(blocks):
        row.details["attachments"] = others
    spoken = speech.heard(texts_of(blocks), speech.origin(record), beside_result=bool(answers))
    if spoken.kind == "prompt" and not spoken.text and not others:
        return
    row.kind, row.text = spoken.kind, spoken.text
    row.details.update(spoken.details)


def _fill_assistant(row: Row, record: Mapping[str, Any]) -> None:
    message = record["message"]
    blocks = as_blocks(message.get("content"))
    row.text = "\n\n".join(texts_of(blocks))
    row.message_id = text_at(message, "id")
    thoughts = (block.get("thinking") for block in blocks if block.get("type") == "thinking")
    row.thinking = tuple(thought for thought in thoughts if isinstance(thought, str) and thought)
    row.calls = tuple(call_of(block) for block in blocks if is_call(block))
    row.results = tuple(result_of(block, None, None) for block in blocks if is_result(block))
    if others := others_of(blocks):
        row.details["attachments"] = others
    # What Claude Code says in the model's place: an error of the API, or "No response requested".
    synthetic = message.get("model") == "<synthetic>" or record.get("isApiErrorMessage") is True
    row.kind = "notice" if synthetic and not row.calls else "assistant"
    for name in ("model", "stop_reason"):
        if (value := text_at(message, name)) and not synthetic:
            row.details[name] = value
    usage = mapping_at(message, "usage")
    counts = {name: usage[name] for name in _USAGE if type(usage.get(name)) is int}
    if any(counts.values()):
        row.details["usage"] = counts
    if synthetic:
        row.details["notice"] = "api error" if record.get("isApiErrorMessage") is True else "synthetic"


def _fill_notice(row: Row, record: Mapping[str, Any]) -> None:
    text = text_at(record, "content")
    if text:
        row.kind, row.text = "notice", text
        row.details["notice"] = (text_at(record, "subtype") or "system")[:64]


def _fill_queued(row: Row, attachment: Mapping[str, Any]) -> None:
    """A prompt typed while the model worked stands in an attachment, and only there."""
    if attachment.get("type") != "queued_command":
        return
    blocks = as_blocks(attachment.get("prompt"))
    automatic = attachment.get("commandMode") not in (None, "prompt")
    origin = speech.origin(attachment) or ("queue" if automatic else "")
    spoken = speech.heard(texts_of(blocks), origin, beside_result=False)
    if spoken.text:
        row.kind, row.text = spoken.kind, spoken.text
        row.details.update(spoken.details, queued=True)


def _reason(record: Mapping[str, Any]) -> str:
    """Why a record became nothing: its type, and the kind within it; few and short whatever it holds."""
    kind = text_at(record, "type")
    inner = text_at(record, "subtype") or text_at(mapping_at(record, "attachment"), "type")
    if not _PLAIN_NAME.fullmatch(kind) or (inner and not _PLAIN_NAME.fullmatch(inner)):
        return "unknown records"
    return f"{kind}: {inner}" if inner else kind


def _note(names: list[str], name: str) -> None:
    if name and name not in names and len(names) < _MOST_NAMES:
        names.append(name[:_LONGEST_NAME])


def _moment(value: object) -> datetime | None:
    try:
        return parse_time(value)
    except ValueError:
        return None
