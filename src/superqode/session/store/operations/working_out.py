"""What an operation did, worked out from where refs were and are: others save meanwhile, and it may be killed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from superqode.session.codec import message
from superqode.session.codec.operation import Entry, Move
from superqode.session.errors import CorruptObject
from superqode.session.git.history import first_parents, is_ancestor
from superqode.session.git.repository import HEADS, Repository
from superqode.session.store.owners import owner_of
from superqode.session.store.sources import KEPT
from superqode.session.store.trash import TRASH

__all__ = ["as_made", "is_taken_back"]

# Verbs whose only step on a branch is one save that says where it went back to.
_GOING_BACK: Final = frozenset(("restore", "undo", "redo", "ops-undo"))
# Verbs that may move a branch further than by saves on top: the reasons that their moves have in the reflog.
_REASONS: Final = {"merge": "merge: ", "sync": "sync"}
# Verbs that never save on a branch that is there before and after: what was saved meanwhile is somebody else's.
_NO_SAVE: Final = frozenset(("delete", "undelete", "rename", "prune"))


def as_made(
    repository: Repository,
    moves: Iterable[Move],
    entry: Entry,
    after: Mapping[str, str],
    told: Mapping[str, Move],
    *,
    interrupted: bool,
) -> tuple[Move, ...]:
    """The moves without what others saved: just before, meanwhile, or after it was cut short.

    Args:
        repository: the store.
        moves: what differs between the refs before and after.
        entry: the operation as it began.
        after: the refs after.
        told: what the operation itself told of branches that were there before and after, and of snapshots.
        interrupted: whether it may have moved branches without telling.
    """
    before = dict(entry.before)
    going_on = {
        session_id for session_id, _ in entry.sessions if HEADS + session_id in before and HEADS + session_id in after
    }
    moves = tuple(moves)
    made: list[Move] = []
    came = _came(moves)
    for move in moves:
        # A save makes and moves refs, and removes none; and it leaves the trash alone.
        if move.new and owner_of(move.name) in going_on and not move.name.startswith(TRASH):
            if move.name in told:
                move = told[move.name]  # noqa: PLW2901 - as it was
            elif not move.name.startswith(HEADS) or entry.verb in _NO_SAVE:
                continue  # somebody's snapshot or original that is new stays, whatever is taken back
            elif interrupted:
                with suppress(CorruptObject):
                    move = _changed(repository, move, entry.verb)  # noqa: PLW2901 - as the operation made it
            else:
                continue
        elif move.name.startswith(HEADS) and move.old:
            with suppress(CorruptObject):
                move = _removed(repository, move, came, entry.renamed)  # noqa: PLW2901 - as the operation made it
        if move.old != move.new:
            made.append(move)
    return tuple(made)


def _changed(repository: Repository, move: Move, verb: str) -> Move:
    """A branch that went on: the part of its way that this operation made."""
    if verb in _REASONS:
        return _logged(repository, move, _REASONS[verb])
    way = []
    for oid, commit in first_parents(repository.objects, move.new):
        if oid == move.old:
            break
        way.append((oid, commit))
    else:
        return move  # it went somewhere else, as a scrub lets it
    if verb in _GOING_BACK:
        # What was saved before it says nothing of that, and after it was killed nobody else's operation was.
        way = [(oid, commit) for oid, commit in way if message.parse(commit.message).restores]
    if not way:
        return move._replace(new=move.old)  # somebody's save, and no step of this operation
    oid, commit = way[-1]
    return move._replace(old=commit.parents[0], new=oid)


def _logged(repository: Repository, move: Move, reason: str) -> Move:
    """The part of a branch's way that its reflog has under such a reason; a line may stand there without its move."""
    log, objects = repository.refs.log, repository.objects
    lines = list(zip(log.moves(move.name), log.reasons(move.name), strict=False))
    for (old, new), told in reversed(lines):
        if old and new and told.startswith(reason):
            with suppress(CorruptObject):
                if is_ancestor(objects, move.old, old) and is_ancestor(objects, new, move.new):
                    return move._replace(old=old, new=new)
    return move._replace(new=move.old)


def _came(moves: Iterable[Move]) -> dict[str, list[Move]]:
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


def is_taken_back(entry: Entry, moves: Iterable[Move], after: Mapping[str, str]) -> bool:
    """Whether taking an operation back, which was cut short, came to its end.

    Args:
        entry: the operation that it took back.
        moves: what taking it back moved.
        after: the refs by now.
    """
    moved = {move.name for move in moves}
    # What is brought back and goes again goes to another place in the trash than it came from.
    trashed = any(move.new and move.name.startswith(TRASH) for move in moves)

    def is_back(move: Move) -> bool:
        now = after.get(move.name, "")
        if move.name.startswith(KEPT) or now == move.old:
            return True
        if move.old and move.new:
            return move.name in moved
        # Of what was renamed as a whole, the refs that come again are other ones than went.
        return bool(now) == bool(move.old) or (trashed and move.name.startswith(TRASH) and not now)

    return all(is_back(move) for move in entry.moves)
