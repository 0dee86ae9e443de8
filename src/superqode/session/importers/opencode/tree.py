"""opencode's storage of many small files, up to 1.0: one for each session, message and part.

0.5 has `project/SLUG/storage/session/{info/SES,message/SES/MSG,part/SES/MSG/PRT}.json`, later versions
`storage/{session/PROJECT/SES,message/SES/MSG,part/MSG/PRT}.json`. The session's own file stands for all of them; where
it is lost, its first message's does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Receipt, Source
from superqode.session.importers.fields import mapping_at, number_at, text_at
from superqode.session.importers.lines import MAX_LINE_BYTES, parse_json
from superqode.session.importers.opencode.records import Digest, Stored, StoredMessage, began_before

__all__ = ["Place", "place_of", "read_tree", "stands_for_session"]

_SESSION: Final = re.compile(r"(?P<root>.*/|)(?P<folder>info|[^/]+)/(?P<session>ses_[^/]+)\.json")
_MESSAGE: Final = re.compile(r"(?P<root>.*/|)message/(?P<session>ses_[^/]+)/(?P<message>msg_[^/]+)\.json")
_PART: Final = re.compile(
    r"(?P<root>.*/|)part/(?:(?P<session>ses_[^/]+)/)?(?P<message>msg_[^/]+)/(?P<part>prt_[^/]+)\.json"
)
_ID: Final = {
    "session": re.compile(r'"id"\s*:\s*"ses_'),
    "message": re.compile(r'"id"\s*:\s*"msg_'),
    "part": re.compile(r'"id"\s*:\s*"prt_'),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file stands in the tree.

    Attributes:
        kind: `session`, `message` or `part`.
        root: the folder that holds `message/` and `part/`, with `/` at its end.
        session: the session's id; empty where the name does not tell.
        message: the message's id.
    """

    kind: str
    root: str
    session: str
    message: str = ""


def place_of(name: str, head: bytes) -> Place | None:
    """Give a file's place; None where its name or its content is not of the tree."""
    text = head.decode(errors="replace")
    for kind, pattern in (("part", _PART), ("message", _MESSAGE), ("session", _SESSION)):
        found = pattern.fullmatch(name)
        if found is None:
            continue
        if not text.lstrip("\0 \t\r\n").startswith("{") or not _ID[kind].search(text):
            return None
        told = found.groupdict()
        if kind == "session":
            return _session_place(told)
        return Place(kind, told["root"], told["session"] or "", told["message"])
    return None


def _session_place(told: dict[str, str]) -> Place | None:
    root = told["root"]
    if told["folder"] == "info":
        return Place("session", root, told["session"])
    above = root.removesuffix("session/")
    return Place("session", above, told["session"]) if above != root else None


def stands_for_session(source: Source, place: Place) -> bool:
    """Whether a file is the one its session is imported by.

    Raises:
        TranscriptError: it is a piece of a session that is not among the files.
    """
    if place.kind == "session":
        return True
    if place.kind == "part":
        return _is_left_over(source, place)
    messages = source.within(f"{place.root}message/{place.session}")
    first = next((other for other in messages if other.name == source.name or _is_known(other)), source)
    return first.name == source.name and not any(
        other.name.endswith(f"/{place.session}.json") and _is_known(other) for other in _session_files(source, place)
    )


def _is_known(source: Source) -> bool:
    try:
        return place_of(source.name, source.head()) is not None
    except OSError:
        return False


def _is_left_over(source: Source, place: Place) -> bool:
    """See that the message of a part is there; never true, a part stands for nothing."""
    session = place.session or text_at(_peek(source), "sessionID")
    if next(source.within(f"{place.root}message/{session}/{place.message}.json"), None) is None:
        first = next(source.within(posixpath.dirname(source.name)), source)
        if first.name == source.name:
            raise TranscriptError(source.name, "its message is not there: import the whole `storage` folder")
    return False


def _session_files(source: Source, place: Place) -> Iterator[Source]:
    yield from source.within(f"{place.root}info")
    yield from source.within(f"{place.root}session")


def read_tree(source: Source, place: Place, receipt: Receipt) -> Stored:
    """Give the session that a file of the tree stands for.

    Raises:
        TranscriptError: no messages are among the files.
    """
    digest = Digest()
    info: dict[str, Any] = {}
    if place.kind == "session":
        info = _read(source, receipt, digest)
    messages = list(source.within(f"{place.root}message/{place.session}"))
    if not messages and next(source.within(f"{place.root}message"), None) is None:
        raise TranscriptError(source.name, "its messages are not there: import the whole `storage` folder")
    stored = Stored(place.session, _messages(messages, place, receipt, digest), digest, info)
    times = [number_at(mapping_at(_peek(first), "time"), "created") for first in messages[:1]]
    if began_before(info, times):
        stored.forked_from = _origin(source, place, times[0])
    return stored


def _messages(sources: list[Source], place: Place, receipt: Receipt, digest: Digest) -> Iterator[StoredMessage]:
    for source in sources:
        info = _read(source, receipt, digest)
        message_id = posixpath.basename(source.name).removesuffix(".json")
        folders = (f"{place.root}part/{place.session}/{message_id}", f"{place.root}part/{message_id}")
        read = [_read(part, receipt, digest) for folder in folders for part in source.within(folder)]
        if not info:  # damaged, and its parts tell who spoke
            answered = any(text_at(part, "type") in ("step-start", "tool", "reasoning") for part in read)
            info = {"id": message_id, "role": "assistant" if answered else "user"}
            receipt.lines -= 1  # the message was counted as damaged
            receipt.mapped -= 1
        yield StoredMessage(info, [part for part in read if part])


def _read(source: Source, receipt: Receipt, digest: Digest) -> dict[str, Any]:
    """Read one small file; what is damaged is counted and as good as empty."""
    try:
        with source.open() as stream:
            raw = stream.read(MAX_LINE_BYTES + 1)
    except OSError as problem:
        return _damaged(source, receipt, f"it cannot be read ({problem.strerror or problem})")
    digest.take(raw)
    if len(raw) > MAX_LINE_BYTES:
        return _damaged(source, receipt, f"it has more than {MAX_LINE_BYTES // 2**20} MiB")
    try:
        value = parse_json(raw.decode(errors="replace"))
    except ValueError as problem:
        return _damaged(source, receipt, f"not readable as JSON ({problem})")
    return value if isinstance(value, dict) else _damaged(source, receipt, "not a JSON object")


def _damaged(source: Source, receipt: Receipt, text: str) -> dict[str, Any]:
    receipt.lines += 1
    receipt.problem(f"{posixpath.basename(source.name)}: {text}")
    return {}


def _peek(source: Source) -> dict[str, Any]:
    return _read(source, Receipt(), Digest())


def _origin(source: Source, place: Place, time: float) -> str:
    """Find the session whose first message is as old as this one's: a fork takes over messages with their times."""
    folder = f"{place.root}message"
    before = ""
    for other in source.within(folder):
        session = other.name[len(folder) + 1 :].partition("/")[0]
        if session == before:
            continue
        before = session
        created = number_at(mapping_at(_peek(other), "time"), "created")
        if session != place.session and created == time and not _forked(source, place, session, time):
            return session
    return ""


def _forked(source: Source, place: Place, session: str, time: float) -> bool:
    for other in _session_files(source, place):
        if other.name.endswith(f"/{session}.json"):
            return began_before(_peek(other), [time])
    return False
