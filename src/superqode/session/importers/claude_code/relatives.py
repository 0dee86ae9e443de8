"""What other files of the run tell of a transcript: who started a sub-agent, what a session is a fork of."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt
from superqode.session.importers.claude_code.reading import Reading
from superqode.session.importers.claude_code.skeleton import BigReading, Part
from superqode.session.importers.fields import list_at, mapping_at, text_at
from superqode.session.importers.lines import parse_json, read_records
from superqode.session.importers.spool import is_big, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from superqode.session.importers.base import Source
    from superqode.session.importers.claude_code.rows import Call, Row

__all__ = ["Relatives", "Spawn", "identity_of", "own_session_id", "spawns_in_file"]

# Ids of records, and of the model's messages, which 1.0 keeps when it resumes a session in a file of its own.
_ID: Final = re.compile(rb'"(?:uuid|id)"\s*:\s*"([0-9A-Za-z_-]{1,64})"')
# How many ids from a file's head are compared, and how many heads are remembered.
_HEAD_IDS: Final = 16
_MOST_HEADS: Final = 100_000
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)

# The rows of a conversation: the keys of their ids and of the model's messages, and their times.
Identity = Mapping[int, datetime | None]


@dataclass(frozen=True, slots=True)
class Spawn:
    """How a sub-agent came to be; empty where nothing tells.

    Attributes:
        tool_use_id: the call that started it.
        agent_type: what kind of agent it is.
        description: what it is for.
    """

    tool_use_id: str = ""
    agent_type: str = ""
    description: str = ""


def own_session_id(name: str, session_ids: Sequence[str]) -> str:
    """Choose a file's own session id among those in it: the one it is named after, else the latest; or empty."""
    stem = posixpath.basename(name).removesuffix(".jsonl")
    return stem if stem in session_ids else next(reversed(session_ids), "")


def spawns_in_file(main: Sequence[Row], chains: Sequence[Sequence[Row]]) -> list[Spawn]:
    """Say what started each sub-agent whose records stand in the file of the conversation itself.

    A result names the agent; in versions without names, the sub-agent's first prompt is the call's `prompt`.
    """
    if not chains:
        return []
    named = {result.call_id: result.agent_id for row in main for result in row.results if result.agent_id}
    # Of a huge file only those calls are held that may have started an agent.
    calls = [call for row in main for call in row.calls if call.id in named or text_at(call.arguments, "prompt")]
    by_id = {call.id: call for call in calls}
    by_agent = {agent_id: by_id[call_id] for call_id, agent_id in named.items() if call_id in by_id}
    by_prompt: dict[str, deque[Call]] = defaultdict(deque)
    for call in calls:
        by_prompt[text_at(call.arguments, "prompt")].append(call)
    return [_spawn_in_file(by_agent, by_prompt, chain) for chain in chains]


def identity_of(rows: Sequence[Row]) -> Callable[[], Identity]:
    """Give what tells a conversation's rows from those of others, made when it is asked for."""
    if isinstance(rows, Part):
        return rows.skeleton.identity
    return lambda: _identity(rows)


def _identity(rows: Iterable[Row]) -> Identity:
    return {key_of(name): row.time for row in rows for name in (row.uuid, row.message_id) if name}


def _spawn_in_file(by_agent: Mapping[str, Call], by_prompt: Mapping[str, deque[Call]], chain: Sequence[Row]) -> Spawn:
    call = by_agent.get(chain[0].agent_id)
    prompt = next((row.text for row in chain if row.kind == "prompt"), "")
    if call is None and prompt and by_prompt.get(prompt):
        call = by_prompt[prompt].popleft()  # two agents may have been given the same prompt
    if call is None:
        return Spawn()
    return Spawn(call.id, *(text_at(call.arguments, name) for name in ("subagent_type", "description")))


class Relatives:
    """Looks things up in the other files of a run; remembers how files begin, which never changes."""

    def __init__(self) -> None:
        self._heads: dict[str, frozenset[bytes]] = {}

    def spawn(self, source: Source, session_id: str, agent_id: str) -> Spawn:
        """Say what started a sub-agent: the small file beside its transcript tells, or its parent's."""
        base = source.name.removesuffix(".jsonl")
        for other in source.related(f"{base}.meta.json"):
            if other.name == f"{base}.meta.json":
                facts = _small_object(other)
                return Spawn(*(text_at(facts, name) for name in ("toolUseId", "agentType", "description")))
        for other in source.related(f"{session_id}.jsonl"):
            if posixpath.basename(other.name) == f"{session_id}.jsonl" and agent_id:
                return _find_spawn(other, agent_id)
        return Spawn()

    def fork_origin(self, source: Source, session_id: str, identity: Callable[[], Identity]) -> str:
        """Find the session of which this one has copied the beginning; empty where there is none.

        Two files that share records are told apart by how each went on after the last of those. A file that did
        not was copied from. Where both did, the fork did so first: what was there then would be in both. What only
        one of them has from before tells nothing: a copy leaves out what was rewound, and calls beside others.
        """
        beside = list(self._beside(source))
        own = identity() if beside else {}
        best: tuple[int, bool, datetime] | None = None
        found = ""
        for other in beside:
            if not any(key_of(known.decode()) in own for known in self._head(other)):
                continue
            their_id, theirs = _skim(other, session_id)
            shared = own.keys() & theirs.keys()
            last = max((moment for key in shared if (moment := own[key])), default=_EARLIEST)
            mine = [moment for key, moment in own.items() if key not in theirs and moment and moment > last]
            their_own = [moment for key, moment in theirs.items() if key not in own and moment and moment > last]
            if not shared or not mine or their_id == session_id or (their_own and min(their_own) <= min(mine)):
                continue
            rank = (len(shared), not their_own, min(their_own, default=min(mine)))
            if best is None or rank > best:
                best, found = rank, their_id
        return found

    def _beside(self, source: Source) -> Iterator[Source]:
        """The other transcripts in the same folder."""
        folder = posixpath.dirname(source.name)
        for other in source.related(f"{folder}/" if folder else ".jsonl"):
            beside = posixpath.dirname(other.name) == folder and other.name.endswith(".jsonl")
            if beside and other.name != source.name:
                yield other

    def _head(self, source: Source) -> frozenset[bytes]:
        known = self._heads.get(source.name)
        if known is None:
            try:
                known = frozenset(_ID.findall(source.head())[:_HEAD_IDS])
            except OSError:
                return frozenset()
            if known and len(self._heads) < _MOST_HEADS:
                self._heads[source.name] = known
        return known


def _skim(source: Source, asking: str) -> tuple[str, Identity]:
    """Give a transcript's session id and its rows' keys and times; nothing for a copy of the one asking."""
    try:
        reading = BigReading(Receipt()) if is_big(source) else Reading(Receipt())
        for number, record in read_records(source, Receipt()):
            reading.take(number, record)
    except (TranscriptError, OSError):
        return "", {}
    session_id = own_session_id(source.name, reading.facts.session_ids)
    if asking in (reading.facts.forked_from, *reading.facts.session_ids) and session_id != asking:
        return "", {}
    if isinstance(reading, BigReading):
        return session_id, reading.skeleton.identity()
    return session_id, _identity(row for row in reading.rows if not row.sidechain)


def _find_spawn(parent: Source, agent_id: str) -> Spawn:
    """Find the call whose result names a sub-agent."""
    call_id = ""
    for record in _mentioning(parent, agent_id):
        if mapping_at(record, "toolUseResult").get("agentId") == agent_id:
            call_id = next((text_at(block, "tool_use_id") for block in _blocks(record)), "")
            break
    if not call_id:
        return Spawn()
    for record in _mentioning(parent, call_id):
        for block in _blocks(record):
            if block.get("id") == call_id:
                arguments = mapping_at(block, "input")
                return Spawn(call_id, text_at(arguments, "subagent_type"), text_at(arguments, "description"))
    return Spawn(call_id)


def _mentioning(source: Source, text: str) -> Iterator[dict[str, Any]]:
    """Give the records with a text in their bytes; only those are read as JSON."""
    try:
        for _, record in read_records(source, Receipt(), holding=text.encode(errors="surrogatepass")):
            yield record
    except TranscriptError:
        return


def _blocks(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = list_at(mapping_at(record, "message"), "content")
    return [block for block in content if isinstance(block, dict)]


def _small_object(source: Source) -> dict[str, Any]:
    try:
        value = parse_json(source.head().decode(errors="replace"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
