"""What a save waits for before its ref moves: one record in the journal, or a flush of all that was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from superqode.session.errors import NewerFormat, SaveFailed
from superqode.session.git import durability, recovery
from superqode.session.git.gathering import Kept
from superqode.session.git.journal import NotTakenBack
from superqode.session.git.journal_record import Record, RefMove
from superqode.session.git.repository import Repository, lock_number

__all__ = ["moving"]


@contextmanager
def moving(repository: Repository, session: str, moves: Sequence[RefMove], kept: Kept) -> Iterator[bool]:
    """Make durable what was written, and that refs move, which the caller then moves; it holds the session's lock.

    One record in the journal, synced once, is enough. What is too large for that, or comes after a failed flush, is
    flushed itself. Gives whether the journal has it.

    Args:
        repository: the store.
        session: whose refs move.
        moves: where they move.
        kept: what was written for it.

    Raises:
        OSError: the disk said no; no ref moved.
        SaveFailed: after an error, what the journal says of it could not be taken back.
    """
    if not kept.whole or any(move.name in repository.unsure for move in moves):
        # What stands is perhaps of a save that failed before it was flushed.
        with _distrusting(repository, kept.standing):
            repository.flush(kept.standing)
        yield False
        repository.flush(_files(repository, moves))
        # Earlier records tell of earlier places: a ref that is damaged some day is to be at this one.
        with suppress(OSError, NewerFormat):
            repository.journal.write(lock_number(session), Record((), moves))
        return
    if kept.standing:
        with _distrusting(repository, kept.standing):
            durability.flush_each(kept.standing)
    record = Record(tuple(kept.objects), moves)
    before = [move for move in moves if move.old]
    try:
        mark = repository.journal.write(
            lock_number(session),
            record,
            on=kept.on,
            settle=lambda: repository.flush([str(repository.path / "HEAD"), *_files(repository, before)]),
        )
    except NotTakenBack as problem:
        repository.unsure.update(move.name for move in moves)
        raise SaveFailed(session, "unknown", f"its record in the journal failed ({problem.strerror})") from problem
    try:
        repository.objects.take_written()
        yield True
    except BaseException:  # Ctrl-C, too: whoever hears that it is not saved hears the truth
        recovery.keep_moved(repository, session, mark, record)
        raise


def _files(repository: Repository, moves: Iterable[RefMove]) -> list[str]:
    return [str(repository.path / move.name) for move in moves]


@contextmanager
def _distrusting(repository: Repository, paths: Sequence[str]) -> Iterator[None]:
    """Have files written anew the next time that could not be flushed inside."""
    try:
        yield
    except OSError:
        repository.objects.loose.distrust(paths)
        raise
