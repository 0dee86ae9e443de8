"""Makes sessions of recorded traffic."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.acp.conversation import Conversation
from superqode.session.importers.acp.parts import parts_of, take_touches
from superqode.session.importers.acp.recording import is_recording, read_recording
from superqode.session.importers.acp.traffic import Traffic
from superqode.session.importers.assembly import make_session
from superqode.session.importers.balance import FileBalance
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.origin import digest_of, provenance
from superqode.session.importers.spool import is_big

__all__ = ["AcpImporter"]

FORMAT: Final = "acp"
_VERSION: Final = 1
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_CHUNK: Final = 1024 * 1024
# How many earlier recordings of a session are looked into, and how many reasons a receipt holds.
_MOST_EARLIER: Final = 32
_MOST_REASONS: Final = 100


class AcpImporter:
    """Reads recorded traffic of the Agent Client Protocol; ids are `acp-<the agent's session id>`.

    Where a recording goes on with a session, the recordings before it in the same folder are read first, so that what
    the agent repeats on load is known, with its times.
    """

    name: Final = FORMAT

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether the first lines are recorded messages."""
        return is_recording(source.name, head)

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of a recording."""
        try:
            yield from _sessions(source)
        except TranscriptError as problem:
            yield problem
        except (ValueError, OSError) as problem:
            yield TranscriptError(source.name, f"it cannot be made a session ({problem})")


def _sessions(source: Source) -> Iterator[Imported]:
    digest = digest_of(source)
    receipt = Receipt()
    traffic, own = _follow(source, receipt)
    talks = [traffic.conversations[session_id] for session_id in own if traffic.conversations.get(session_id)]
    if not talks:
        raise TranscriptError(source.name, "it holds no conversation")
    for talk in talks:
        yield _import(source, digest, traffic, talk, receipt)
        # The file's receipt stands with its first session; those behind it share its lines.
        receipt = Receipt()


def _follow(source: Source, receipt: Receipt) -> tuple[Traffic, list[str]]:
    """Take a recording, and what was recorded before of the sessions it goes on with; gives its own sessions."""
    own: dict[str, None] = {}
    continued = _continued(source)
    before_it = _earlier(source, continued)
    traffic = Traffic(big=any(map(is_big, [source, *before_it])))
    for earlier in before_it:
        for line in read_recording(earlier, Receipt()):
            traffic.take(line.message, from_agent=line.from_agent, time=line.time)
        traffic.finish()
        traffic.new_connection()
    before = set(traffic.conversations)
    now = _EPOCH
    for line in read_recording(source, receipt):
        now = line.time
        reason = traffic.take(line.message, from_agent=line.from_agent, time=now) if line.message else "no messages"
        if reason:
            known = reason in receipt.dropped or len(receipt.dropped) < _MOST_REASONS
            receipt.drop(reason if known else "other messages")
        else:
            receipt.mapped += 1
    traffic.finish()
    own.update(dict.fromkeys(name for name in traffic.conversations if name not in before or name in continued))
    return traffic, list(own)


def _continued(source: Source) -> set[str]:
    """The sessions that a recording loads or resumes, and does not begin itself."""
    found: set[str] = set()
    for line in read_recording(source, Receipt()):
        if not line.from_agent and line.message.get("method") in ("session/load", "session/resume", "session/fork"):
            params = line.message.get("params")
            session_id = params.get("sessionId") if isinstance(params, dict) else None
            if isinstance(session_id, str) and session_id:
                found.add(session_id)
    return found


def _earlier(source: Source, sessions: set[str]) -> list[Source]:
    """The recordings in the same folder that are older and name one of these sessions, oldest first."""
    if not sessions:
        return []
    began = _first_time(source)
    folder = posixpath.dirname(source.name)
    beside = source.within(folder) if folder else source.related("")
    found: list[tuple[datetime, str, Source]] = []
    for other in beside:
        if other.name == source.name or posixpath.dirname(other.name) != folder or not _is_recording(other):
            continue
        first = _first_time(other)
        if first < began and _names(other, sessions):
            found.append((first, other.name, other))
    return [other for *_, other in sorted(found, key=lambda item: item[:2])[-_MOST_EARLIER:]]


def _is_recording(source: Source) -> bool:
    try:
        return is_recording(source.name, source.head())
    except OSError:
        return False


def _first_time(source: Source) -> datetime:
    return next((line.time for line in read_recording(source, Receipt())), _EPOCH)


def _names(source: Source, sessions: set[str]) -> bool:
    """Whether one of these ids stands in a file."""
    needles = [name.encode("utf-8", "surrogatepass") for name in sessions]
    longest = max(map(len, needles))
    before = b""
    try:
        with source.open() as stream:
            while chunk := stream.read(_CHUNK):
                at_hand = before + chunk
                if any(needle in at_hand for needle in needles):
                    return True
                before = at_hand[-longest:]
    except OSError:
        return False
    return False


def _import(source: Source, digest: str, traffic: Traffic, talk: Conversation, receipt: Receipt) -> Imported:
    entries = partial(talk.stream, traffic.agent_name)
    parts = parts_of(traffic, talk, entries())
    told = provenance(
        source, digest, receipt, importer=FORMAT, version=_VERSION, original_id=talk.id, title=parts.title
    )
    parts.metadata = {"imported": told, **parts.metadata}
    files = take_touches(FileBalance(talk.cwd), talk)
    if not traffic.big:
        return Imported(make_session(parts, list(entries()), files), receipt)
    return Imported(make_session(parts, (), files), receipt, entries, talk.counts())
