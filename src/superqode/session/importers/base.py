"""What importers share: a source is bytes with a name, an import is a session with a receipt. No store, no paths.

An importer is a pure function from a transcript's bytes to sessions. It never opens a path: whoever runs it (the
command line, the store's import) lists the files once, and an importer can only ask for others of that list.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, takewhile
from typing import IO, Protocol

from superqode.session.errors import TranscriptError
from superqode.session.models import Entry, Session

__all__ = ["HEAD_BYTES", "Imported", "Importer", "Opener", "Receipt", "Source", "sha256_of", "sources_of"]

# How much of a file an importer may look at to recognise it, in bytes.
HEAD_BYTES = 64 * 1024
_CHUNK = 1024 * 1024

# Opens a file, or with an ending the file of the same name with that behind it; raises `FileNotFoundError`.
Opener = Callable[[str], IO[bytes]]


def _nothing(ending: str) -> IO[bytes]:
    raise FileNotFoundError(f"nothing is known of a file with {ending} behind its name")


@dataclass(frozen=True, slots=True)
class Source:
    """One file that may be a transcript.

    Attributes:
        name: its path for people and for finding relatives, with `/`; never opened by an importer.
        open: gives the bytes from the beginning, each time anew.
        related: gives the other files of this run whose name contains a text, in order of name.
        within: gives the file of this run that has a name, or those in the folder of that name and below it, in order.
        beside: opens the file of this name with an ending behind it (a database's `-wal`), listed or not.
    """

    name: str
    open: Callable[[], IO[bytes]]
    related: Callable[[str], Iterator[Source]] = field(default=lambda _needle: iter(()))
    within: Callable[[str], Iterator[Source]] = field(default=lambda _folder: iter(()))
    beside: Opener = field(default=_nothing)

    def head(self) -> bytes:
        """The first bytes, enough to recognise the format."""
        with self.open() as stream:
            return stream.read(HEAD_BYTES)


def sources_of(files: Mapping[str, Opener]) -> list[Source]:
    """Make the sources of one run, each knowing the others.

    Args:
        files: what opens each file, by name; names have `/`.
    """
    names = sorted(files)
    listed: dict[str, Source] = {}

    def related(needle: str) -> Iterator[Source]:
        return (listed[name] for name in names if needle in name)

    def within(name: str) -> Iterator[Source]:
        if name in listed:
            yield listed[name]
        start = name.rstrip("/") + "/"
        for inside in takewhile(lambda known: known.startswith(start), islice(names, bisect_left(names, start), None)):
            yield listed[inside]

    for name in names:
        listed[name] = Source(name, partial(files[name], ""), related, within, files[name])
    return list(listed.values())


@dataclass(slots=True)
class Receipt:
    """What became of every line (or record) of a source; nothing is dropped uncounted.

    Attributes:
        lines: how many were read.
        mapped: how many became part of a message or execution.
        kept: how many stand in metadata as they are.
        dropped: how many were left out, by reason.
        problems: damaged places, one line each, at most 50.
    """

    lines: int = 0
    mapped: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count lines left out."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count

    def problem(self, text: str) -> None:
        """Note damage; the count stays right past the fiftieth."""
        self.drop("damaged")
        if len(self.problems) < 50:
            self.problems.append(text)

    def to_dict(self) -> dict[str, object]:
        """Give the receipt as JSON values for the session's metadata."""
        return {
            "lines": self.lines,
            "mapped": self.mapped,
            "kept": self.kept,
            "dropped": dict(sorted(self.dropped.items())),
            "problems": list(self.problems),
        }


@dataclass(frozen=True, slots=True)
class Imported:
    """One session out of a source.

    Attributes:
        session: the session.
        receipt: what became of the source's lines.
        stream: of a session too big to hold, what gives its entries in order, each time anew; `session` has none then.
        counts: how many messages and executions that gives.

    `session.metadata["imported"]` holds: `format` (the importer's name), `importer_version`, `source_path`,
    `source_sha256`, `source_session_id`, `title` (as imported, to notice a later edit) and `receipt`. The session's
    id and its entries' ids depend on the source alone, so importing again finds them again.
    """

    session: Session
    receipt: Receipt
    stream: Callable[[], Iterator[Entry]] | None = None
    counts: tuple[int, int] = (0, 0)

    def entries(self) -> Iterator[Entry]:
        """The entries in order.

        Raises:
            TranscriptError: the source cannot be read again.
        """
        return iter(self.session.timeline) if self.stream is None else self.stream()

    def sizes(self) -> tuple[int, int]:
        """How many messages and executions there are."""
        session = self.session
        return self.counts if self.stream is not None else (len(session.messages), len(session.tool_executions))


class Importer(Protocol):
    """Reads one format."""

    @property
    def name(self) -> str:
        """The format's name, as in `metadata["imported"]["format"]`."""

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether the content (never the name alone) is of this format; cheap and without errors."""

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of a source, and an error for each part that cannot be read; raises nothing raw."""


def sha256_of(source: Source) -> str:
    """The SHA-256 of a source's bytes, in hex, in bounded memory."""
    digest = hashlib.sha256()
    with source.open() as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
