"""Turns rows into messages and tool executions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from superqode.session.importers.origin import EntryIds
from superqode.session.importers.shell import removed_files
from superqode.session.models import Entry, Message, MessageRole, ToolExecution
from superqode.session.models.files import FileTouch, touched_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from superqode.session.importers.claude_code.rows import Call, Result, Row

__all__ = ["AGENT", "Answered", "Links", "Placed", "RowLinks", "place_entries"]

AGENT: Final = "claude-code"

Touches = tuple[tuple[FileTouch, str], ...]
SubagentOf = Callable[["Row", "Call", "Result | None"], str]


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with its place.

    Attributes:
        row: the row it begins with.
        owner: the conversation it belongs to.
        entry: the message or execution.
        touches: the files it touched, and how.
    """

    row: int
    owner: int
    entry: Entry
    touches: Touches = ()


@dataclass(slots=True)
class Answered:
    """What answered a call, and when; empty where nothing did."""

    result: Result | None = None
    time: datetime | None = None


class Links(Protocol):
    """Which rows belong together; rows and what is in them go by their numbers."""

    def places(self) -> Iterable[int]:
        """The rows of which entries may be made, in order."""

    def reply(self, place: int) -> list[Row]:
        """The lines of the API message that begins with a row; none where it begins none."""

    def answer(self, place: int, number: int) -> Answered:
        """What answered a call of a row."""

    def unasked(self, place: int) -> Iterable[int]:
        """The numbers of a row's results that answer no call."""


def place_entries(
    rows: Sequence[Row],
    owners: Sequence[int],
    project_path: str,
    subagent_of: SubagentOf,
    links: Links | None = None,
) -> Iterator[Placed]:
    """Give the entries of rows, each with its place.

    A call stands where it was made, whenever its result came; so the order is that of the model's words.

    Args:
        rows: the rows, in the file's order, with their times.
        owners: for each row the conversation it belongs to.
        project_path: what file paths are relative to.
        subagent_of: gives the session of the sub-agent that a call started; empty for none.
        links: which rows belong together, where that is known; then there may be very many.
    """
    ids = EntryIds(compact=links is not None)
    return _Builder(rows, owners, project_path, subagent_of, links or RowLinks(rows, owners), ids).build()


class _Builder:
    def __init__(
        self,
        rows: Sequence[Row],
        owners: Sequence[int],
        project_path: str,
        subagent_of: SubagentOf,
        links: Links,
        ids: EntryIds,
    ) -> None:
        self._rows = rows
        self._owners = owners
        self._project_path = project_path
        self._subagent_of = subagent_of
        self._links = links
        self._ids = ids

    def build(self) -> Iterator[Placed]:
        for place in self._links.places():
            for entry, touches in self._entries(place, self._rows[place]):
                yield Placed(place, self._owners[place], entry, touches)

    def _entries(self, place: int, row: Row) -> Iterator[tuple[Entry, Touches]]:
        if row.kind == "assistant":
            if lines := self._links.reply(place):
                yield self._reply(lines), ()
            for number, call in enumerate(row.calls):
                yield self._execution(row, self._links.answer(place, number), number, call)
        elif row.kind not in ("results", "link"):
            role = MessageRole.USER if row.kind == "prompt" else MessageRole.SYSTEM
            yield self._message(row.uuid, role, row), ()
        for number in self._links.unasked(place):
            result = row.results[number]
            yield self._message(f"{row.uuid}-result-{number}", MessageRole.TOOL, row, result), ()

    def _reply(self, lines: list[Row]) -> Message:
        first = lines[0]
        details: dict[str, Any] = {}
        for row in lines:
            details.update(row.details)
        if thoughts := [thought for row in lines for thought in row.thinking]:
            details["thinking"] = thoughts
        text = "\n\n".join(row.text for row in lines if row.text)
        entry_id, details = self._named(first.message_id or first.uuid, details)
        return Message(
            id=entry_id,
            role=MessageRole.ASSISTANT,
            content=text,
            timestamp=cast("datetime", first.time),
            agent_name=AGENT,
            tool_calls=[call.block for row in lines for call in row.calls] or None,
            metadata=details,
        )

    def _message(self, raw_id: str, role: MessageRole, row: Row, result: Result | None = None) -> Message:
        entry_id, details = self._named(raw_id, result.details if result else row.details)
        return Message(
            id=entry_id,
            role=role,
            content=result.text if result else row.text,
            timestamp=cast("datetime", row.time),
            tool_call_id=result.call_id if result else None,
            metadata=details,
        )

    def _execution(self, row: Row, answer: Answered, number: int, call: Call) -> tuple[ToolExecution, Touches]:
        result = answer.result
        details: dict[str, Any] = dict(result.details) if result else {"unfinished": True}
        if subagent := self._subagent_of(row, call, result):
            details["subagent_session_id"] = subagent
        entry_id, details = self._named(call.id or f"{row.uuid}-call-{number}", details)
        started = cast("datetime", row.time)
        ended = answer.time or started
        execution = ToolExecution(
            id=entry_id,
            tool_name=call.name,
            arguments=call.arguments,
            result=result.text if result else "",
            success=bool(result and result.worked),
            timestamp=ended,
            duration_ms=max(0, round((ended - started).total_seconds() * 1000)),
            agent_name=AGENT,
            metadata=details,
        )
        return execution, self._touches(call, result)

    def _touches(self, call: Call, result: Result | None) -> Touches:
        """The files a call really touched; what the result says about them counts more than the tool."""
        if result is None or not result.worked:
            return ()
        removed = removed_files(call.arguments) if call.name == "Bash" else ()
        gone: Touches = tuple(("delete", path) for path in removed)
        return gone + tuple(
            (result.touch if result.touch and touch != "read" else touch, path)
            for touch, path in touched_files(call.name, call.arguments, self._project_path)
        )

    def _named(self, raw: str, details: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Give an id no entry has yet; where that is not the agent's own, `details` keeps the agent's."""
        entry_id = self._ids.claim(raw)
        return entry_id, details if entry_id == raw else {**details, "original_id": raw}


class RowLinks:
    """The links among rows that are all in memory."""

    def __init__(self, rows: Sequence[Row], owners: Sequence[int]) -> None:
        self._count = len(rows)
        self._answers, self._unasked = _match(rows)
        self._replies = _replies(rows, owners)

    def places(self) -> Iterable[int]:
        """As in `Links`."""
        return range(self._count)

    def reply(self, place: int) -> list[Row]:
        """As in `Links`."""
        return self._replies.get(place, [])

    def answer(self, place: int, number: int) -> Answered:
        """As in `Links`."""
        return self._answers[place, number]

    def unasked(self, place: int) -> Iterable[int]:
        """As in `Links`."""
        return self._unasked.get(place, ())


def _match(rows: Sequence[Row]) -> tuple[dict[tuple[int, int], Answered], dict[int, list[int]]]:
    """Give each result to the latest open call of its id before it; some servers use an id again and again.

    Gives the answers by row and number of the call in it, and by row the numbers of results that answer none.
    """
    answers: dict[tuple[int, int], Answered] = {}
    waiting: dict[str, list[Answered]] = defaultdict(list)
    unasked: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        for number, call in enumerate(row.calls):
            answers[place, number] = Answered()
            waiting[call.id].append(answers[place, number])
        for number, result in enumerate(row.results):
            if waiting.get(result.call_id):
                answer = waiting[result.call_id].pop()
                answer.result, answer.time = result, row.time
            else:
                unasked[place].append(number)
    return answers, unasked


def _replies(rows: Sequence[Row], owners: Sequence[int]) -> dict[int, list[Row]]:
    """Put the lines of each API message together; gives them by the row of the first line.

    A message ends where the person speaks or the next one begins: some servers give one id to all of them.
    """
    replies: dict[int, list[Row]] = {}
    current: dict[int, list[Row]] = {}
    for place, (row, owner) in enumerate(zip(rows, owners, strict=True)):
        if row.kind in ("prompt", "command") and "queued" not in row.details:
            current.pop(owner, None)
        if row.kind != "assistant":
            continue
        known = current.get(owner)
        if known and row.message_id and known[0].message_id == row.message_id:
            known.append(row)
        else:
            replies[place] = current[owner] = [row]
    return replies
