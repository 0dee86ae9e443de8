"""Makes sessions of the drafts of one transcript: the conversation, then those that were left for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from superqode.session.errors import InvalidEntry, TranscriptError
from superqode.session.importers.assembly import Parts, make_session
from superqode.session.importers.balance import FileBalance
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.drafts import MOST_BRANCHES, Call, Draft, Drafts, Said, Way
from superqode.session.importers.lines import Divide, read_records
from superqode.session.importers.origin import provenance, session_id_for, title_of
from superqode.session.importers.shell import removed_files
from superqode.session.models import Entry, FrozenDict, Message, MessageRole, ToolExecution
from superqode.session.models.files import touched_files
from superqode.session.models.values import to_utc

__all__ = ["Origin", "conversations", "or_errors", "session_name", "take_records"]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_SHORT: Final = 8
_MAX_MS: Final = 2**63 - 1
_SHELLS: Final = frozenset(("run_shell_command", "bash"))


@dataclass(slots=True)
class Origin:
    """What is known of a transcript besides its drafts.

    Attributes:
        source: the file.
        digest: its SHA-256, in hex.
        receipt: what became of its records; complete but for what is left out here.
        agent: the importer's name, which is the agent's.
        version: the importer's version.
        id: our id of the conversation.
        original_id: the agent's own.
        title: what it is called; empty where it has no name.
        folder: the folder the agent worked in; empty where that is not known.
        began: when it began; None where that is not told.
        parent: our id of the session it comes from.
        relation: `relation` and what belongs to it, for the metadata.
        about: what else is kept, for the metadata under the agent's name.
    """

    source: Source
    digest: str
    receipt: Receipt
    agent: str
    version: int
    id: str
    original_id: str
    title: str = ""
    folder: str = ""
    began: datetime | None = None
    parent: str | None = None
    relation: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)


def session_name(agent: str, *names: str) -> str:
    """Our id of an agent's session, or of what hangs on one (`-agent-…`, `-branch-…`)."""
    return session_id_for("-".join(names), f"{agent}-")


def or_errors(source: Source, sessions: Iterator[Imported]) -> Iterator[Imported | TranscriptError]:
    """Give sessions, and for whatever goes wrong with them one error that names the source."""
    try:
        yield from sessions
    except TranscriptError as problem:
        yield problem
    except (ValueError, OSError) as problem:
        yield TranscriptError(source.name, f"it cannot be made a session ({problem})")


def take_records(
    source: Source, receipt: Receipt, take: Callable[[int, dict[str, Any]], None], divide: Divide | None = None
) -> None:
    """Hand over each record of a file of lines with its line's number; one that cannot be stored counts as damage.

    Args:
        source: the file.
        receipt: where to count.
        take: takes a record.
        divide: takes apart very long lines, as for `read_records`.

    Raises:
        TranscriptError: the bytes themselves cannot be read.
    """
    for number, record in read_records(source, receipt, divide=divide):
        try:
            take(number, record)
        except InvalidEntry as problem:
            receipt.problem(f"line {number}: {problem}")


def conversations(origin: Origin, drafts: Drafts) -> Iterator[Imported]:
    """Give the sessions of a transcript."""
    maker = _Maker(drafts, origin.agent)
    _leave_out(drafts.too_old(), origin.receipt)
    taken = {origin.id}
    ways = drafts.ways()
    yield _import(origin, next(ways), maker, origin.receipt)
    for way in ways:
        own = partial(map, drafts.shelf.peek, way.numbers[way.own :])
        first = maker.names.of(next(own()))
        receipt = _receipt_of(own())
        branch = Origin(
            source=origin.source,
            digest=origin.digest,
            receipt=receipt,
            agent=origin.agent,
            version=origin.version,
            id=_fresh(origin, first, taken),
            original_id=origin.original_id,
            title=_first_prompt(own()),
            folder=origin.folder,
            parent=origin.id,
            relation={"relation": "branch", "first_own_entry": first},
            about=origin.about,
        )
        yield _import(branch, way, maker, receipt)


class _Maker:
    """Makes the entries of drafts by their numbers; where they are held, each once, whatever conversations it is in."""

    def __init__(self, drafts: Drafts, agent: str) -> None:
        self.drafts = drafts
        self.names = drafts.names()
        self._agent = agent
        self._made: dict[int, Entry] = {}

    def make(self, number: int) -> Entry:
        if number in self._made:
            return self._made[number]
        draft = self.drafts.shelf.peek(number)
        entry = self._entry(draft, self.names.of(draft))
        if not self.drafts.shelf.big:
            self._made[number] = entry
        return entry

    def _entry(self, draft: Draft, entry_id: str) -> Entry:
        details: dict[str, Any] = dict(draft.details)
        if draft.id and draft.id != entry_id:
            details["original_id"] = draft.id
        if isinstance(draft, Call):
            return _execution(draft, entry_id, self._agent, details)
        return _message(draft, entry_id, self._agent, details, self._blocks(draft))

    def _blocks(self, said: Said) -> list[FrozenDict]:
        calls = map(self.drafts.shelf.peek, said.calls)
        return [call.block for call in calls if isinstance(call, Call)]


def _fresh(origin: Origin, first: str, taken: set[str]) -> str:
    """A branch's id with a short form of its first entry's id in it, or the whole where the short one is taken."""
    base = origin.original_id or origin.id.removeprefix(f"{origin.agent}-")
    tries = (session_name(origin.agent, base, "branch", end) for end in (first[:_SHORT], first, f"whole-{first}"))
    name = next(name for name in tries if name not in taken)
    taken.add(name)
    return name


def _first_prompt(drafts: Iterable[Draft]) -> str:
    """The beginning of what a person said first; empty where nobody said anything."""
    said = (draft.text for draft in drafts if isinstance(draft, Said) and draft.role == MessageRole.USER)
    return next((text for text in said if text.strip()), "")


def _moment(draft: Draft) -> datetime:
    return draft.time if isinstance(draft, Said) else draft.ended or draft.time


def _import(origin: Origin, way: Way, maker: _Maker, receipt: Receipt) -> Imported:
    shelf = maker.drafts.shelf
    drafts = partial(map, shelf.peek, way.numbers)
    title = title_of(origin.title) or title_of(_first_prompt(drafts())) or f"{origin.agent} session"
    began, ended = _period(drafts(), origin.began)
    parts = Parts(
        id=origin.id,
        title=title,
        began=began,
        ended=ended,
        agent=origin.agent,
        project_path=origin.folder,
        parent=origin.parent,
        metadata={
            "imported": provenance(
                origin.source,
                origin.digest,
                receipt,
                importer=origin.agent,
                version=origin.version,
                original_id=origin.original_id,
                title=title,
            ),
            origin.agent.replace("-", "_"): origin.about,
            **origin.relation,
        },
    )
    calls = maker.drafts.calls_of(way.numbers)
    files = _files(map(shelf.peek, calls), origin.folder)
    if not shelf.big:
        return Imported(make_session(parts, list(map(maker.make, way.numbers)), files), receipt)
    counts = (len(way.numbers) - len(calls), len(calls))
    return Imported(make_session(parts, (), files), receipt, partial(map, maker.make, way.numbers), counts)


def _period(drafts: Iterable[Draft], told: datetime | None) -> tuple[datetime, datetime]:
    """When a conversation began and ended, by what was said; `told` is when it began as its file says."""
    began, ended = told, None
    for draft in drafts:
        moment = to_utc(_moment(draft))
        began = moment if began is None else min(began, moment)
        ended = moment if ended is None else max(ended, moment)
    began = _EPOCH if began is None else began
    return began, began if ended is None else ended


def _files(drafts: Iterable[Draft], folder: str) -> FileBalance:
    """What became of files by the calls that worked."""
    balance = FileBalance(folder)
    for draft in drafts:
        if not isinstance(draft, Call) or not draft.worked:
            continue
        if draft.name in _SHELLS:
            for path in removed_files(draft.arguments):
                balance.take("delete", path)
        for touch, path in touched_files(draft.name, draft.arguments, folder):
            balance.take(draft.touch if draft.touch and touch != "read" else touch, path)
    return balance


def _message(said: Said, entry_id: str, agent: str, details: dict[str, Any], blocks: list[FrozenDict]) -> Message:
    if said.thinking:
        details["thinking"] = said.thinking
    return Message(
        id=entry_id,
        role=said.role,
        content=said.text,
        timestamp=said.time,
        agent_name=agent if said.role == "assistant" else None,
        tool_calls=blocks or None,
        tool_call_id=said.answers or None,
        metadata=details,
    )


def _execution(call: Call, entry_id: str, agent: str, details: dict[str, Any]) -> ToolExecution:
    if call.ended is None:
        details["unfinished"] = True
    if call.by_person:
        details["by"] = "user"
    ended = call.ended or call.time
    taken = call.duration_ms if call.duration_ms >= 0 else round((ended - call.time).total_seconds() * 1000)
    return ToolExecution(
        id=entry_id,
        tool_name=call.name,
        arguments=call.arguments,
        result=call.result,
        success=call.worked and call.ended is not None,
        timestamp=ended,
        duration_ms=min(max(taken, 0), _MAX_MS),
        agent_name=None if call.by_person else agent,
        metadata=details,
    )


def _leave_out(drafts: Iterable[Draft], receipt: Receipt) -> None:
    count = sum(draft.records for draft in drafts)
    if count:
        receipt.mapped -= count
        receipt.drop(f"rewound conversations before the last {MOST_BRANCHES}", count)


def _receipt_of(drafts: Iterable[Draft]) -> Receipt:
    """A receipt for the part of a file that became a session of its own; the file's receipt counts it too."""
    count = sum(draft.records for draft in drafts)
    return Receipt(lines=count, mapped=count)
