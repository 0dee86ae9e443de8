"""What writers share: a session and a place go in, a plan comes out. Nothing here touches a disk.

A writer is a pure function: what it may know of the machine is in `Place`, what is to be done is in `Handoff`.
Whoever runs it (`store/handing_over.py`) lists the agent's folder beforehand and writes the planned files afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Final, Protocol

from superqode.session.errors import HandoffError
from superqode.session.handoff.homes import HomeRule
from superqode.session.importers.base import Source
from superqode.session.models import Session

__all__ = ["Handoff", "HandoffError", "Opener", "Place", "PlannedFile", "Receipt", "Writer", "check_place"]

# Opens a file from its beginning, each time anew.
Opener = Callable[[], IO[bytes]]

_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:[\\/]|\\\\")
_CONTROL: Final = re.compile("[\0-\x1f\x7f]")
_PATH_PART: Final = re.compile(r"(?!\.{1,2}(?:/|\Z))[^/\\\0-\x1f:]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session is to go on: all that a writer knows of the machine.

    Attributes:
        project: the folder to work in: an absolute path of this machine, with symbolic links resolved.
        now: the present moment, aware UTC.
        home: the files that lie in the agent's folder, by path below it with `/`; at least those that match the
            writer's `looks_at`, or none where there is no such folder. Only opened where a plan needs to look.
        model: the model to go on with, as the agent calls it; empty where nobody chose one. Most agents choose
            their own.
    """

    project: str
    now: datetime
    home: Mapping[str, Opener] = field(default_factory=dict)
    model: str = ""


@dataclass(slots=True)
class Receipt:
    """What became of a session on its way; nothing is left out or changed uncounted.

    Attributes:
        kept: how many `prompts`, `answers` (with text), `calls` and `results` are in what is written.
        changed: how many things went over otherwise than they were, by what was done to them.
        left_out: how many things did not go over, by reason.
        added: how many things an agent needs and the session does not have, by what they are.
        notes: what else there is to know, a sentence each.
    """

    kept: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def keep(self, what: str, count: int = 1) -> None:
        """Count what went over."""
        _count(self.kept, what, count)

    def change(self, what: str, count: int = 1) -> None:
        """Count what went over otherwise than it was."""
        _count(self.changed, what, count)

    def leave_out(self, reason: str, count: int = 1) -> None:
        """Count what did not go over."""
        _count(self.left_out, reason, count)

    def add(self, what: str, count: int = 1) -> None:
        """Count what was added."""
        _count(self.added, what, count)

    def to_dict(self) -> dict[str, Any]:
        """Give the receipt as JSON values."""
        counts = {name: dict(sorted(getattr(self, name).items())) for name in ("kept", "changed", "left_out", "added")}
        return {**counts, "notes": list(self.notes)}


def _count(counts: dict[str, int], name: str, count: int) -> None:
    if count:
        counts[name] = counts.get(name, 0) + count


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to write.

    Attributes:
        path: where, below the agent's folder, with `/`; a plain relative path whatever the session holds.
        content: what to write.
        behind: None for a new file, which must not be there yet; else the size in bytes the file must still have, and
            the content goes behind that.
        scratch: whether it is no file of the agent's folder but one to hand to a command (`Handoff.prepare`); then
            `path` is its name in a folder for the moment.

    Raises:
        ValueError: the path is none that stays below the folder.
    """

    path: str
    content: bytes
    behind: int | None = None
    scratch: bool = False

    def __post_init__(self) -> None:
        if not all(_PATH_PART.fullmatch(part) for part in self.path.split("/")):
            raise ValueError(f"{self.path!r} is no path below a folder")


@dataclass(frozen=True, slots=True)
class Handoff:
    """A plan: what to write, and how to go on then.

    Attributes:
        agent: the writer's name.
        session_id: the session's id at the agent.
        files: what to write, in this order; empty where the agent has it all already.
        command: what continues the session in a terminal, run in `project`; words, no shell.
        headless: the same without a terminal: the prompt is to be put behind these words.
        receipt: what became of the session.
        state: JSON to be kept with the session and given as `before` the next time; small.
        prepare: commands to run in `project` once the files are written, before `command`; a word that equals a
            scratch file's `path` in angle brackets (`<export.json>`) stands for that file's real path.
    """

    agent: str
    session_id: str
    files: tuple[PlannedFile, ...]
    command: tuple[str, ...]
    headless: tuple[str, ...]
    receipt: Receipt
    state: dict[str, Any]
    prepare: tuple[tuple[str, ...], ...] = ()


class Writer(Protocol):
    """Writes sessions for one agent."""

    @property
    def name(self) -> str:
        """The agent's name on the command line."""

    @property
    def format(self) -> str:
        """The name of the importer that reads what this writes (`metadata["imported"]["format"]`)."""

    @property
    def home(self) -> HomeRule:
        """Where the agent keeps its things."""

    @property
    def looks_at(self) -> tuple[str, ...]:
        """Glob patterns, below the agent's folder, of the files `Place.home` needs to list; `*` is one folder."""

    def plan(
        self,
        session: Session,
        place: Place,
        *,
        original: Source | None = None,
        before: Mapping[str, Any] | None = None,
    ) -> Handoff:
        """Plan a hand-off; the same arguments give the same plan.

        Args:
            session: the session; it is not changed.
            place: where it is to go on.
            original: the transcript this session was imported from, with what belongs to it, where that is kept:
                then what only that agent understands goes over, too. It is used only where it is of this agent
                and still says what the session says.
            before: the `state` of the hand-off before this one, to the same agent: then nothing is written twice.

        Raises:
            HandoffError: there is nothing to hand over, or the place is none.
        """


def check_place(session: Session, place: Place) -> None:
    """Check that a project can be named in an agent's files.

    Raises:
        HandoffError: it is no absolute path, or has control characters.
    """
    if not _ABSOLUTE.match(place.project) or _CONTROL.search(place.project):
        told = f"{place.project[:200]!r} is no folder to work in; name an absolute path without control characters"
        raise HandoffError(session.id, told)
