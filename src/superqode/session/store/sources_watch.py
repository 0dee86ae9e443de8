"""Which files an importer opened for a source: all that the same import will need again."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from superqode.session.errors import CorruptSession, TranscriptError
from superqode.session.importers.base import HEAD_BYTES, Source
from superqode.session.importers.sqlitefile import copy_state
from superqode.session.store.sources import FileToKeep, Original, write_original
from superqode.session.store.sources_refs import open_original, point_at

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository

__all__ = ["Watched", "keep"]

# How often a database that is written to meanwhile is copied again.
_TRIES: Final = 5
# How many files are carried on that sessions came from before: copies of a file under ever other names come to an end.
_MOST_EARLIER: Final = 16


@dataclass(slots=True)
class Watched:
    """A source, and what an importer opened for it.

    Attributes:
        whole: the source itself.
        sessions: the ids of the sessions it gave.
        opened: the other files that were opened for it, by name.
    """

    whole: Source
    sessions: list[str] = field(default_factory=list)
    opened: dict[str, Callable[[], IO[bytes]]] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        """The source, so that what is opened through it is noted."""
        return replace(self.whole, related=self._related, within=self._within, beside=self._beside)

    def files(self, others: Container[str]) -> list[FileToKeep]:
        """Give the files to keep, the source first.

        Args:
            others: the names of the files that gave sessions of their own, and are kept for these.
        """
        own = [(name, opener) for name, opener in sorted(self.opened.items()) if name not in others]
        return [(self.whole.name, self.whole.open), *own]

    def _note(self, name: str, opener: Callable[[], IO[bytes]]) -> IO[bytes]:
        stream = opener()
        if name != self.whole.name:
            self.opened[name] = opener
        return stream

    def _beside(self, ending: str) -> IO[bytes]:
        return self._note(self.whole.name + ending, partial(self.whole.beside, ending))

    def _within(self, folder: str) -> Iterator[Source]:
        for other in self.whole.within(folder):
            yield replace(
                other,
                open=partial(self._note, other.name, other.open),
                related=self._related,
                within=self._within,
            )

    def _related(self, needle: str) -> Iterator[Source]:
        # Named by chance alone, so only small ones can be a part of it.
        for other in self.whole.related(needle):
            yield replace(other, open=partial(self._note_small, other))

    def _note_small(self, other: Source) -> IO[bytes]:
        with other.open() as stream:
            small = len(stream.read(HEAD_BYTES + 1)) <= HEAD_BYTES
        return self._note(other.name, other.open) if small else other.open()


@dataclass(slots=True)
class Run:
    """What an import of many files came to.

    Attributes:
        read: the sources, in the order they were read.
        owners: for each session that is new, has changed, or has no original yet: the source that is to be it.
    """

    read: list[Watched] = field(default_factory=list)
    owners: dict[str, Watched] = field(default_factory=dict)

    def giving(self) -> list[Watched]:
        """The sources that are the original of something, in the order they were read."""
        owning = {id(watched) for watched in self.owners.values()}
        return [watched for watched in self.read if id(watched) in owning]

    def sessions_of(self, watched: Watched) -> list[str]:
        """The sessions whose original a source is: all that it gave, but for those another one changed later."""
        return [name for name in watched.sessions if self.owners.get(name, watched) is watched]

    def standing_alone(self, repository: Repository) -> frozenset[str]:
        """The names of files that are, or were before, originals by themselves, not part of another."""
        names = {watched.whole.name for watched in self.giving()}
        for watched in self.read:
            name = watched.whole.name
            if name not in names and any(_is_original(repository, session, name) for session in watched.sessions[:1]):
                names.add(name)
        return frozenset(names)


def _is_original(repository: Repository, session_id: str, name: str) -> bool:
    try:
        original = open_original(repository, session_id)
    except CorruptSession:
        return False
    return original is not None and original.name == name


def keep(repository: Repository, watched: Watched, sessions: Sequence[str], others: Container[str]) -> None:
    """Keep a source's files as the original of sessions.

    Args:
        repository: the store.
        watched: the source, read to its end.
        sessions: the sessions.
        others: as for `Watched.files`.

    Raises:
        TranscriptError: it is written to all the time.
        OSError: it cannot be read any more, or the disk said no.
    """
    before = next(filter(None, (open_original(repository, name) for name in sessions)), None)
    for _ in range(_TRIES):
        with repository.writing():
            try:
                state = copy_state(watched.whole)
                with repository.objects.packing():
                    files = [*watched.files(others), *_earlier(watched, before)]
                    commit = write_original(repository.objects, files, before)
                    together = copy_state(watched.whole) == state
            except FileNotFoundError:
                continue  # a log that its database took in meanwhile
            if together:
                point_at(repository, sessions, commit)
                return
    raise TranscriptError(watched.whole.name, "its original was not kept: it is being written to all the time")


def _earlier(watched: Watched, before: Original | None) -> list[FileToKeep]:
    """Other files that the sessions came from before: each may tell what the others do not."""
    if before is None or before.name == watched.whole.name:
        return []
    names = [file.name for file in before.files if file.name != watched.whole.name and file.name not in watched.opened]
    return [(name, partial(before.open_file, name)) for name in names[:_MOST_EARLIER]]
