"""A sync begun, joined, looked at, and given a new key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from superqode.session.errors import SessionError, SyncExists, SyncKeyUnfinished, WrongSyncKey
from superqode.session.git import remote, remotes
from superqode.session.git.remotes import RemoteInfo, add_remote, find_remote, list_remotes, resolve_remote
from superqode.session.git.repository import Repository
from superqode.session.sync import layout, rotation, telling
from superqode.session.sync.alone import syncing
from superqode.session.sync.keeping import find_key, forget_key, keep_key, load_key
from superqode.session.sync.keys import SyncKey, new_key
from superqode.session.sync.plain import PLAIN, PREFIXES
from superqode.session.sync.results import SyncStatus
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.seen import leads_on
from superqode.session.sync.state import carry_state, forget_state, load_state
from superqode.session.sync.view import read_view
from superqode.session.sync.words import from_words, to_words

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["Begun", "begin", "join", "key_words", "leave", "rotate", "status"]


class Begun(NamedTuple):
    """A sync that was set up.

    Attributes:
        remote: the remote's name.
        words: the key's words, to be shown once; empty in clear.
        notices: what people should hear of, one line each.
    """

    remote: str
    words: str
    notices: tuple[str, ...] = ()


def begin(
    store: SessionStore,
    wanted: str,
    *,
    plain: bool = False,
    again: bool = False,
    keyring: bool = True,
    interactive: bool = False,
) -> Begun:
    """Set up a sync with a remote; nothing is sent yet.

    Args:
        store: the store; made where there is none.
        wanted: the remote's name, URL or path; one without a name gets one.
        plain: whether sessions lie there in clear.
        again: whether to begin although there is a sync already.
        keyring: whether the key may go into the system's keyring.
        interactive: whether git may ask for passwords and the like.

    Raises:
        SyncExists: there is one already.
        RemoteError: the remote cannot be used.
    """
    repository = store._made()
    target = resolve_remote(repository, wanted)
    if target.sync and not again:
        raise SyncExists(target.name, "this store is synced with it already (`superqode sync`)")
    there = remote.ls_remote(target.url, layout.REF_PATTERNS, interactive=interactive)
    if there and not again:
        reason = (
            "another machine's lies there already. `superqode sync join` joins it; `--again` begins another one beside"
        )
        raise SyncExists(target.name or target.shown, reason)
    target = _named(repository, target)
    if plain:
        forget_state(repository, target.name, PLAIN)
        remotes.remember_sync(repository, target.name, PLAIN)
        return Begun(target.name, "")
    key = new_key()
    keep_key(repository, key, keyring=keyring)
    remotes.remember_sync(repository, target.name, key.id)
    return Begun(target.name, to_words(key.secret))


def join(store: SessionStore, wanted: str, words: str, *, keyring: bool = True, interactive: bool = False) -> Begun:
    """Join a sync that another machine began; nothing is taken yet.

    Raises:
        InvalidSyncWords: the words are none of a key.
        WrongSyncKey: they are another sync's.
        SyncKeyRotated, SyncTampered, UnknownSyncVersion: what lies there cannot be taken.
        RemoteError: the remote cannot be used.
        StoreLocked: another process syncs this store.
    """
    key = SyncKey(from_words(words))
    repository = store._made()
    with syncing(repository):
        target = resolve_remote(repository, wanted)
        there = remote.ls_remote(target.url, layout.REF_PATTERNS, interactive=interactive)
        own = {layout.remote_ref(key.id, namespace) for namespace in layout.NAMESPACES}
        if not own & there.keys():
            others = f"what lies there is another sync ({len(there)} in all)" if there else "nothing is synced there"
            raise WrongSyncKey(target.name or target.shown, others)
        target = _named(repository, target)
        SealedRemote(repository, target, key, interactive=interactive).look(load_state(repository, target.name, key.id))
        keep_key(repository, key, keyring=keyring)
        _go_on(repository, target, key.id, interactive=interactive)
    return Begun(target.name, "")


def _go_on(repository: Repository, target: RemoteInfo, sync: str, *, interactive: bool) -> None:
    """Let a sync count on this machine; of the one before it only what the note in its place says is over is forgotten.

    The key of one that is not may be the only copy there is.
    """
    name = target.name
    if rotation.is_pending(target) and sync != target.sync:
        old = replace(target, sync=target.old_sync)
        moved = rotation.find_note(repository, old, interactive=interactive)
        if sync == old.sync or (moved is not None and moved.to == sync):
            rotation.drop(repository, target, interactive=interactive)
            target = find_remote(repository, name)
    if target.sync == sync:
        return
    moved = None if target.sync in ("", PLAIN) else rotation.find_note(repository, target, interactive=interactive)
    before = load_state(repository, name, target.sync)
    follows = moved is not None and moved.to == sync and leads_on(before, moved.generation, moved.previous)
    if follows and not load_state(repository, name, sync).is_known:
        carry_state(repository, name, before, sync)
    remotes.remember_sync(repository, name, sync)
    if moved is not None:
        forget_key(repository, target.sync)
        forget_state(repository, name, target.sync)


def _named(repository: Repository, target: RemoteInfo) -> RemoteInfo:
    if target.name:
        return target
    taken = {known.name.casefold() for known in list_remotes(repository)}
    free = next(
        name for number in range(1, len(taken) + 2) if (name := f"sync-{number}" if number > 1 else "sync") not in taken
    )
    return add_remote(repository, free, target.url)


def leave(store: SessionStore, target: RemoteInfo) -> None:
    """Sync no more with a remote; what lies there stays, and so does everything here.

    Raises:
        StoreLocked: another process syncs this store.
    """
    repository = store._made()
    with syncing(repository):
        target = find_remote(repository, target.name)
        for sync in {target.sync, target.old_sync} - {""}:  # two amid a change of keys
            if sync != PLAIN:
                forget_key(repository, sync)
            forget_state(repository, target.name, sync)
        remotes.remember_sync(repository, target.name, "")


def key_words(store: SessionStore, target: RemoteInfo) -> str:
    """The words of a sync's key.

    Raises:
        SyncExists: it has none, being in clear.
        SyncKeyMissing: this machine does not have it.
        SyncKeyUnfinished: it is not in use yet, and never will be if another machine was faster.
    """
    if target.sync == PLAIN:
        raise SyncExists(target.name, "it is in clear there, and has no key")
    if rotation.is_pending(target):
        raise SyncKeyUnfinished(target.name, "that was cut short")
    return to_words(load_key(store._made(), target.sync, target.name).secret)


def status(store: SessionStore, target: RemoteInfo) -> SyncStatus:
    """How a store stands with a remote, without asking it."""
    repository = store._made()
    plain = target.sync == PLAIN
    state = load_state(repository, target.name, target.sync)
    local = read_view(repository, PREFIXES, ledger=False) if plain else read_view(repository)
    waiting = sum(1 for name in {*local.view, *state.view} if local.view.get(name) != state.view.get(name))
    return SyncStatus(
        remote=target.name,
        url=target.shown,
        mode="plain" if plain else "sealed",
        sync_id="" if plain else target.sync,
        key="" if plain else find_key(repository, target.sync)[1],
        synced_at=state.synced_at,
        waiting=waiting,
        generation=state.generation,
    )


# -- a new key --------------------------------------------------------------------------------------------------------


def rotate(store: SessionStore, wanted: str | None, *, keyring: bool = True, interactive: bool = False) -> Begun:
    """Give a sync a new key: everything is sealed anew under it, and what lay under the old one goes.

    Cut short at any point, the next sync on this machine finishes it.

    Raises:
        SyncExists: it is in clear, and has no key.
        SyncAmbiguous: the store is synced with several remotes, and none is named.
        SyncKeyMissing, SyncKeyRotated, SyncTampered, StoreLocked: as `SessionSync.run`.
        RemoteError: what went wrong before there was a new key.
        SyncKeyUnfinished: there is one, and something went wrong then.
    """
    from superqode.session.sync.session_sync import SessionSync, find_synced

    repository = store._made()
    with store._told(), syncing(repository):
        target = find_synced(repository, wanted)
        if target.sync == PLAIN:
            raise SyncExists(target.name, "it is in clear there, and has no key")
        sync = SessionSync(store, target.name, interactive=interactive)
        sync._run()  # everything that is there is here before it is sealed anew
        target = find_remote(repository, target.name)
        key = new_key()
        keep_key(repository, key, keyring=keyring)
        try:
            remotes.remember_sync(repository, target.name, key.id, old=target.sync)
        except SessionError:
            if find_remote(repository, target.name).sync != key.id:
                forget_key(repository, key.id)  # nothing names it
            raise
        notices: tuple[str, ...] = ()
        try:
            notices = sync._run().notices
        except SessionError as problem:
            target = find_remote(repository, target.name)
            if rotation.is_pending(target):
                reason = str(getattr(problem, "reason", "") or problem)
                raise SyncKeyUnfinished(target.name, reason) from problem
            if target.sync != key.id:  # another machine was faster
                raise
        if rotation.is_pending(find_remote(repository, target.name)):
            raise SyncKeyUnfinished(target.name, "; ".join(notices) or "not all of it could be sealed anew")
    notices = tuple(notice for notice in notices if notice != telling.rotated(target.name))
    return Begun(target.name, to_words(key.secret), notices)
