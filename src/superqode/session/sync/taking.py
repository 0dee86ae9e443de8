"""Taking what a remote holds into a landing: what is new, on top of what is here; or all, where that is damaged.

Git reads what it has of an object that comes, and what that builds on. So damage here looks like damage there, until
all of it was taken into a landing that borrows nothing: if that works, what failed was ours, and it is whole again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from superqode.session.errors import CorruptObject, GitFailed, SyncTampered, UnsoundObjects
from superqode.session.git.landing import Landing, unless_it_fails
from superqode.session.git.repository import Repository
from superqode.session.git.sizes import object_sizes
from superqode.session.sync.notes import Note
from superqode.session.sync.seen import Seen
from superqode.session.sync.sendable import first_words, ref_owner
from superqode.session.sync.state import State
from superqode.session.sync.transport import Transport
from superqode.session.sync.view import View, needs_commit

__all__ = ["Taken", "take"]

_PURPOSE: Final = "Syncing"
# How many of the damaged objects are named.
_NAMED: Final = 3


class Taken(NamedTuple):
    """What was taken.

    Attributes:
        landing: has it; sees the store's objects, too.
        segments: what is known of the remote from then on.
        anew: whether all of it came again: it stands in the place of what is damaged in the store.
        notes: what people should hear of.
    """

    landing: Landing
    segments: dict[str, str]
    anew: bool
    notes: list[Note]


def take(repository: Repository, remote: str, transport: Transport, state: State, seen: Seen) -> Taken:
    """Bring the objects that the remote's view takes into a landing; the caller closes it.

    Args:
        repository: the store.
        remote: the remote's name.
        transport: what speaks with it, and looked at it.
        state: what is remembered of it.
        seen: what it holds.

    Raises:
        SyncTampered: they are damaged there.
        RemoteRefMoved: another machine was faster; look again.
        RemoteError: what went wrong on the way.
        GitMissing, GitFailed: `git` is missing, or said no.
    """
    damage = _damage(repository, {*state.view.items(), *seen.view.items()})
    if not damage:
        try:
            return _take_new(repository, remote, transport, state, seen)
        except CorruptObject:
            pass  # something that was here is gone
        except (SyncTampered, UnsoundObjects) as problem:
            damage = first_words(problem.reason)
        except GitFailed as problem:
            damage = first_words(str(problem))
    with unless_it_fails(Landing(repository)) as landing:
        segments = transport.land(landing, {})
        try:
            _check(landing, remote, seen.view)
        except CorruptObject as problem:
            raise SyncTampered(remote, str(problem)) from problem
        landing.borrow()
    return Taken(landing, segments, True, [Note("damaged", remote, damage)] if damage else [])


def _take_new(repository: Repository, remote: str, transport: Transport, state: State, seen: Seen) -> Taken:
    with unless_it_fails(Landing(repository, borrow=True)) as landing:
        segments = transport.land(landing, state.segments)
        if seen.trust.kind == "same":
            object_sizes(landing.repository.path, set(state.view.values()), _PURPOSE)
        else:
            _check(landing, remote, seen.view)
    return Taken(landing, segments, False, [])


def _damage(repository: Repository, held: Iterable[tuple[str, str]]) -> str:
    """What the remote holds, or held, that stands here and cannot be read, in words; empty where there is nothing.

    Only what the names are at is read, and nothing behind it.
    """
    objects = repository.objects
    with objects.reading_many():
        found = {oid: ref_owner(name) for name, oid in held if not objects.has(oid) and objects.stands(oid)}
    told = [f"{oid} of {owner}" for oid, owner in sorted(found.items())]
    return ", ".join(told[:_NAMED]) + (f" and {len(told) - _NAMED} more" if told[_NAMED:] else "")


def _check(landing: Landing, remote: str, view: View) -> None:
    """See that every object is there, and what has to be a commit is one.

    Raises:
        CorruptObject: one is missing.
    """
    kinds = object_sizes(landing.repository.path, set(view.values()), _PURPOSE)
    for name, oid in view.items():
        if needs_commit(name) and kinds[oid][0] != "commit":
            raise SyncTampered(remote, f"{name} is at a {kinds[oid][0]}")
