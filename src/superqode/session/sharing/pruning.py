"""What is left to remove: others' expired shares on a remote, and refs here that the ledger does not know."""

from __future__ import annotations

from superqode.session import clock
from superqode.session.errors import CorruptObject, RemoteError
from superqode.session.git.landing import Landing
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sharing import transport
from superqode.session.sharing.ledger import LOCAL_SEALED
from superqode.session.sharing.links import SHARE_ID
from superqode.session.sharing.trailers import told_expiry
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.secrets import PREPARED

__all__ = ["prune_remote", "unknown_refs"]


def prune_remote(
    repository: Repository, target: RemoteInfo, *, interactive: bool = False
) -> tuple[list[str], dict[str, str]]:
    """Remove expired shares from a remote, whoever made them; gives their ids, and why others could not be removed.

    Raises:
        RemoteError: it cannot be listed.
    """
    expired: dict[str, str] = {}
    with Landing(repository) as landing:
        refs = transport.share_refs(target, interactive=interactive)
        for name, oid in transport.fetch_commits(target, refs, landing, interactive=interactive).items():
            try:
                expires_at = told_expiry(landing.repository.objects.commit(oid).message)
            except CorruptObject:
                continue  # somebody else's ref in our namespace
            if expires_at is not None and expires_at <= clock.now():
                expired[name] = oid
    gone: list[str] = []
    refused: dict[str, str] = {}
    for name, oid in expired.items():
        try:
            # Only as it was seen: its owner may be extending it.
            transport.delete(repository, target, {name: oid}, interactive=interactive)
            gone.append(name.rpartition("/")[2])
        except RemoteError as problem:
            refused[name.rpartition("/")[2]] = str(problem)
    return gone, refused


def unknown_refs(repository: Repository, ledger: Ledger) -> list[str]:
    """Refs of shares, public ones too, without a record; whoever makes one may be about to write it."""
    known = set(ledger.names(SHARES))
    names = [*repository.refs.names(LOCAL_SEALED), *repository.refs.names(PREPARED)]
    ids = {name: name.rpartition("/")[2] for name in names}
    return [name for name, share_id in ids.items() if SHARE_ID.fullmatch(share_id) and share_id not in known]
