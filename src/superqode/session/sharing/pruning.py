"""What is left to remove: others' expired shares on a remote, and refs here that the ledger does not know."""

from __future__ import annotations

from collections.abc import Sequence

from superqode.session import clock
from superqode.session.errors import CorruptObject, RemoteError, RemoteRejected
from superqode.session.git.landing import Landing
from superqode.session.git.remote import REFS_AT_ONCE
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sharing import transport
from superqode.session.sharing.ledger import LOCAL_SEALED
from superqode.session.sharing.links import SHARE_ID
from superqode.session.sharing.overview import fetch_commits
from superqode.session.sharing.trailers import told_expiry
from superqode.session.store.ledger import SHARES, Ledger
from superqode.session.store.secrets import PREPARED

__all__ = ["delete_together", "prune_remote", "unknown_refs"]


def prune_remote(
    repository: Repository, target: RemoteInfo, *, interactive: bool = False
) -> tuple[list[str], dict[str, str]]:
    """Remove expired shares from a remote, whoever made them; gives their ids, and why others could not be removed.

    Raises:
        RemoteError: it cannot be listed.
    """
    expired: list[tuple[str, str]] = []
    with Landing(repository) as landing:
        for part in fetch_commits(target, landing, interactive=interactive):
            for name, oid in part.items():
                try:
                    expires_at = told_expiry(landing.repository.objects.commit(oid).message)
                except CorruptObject:
                    continue  # somebody else's ref in our namespace
                if expires_at is not None and expires_at <= clock.now():
                    expired.append((name, oid))
    # Only as they were seen: an owner may be extending one.
    refused = delete_together(repository, target, expired, interactive=interactive)
    gone = [name for name, _ in expired if name not in refused]
    return [_id(name) for name in gone], {_id(name): str(problem) for name, problem in refused.items()}


def delete_together(
    repository: Repository, target: RemoteInfo, refs: Sequence[tuple[str, str]], *, interactive: bool = False
) -> dict[str, RemoteError]:
    """Delete refs on a remote, as many in one push as it can take; gives those that are still there, and why.

    Args:
        repository: the store.
        target: the remote.
        refs: the refs, each with the commit that it must be at; those that are gone already are fine.
        interactive: whether git may ask on the terminal.
    """
    refused: dict[str, RemoteError] = {}
    parts = [refs[start : start + REFS_AT_ONCE] for start in range(0, len(refs), REFS_AT_ONCE)]
    while parts:
        part = parts.pop()
        try:
            transport.delete(repository, target, dict(part), interactive=interactive)
        except RemoteRejected as problem:
            # A push is taken whole or not: those that are fine go without the others.
            half = len(part) // 2
            if half:
                parts += [part[:half], part[half:]]
            else:
                refused[part[0][0]] = problem
        except RemoteError as problem:
            refused |= dict.fromkeys((name for name, _ in part), problem)
    return refused


def _id(name: str) -> str:
    return name.rpartition("/")[2]


def unknown_refs(repository: Repository, ledger: Ledger) -> list[str]:
    """Refs of shares, public ones too, without a record; whoever makes one may be about to write it."""
    known = set(ledger.names(SHARES))
    names = [*repository.refs.names(LOCAL_SEALED), *repository.refs.names(PREPARED)]
    ids = {name: name.rpartition("/")[2] for name in names}
    return [name for name, share_id in ids.items() if SHARE_ID.fullmatch(share_id) and share_id not in known]
