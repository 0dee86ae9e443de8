"""What leaves the operation log: all that would bring back what was purged or scrubbed, and what is old.

What stays of an operation then is what was done, when, by whom, and the session's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from superqode.session.codec.operation import Entry
from superqode.session.errors import CorruptObject, NewerFormat, StoreError
from superqode.session.git.history import ancestors, ancestors_among
from superqode.session.git.repository import Repository
from superqode.session.store.operations.log import OperationLog, Stored
from superqode.session.store.operations.recording import record, refs_of, settle
from superqode.session.store.owners import owner_of
from superqode.session.store.sources import KEPT

__all__ = ["cut", "forget", "purging", "scrubbing"]

_SLACK: Final = timedelta(days=30)
# Operations on many sessions that have nothing to do with each other: of these one may be forgotten alone.
_SEPARATE: Final = frozenset(("prune",))


def cut(repository: Repository, before: datetime) -> int:
    """Let the operations go that are older, once some are by a month; gives how many entries changed.

    Raises:
        StoreError: the log is damaged; nothing was changed.
        StoreLocked: another process was at it all that time.
    """
    log = OperationLog(repository)
    # All that is kept is written anew, so not each time that one more is too old.
    if all(stored.entry.at >= before - _SLACK for stored in log.entries()):
        return 0
    with log.alone(timeout=10):
        settle(repository, log)
        return log.rewrite(lambda stored: stored.entry if stored.entry.at >= before else None)


def forget(repository: Repository, session_ids: Iterable[str], going: Iterable[str] = ()) -> None:
    """Take out of the log what would bring back what these sessions' refs do not reach any more.

    The caller holds the log's lock, has settled it, and records an operation next: over a log that is damaged a new one
    begins then, and nothing of the old one is kept.

    Args:
        repository: the store.
        session_ids: the sessions.
        going: refs of theirs that are about to go.

    Raises:
        NewerFormat: a newer superqode wrote the log; nothing was changed.
    """
    log = OperationLog(repository)
    try:
        names = _all_names(log, session_ids)
    except NewerFormat:
        raise
    except StoreError:
        return
    gone = set(going)
    stay = {name: oid for name, oid in refs_of(repository, dict.fromkeys(names, "")).items() if name not in gone}
    reach = _Reach(repository, stay)
    log.rewrite(lambda stored: _without(stored, names, reach))


@contextmanager
def purging(
    repository: Repository, log: OperationLog, session_ids: Iterable[str], going: Iterable[str]
) -> Iterator[None]:
    """Record that what is done inside forgets sessions for good; the caller holds the log's lock."""
    sessions = dict.fromkeys(session_ids, "")
    settle(repository, log)
    # First, for what comes next may be cut short.
    forget(repository, sessions, going)
    with record(repository, log, "purge", sessions, final=True):
        yield


@contextmanager
def scrubbing(
    repository: Repository, log: OperationLog, session_ids: Iterable[str], replaced: Iterable[str]
) -> Iterator[None]:
    """Record that what is done inside writes histories anew for good; the caller holds the log's lock.

    Args:
        repository: the store.
        log: its log.
        session_ids: the sessions.
        replaced: the commits that are to be forgotten.
    """
    sessions = dict.fromkeys(session_ids, "")
    settle(repository, log)
    # Whatever of them stands in the log would bring back what is taken out; under another name, too.
    forget(repository, {*sessions, *_holding(repository, log, replaced)}, refs_of(repository, sessions))
    with record(repository, log, "scrub", sessions, final=True):
        yield


def _holding(repository: Repository, log: OperationLog, commits: Iterable[str]) -> set[str]:
    """The sessions of those entries that keep some of these commits."""
    objects = repository.objects
    wanted = {oid for oid in commits if objects.stands(oid)}
    known: dict[str, bool] = {}

    def keeps(oid: str) -> bool:
        tip = objects.peeled(oid) or oid
        if tip not in known:
            try:
                known[tip] = any(found in wanted for found, _ in ancestors(objects, tip, readable=True))
            except CorruptObject:
                known[tip] = False
        return known[tip]

    try:
        return {
            name
            for stored in (log.entries() if wanted else ())
            if any(keeps(oid) for move in stored.entry.moves for oid in (move.old, move.new) if oid)
            for name, _ in stored.entry.sessions
        }
    except NewerFormat:
        raise
    except StoreError:
        return set()


def _all_names(log: OperationLog, session_ids: Iterable[str]) -> set[str]:
    """The sessions' ids, and those they had before or got after."""
    names = set(session_ids)
    pairs = [
        {name for name, _ in stored.entry.sessions} for stored in log.entries() if stored.entry.verb not in _SEPARATE
    ]
    known = 0
    while known != len(names):
        known = len(names)
        for pair in pairs:
            if len(pair) == 2 and not pair.isdisjoint(names):
                names |= pair
    return names


class _Reach:
    """What the refs that stay reach."""

    def __init__(self, repository: Repository, refs: dict[str, str]) -> None:
        self._objects = repository.objects
        self._values = set(refs.values())
        peeled = (self._objects.peeled(oid) or oid for name, oid in refs.items() if not name.startswith(KEPT))
        self._tips = sorted(set(peeled))

    def has_all(self, oids: Iterable[str]) -> bool:
        """Whether they lead to all of these; what cannot be read is told as not reached."""
        missing = {self._objects.peeled(oid) or oid for oid in oids if oid and oid not in self._values}
        for tip in self._tips:
            if not missing:
                break
            try:
                missing -= ancestors_among(self._objects, tip, missing)
            except CorruptObject:
                continue
        return not missing


def _without(stored: Stored, names: set[str], reach: _Reach) -> Entry:
    """An entry without what would bring something back of these sessions that is to be forgotten."""
    entry = stored.entry
    mine = {name for name, _ in entry.sessions} & names
    if not mine:
        return entry
    sessions = tuple([(name, "" if name in mine else title) for name, title in entry.sessions])
    # A tag's own object tells its description, so it has to be one that stays.
    if entry.moves and not entry.share and reach.has_all(oid for move in entry.moves for oid in (move.old, move.new)):
        return entry
    if entry.verb in _SEPARATE and len(mine) < len(sessions):
        kept = tuple([move for move in entry.moves if owner_of(move.name) not in mine])
        return replace(entry, sessions=sessions, moves=kept)
    return replace(entry, sessions=sessions, moves=(), final=True, share="", renamed=())
