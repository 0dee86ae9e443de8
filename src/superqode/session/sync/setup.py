"""A sync begun, joined, looked at, and given a new key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from superqode.session.errors import SyncExists, WrongSyncKey
from superqode.session.git import remote, remotes
from superqode.session.git.remotes import RemoteInfo, add_remote, find_remote, list_remotes, resolve_remote
from superqode.session.git.repository import Repository
from superqode.session.sync import layout
from superqode.session.sync.keeping import find_key, forget_key, keep_key, load_key
from superqode.session.sync.keys import SyncKey, new_key
from superqode.session.sync.plain import PLAIN, PREFIXES
from superqode.session.sync.results import SyncStatus
from superqode.session.sync.sealed import SealedRemote
from superqode.session.sync.state import forget_state, load_state
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
    """

    remote: str
    words: str


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
    """
    key = SyncKey(from_words(words))
    repository = store._made()
    target = resolve_remote(repository, wanted)
    there = remote.ls_remote(target.url, layout.REF_PATTERNS, interactive=interactive)
    own = {layout.remote_ref(key.id, namespace) for namespace in layout.NAMESPACES}
    if not own & there.keys():
        others = f"what lies there is another sync ({len(there)} in all)" if there else "nothing is synced there"
        raise WrongSyncKey(target.name or target.shown, others)
    target = _named(repository, target)
    with repository.alone("sync"):
        state = load_state(repository, target.name, key.id)
        SealedRemote(repository, target, key, interactive=interactive).look(state)
    keep_key(repository, key, keyring=keyring)
    remotes.remember_sync(repository, target.name, key.id)
    if target.sync not in ("", PLAIN, key.id):  # the key before it was rotated elsewhere
        forget_key(repository, target.sync)
        forget_state(repository, target.name, target.sync)
    return Begun(target.name, "")


def _named(repository: Repository, target: RemoteInfo) -> RemoteInfo:
    if target.name:
        return target
    taken = {known.name.casefold() for known in list_remotes(repository)}
    free = next(
        name for number in range(1, len(taken) + 2) if (name := f"sync-{number}" if number > 1 else "sync") not in taken
    )
    return add_remote(repository, free, target.url)


def leave(store: SessionStore, target: RemoteInfo) -> None:
    """Sync no more with a remote; what lies there stays, and so does everything here."""
    repository = store._made()
    if target.sync not in ("", PLAIN):
        forget_key(repository, target.sync)
    forget_state(repository, target.name, target.sync)
    remotes.remember_sync(repository, target.name, "")


def key_words(store: SessionStore, target: RemoteInfo) -> str:
    """The words of a sync's key.

    Raises:
        SyncExists: it has none, being in clear.
        SyncKeyMissing: this machine does not have it.
    """
    if target.sync == PLAIN:
        raise SyncExists(target.name, "it is in clear there, and has no key")
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
        SyncKeyMissing, SyncKeyRotated, SyncTampered: as `SessionSync.run`.
        RemoteError: what went wrong.
    """
    from superqode.session.sync.session_sync import SessionSync, find_synced

    repository = store._made()
    target = find_synced(repository, wanted)
    if target.sync == PLAIN:
        raise SyncExists(target.name, "it is in clear there, and has no key")
    sync = SessionSync(store, target.name, interactive=interactive)
    sync.run()  # everything that is there is here before it is sealed anew
    target = find_remote(repository, target.name)
    key = new_key()
    keep_key(repository, key, keyring=keyring)
    remotes.remember_sync(repository, target.name, key.id, old=target.sync)
    sync.run()
    return Begun(target.name, to_words(key.secret))
