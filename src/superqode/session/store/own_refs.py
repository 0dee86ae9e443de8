"""Refs of the store's own that went with `packed-refs`: no reflog tells of them, so what they were at has to.

The newest commits of the ledger and of the log of operations are found by their trees, the commit of a share by the
ledger, a public share's prepared commit is its parent, and a kept original has the hash that its session tells. What is
not certain is named as lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, NamedTuple

from superqode.session.codec.operation import OPERATION_FILE, decode_entry
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.object_codec import TREE, Commit
from superqode.session.git.objects import Objects
from superqode.session.git.repository import HEADS, Repository
from superqode.session.store.ledger import LEDGER, SHARES, is_format
from superqode.session.store.operations.log import OPLOG
from superqode.session.store.own_saves import OwnSaves
from superqode.session.store.secrets import PREPARED
from superqode.session.store.sources import KEPT, original_at
from superqode.session.store.state import read_tree

__all__ = ["GoneRef", "gone_refs", "known_places"]

_SEALED: Final = f"refs/superqode/{SHARES}/"
_PUBLIC: Final = f"{_SEALED}public/"


class GoneRef(NamedTuple):
    """A ref that is gone: its name, the commit it was at (empty: nobody knows), and why nobody does."""

    name: str
    oid: str
    reason: str = "it is gone"


def gone_refs(repository: Repository, saves: OwnSaves, branches: Iterable[str]) -> Iterator[GoneRef]:
    """Find them; only where some refs are known to be lost, since the ledger tells of shares of other machines, too.

    Args:
        repository: the store.
        saves: all commits in it.
        branches: the branches that there are, or should be.
    """
    ledger = _read(repository, LEDGER)
    if ledger is None:
        found = _newest_ledgers(repository.objects, saves)
        if found:
            ledger = found[0] if len(found) == 1 else ""
            yield GoneRef(LEDGER, ledger, "" if ledger else "it is gone, and which commit was its last cannot be told")
    if _read(repository, OPLOG) is None:
        operations = _newest_operations(repository.objects, saves)
        if operations:
            reason = "it is gone, and which operation was the last cannot be told"
            yield GoneRef(OPLOG, operations[0] if len(operations) == 1 else "", reason)
    for share_id, told in _shares(repository.objects, ledger or ""):
        yield from _gone_of_share(repository, share_id, told)
    yield from _gone_originals(repository, saves, branches)


def known_places(repository: Repository, saves: OwnSaves, name: str) -> Iterator[tuple[str, str]]:
    """Where a damaged ref of the store's own was, as far as that is certain: what tells so, and the commit."""
    if name in (LEDGER, OPLOG):
        found = (_newest_ledgers if name == LEDGER else _newest_operations)(repository.objects, saves)
        if len(found) == 1:
            yield "its commits", found[0]
    elif name.startswith(_SEALED):
        for share_id, told in _shares(repository.objects, _read(repository, LEDGER) or ""):
            if name == _name(share_id, told) and isinstance(told.get("pushed"), str):
                yield "the ledger", told["pushed"]


def _read(repository: Repository, name: str) -> str | None:
    """Where a ref is; a damaged one is there, and nobody knows."""
    try:
        return repository.refs.read(name)
    except CorruptObject:
        return ""


def _newest_operations(objects: Objects, saves: OwnSaves) -> list[str]:
    """The commits of the newest operation that came to its end: several, where the log was written anew since."""
    times: dict[str, datetime] = {}
    for oid in saves.others():
        with suppress(CorruptObject, ValueError):
            for entry in objects.tree(objects.commit(oid).tree):
                if entry.name == OPERATION_FILE:
                    told = decode_entry(objects.blob(entry.oid))
                    if not told.begun:
                        times[oid] = told.at
    newest = max(times.values(), default=None)
    return [oid for oid, at in times.items() if at == newest]


# -- the ledger -------------------------------------------------------------------------------------------------------


def _newest_ledgers(objects: Objects, saves: OwnSaves) -> list[str]:
    """The commits of the ledger that nothing in them shows to be older than another: mostly one."""
    ranks: dict[str, tuple[int, ...]] = {}
    for oid in saves.others():
        with suppress(CorruptObject):
            commit = objects.commit(oid)
            if _is_ledger(objects, commit):
                ranks[oid] = (commit.committer.seconds, *_progress(objects, oid))
    newest = max(ranks.values(), default=None)
    return [oid for oid, rank in ranks.items() if rank == newest]


def _is_ledger(objects: Objects, commit: Commit) -> bool:
    files = {entry.name: entry.oid for entry in objects.tree(commit.tree)}
    return "format" in files and is_format(objects.blob(files["format"]))


def _progress(objects: Objects, ledger: str) -> tuple[int, ...]:
    """How far a ledger has come, among those of one second: shares are added, changed, pushed and revoked."""
    told = [share for _, share in _shares(objects, ledger)]
    counts = [share.get("generation") for share in told]
    return (
        len(told),
        sum(share.get("revoked_at") is not None for share in told),
        sum(count for count in counts if isinstance(count, int)),
        sum(bool(share.get("pushed")) for share in told),
        sum(len(objects.tree(entry.oid)) for entry in objects.tree(objects.commit(ledger).tree) if entry.mode == TREE),
    )


def _shares(objects: Objects, ledger: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a ledger's commit says of each share that can be read."""
    with suppress(CorruptObject):
        root = {entry.name: entry.oid for entry in objects.tree(objects.commit(ledger).tree)} if ledger else {}
        for entry in objects.tree(root[SHARES]) if SHARES in root else ():
            with suppress(CorruptObject, ValueError):
                told = json.loads(objects.blob(entry.oid))
                if isinstance(told, dict):
                    yield entry.name.removesuffix(".json"), told


# -- shares -----------------------------------------------------------------------------------------------------------


def _name(share_id: str, told: dict[str, Any]) -> str:
    return (_SEALED if told.get("sealed") else _PUBLIC) + share_id


def _gone_of_share(repository: Repository, share_id: str, told: dict[str, Any]) -> Iterator[GoneRef]:
    name = _name(share_id, told)
    if told.get("revoked_at") is not None or _read(repository, name) is not None:
        return
    pushed = told.get("pushed") or ""
    if not isinstance(pushed, str) or not repository.objects.has(pushed):
        pushed = ""
    yield GoneRef(name, pushed)
    if _read(repository, PREPARED + share_id) is None:
        oid = ""
        with suppress(CorruptObject):
            if pushed and not told.get("sealed"):
                oid = next(iter(repository.objects.commit(pushed).parents), "")
        yield GoneRef(PREPARED + share_id, oid)


# -- kept originals ---------------------------------------------------------------------------------------------------


def _gone_originals(repository: Repository, saves: OwnSaves, branches: Iterable[str]) -> Iterator[GoneRef]:
    """Those of the imported sessions that have none, though just what was imported is kept."""
    kept: dict[str, list[str]] = {}
    for oid in saves.others():
        with suppress(CorruptObject, CorruptSession):
            for file in original_at(repository.objects, oid, "").files:
                kept.setdefault(file.sha256, []).append(oid)
    for name in branches if kept else ():
        session_id = name.removeprefix(HEADS)
        if _read(repository, KEPT + session_id) is None:
            found = kept.get(_imported_from(repository, saves, session_id), [])
            if found:
                yield GoneRef(KEPT + session_id, found[0] if len(found) == 1 else "")


def _imported_from(repository: Repository, saves: OwnSaves, session_id: str) -> str:
    """The hash of the file that a session was imported from; empty where it was not, or cannot be read."""
    objects = repository.objects
    tip = _read(repository, HEADS + session_id) or next((oid for _, oid in saves.places(session_id)), "")
    with suppress(CorruptObject, CorruptSession):
        told = read_tree(objects, objects.commit(tip), session_id).meta.metadata.get("imported")
        return str(told.get("source_sha256", "")) if isinstance(told, Mapping) else ""
    return ""
