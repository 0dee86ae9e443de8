"""A change of keys brought to its end: the last of the old sync comes in, all is under the new one, a note is left.

Only one change counts where two machines made one: that of the first note. The other machine drops its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from superqode.session.errors import RemoteRefMoved, SyncContended, SyncKeyRotated, SyncTampered, UnknownSyncVersion
from superqode.session.git import remotes
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sync.keeping import find_key, forget_key, load_key
from superqode.session.sync.moved import Moved
from superqode.session.sync.notes import Note
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.state import State, forget_state, load_state

__all__ = ["drop", "find_note", "finish", "is_pending"]

_ROUNDS: Final = 12


def is_pending(target: RemoteInfo) -> bool:
    """Whether a change of its key was begun and is not finished."""
    return target.old_sync not in ("", target.sync)


def find_note(repository: Repository, target: RemoteInfo, *, interactive: bool = False) -> Moved | None:
    """The note that the key of a remote's sync was changed; `None` where there is none that can be read.

    Raises:
        RemoteError: what went wrong.
    """
    key, _ = find_key(repository, target.sync)
    if key is None:
        return None
    try:
        return SealedRemote(repository, target, key, interactive=interactive).moved()
    except (SyncTampered, UnknownSyncVersion):
        return None


def finish(
    repository: Repository, target: RemoteInfo, sync: Callable[[RemoteInfo], object], *, interactive: bool = False
) -> tuple[bool, list[Note]]:
    """Finish a change of keys; says whether it is finished, and gives what people should hear of.

    It is not where something could not be sealed anew, which lies nowhere but under the old key: a later one goes on.

    Args:
        repository: the store; the caller keeps other syncs out.
        target: the remote, where one is pending.
        sync: syncs once with the remote that it is given, under the key of the sync that it names.
        interactive: whether git may ask for passwords and the like.

    Raises:
        SyncKeyRotated: another machine changed the key first; the one that was begun here is dropped.
        SyncContended: others were faster each time.
        SyncKeyMissing, SyncTampered, RemoteError and the like: as `SessionSync.run`.
    """
    old = replace(target, sync=target.old_sync)
    for _ in range(_ROUNDS):
        key = load_key(repository, old.sync, old.name)
        sealed = SealedRemote(repository, old, key, interactive=interactive)
        notes: list[Note] = []
        try:
            sync(old)
        except SyncKeyRotated:
            moved = sealed.moved()
            if moved is None:
                continue
            if moved.to not in ("", target.sync):
                drop(repository, target, interactive=interactive)
                raise
        else:
            try:
                moved_all, notes = _move(repository, sealed, old, target, sync)
            except (RemoteRefMoved, SyncKeyRotated):
                continue  # another machine does not know yet, and pushed once more; or was faster
            if not moved_all:
                return False, notes
        forget_state(repository, old.name, old.sync)
        remotes.remember_sync(repository, target.name, target.sync)
        forget_key(repository, old.sync)
        return True, notes
    raise SyncContended(target.name, _ROUNDS)


def _move(
    repository: Repository,
    sealed: SealedRemote,
    old: RemoteInfo,
    target: RemoteInfo,
    sync: Callable[[RemoteInfo], object],
) -> tuple[bool, list[Note]]:
    """Bring everything under the new key, and leave the note that says so; says whether all could be brought."""
    whole = True
    try:
        sync(target)
    except SyncKeyRotated:
        whole = False  # somebody had its words already, and changed it again
    state = load_state(repository, old.name, old.sync)
    seen = sealed.look(state)
    if seen.tip != state.tip:
        raise RemoteRefMoved(old.name, old.sync, "it moved")
    if whole and state.view.keys() - load_state(repository, target.name, target.sync).view.keys():
        return False, []
    return True, sealed.leave(seen, target.sync, whole=whole)


def drop(repository: Repository, target: RemoteInfo, *, interactive: bool = False) -> None:
    """Drop a change of keys that is pending: the old sync is what counts again.

    Raises:
        RemoteError: the note that nobody goes on under the new key could not be left.
    """
    old = target.old_sync
    key, _ = find_key(repository, target.sync)
    if key is not None:
        sealed = SealedRemote(repository, target, key, interactive=interactive)
        # Who was given its words already may have joined it.
        with suppress(SyncKeyRotated, SyncTampered):
            sealed.leave(sealed.look(State(target.sync)), old, whole=False)
    remotes.remember_sync(repository, target.name, old, old=old)  # first: cut short here, nothing is pending any more
    remotes.remember_sync(repository, target.name, old)
    forget_state(repository, target.name, target.sync)
    forget_key(repository, target.sync)
