"""From a transcript's bytes to its sessions: the conversation, what it was rewound from, its sub-agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt
from superqode.session.importers.claude_code.assembly import Assembly
from superqode.session.importers.claude_code.reading import Reading
from superqode.session.importers.claude_code.relatives import Relatives, identity_of, spawns_in_file
from superqode.session.importers.claude_code.skeleton import BigReading, Part
from superqode.session.importers.claude_code.tree import arrange, side_chains
from superqode.session.importers.lines import parse_json, read_records
from superqode.session.importers.origin import digest_of
from superqode.session.importers.spool import is_big

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from superqode.session.importers.base import Imported, Source
    from superqode.session.importers.claude_code.rows import Row

__all__ = ["ClaudeCodeImporter"]

# Version 2.0 let sub-agents say hello to warm up a cache; nobody asked for it and nothing comes of it.
_WARM_UP: Final = "Warmup"
_MOST_BRANCHES: Final = 256


class ClaudeCodeImporter:
    """Reads the transcripts of Claude Code 1.0 to 2.1.

    Session ids are `claude-code-<session>`, `…-agent-<agent>` for sub-agents and `…-branch-<prompt>` for what
    a person rewound; `metadata["relation"]` says whether `parent_session_id` means a `fork`, a `subagent` or
    a `branch`. A file that holds only a sub-agent's warm-up gives nothing.

    An importer remembers how the files it saw begin, so that a run over many looks into each but once.
    """

    name: Final = "claude-code"

    def __init__(self) -> None:
        self._relatives = Relatives()

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether the first records are Claude Code's."""
        del source
        verdicts = map(_is_ours, head.split(b"\n"))
        return next((verdict for verdict in verdicts if verdict is not None), False)

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of a file, the conversation before those that hang on it."""
        try:
            yield from self._read(source)
        except TranscriptError as problem:
            yield problem

    def _read(self, source: Source) -> Iterator[Imported]:
        # The hash comes first: of a file that grows meanwhile, more is imported than it says, never less.
        digest = digest_of(source)
        receipt = Receipt()
        reading = BigReading(receipt) if is_big(source) else Reading(receipt)
        for number, record in read_records(source, receipt):
            reading.take(number, record)
        if not receipt.lines:
            raise TranscriptError(source.name, "it is empty")
        reading.finish()
        if not reading.spoken:
            raise TranscriptError(source.name, "it holds no messages")
        yield from self._sessions(source, Assembly(source, digest, reading), reading, receipt)

    def _sessions(self, source: Source, assembly: Assembly, reading: Reading, receipt: Receipt) -> Iterator[Imported]:
        main, chains = _parted(reading)
        for chain in filter(_warmed_up, chains):
            _leave_out(_spoken(chain), receipt, "warm-up of a sub-agent")
        working = [chain for chain in chains if _spoken(chain) and not _warmed_up(chain)]
        own_file = not _spoken(main)
        if own_file:
            spawns = [self._relatives.spawn(source, assembly.own_id, chain[0].agent_id) for chain in working]
        else:
            spawns = spawns_in_file(main, working)
        assembly.announce(working, spawns)
        if not own_file:
            yield from self._conversations(source, assembly, main, receipt)
        for chain, spawn in zip(working, spawns, strict=True):
            yield assembly.subagent(chain, spawn, receipt if own_file else _receipt_of(_spoken(chain)))

    def _conversations(
        self, source: Source, assembly: Assembly, main: Sequence[Row], receipt: Receipt
    ) -> Iterator[Imported]:
        order = _order(main)
        layout = arrange(order)
        said = [0] * len(layout.branches)
        for row, owner in zip(order, layout.owners, strict=True):
            said[owner] += row.kind != "link"
        kept = range(1, len(said))[-_MOST_BRANCHES:]
        for count in said[1 : len(said) - len(kept)]:
            _leave_out(count, receipt, "rewound conversations before the last 256")
        origin = assembly.copied_from or self._relatives.fork_origin(source, assembly.own_id, identity_of(main))
        story = assembly.place(main, layout.owners)
        yield assembly.conversation(story, origin, receipt)
        for number in kept:
            yield assembly.branch(story, layout, number, _receipt_of(said[number]))


def _parted(reading: Reading) -> tuple[Sequence[Row], list[Sequence[Row]]]:
    """Give the rows of the conversation itself, and those of each sub-agent."""
    if not isinstance(reading, BigReading):
        aside = side_chains([row for row in reading.rows if row.sidechain])
        return [row for row in reading.rows if not row.sidechain], [*aside]
    skeleton = reading.skeleton
    chains = side_chains(skeleton.part(sidechain=True).glimpses())
    return skeleton.part(sidechain=False), [Part.of(skeleton, chain) for chain in chains]


def _order(rows: Sequence[Row]) -> Sequence[Row]:
    """Rows for what only looks at their order."""
    return rows.glimpses() if isinstance(rows, Part) else rows


def _is_ours(line: bytes) -> bool | None:
    """Whether a line is a record of Claude Code; None where it does not tell."""
    try:
        record: Any = parse_json(line.decode(errors="replace"))
    except ValueError:
        # Damaged, or longer than the head: then only the names of fields can tell.
        named = line.startswith(b"{") and b'"sessionId"' in line and b'"parentUuid"' in line
        return True if named and b'"parts"' not in line else None
    if not isinstance(record, dict):
        return None
    message = record.get("message")
    if "projectHash" in record or "systemPayload" in record or (isinstance(message, dict) and "parts" in message):
        return False
    if record.get("type") == "summary" and "leafUuid" in record:
        return True
    known = isinstance(record.get("type"), str) or isinstance(record.get("uuid"), str)
    return True if known and isinstance(record.get("sessionId"), str) else None


def _spoken(rows: Sequence[Row]) -> int:
    """How many rows say something."""
    return sum(1 for row in _order(rows) if row.kind != "link")


def _warmed_up(chain: Sequence[Row]) -> bool:
    prompts = {row.text for row in chain if row.kind == "prompt"}
    return prompts == {_WARM_UP} and not any(row.calls for row in _order(chain))


def _leave_out(said: int, receipt: Receipt, reason: str) -> None:
    receipt.mapped -= said
    receipt.drop(reason, said)


def _receipt_of(said: int) -> Receipt:
    """A receipt for the part of a file that became a session of its own; the file's receipt counts it too."""
    return Receipt(lines=said, mapped=said)
