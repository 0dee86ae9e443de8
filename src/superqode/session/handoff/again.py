"""What a hand-off remembers of itself, so that a second one goes on and writes nothing twice."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from superqode.session.handoff.base import Opener, Receipt
from superqode.session.handoff.neutral import Item, same_items
from superqode.session.handoff.reading import read_items
from superqode.session.importers import make_importers
from superqode.session.importers.base import Imported, Source
from superqode.session.models import Session

__all__ = [
    "Written",
    "begins_with",
    "content_of",
    "imported_sessions",
    "is_native_id",
    "items_in",
    "items_of",
    "missing_items",
    "read_state",
    "sha256",
    "write_state",
]

_FORMAT: Final = 1
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Written:
    """What a hand-off wrote.

    Attributes:
        agent: the writer's name.
        session_id: the session's id at the agent.
        project: the folder it was written for.
        path: the file, below the agent's folder.
        items: how many items of the session stand in it.
        digest: their fingerprint.
        size: how long the file was then, in bytes.
        sha256: of the file then, in hex.
    """

    agent: str
    session_id: str
    project: str
    path: str
    items: int
    digest: str
    size: int
    sha256: str


def write_state(written: Written) -> dict[str, Any]:
    """Give the state as JSON values."""
    return {"format": _FORMAT, **asdict(written)}


def read_state(state: Mapping[str, Any] | None, agent: str, project: str) -> Written | None:
    """Read a state; None where there is none, or it is of another agent, another folder or another format."""
    if state is None or state.get("format") != _FORMAT:
        return None
    texts = [state.get(name) for name in ("agent", "session_id", "project", "path", "digest", "sha256")]
    counts = [state.get(name) for name in ("items", "size")]
    if not all(isinstance(text, str) for text in texts) or not all(type(count) is int for count in counts):
        return None
    written = Written(**{name: state[name] for name in Written.__slots__})
    sound = (
        is_native_id(written.session_id)
        and all(_HEX.fullmatch(digest) for digest in (written.digest, written.sha256))
        and min(written.items, written.size) >= 0
    )
    return written if sound and (written.agent, written.project) == (agent, project) else None


def is_native_id(candidate: str) -> bool:
    """Whether this may be an agent's id of a session: nothing that a path or an option could be made of."""
    return _ID.fullmatch(candidate) is not None


def imported_sessions(data: bytes, name: str, format_name: str) -> list[Session]:
    """Give the sessions that an agent's file holds, as its importer reads them; none where it cannot.

    Args:
        data: the file.
        name: its path, of which the importer takes ids.
        format_name: the importer's name.
    """
    source = Source(name, lambda: io.BytesIO(data))
    importer = next((known for known in make_importers() if known.name == format_name), None)
    if importer is None or not importer.recognises(source, source.head()):
        return []
    return [_whole(found) for found in importer.read(source) if isinstance(found, Imported)]


def _whole(found: Imported) -> Session:
    """Give a session with its entries, also of a transcript so big that its importer does not hold them."""
    for entry in found.stream() if found.stream is not None else ():
        found.session.add(entry)
    return found.session


def items_of(session: Session) -> list[Item]:
    """Give a session's items, uncounted."""
    return read_items(session, session.updated_at, Receipt())


def items_in(data: bytes, name: str, format_name: str) -> list[Item]:
    """Give the items of the conversation in an agent's file; none where it cannot be read."""
    main = next(iter(imported_sessions(data, name, format_name)), None)
    return items_of(main) if main is not None else []


def begins_with(items: Sequence[Item], start: Sequence[Item]) -> bool:
    """Whether the first items say what `start` says."""
    return same_items(items[: len(start)], start)


def missing_items(
    fresh: Sequence[Item], before: bytes, after: bytes, name: str, format_name: str
) -> Sequence[Item] | None:
    """Say what of a session's new items the agent's file does not have.

    Args:
        fresh: the items the session got since the last hand-off, as they would be written.
        before: what that hand-off wrote.
        after: what is there now.
        name: the file's path, for the importer.
        format_name: the importer's name.

    Returns:
        The items to be added; None where the agent went on from there in another way than the session.
    """
    known, grown = (items_in(data, name, format_name) for data in (before, after))
    if not known or not begins_with(grown, known):
        return None
    added = grown[len(known) :]
    if begins_with(fresh, added):
        return fresh[len(added) :]
    return () if begins_with(added, fresh) else None


def content_of(opener: Opener | None) -> bytes:
    """Give a file's bytes; none where there is no such file, or it cannot be read."""
    if opener is None:
        return b""
    try:
        with opener() as stream:
            return stream.read()
    except OSError:
        return b""


def sha256(data: bytes) -> str:
    """The SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
