"""From a transcript's bytes to its sessions: the conversation, what it was rewound from, its sub-agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt
from superqode.session.importers.claude_code.assembly import Assembly
from superqode.session.importers.claude_code.reading import Reading
from superqode.session.importers.claude_code.relatives import Relatives, spawns_in_file
from superqode.session.importers.claude_code.tree import arrange, side_chains
from superqode.session.importers.lines import parse_json, read_records
from superqode.session.importers.origin import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        reading = Reading(receipt)
        for number, record in read_records(source, receipt):
            reading.take(number, record)
        if not receipt.lines:
            raise TranscriptError(source.name, "it is empty")
        reading.finish()
        if not _spoken(reading.rows):
            raise TranscriptError(source.name, "it holds no messages")
        yield from self._sessions(source, Assembly(source, digest, reading), reading.rows, receipt)

    def _sessions(self, source: Source, assembly: Assembly, rows: list[Row], receipt: Receipt) -> Iterator[Imported]:
        main = [row for row in rows if not row.sidechain]
        chains = side_chains([row for row in rows if row.sidechain])
        for chain in filter(_warmed_up, chains):
            _leave_out(chain, receipt, "warm-up of a sub-agent")
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
            yield assembly.subagent(chain, spawn, receipt if own_file else _receipt_of(chain))

    def _conversations(
        self, source: Source, assembly: Assembly, main: list[Row], receipt: Receipt
    ) -> Iterator[Imported]:
        layout = arrange(main)
        parts: list[list[Row]] = [[] for _ in layout.branches]
        for row, owner in zip(main, layout.owners, strict=True):
            parts[owner].append(row)
        kept = range(1, len(parts))[-_MOST_BRANCHES:]
        for part in parts[1 : len(parts) - len(kept)]:
            _leave_out(part, receipt, "rewound conversations before the last 256")
        origin = assembly.copied_from or self._relatives.fork_origin(source, assembly.own_id, main)
        placed = assembly.place(main, layout.owners)
        yield assembly.conversation(placed, origin, receipt)
        for number in kept:
            yield assembly.branch(placed, layout, number, _receipt_of(parts[number]))


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


def _spoken(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.kind != "link"]


def _warmed_up(chain: list[Row]) -> bool:
    prompts = {row.text for row in chain if row.kind == "prompt"}
    return prompts == {_WARM_UP} and not any(row.calls for row in chain)


def _leave_out(rows: list[Row], receipt: Receipt, reason: str) -> None:
    said = len(_spoken(rows))
    receipt.mapped -= said
    receipt.drop(reason, said)


def _receipt_of(rows: list[Row]) -> Receipt:
    """A receipt for the part of a file that became a session of its own; the file's receipt counts it too."""
    said = len(_spoken(rows))
    return Receipt(lines=said, mapped=said)
