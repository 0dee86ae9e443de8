"""Where a machine keeps its sync key: in the system's keyring, or in a file that only its owner may read.

The file stands in the store's folder, `superqode/sync/keys/<sync id>`, and is no ref: no backup, share or clone carries
it. Whoever can read that file can read the sessions beside it, too.

Each store has an entry of its own in the keyring, so that one may forget the key and another of the same person keep
it. It is named by the sync's id and the store's, which stands in `superqode/sync/store`; by the sync's alone in syncs
that were set up by versions before that.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Literal, TypeVar

from superqode.session import entropy
from superqode.session.errors import InvalidSyncWords, SyncKeyMissing
from superqode.session.git.repository import Repository
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.state import sync_folder, write_private
from superqode.session.sync.words import from_words, to_words

__all__ = ["find_key", "forget_key", "keep_key", "load_key"]

_SERVICE = "superqode-sync"
Place = Literal["keyring", "file", "missing"]
_Answer = TypeVar("_Answer")


def keep_key(repository: Repository, key: SyncKey, *, keyring: bool) -> Place:
    """Keep a key on this machine; says where.

    Args:
        repository: the store.
        key: the key.
        keyring: whether to use the system's keyring, if the package `keyring` is there and has one that works.

    Raises:
        OSError: the disk said no.
    """
    words = to_words(key.secret)
    if keyring and _ring_put(_entry(repository, key.id, make=True), words):
        return "keyring"
    folder = sync_folder(repository) / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(folder / key.id, f"{words}\n".encode())
    return "file"


def find_key(repository: Repository, sync_id: str) -> tuple[SyncKey | None, Place]:
    """The key of a sync and where it is; `None` where this machine does not have it."""
    try:
        told = (sync_folder(repository) / "keys" / sync_id).read_text("utf-8")
    except (OSError, ValueError):
        told = ""
    if key := _read(told, sync_id):
        return key, "file"
    if key := _read(_ring_get(_entry(repository, sync_id)) or _ring_get(sync_id), sync_id):
        return key, "keyring"
    return None, "missing"


def _read(words: str, sync_id: str) -> SyncKey | None:
    """The key that words give, if it is this sync's."""
    try:
        key = SyncKey(from_words(words))
    except InvalidSyncWords:
        return None
    return key if key.id == sync_id else None


def load_key(repository: Repository, sync_id: str, remote: str) -> SyncKey:
    """The key of a sync.

    Raises:
        SyncKeyMissing: this machine does not have it.
    """
    key, _ = find_key(repository, sync_id)
    if key is None:
        raise SyncKeyMissing(remote, "neither the keyring nor the store's folder has it")
    return key


def forget_key(repository: Repository, sync_id: str) -> None:
    """Forget a key, wherever it is kept."""
    (sync_folder(repository) / "keys" / sync_id).unlink(missing_ok=True)
    entry = _entry(repository, sync_id)
    forgotten = entry if _ring_get(entry) else sync_id
    _asked(lambda ring: ring.delete_password(_SERVICE, forgotten), None)


def _entry(repository: Repository, sync_id: str, *, make: bool = False) -> str:
    """What the store's entry in the keyring is called; the store gets an id for that where it has none, if told so."""
    path = sync_folder(repository) / "store"
    try:
        store = path.read_text("ascii").strip()
    except (OSError, ValueError):
        store = ""
    if make and not store:
        store = entropy.random_text(26)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, f"{store}\n".encode())
    return f"{sync_id} {store}" if store else sync_id


def _ring_put(entry: str, words: str) -> bool:
    def put(ring: ModuleType) -> bool:
        ring.set_password(_SERVICE, entry, words)
        return bool(ring.get_password(_SERVICE, entry) == words)

    return _asked(put, otherwise=False)


def _ring_get(entry: str) -> str:
    return _asked(lambda ring: ring.get_password(_SERVICE, entry) or "", "")


def _asked(ask: Callable[[ModuleType], _Answer], otherwise: _Answer) -> _Answer:
    """What the system's keyring answers; `otherwise` where there is none that does."""
    try:
        import keyring

        return ask(keyring)
    except Exception:  # noqa: BLE001 - whatever a backend raises, which is foreign code: the file is there for that
        return otherwise
