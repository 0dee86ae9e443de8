"""Taking an operation back: which one is meant, and the changes of a plan made, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final

from superqode.session import clock
from superqode.session.codec import message
from superqode.session.codec.operation import Entry, Move
from superqode.session.errors import (
    AmbiguousId,
    OperationBlocked,
    OperationFinal,
    OperationNotFound,
    RefConflict,
    SessionError,
)
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.store import trash
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.operations.log import OperationLog, Stored
from superqode.session.store.operations.planning import OPS_UNDO, Plan, plan
from superqode.session.store.operations.recording import outcome
from superqode.session.store.operations.results import Operation, OperationSession
from superqode.session.store.state import saved_at

__all__ = ["chosen", "listed", "make", "planned", "take_back"]

_TICK: Final = timedelta(microseconds=1)


def listed(repository: Repository) -> Iterator[tuple[Operation, Stored]]:
    """Give the operations, newest first, numbered from 1; one that was begun and came to nothing has the number 0.

    Raises:
        StoreError: the log is damaged.
        NewerFormat: a newer superqode wrote it.
    """
    number = 0
    taken: dict[str, str] = {}
    for stored in OperationLog(repository).entries():
        entry: Entry | None = stored.entry
        if stored.entry.begun:
            entry = outcome(repository, stored)
        number += entry is not None
        by = taken.get(stored.entry.id, "")
        if entry is not None and entry.undoes and not by:
            taken[entry.undoes] = entry.id
        yield _told(stored.entry if entry is None else entry, number if entry is not None else 0, by), stored


def _told(entry: Entry, number: int, taken_back_by: str) -> Operation:
    return Operation(
        number=number,
        id=entry.id,
        verb=entry.verb,
        at=entry.at,
        by=entry.by,
        sessions=tuple([OperationSession(session_id, title) for session_id, title in entry.sessions]),
        share=entry.share,
        renamed_to=entry.renamed[1] if entry.renamed else "",
        undoes=entry.undoes,
        taken_back_by=taken_back_by,
        happened=number > 0,
        interrupted=entry.interrupted,
        final=entry.final,
        moves=tuple([tuple(move) for move in entry.moves]),
    )


def chosen(repository: Repository, which: int | str | None) -> tuple[Operation, Stored]:
    """The operation that is meant: the newest in effect that took nothing back; or by number, or by (part of its) id.

    Raises:
        OperationNotFound: there is none.
        AmbiguousId: the beginning of several ids.
        OperationFinal: it cannot be taken back, or was already.
    """
    found = _newest(repository) if which is None else _named(repository, which)
    operation = found[0]
    if operation.taken_back_by:
        raise OperationFinal(
            operation.id,
            operation.verb,
            f"it was already, by {operation.taken_back_by}. `superqode ops undo {operation.taken_back_by}` takes"
            " that back",
        )
    if operation.final:
        older = next((one for one, _ in _in_effect(repository) if not one.final), None) if which is None else None
        hint = "" if older is None else f". The newest that can be: `superqode ops undo {older.number}` ({older.verb})"
        raise OperationFinal(operation.id, operation.verb, f"nothing is kept of what was there before{hint}")
    return found


def _newest(repository: Repository) -> tuple[Operation, Stored]:
    for found in _in_effect(repository):
        return found
    raise OperationNotFound("in effect", "Nothing was moved or removed here, or all of it was taken back")


def _in_effect(repository: Repository) -> Iterator[tuple[Operation, Stored]]:
    """The operations that took no other back and were not taken back, newest first."""
    for operation, stored in listed(repository):
        if operation.number and not operation.undoes and not operation.taken_back_by:
            yield operation, stored


def _named(repository: Repository, which: int | str) -> tuple[Operation, Stored]:
    found = [item for item in listed(repository) if item[0].number]
    if isinstance(which, int) or (which.isdecimal() and len(which) < 6):
        number = int(which)
        if not 1 <= number <= len(found):
            raise OperationNotFound(
                f"with the number {number}", f"The log has {len(found)}: `superqode ops` lists them"
            )
        return found[number - 1]
    begun = [item for item in found if which and item[0].id.startswith(which)]
    if len(begun) > 1:
        raise AmbiguousId(which, [operation.id for operation, _ in begun])
    if not begun:
        raise OperationNotFound(repr(which[:80]))
    return begun[0]


# -- making it so -----------------------------------------------------------------------------------------------------


def planned(repository: Repository, stored: Stored) -> Plan:
    """What taking an operation back would do now; raises as `plan`."""
    with repository.writing(*(session_id for session_id, _ in stored.entry.sessions)):
        return plan(repository, stored)


def take_back(repository: Repository, stored: Stored) -> Plan:
    """Take an operation back, but for a renaming as a whole, which is left to the caller; gives what was done.

    Raises:
        OperationBlocked: something stands in the way; nothing was changed.
        OSError: the disk said no.
    """
    entry = stored.entry
    with repository.writing(*(session_id for session_id, _ in entry.sessions)):
        made = plan(repository, stored)
        if not made.rename:
            make(repository, made)
    if made.document is not None:
        Ledger(repository).put(SHARES, {entry.share: made.document}, f"{OPS_UNDO}: {entry.share}")
    return made


def make(repository: Repository, made: Plan) -> None:
    """Make the changes of a plan, under the locks of its sessions."""
    ledger = Ledger(repository)
    if made.renamed:
        ledger.names(SHARES)  # damage shows before anything was changed
    for tag in made.tags:
        repository.objects.write("tag", tag)
    repository.flush()
    try:
        with _all_or_none(repository) as done:
            _set_back(repository, made.back, done)
    except RefConflict as problem:
        raise OperationBlocked(made.entry.id, made.entry.verb, str(problem)) from problem
    for session_id, commit in made.saves:
        _save_again(repository, session_id, commit, made.entry)
    for session_id in made.trash:
        trash.move_to_trash(repository, session_id)
    if made.renamed:
        ledger.rename_session(*made.renamed)
    repository.flush([str(repository.path / move.name) for move in made.back if move.new])


def _set_back(repository: Repository, moves: Sequence[Move], done: list[Move]) -> None:
    """Move refs: new ones are made before old ones go, branches last and first, so a crash between leaves both."""
    refs, ident = repository.refs, repository.committer()
    # Snapshots before their branch, so that no session stands there without them.
    making = sorted((move for move in moves if move.new), key=lambda move: move.name.startswith(HEADS))
    for move in making:
        refs.update(move.name, move.new, move.old or None, ident=ident, reason=OPS_UNDO)
        done.append(move)
    # Packed as well: a `git pack-refs` that saw a ref before it was deleted takes its file for what it has packed.
    back = {
        move.name: PackedRef(move.new, repository.objects.peeled(move.new))
        for move in making
        if move.name.startswith((HEADS, TAGS))
    }
    if back:
        refs.create_all(back)
    repository.flush([str(repository.path / move.name) for move in making])
    for move in sorted((move for move in moves if not move.new), key=lambda move: not move.name.startswith(HEADS)):
        refs.delete(move.name, move.old)
        done.append(move)


@contextmanager
def _all_or_none(repository: Repository) -> Iterator[list[Move]]:
    """Inside, note each ref that moved; after an error they go back where they were."""
    done: list[Move] = []
    try:
        yield done
    except (SessionError, OSError):
        refs, ident = repository.refs, repository.committer()
        for move in reversed(done):
            with suppress(SessionError, OSError):
                if move.old:
                    refs.update(move.name, move.old, move.new or None, ident=ident, reason=OPS_UNDO)
                else:
                    refs.delete(move.name, move.new)
        raise


def _save_again(repository: Repository, session_id: str, target: str, entry: Entry) -> None:
    """Put a commit on a branch that has the very tree of an earlier one."""
    objects, refs, ident = repository.objects, repository.refs, repository.committer()
    ref = HEADS + session_id
    tip = refs.read(ref)
    if tip is None:
        raise OperationBlocked(entry.id, entry.verb, f"{session_id} was deleted at this very moment. Try again")
    was, now = objects.commit(target), objects.commit(tip)
    told, last = message.parse(was.message), message.parse(now.message)
    story = message.Story(
        subject=f"restore: before {entry.verb} ({entry.id})",
        session_id=session_id,
        saved_at=max(clock.now(), saved_at(now, last) + _TICK),
        messages=_counted(told.messages, last.messages),
        executions=_counted(told.executions, last.executions),
        restores=target,
        action="restore",
    )
    commit = objects.write_commit(was.tree, [tip], ident, ident, message.compose(story))
    repository.flush()
    # A save on top of the last one needs no reflog: its parent says where the branch was.
    refs.update(ref, commit, tip, ident=ident, reason="")
    repository.flush([str(repository.path / ref)])


def _counted(told: tuple[int, int] | None, last: tuple[int, int] | None) -> tuple[int, int] | None:
    """How many there are then, and how many more than before; nothing where a commit does not say it."""
    return None if told is None or last is None else (told[0], told[0] - last[0])
