"""What the journal remembers is made good in Git's own files: after a crash of the system, or where damage shows.

First the objects: one that is missing or damaged is written anew (a damaged file goes to the quarantine, for writing
never heals it). Then the refs: one whose file is damaged, or that is at an earlier place of its record's way, moves on
to the last one. A ref that is anywhere else was moved by somebody since, and stays; so was one whose reflog tells that
it went from that last place to where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session.errors import CorruptObject, RefConflict, SaveFailed
from superqode.session.git import durability
from superqode.session.git.journal import Mark
from superqode.session.git.journal_record import Record, RefMove
from superqode.session.git.loose_codec import unpacked

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository

__all__ = ["checkpoint", "keep_moved", "make_durable", "replay"]

# Fewer objects than this stay in files of their own: a pack for a save would be one more to look into.
_FEW: Final = 100


def replay(repository: Repository, number: int) -> list[str]:
    """Make good what the records of a number tell; gives the refs that moved. The caller holds the lock.

    Raises:
        OSError: the disk said no; the records stay.
    """
    ways: dict[str, list[RefMove]] = {}
    for path in repository.journal.files(number):
        for record in repository.journal.records(path):
            for oid, packed in record.objects:
                _put_object(repository, oid, packed)
            for move in record.refs:
                ways.setdefault(move.name, []).append(move)
    return [name for name, way in ways.items() if _put_ref(repository, name, way)]


def _put_object(repository: Repository, oid: str, packed: bytes) -> None:
    """Write an object where it is missing or damaged."""
    objects = repository.objects
    try:
        if objects.loose.read(oid) is not None:
            return
    except CorruptObject:
        objects.loose.restore(oid, packed, aside=True)
        return
    if not objects.has(oid):  # it may be in a pack by now
        objects.loose.restore(oid, packed)


def _put_ref(repository: Repository, name: str, way: list[RefMove]) -> bool:
    last = way[-1].new
    try:
        now = repository.refs.read(name)
    except CorruptObject:
        repository.refs.mend(name, last)
        return True
    passed = {move.old for move in way} | {move.new for move in way}
    if now == last or (now or "") not in passed or _was_moved(repository, name, last, now):
        return False
    try:
        repository.refs.update(name, last, now, ident=repository.committer(), reason="journal: after a crash")
    except RefConflict:
        return False  # plain git moved it at this very moment
    return True


def _was_moved(repository: Repository, name: str, last: str, now: str | None) -> bool:
    """Whether the reflog tells that a ref went from its last place to where it is: plain git writes down what it moves.

    What went on from there, and is not where that went, a crash took back.
    """
    moves = repository.refs.log.moves(name)
    return bool(moves) and moves[-1][1] == now and any(old == last for old, _ in moves)


def keep_moved(repository: Repository, session: str, mark: Mark, record: Record) -> None:
    """Have the last record tell of just those refs that moved, after an error: a crash must not move the others.

    Args:
        repository: the store.
        session: whose record it is; the caller holds its lock.
        mark: where the record stands.
        record: what it tells.

    Raises:
        SaveFailed: it could not be taken back, so nobody can tell what a crash leaves.
    """
    moved = [move for move in record.refs if _is_moved(repository, move)]
    if len(moved) == len(record.refs):
        return
    try:
        repository.journal.take_back(mark)
        if moved:
            repository.journal.write(mark.number, record._replace(refs=moved))
    except OSError as problem:
        repository.unsure.update(move.name for move in moved)
        told = f"its record in {mark.path} cannot be taken back ({problem.strerror})"
        raise SaveFailed(session, "unknown", told) from problem


def _is_moved(repository: Repository, move: RefMove) -> bool:
    try:
        return repository.refs.read(move.name) == move.new
    except (CorruptObject, OSError):
        return True  # nobody can tell


def checkpoint(repository: Repository, number: int) -> list[str]:
    """Make durable in Git's own files what the records of a number tell, and forget them; the caller holds its lock.

    Records of another run of the system are made good first; gives the refs that moved by that.

    Raises:
        OSError: the disk said no; the records stay.
        NewerFormat: a newer superqode wrote records; they stay.
    """
    files = repository.journal.files(number)
    if not files:
        return []
    # What the system's crash took is in the records alone: a flush finds nothing of it.
    moved = replay(repository, number) if repository.journal.is_stale(number) else []
    _flush(repository, files)
    repository.journal.empty(number)
    return moved


def make_durable(repository: Repository, files: Sequence[Path]) -> None:
    """Make durable what older records tell, and forget them; saves of their sessions may go on meanwhile.

    Raises:
        OSError: the disk said no; the records stay.
        NewerFormat: a newer superqode wrote records; they stay.
    """
    _flush(repository, files)
    repository.journal.remove(files)


def _flush(repository: Repository, files: Iterable[Path]) -> None:
    """Make durable what records tell: their objects, in a pack where it is much, and where their refs are now."""
    refs: set[str] = set()
    oids: list[str] = []
    with repository.objects.pack_writer(_stays_loose, few=_FEW) as packs:
        for path in files:
            repository.journal.check(path)
            for record in repository.journal.records(path):
                refs.update(str(repository.path / move.name) for move in record.refs)
                oids += [packs.add(*unpacked(oid, content), oid) for oid, content in record.objects]
        written = packs.finish()
    loose = repository.objects.loose
    # HEAD: also where no record can be read, what they told of is made durable before they go.
    head = str(repository.path / "HEAD")
    durability.flush(repository.path, [head, *(written or map(loose.path, oids)), *sorted(refs)])
    if written:
        for oid in oids:
            loose.drop(oid)


def _stays_loose(_kind: str, _content: bytes) -> None:
    """Keep an object in the file that the save made of it."""
