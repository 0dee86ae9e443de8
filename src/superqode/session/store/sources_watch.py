"""Which files an importer opened for a source: all that the same import will need again."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import HEAD_BYTES, Source
from superqode.session.importers.sqlitefile import copy_state
from superqode.session.store.sources import FileToKeep, write_original
from superqode.session.store.sources_refs import open_original, point_at

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository

__all__ = ["Watched", "keep"]

# How often a database that is written to meanwhile is copied again.
_TRIES: Final = 5


@dataclass(slots=True)
class Watched:
    """A source, and what an importer opened for it.

    Attributes:
        whole: the source itself.
        sessions: the ids of the sessions it gave.
        changed: whether one of them is new, has changed, or has no original yet.
    """

    whole: Source
    sessions: list[str] = field(default_factory=list)
    changed: bool = False
    _opened: dict[str, Callable[[], IO[bytes]]] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        """The source, so that what is opened through it is noted."""
        return replace(self.whole, related=self._related, within=self._within, beside=self._beside)

    def files(self, others: Container[str]) -> list[FileToKeep]:
        """Give the files to keep, the source first.

        Args:
            others: the names of the files that gave sessions of their own, and are kept for these.
        """
        own = [(name, opener) for name, opener in sorted(self._opened.items()) if name not in others]
        return [(self.whole.name, self.whole.open), *own]

    def _note(self, name: str, opener: Callable[[], IO[bytes]]) -> IO[bytes]:
        stream = opener()
        if name != self.whole.name:
            self._opened[name] = opener
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


def keep(repository: Repository, watched: Watched, others: Container[str]) -> None:
    """Keep a source's files as the original of its sessions.

    Args:
        repository: the store.
        watched: the source, read to its end.
        others: as for `Watched.files`.

    Raises:
        TranscriptError: it cannot be read any more, or is written to all the time.
    """
    before = next(filter(None, (open_original(repository, name) for name in watched.sessions)), None)
    for _ in range(_TRIES):
        try:
            state = copy_state(watched.whole)
            with repository.writing():
                commit = write_original(repository.objects, watched.files(others), before)
                together = copy_state(watched.whole) == state
        except FileNotFoundError:
            continue  # a log that its database took in meanwhile
        if together:
            point_at(repository, watched.sessions, commit)
            return
    raise TranscriptError(watched.whole.name, "its original was not kept: it is being written to all the time")
