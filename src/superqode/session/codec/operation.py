"""`op.json`: what an entry of the operation log says. FORMAT.md, "The operation log"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from superqode.session import clock
from superqode.session.codec import jsontext
from superqode.session.codec.message import subject_line

__all__ = [
    "OPERATION_FILE",
    "OPERATION_FORMAT",
    "SHARE_FILE",
    "TAG_FILE",
    "Entry",
    "Move",
    "decode_entry",
    "encode_entry",
    "format_of",
    "new_moves",
    "subject_of",
]

OPERATION_FORMAT: Final = 1
OPERATION_FILE: Final = "op.json"
# The ledger's document of a share as it was before the operation.
SHARE_FILE: Final = "share.json"
# The bytes of a tag that a ref named before the operation, before its id.
TAG_FILE: Final = "tag-"

# What an operation may move: never the ledger, the log itself, the reserved branch, or refs that are not ours.
_REF: Final = re.compile(r"refs/(?:heads|tags|superqode/(?:trash|sources|shares|prepared))/\S+")
_RESERVED: Final = re.compile(r"refs/heads/superqode(?:-.*)?")
_OID: Final = re.compile(r"[0-9a-f]{40}")
_ID: Final = re.compile(r"[0-9a-z]{12}")
_VERB: Final = re.compile(r"[a-z][a-z-]{0,31}")
_SHARE: Final = re.compile(r"[0-9a-z]{0,64}")


class Move(NamedTuple):
    """A ref that moved: its name, where it was and where it is then; empty where it was or is not there."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation.

    Attributes:
        id: twelve random characters; it stays when the log is rewritten.
        verb: what was done: `delete`, `rename`…, `ops-undo` for taking one back.
        at: when.
        by: by whom, as `name <address>`.
        sessions: ids and titles of the sessions it was done to.
        previous: the id of the operation before it; empty for the first one that is kept.
        begun: whether it is only known to have begun: then `before` counts, not `moves`.
        interrupted: whether it was cut short, and found out later how far it came.
        final: whether it cannot be taken back.
        before: the refs of its sessions as they were when it began, with their ids.
        moves: the refs that moved.
        renamed: the session's ids before and after; empty where it was no renaming.
        share: the share's id; empty where it is about none.
        undoes: the id of the operation it takes back, or empty.
    """

    id: str
    verb: str
    at: datetime
    by: str
    sessions: tuple[tuple[str, str], ...]
    previous: str = ""
    begun: bool = False
    interrupted: bool = False
    final: bool = False
    before: tuple[tuple[str, str], ...] = ()
    moves: tuple[Move, ...] = ()
    renamed: tuple[str, str] | tuple[()] = ()
    share: str = ""
    undoes: str = ""


def new_moves(before: dict[str, str], after: dict[str, str]) -> tuple[Move, ...]:
    """What differs between two states of refs, by name."""
    names = sorted(before.keys() | after.keys())
    moves = (Move(name, before.get(name, ""), after.get(name, "")) for name in names)
    return tuple([move for move in moves if move.old != move.new])


def subject_of(entry: Entry) -> str:
    """The first line of its commit's message: `delete: 20261122-100000-7m2q9x4k Fix the login bug`."""
    told = [f"{name} {title}".rstrip() for name, title in entry.sessions[:1]]
    if entry.renamed:
        told = [" to ".join(entry.renamed)]
    if len(entry.sessions) > 1 and not entry.renamed:
        told = [f"{len(entry.sessions)} sessions"]
    if entry.share:
        told.insert(0, f"share {entry.share[:8]} of")
    return subject_line(f"{entry.verb}: {' '.join(told)}")


def encode_entry(entry: Entry) -> bytes:
    """Give the bytes of `op.json`: one field a line, keys sorted."""
    return jsontext.dump_lines(
        {
            "at": clock.format_time(entry.at),
            "before": [list(item) for item in entry.before],
            "begun": entry.begun,
            "by": entry.by,
            "final": entry.final,
            "format": OPERATION_FORMAT,
            "id": entry.id,
            "interrupted": entry.interrupted,
            "moves": [list(move) for move in entry.moves],
            "previous": entry.previous,
            "renamed": list(entry.renamed),
            "sessions": [list(item) for item in entry.sessions],
            "share": entry.share,
            "undoes": entry.undoes,
            "verb": entry.verb,
        }
    )


def format_of(data: bytes) -> int:
    """The format number that an `op.json` says; raises ValueError where it says none."""
    told = jsontext.load(data)
    number = told.get("format") if isinstance(told, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError("it has no format number")
    return number


def decode_entry(data: bytes) -> Entry:
    """Read an `op.json`; raises ValueError on anything that could not have been written here."""
    told = jsontext.load(data)
    if not isinstance(told, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - one error for all that is no entry
    try:
        return Entry(
            id=_text(told["id"], _ID),
            verb=_text(told["verb"], _VERB),
            at=datetime.fromisoformat(_text(told["at"])).astimezone(UTC),
            by=_text(told["by"]),
            sessions=tuple([(_text(name), _text(title)) for name, title in told["sessions"]]),
            previous=_named(told["previous"]),
            begun=_flag(told["begun"]),
            interrupted=_flag(told["interrupted"]),
            final=_flag(told["final"]),
            before=tuple([(_ref(name), _text(oid, _OID)) for name, oid in told["before"]]),
            moves=tuple([Move(_ref(name), _oid(old), _oid(new)) for name, old, new in told["moves"]]),
            renamed=_pair(told["renamed"]),
            share=_text(told["share"], _SHARE),
            undoes=_named(told["undoes"]),
        )
    except (KeyError, TypeError, OverflowError) as problem:
        raise ValueError(f"a field is missing or makes no sense: {problem}") from problem


def _text(value: Any, pattern: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
        raise ValueError(f"{str(value)[:80]!r} makes no sense there")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{str(value)[:80]!r} is neither true nor false")  # noqa: TRY004 - as above
    return value


def _named(value: Any) -> str:
    return "" if value == "" else _text(value, _ID)


def _oid(value: Any) -> str:
    return "" if value == "" else _text(value, _OID)


def _ref(value: Any) -> str:
    name = _text(value, _REF)
    if _RESERVED.fullmatch(name):
        raise ValueError(f"{name} is no session's")
    return name


def _pair(value: Iterable[Any]) -> tuple[str, str] | tuple[()]:
    names = [_text(item) for item in value]
    if len(names) not in (0, 2):
        raise ValueError("a renaming has two ids")
    return (names[0], names[1]) if names else ()
