"""How an operation gets into the log: written down before its refs move, and settled afterwards by what they say.

    with recording(repository, "delete", {session_id: title}):
        move_to_trash(repository, session_id)

The entry that is written first names the refs of these sessions as they were. Afterwards those that moved are the
operation; killed between, whoever comes next finds them out in the same way. So nothing that is done inside can be
forgotten, and an operation that did nothing leaves nothing. Where a branch that goes on was, only its session's lock
makes sure of, so what is done inside tells that (`Recorded.moved`); of one that was killed it is worked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from superqode.session import clock, entropy
from superqode.session.codec.jsontext import dump_document
from superqode.session.codec.operation import SHARE_FILE, Entry, Move, new_moves
from superqode.session.errors import CorruptObject, NewerFormat, SessionError, StoreError
from superqode.session.git.repository import TAGS, Repository
from superqode.session.store.branches import branch_ref
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.operations.log import OperationLog, Stored
from superqode.session.store.operations.working_out import as_made, is_taken_back
from superqode.session.store.sources import KEPT
from superqode.session.store.trash import TRASH, title_at

if TYPE_CHECKING:
    from superqode.session.store.results import SaveResult

__all__ = ["Recorded", "outcome", "record", "recording", "refs_of", "settle", "titles_of"]

_ID_LENGTH: Final = 12
# The refs of a share in the store that made it, before its id.
_SHARES: Final = ("refs/superqode/shares/", "refs/superqode/shares/public/", "refs/superqode/prepared/")


@dataclass(slots=True)
class Recorded:
    """What became of a recorded operation.

    Attributes:
        id: its id; empty while it runs, and where nothing moved.
        moves: the refs that it moved.
        told: branches that it moved and that were there before, and snapshots that it made beside such a branch, from
            where to where; who moves one tells it.
    """

    id: str = ""
    moves: tuple[Move, ...] = ()
    told: dict[str, Move] = field(default_factory=dict)

    def moved(self, name: str, old: str, new: str) -> None:
        """Tell that a branch moved, from where to where, as the lock of its session made sure of."""
        if old and new and old != new:
            first = self.told.get(name)
            self.told[name] = Move(name, first.old if first is not None else old, new)

    def made(self, name: str, oid: str) -> None:
        """Tell that a snapshot came beside a branch that goes on."""
        self.told[name] = Move(name, "", oid)

    def saved(self, repository: Repository, result: SaveResult) -> None:
        """Tell what a save did."""
        for oid in result.commits:
            parents = repository.objects.commit(oid).parents
            self.moved(branch_ref(result.session_id), parents[0] if parents else "", oid)


@contextmanager
def recording(
    repository: Repository,
    verb: str,
    sessions: Mapping[str, str],
    *,
    renamed: tuple[str, str] | tuple[()] = (),
    share: str = "",
    final: bool = False,
    flushing: bool = False,
) -> Iterator[Recorded]:
    """Write down as one operation what happens inside to the refs of sessions. The caller holds no session's lock.

    Args:
        repository: the store.
        verb: lower-case letters and dashes.
        sessions: the sessions whose branch, snapshots, trash and kept original may change, by id, with their titles.
        renamed: the session's ids before and after, where it is a renaming.
        share: the share whose refs may change.
        final: whether it cannot be taken back; then no title and no ref is kept.
        flushing: whether what is done inside flushes before anything goes, and leaves its last flush to the entry.

    Raises:
        StoreLocked: another process was at it all that time.
        NewerFormat: a newer superqode wrote the log.
        OSError: the disk said no; nothing was done.
    """
    log = OperationLog(repository)
    with log.alone():
        settle(repository, log)
        with record(
            repository, log, verb, sessions, renamed=renamed, share=share, final=final, flushing=flushing
        ) as recorded:
            yield recorded


@contextmanager
def record(
    repository: Repository,
    log: OperationLog,
    verb: str,
    sessions: Mapping[str, str],
    *,
    renamed: tuple[str, str] | tuple[()] = (),
    share: str = "",
    final: bool = False,
    flushing: bool = False,
    undoes: str = "",
) -> Iterator[Recorded]:
    """Do what `recording` does for a caller that holds the log's lock and has settled it."""
    name, address = repository.user()
    before = refs_of(repository, sessions, share)
    entry = Entry(
        id=entropy.random_text(_ID_LENGTH),
        verb=verb,
        at=clock.now(),
        by=f"{name} <{address}>",
        sessions=tuple([(session_id, "" if final else title) for session_id, title in sessions.items()]),
        begun=True,
        final=final,
        before=tuple(sorted(before.items())),
        renamed=renamed,
        share=share,
        undoes=undoes,
    )
    begun = log.append(entry, _share_file(repository, share), flushed_later=flushing)
    recorded = Recorded()
    interrupted = True
    try:
        yield recorded
        interrupted = False
    finally:
        # What cannot be settled now is by whoever writes the next entry: the refs tell the same.
        with suppress(SessionError) if flushing else suppress(OSError, SessionError):
            if interrupted:
                _finish(repository, entry)
            done = log.settle(begun, _outcome(repository, begun, recorded.told, interrupted=interrupted))
            if done is not None:
                recorded.id, recorded.moves = done.entry.id, done.entry.moves
        if flushing:
            repository.flush()  # where it could not be settled, what was done inside still waits for this


def settle(repository: Repository, log: OperationLog) -> None:
    """Find out what became of an operation that was cut short. The caller holds the log's lock.

    Raises:
        NewerFormat: a newer superqode wrote the log.
    """
    try:
        newest = log.newest()
    except NewerFormat:
        raise
    except StoreError:
        return  # what comes next begins a new log
    if newest is not None and newest.entry.begun:
        _finish(repository, newest.entry)
        log.settle(newest, _outcome(repository, newest, {}, interrupted=True))


def _finish(repository: Repository, entry: Entry) -> None:
    """Do what was left of an operation where it cannot be begun again, since what it began with is done."""
    if entry.renamed:
        from superqode.session.store.renaming import adopt_orphans

        adopt_orphans(repository, *entry.renamed)
    if entry.share and not entry.undoes:
        known = Ledger(repository).document(SHARES, entry.share)
        if known is not None and known.get("revoked_at") is not None:
            repository.refs.delete_all(refs_of(repository, {}, entry.share))


def outcome(repository: Repository, stored: Stored) -> Entry | None:
    """What an entry that was begun would be settled as by now; `None` where it came to nothing."""
    return _outcome(repository, stored, {}, interrupted=True)


def _outcome(repository: Repository, begun: Stored, told: Mapping[str, Move], *, interrupted: bool) -> Entry | None:
    entry = begun.entry
    before = dict(entry.before)
    after = refs_of(repository, dict(entry.sessions), entry.share)
    moves = new_moves(before, after)
    if entry.verb == "purge":
        moves = tuple([move for move in moves if not move.new])  # what was saved meanwhile is somebody else's
    elif not entry.final:
        moves = as_made(repository, moves, entry, after, told, interrupted=interrupted)
    same = _share_file(repository, entry.share).get(SHARE_FILE) == begun.files.get(SHARE_FILE)
    if not moves and same:
        return None
    if interrupted and entry.undoes and not (entry.share and same):
        entries = OperationLog(repository).entries()
        undone = next((stored for stored in entries if stored.entry.id == entry.undoes), None)
        interrupted = undone is not None and not is_taken_back(undone.entry, moves, after)
    done = replace(entry, begun=False, interrupted=interrupted, before=(), moves=moves)
    return replace(done, moves=(), renamed=()) if entry.final else done


# -- refs -------------------------------------------------------------------------------------------------------------


def refs_of(repository: Repository, sessions: Mapping[str, str], share: str = "") -> dict[str, str]:
    """The refs that belong to sessions and to a share, with their ids; unreadable ones are left out."""
    refs = repository.refs
    found: dict[str, str] = {}
    if share:  # nothing of its session's moves
        alone, below = [prefix + share for prefix in _SHARES], []
    else:
        alone = [name for session_id in sessions for name in (branch_ref(session_id), KEPT + session_id)]
        below = [name for session_id in sessions for name in (f"{TAGS}{session_id}/", f"{TRASH}{session_id}/")]
    for name in alone:
        with suppress(CorruptObject):
            oid = refs.read(name)
            if oid is not None:
                found[name] = oid
    for prefix in below:
        found.update(refs.items(prefix))
    return found


def titles_of(repository: Repository, session_ids: Iterable[str]) -> dict[str, str]:
    """The titles that sessions have, by id; empty where one cannot be read or is not there."""
    titles = dict.fromkeys(session_ids, "")
    for session_id in titles:
        with suppress(CorruptObject):
            tip = repository.refs.read(branch_ref(session_id))
            titles[session_id] = title_at(repository, tip) if tip is not None else ""
    return titles


def _share_file(repository: Repository, share: str) -> dict[str, bytes]:
    """The ledger's document of a share, as a file of the log."""
    document = Ledger(repository).document(SHARES, share) if share else None
    return {} if document is None else {SHARE_FILE: dump_document(document)}
