"""How an operation gets into the log: written down before its refs move, and settled afterwards by what they say.

    with recording(repository, "delete", {session_id: title}):
        move_to_trash(repository, session_id)

The entry that is written first names the refs of these sessions as they were. Afterwards those that moved are the
operation; killed between, whoever comes next finds them out in the same way. So nothing that is done inside can be
forgotten, and an operation that did nothing leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from superqode.session import clock, entropy
from superqode.session.codec import message
from superqode.session.codec.jsontext import dump_document
from superqode.session.codec.operation import SHARE_FILE, Entry, Move, new_moves
from superqode.session.errors import CorruptObject, NewerFormat, SessionError, StoreError
from superqode.session.git.history import first_parents, is_ancestor
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.store.branches import branch_ref
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.operations.log import OperationLog, Stored
from superqode.session.store.owners import owner_of
from superqode.session.store.sources import KEPT
from superqode.session.store.trash import TRASH, title_at

__all__ = ["Recorded", "record", "recording", "refs_of", "settle", "titles_of"]

_ID_LENGTH: Final = 12
# Verbs that make exactly one save: what stands before it is where they began, whatever was saved just before.
_ONE_SAVE: Final = frozenset(("restore", "undo", "redo"))
# Verbs that never save on a branch that is there before and after: what was saved meanwhile is somebody else's.
_NO_SAVE: Final = frozenset(("delete", "undelete", "rename", "prune"))
# The refs of a share in the store that made it, before its id.
_SHARES: Final = ("refs/superqode/shares/", "refs/superqode/shares/public/", "refs/superqode/prepared/")


@dataclass(slots=True)
class Recorded:
    """What became of a recorded operation.

    Attributes:
        id: its id; empty while it runs, and where nothing moved.
        moves: the refs that it moved.
    """

    id: str = ""
    moves: tuple[Move, ...] = ()


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
    try:
        yield recorded
    finally:
        # What cannot be settled now is by whoever writes the next entry: the refs tell the same.
        with suppress(SessionError) if flushing else suppress(OSError, SessionError):
            done = log.settle(begun, _outcome(repository, begun, interrupted=False))
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
        log.settle(newest, _outcome(repository, newest, interrupted=True))


def outcome(repository: Repository, stored: Stored) -> Entry | None:
    """What an entry that was begun would be settled as by now; `None` where it came to nothing."""
    return _outcome(repository, stored, interrupted=True)


def _outcome(repository: Repository, begun: Stored, *, interrupted: bool) -> Entry | None:
    entry = begun.entry
    before = dict(entry.before)
    after = refs_of(repository, dict(entry.sessions), entry.share)
    moves = new_moves(before, after)
    if entry.verb == "purge":
        moves = tuple([move for move in moves if not move.new])  # what was saved meanwhile is somebody else's
    elif not entry.final:
        moves = _as_made(repository, moves, entry, after, interrupted=interrupted)
    if not moves and _share_file(repository, entry.share).get(SHARE_FILE) == begun.files.get(SHARE_FILE):
        return None
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


# -- saves that came between ------------------------------------------------------------------------------------------


def _as_made(
    repository: Repository, moves: tuple[Move, ...], entry: Entry, after: Mapping[str, str], *, interrupted: bool
) -> tuple[Move, ...]:
    """The moves without what others saved: just before, meanwhile, or after it was cut short."""
    before = dict(entry.before)
    going_on = {session_id for session_id, _ in entry.sessions if {HEADS + session_id} <= before.keys() & after.keys()}
    made: list[Move] = []
    came = _came(moves)
    for move in moves:
        # A save makes and moves refs, and removes none; and it leaves the trash alone.
        if move.new and owner_of(move.name) in going_on and not move.name.startswith(TRASH):
            if not move.name.startswith(HEADS) or entry.verb in _NO_SAVE:
                continue  # a snapshot or an original that is new stays, whatever is taken back
            with suppress(CorruptObject):
                move = _changed(repository, move, entry.verb, interrupted=interrupted)  # noqa: PLW2901 - as it was
        elif move.name.startswith(HEADS) and move.old:
            with suppress(CorruptObject):
                move = _removed(repository, move, came, entry.renamed)  # noqa: PLW2901
        if move.old != move.new:
            made.append(move)
    return tuple(made)


def _changed(repository: Repository, move: Move, verb: str, *, interrupted: bool) -> Move:
    """A branch that went on: the part of its way that this operation made."""
    if not interrupted and verb not in _ONE_SAVE:
        return move
    way = []
    for oid, commit in first_parents(repository.objects, move.new):
        if oid == move.old:
            break
        way.append((oid, commit))
    else:
        return move  # it went somewhere else, as a scrub lets it
    oid, commit = way[-1] if interrupted else way[0]
    if interrupted and verb in (*_ONE_SAVE, "ops-undo") and not message.parse(commit.message).restores:
        return move._replace(new=move.old)  # somebody's save, and no step of this operation
    return move._replace(old=commit.parents[0], new=oid)


def _came(moves: tuple[Move, ...]) -> dict[str, list[Move]]:
    """The branches, here and in the trash, that were made, by the session that they belong to."""
    came: dict[str, list[Move]] = {}
    for made in moves:
        in_trash = made.name.startswith(TRASH) and made.name.endswith("/branch")
        if made.new and not made.old and (in_trash or made.name.startswith(HEADS)):
            came.setdefault(owner_of(made.name), []).append(made)
    return came


def _removed(
    repository: Repository, move: Move, came: Mapping[str, list[Move]], renamed: tuple[str, str] | tuple[()]
) -> Move:
    """A branch that is gone: where it was by then, which what was made of it tells."""
    for made in [*(came.get(renamed[1], ()) if renamed else ()), *came.get(owner_of(move.name), ())]:
        if made.name.startswith(HEADS):
            last = next(iter(repository.objects.commit(made.new).parents), move.old)
        else:
            last = made.new
        if is_ancestor(repository.objects, move.old, last):
            return move._replace(old=last)
    return move
