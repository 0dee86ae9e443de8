"""Other places that may hold an object which is damaged here: the journal, another store, a backup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from superqode.session.errors import BackupError, CorruptObject
from superqode.session.git.journal_record import Record
from superqode.session.git.landing import Landing
from superqode.session.git.loose_codec import unpacked
from superqode.session.git.repository import Repository, is_store

__all__ = ["Copies", "check_copy"]

# Gives an object's type and content, or raises CorruptObject.
_Reader = Callable[[str], tuple[str, bytes]]


def check_copy(place: Path) -> None:
    """Check that a place may hold copies: another store's folder, or a file.

    Raises:
        BackupError: it is neither.
    """
    if not (is_store(place) or place.is_file()):
        raise BackupError(f"{place} is neither a store nor a backup: name the folder of one, or a backup's file")


class Copies:
    """Looks for whole copies of objects; a context manager.

    Args:
        repository: the store.
        places: other stores' folders, and files that `backup` made.

    Raises (on entering):
        BackupError: a place is neither.
        GitMissing: a backup cannot be looked into without git.
    """

    def __init__(self, repository: Repository, places: Iterable[Path] = ()) -> None:
        self._repository = repository
        self._places = list(places)
        self._readers: list[tuple[str, _Reader]] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._readers.append(("the journal", self._journal()))
        with ExitStack() as opened:
            for place in self._places:
                self._readers.append((str(place), self._reader(place, opened)))
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def find(self, oid: str) -> tuple[str, str, bytes] | None:
        """Give a whole copy of an object: where it was found, its type and its content; `None` where there is none."""
        for name, read in self._readers:
            try:
                return (name, *read(oid))
            except CorruptObject:
                continue
        return None

    def _reader(self, place: Path, opened: ExitStack) -> _Reader:
        if is_store(place):
            return Repository(place).objects.read
        check_copy(place)
        landing = opened.enter_context(Landing(self._repository))
        with place.open("rb") as stream:
            landing.unpack(stream, str(place))
        return landing.repository.objects.read

    def _journal(self) -> _Reader:
        known = {oid: packed for record in self.records() for oid, packed in record.objects}

        def read(oid: str) -> tuple[str, bytes]:
            if oid not in known:
                raise CorruptObject(oid, "it is not in the journal")
            return unpacked(oid, known[oid])

        return read

    def records(self) -> Iterator[Record]:
        """Every record of the journal that can be read."""
        journal = self._repository.journal
        for path in journal.files():
            with suppress(OSError):  # a file that cannot be read has none
                yield from journal.records(path)
