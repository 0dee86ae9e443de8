"""Taking an operation back: which one is meant, and the changes of a plan made, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

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
from superqode.session.store.lines import just_after
from superqode.session.store.operations.log import OperationLog, Stored
from superqode.session.store.operations.planning import OPS_UNDO, Plan, plan
from superqode.session.store.operations.recording import outcome
from superqode.session.store.operations.results import Operation, OperationSession
from superqode.session.store.state import saved_at

__all__ = ["chosen", "listed", "make", "planned", "take_back"]


def listed(repository: Repository) -> Iterator[tuple[Operation, Stored]]:
    """Give the operations, newest first, numbered from 1; one that was begun and came to nothing has the number 0.

    Raises:
        StoreError: the log is damaged.
        NewerFormat: a newer superqode wrote it.
    """
    number = 0
    taken: dict[str, str] = {}
    log = OperationLog(repository)
    for stored in log.entries():
        entry: Entry | None = stored.entry
        running = False
        if stored.entry.begun:
            running = log.is_extended()
            entry = outcome(repository, stored)
        number += entry is not None
        by = taken.get(stored.entry.id, "")
        # One that was cut short before its end leaves what it takes back in effect.
        if entry is not None and entry.undoes and not by and not entry.interrupted:
            taken[entry.undoes] = entry.id
        told = stored.entry if entry is None else entry
        yield _told(told, number if entry is not None else 0, by, running=running), stored


def _told(entry: Entry, number: int, taken_back_by: str, *, running: bool) -> Operation:
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
        running=running,
        interrupted=entry.interrupted and not running,
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
        return plan(repository, stored, _begun_earlier(repository, stored))


def take_back(repository: Repository, stored: Stored) -> Plan:
    """Take an operation back, but for a renaming as a whole, which is left to the caller; gives what was done.

    Raises:
        OperationBlocked: something stands in the way; nothing was changed.
        OSError: the disk said no; what had moved is where it was again, but for saves, of which there may be some.
    """
    done = _begun_earlier(repository, stored)
    with repository.writing(*(session_id for session_id, _ in stored.entry.sessions)):
        made = plan(repository, stored, done)
        if not made.rename:
            make(repository, made)
    return made


def _begun_earlier(repository: Repository, stored: Stored) -> set[str]:
    """The refs that moved when it was taken back, which did not come to its end."""
    names: set[str] = set()
    for operation, found in listed(repository):
        if found.oid == stored.oid:
            break
        if operation.happened and operation.undoes == stored.entry.id and not operation.taken_back_by:
            if not operation.interrupted:
                break
            names |= {move[0] for move in operation.moves}
    return names


def make(repository: Repository, made: Plan) -> None:
    """Make the changes of a plan, under the locks of its sessions; raises as `take_back`."""
    ledger = Ledger(repository)
    if made.renamed or made.document is not None:
        ledger.names(SHARES)  # damage shows before anything was changed
    # All that has to be written is, before anything moves: what a full disk refuses, it refuses here.
    for tag in made.tags:
        repository.objects.write("tag", tag)
    saved = [_next_save(repository, session_id, commit, made.entry) for session_id, commit in made.saves]
    repository.flush()
    back = [*made.back, *(move for session_id in made.trash for move in _to_trash(repository, session_id))]
    try:
        with _all_or_none(repository) as done:
            _bring_back(repository, back, done)
            with _renamed(ledger, made.renamed):
                _let_go(repository, back, done)
            if made.document is not None:
                share = made.entry.share
                ledger.put(SHARES, {share: made.document}, f"{OPS_UNDO}: {share}")
            # Last, for a branch only goes forward: a save is not taken back.
            for move in saved:
                # A save on top of the last one needs no reflog: its parent says where the branch was.
                repository.refs.update(move.name, move.new, move.old, ident=repository.committer(), reason="")
    except RefConflict as problem:
        raise OperationBlocked(made.entry.id, made.entry.verb, str(problem)) from problem
    made.saved = saved
    there = [str(repository.path / move.name) for move in (*back, *saved) if move.new]
    repository.flush([*there, str(repository.path / "HEAD")])


def _to_trash(repository: Repository, session_id: str) -> list[Move]:
    """The moves that put a session into the trash."""
    refs = repository.refs
    tip = refs.read(HEADS + session_id)
    if tip is None:
        return []
    going = [(HEADS + session_id, tip), *refs.items(f"{TAGS}{session_id}/")]
    coming = trash.copies(repository, session_id, tip)
    return [*(Move(name, "", oid) for name, oid in coming.items()), *(Move(name, oid, "") for name, oid in going)]


def _bring_back(repository: Repository, moves: Sequence[Move], done: list[Move]) -> None:
    """Make the refs that shall be there, durably, branches last; before any goes, so a crash between leaves both."""
    refs, ident = repository.refs, repository.committer()
    # Snapshots before their branch, so that no session stands there without them.
    making = sorted((move for move in moves if move.new), key=lambda move: move.name.startswith(HEADS))
    for move in making:
        done.append(move)  # before it moves: an error may come after that
        refs.update(move.name, move.new, move.old or None, ident=ident, reason=OPS_UNDO)
    # Packed as well: a `git pack-refs` that saw a ref before it was deleted takes its file for what it has packed.
    back = {
        move.name: PackedRef(move.new, repository.objects.peeled(move.new))
        for move in making
        if move.name.startswith((HEADS, TAGS))
    }
    if back:
        refs.create_all(back)
    repository.flush([str(repository.path / move.name) for move in making])


def _let_go(repository: Repository, moves: Sequence[Move], done: list[Move]) -> None:
    """Delete the refs that shall go, branches first."""
    refs = repository.refs
    for branches in (True, False):
        going = [move for move in moves if not move.new and move.name.startswith(HEADS) is branches]
        done += going
        # Many at once, for each time all of `packed-refs` is written.
        gone = set(refs.delete_all({move.name: move.old for move in going})) if going else set()
        stayed = next((move for move in going if move.name not in gone), None)
        if stayed is not None:
            raise RefConflict(stayed.name, stayed.old, refs.read(stayed.name))


@contextmanager
def _renamed(ledger: Ledger, names: tuple[str, str] | tuple[()]) -> Iterator[None]:
    """Let the ledger follow a renaming, if it is one; after an error inside, back again."""
    if names:
        ledger.rename_session(*names)
    try:
        yield
    except (SessionError, OSError):
        if names:
            with suppress(SessionError, OSError):
                ledger.rename_session(names[1], names[0])
        raise


@contextmanager
def _all_or_none(repository: Repository) -> Iterator[list[Move]]:
    """Inside, note each ref that moves; after an error they go back where they were."""
    done: list[Move] = []
    try:
        yield done
    except (SessionError, OSError):
        refs, ident = repository.refs, repository.committer()
        for move in reversed(done):
            # One that had not moved yet is where it was.
            with suppress(SessionError, OSError):
                if move.old:
                    refs.update(move.name, move.old, move.new or None, ident=ident, reason=OPS_UNDO)
                else:
                    refs.delete(move.name, move.new)
        raise


def _next_save(repository: Repository, session_id: str, target: str, entry: Entry) -> Move:
    """Write a commit for the top of a branch that has the very tree of an earlier one; gives where the branch goes."""
    objects, ident = repository.objects, repository.committer()
    ref = HEADS + session_id
    tip = repository.refs.read(ref)
    if tip is None:
        raise OperationBlocked(entry.id, entry.verb, f"{session_id} was deleted at this very moment. Try again")
    was, now = objects.commit(target), objects.commit(tip)
    told, last = message.parse(was.message), message.parse(now.message)
    story = message.Story(
        subject=f"restore: before {entry.verb} ({entry.id})",
        session_id=session_id,
        saved_at=max(clock.now(), just_after(saved_at(now, last))),
        messages=_counted(told.messages, last.messages),
        executions=_counted(told.executions, last.executions),
        restores=target,
        action="restore",
    )
    return Move(ref, tip, objects.write_commit(was.tree, [tip], ident, ident, message.compose(story)))


def _counted(told: tuple[int, int] | None, last: tuple[int, int] | None) -> tuple[int, int] | None:
    """How many there are then, and how many more than before; nothing where a commit does not say it."""
    return None if told is None or last is None else (told[0], told[0] - last[0])
