"""Messages of share commits: the two lines of an encrypted share, and a public one's manifest in trailers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from superqode.session import clock
from superqode.session.codec import message
from superqode.session.errors import ShareTampered, ShareTooLarge
from superqode.session.ids import is_session_id
from superqode.session.sharing import wire
from superqode.session.sharing.links import SHARE_ID

__all__ = [
    "COMMIT_MAX",
    "IDENT",
    "MESSAGE_MAX",
    "EnvelopeTrailers",
    "PublicTrailers",
    "compose_envelope",
    "compose_public",
    "parse_envelope",
    "parse_public",
    "told_expiry",
]

# Author and committer of every share commit: name and address (RFC 2606: it can never receive mail).
IDENT: Final = ("superqode", "share@superqode.invalid")

MESSAGE_MAX: Final = 1024 * 1024
# With idents, parents and a signature that somebody added.
COMMIT_MAX: Final = MESSAGE_MAX + 64 * 1024

_SUBJECT: Final = "share: "
_TRAILER: Final = re.compile(r"Superqode-([A-Za-z-]{1,40}): ?(.*)")
_ENVELOPE: Final = re.compile(
    rb"share\n\nSuperqode-Share: ([0-9a-z]{26})\n(?:Superqode-Expires: ([0-9TZ:-]{20})\n)?",
)
_EXPIRES: Final = re.compile(rb"^Superqode-Expires: ([0-9TZ:-]{20})$", re.MULTILINE)
_GENERATION: Final = re.compile(r"[1-9][0-9]{0,14}")
# None of these stands in a message that we wrote: they would reach a terminal.
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class EnvelopeTrailers(NamedTuple):
    """What an encrypted share's commit says in clear.

    Attributes:
        share_id: the share's id.
        expires_at: when it may be pruned, in whole seconds, or `None`; what counts stands in the manifest.
    """

    share_id: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class PublicTrailers:
    """What a public share's commit says.

    Attributes:
        share_id, session_id: the share's and the session's ids.
        title: the session's title, in one line of at most 100 characters with the word before it.
        created_at: when the share was made.
        expires_at: when it ends, in whole seconds, or `None`.
        allow_fork, allow_view_history: what its owner asks of readers.
        generation: 1, and one more with each update.
        snapshots: the session's snapshots.
        saved_at: when this state was shared.
        messages, tools: how many messages and tool executions the session has, and how many this commit added;
            `None` where it does not say.
    """

    share_id: str
    session_id: str
    title: str
    created_at: datetime
    expires_at: datetime | None
    allow_fork: bool
    allow_view_history: bool
    generation: int
    snapshots: tuple[message.SharedSnapshot, ...] = ()
    saved_at: datetime | None = None
    messages: tuple[int, int] | None = None
    tools: tuple[int, int] | None = None


def compose_envelope(share_id: str, expires_at: datetime | None) -> bytes:
    """Give the message of an encrypted share's commit."""
    lines = ["share", "", f"Superqode-Share: {share_id}"]
    if expires_at is not None:
        lines.append(f"Superqode-Expires: {wire.format_seconds(expires_at)}")
    return ("\n".join(lines) + "\n").encode("ascii")


def parse_envelope(data: bytes, share_id: str) -> EnvelopeTrailers:
    """Read the message of an encrypted share's commit, which says exactly this and nothing more.

    Raises:
        ShareTampered: it says something else, or is another share's.
    """
    found = _ENVELOPE.fullmatch(data)
    if found is None:
        raise ShareTampered(share_id, "its commit's message is not an encrypted share's")
    if found[1].decode("ascii") != share_id:
        raise ShareTampered(share_id, "its commit is another share's")
    expires = None if found[2] is None else _time(found[2].decode("ascii"), share_id)
    return EnvelopeTrailers(share_id, expires)


def compose_public(trailers: PublicTrailers) -> bytes:
    """Give the message of a public share's commit: the title, an empty line, the share's trailers, a save's."""
    story = message.Story(
        subject=_SUBJECT + trailers.title,
        saved_at=trailers.saved_at,
        messages=trailers.messages,
        executions=trailers.tools,
    )
    head, _, save = message.compose(story).decode("utf-8").partition("\n\n")
    lines = [
        f"Superqode-Share: {trailers.share_id}",
        f"Superqode-Session: {trailers.session_id}",
        f"Superqode-Created: {clock.format_time(trailers.created_at)}",
    ]
    if trailers.expires_at is not None:
        lines.append(f"Superqode-Expires: {wire.format_seconds(trailers.expires_at)}")
    lines += [
        f"Superqode-Allow-Fork: {_answer(trailers.allow_fork)}",
        f"Superqode-View-History: {_answer(trailers.allow_view_history)}",
        f"Superqode-Generation: {trailers.generation}",
    ]
    lines += [message.snapshot_trailer(snapshot) for snapshot in trailers.snapshots]
    return ("\n".join([head, "", *lines]) + "\n" + save).encode("utf-8")


def _answer(allowed: bool) -> str:
    return "yes" if allowed else "no"


def parse_public(data: bytes, share_id: str) -> PublicTrailers:
    """Read the message of a public share's commit; trailers that mean nothing here are passed over.

    Raises:
        ShareTampered: it is no public share's, another share's, or a trailer is missing, doubled or malformed.
    """
    if len(data) > MESSAGE_MAX:
        raise ShareTooLarge(share_id, f"its commit's message has {len(data)} bytes, of {MESSAGE_MAX} at most")
    try:
        subject, _, tail = data.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError as problem:
        raise ShareTampered(share_id, "its commit's message is no text") from problem
    if not subject.startswith(_SUBJECT.rstrip()) or "\n" in subject or _CONTROL.search(subject + tail):
        raise ShareTampered(share_id, "its commit's message is not a share's")
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in tail.split("\n"):
        trailer = _TRAILER.fullmatch(line)
        if trailer is not None:
            found[trailer[1]].append(trailer[2])
    if _only(found, "Share", share_id) != share_id or not SHARE_ID.fullmatch(share_id):
        raise ShareTampered(share_id, "its commit is another share's")
    session_id = _only(found, "Session", share_id)
    generation = _only(found, "Generation", share_id)
    if not is_session_id(session_id) or not _GENERATION.fullmatch(generation):
        raise ShareTampered(share_id, "its commit's message names no session or no generation")
    expires = _only(found, "Expires", share_id) if "Expires" in found else None
    snapshots = message.shared_snapshots(data)
    if len(snapshots) != len(found["Snapshot"]):
        raise ShareTampered(share_id, "a line Superqode-Snapshot in its commit's message is malformed")
    story = message.parse(data)
    return PublicTrailers(
        share_id=share_id,
        session_id=session_id,
        title=message.subject_line(subject.removeprefix(_SUBJECT.rstrip())),
        created_at=_time(_only(found, "Created", share_id), share_id),
        expires_at=None if expires is None else _time(expires, share_id),
        allow_fork=_allowed(found, "Allow-Fork", share_id),
        allow_view_history=_allowed(found, "View-History", share_id),
        generation=int(generation),
        snapshots=tuple(snapshots),
        saved_at=story.saved_at,
        messages=story.messages,
        tools=story.executions,
    )


def told_expiry(data: bytes) -> datetime | None:
    """When a share's commit of either kind says that it ends; `None` where it says nothing that can be read."""
    found = _EXPIRES.search(data[:MESSAGE_MAX])
    try:
        return None if found is None else wire.parse_time(found[1].decode("ascii"))
    except ValueError:
        return None


def _only(found: Mapping[str, list[str]], name: str, share_id: str) -> str:
    """A trailer that is there exactly once."""
    values = found.get(name, [])
    if len(values) != 1:
        raise ShareTampered(share_id, f"its commit's message has {len(values)} lines Superqode-{name}, and not one")
    return values[0]


def _allowed(found: Mapping[str, list[str]], name: str, share_id: str) -> bool:
    answer = _only(found, name, share_id)
    if answer not in ("yes", "no"):
        raise ShareTampered(share_id, f"Superqode-{name} in its commit's message is neither yes nor no")
    return answer == "yes"


def _time(text: str, share_id: str) -> datetime:
    try:
        return wire.parse_time(text)
    except ValueError as problem:
        raise ShareTampered(share_id, "a time in its commit's message is none") from problem
