"""Public shares: plain commits, and on top of them one that says what is shared. FORMAT.md has its message."""

from __future__ import annotations

from superqode.session import clock
from superqode.session.errors import CorruptObject, CorruptSession, InvalidShareConfig, ShareTampered
from superqode.session.git.object_codec import Ident
from superqode.session.git.repository import Repository
from superqode.session.sharing.ledger import ShareRecord
from superqode.session.sharing.links import ShareLink
from superqode.session.sharing.models import SharedSession, ShareVisibility
from superqode.session.sharing.preparing import Prepared
from superqode.session.sharing.trailers import IDENT, MESSAGE_MAX, PublicTrailers, compose_public, parse_public
from superqode.session.store.state import read_tree

__all__ = ["check_public", "publish", "read_public", "shared_of"]


def publish(repository: Repository, record: ShareRecord, prepared: Prepared, previous: str | None) -> str:
    """Write a public share's commit; gives its id, not durable yet.

    Args:
        repository: the store; the caller keeps pruning out.
        record: the share as it shall be.
        prepared: what is shared.
        previous: the share's commit so far: the second parent, so that an update is a fast-forward.

    Raises:
        InvalidShareConfig: it has more snapshots than its message may name.
    """
    now = clock.now()
    trailers = PublicTrailers(
        share_id=record.id,
        session_id=record.session_id,
        title=record.title,
        created_at=record.created_at,
        expires_at=record.expires_at,
        allow_fork=record.allow_fork,
        allow_view_history=record.allow_view_history,
        generation=record.generation,
        snapshots=tuple(prepared.snapshots),
        saved_at=now,
        messages=(prepared.messages, 0),
        tools=(prepared.executions, 0),
    )
    ident = Ident(*IDENT, seconds=max(0, int(now.timestamp())))
    parents = (prepared.tip,) if previous is None else (prepared.tip, previous)
    told = compose_public(trailers)
    if len(told) > MESSAGE_MAX:
        raise InvalidShareConfig(f"{len(trailers.snapshots)} snapshots do not fit into a public one. Share it unlisted")
    return repository.objects.write_commit(prepared.tree, parents, ident, ident, told)


def read_public(repository: Repository, commit: str, share_id: str) -> PublicTrailers:
    """Read what a public share's commit says; raises ShareTampered where it is none."""
    try:
        return parse_public(repository.objects.commit(commit).message, share_id)
    except CorruptObject as problem:
        raise ShareTampered(share_id, str(problem)) from problem


def check_public(repository: Repository, commit: str, share_id: str) -> PublicTrailers:
    """Read a public share's commit, and make sure that a session hangs on it.

    Raises:
        ShareTampered: it is no share, or no session.
    """
    trailers = read_public(repository, commit, share_id)
    try:
        read_tree(repository.objects, repository.objects.commit(commit), trailers.session_id)
    except (CorruptObject, CorruptSession) as problem:
        raise ShareTampered(share_id, str(problem)) from problem
    return trailers


def shared_of(trailers: PublicTrailers, link: ShareLink, remote: str) -> SharedSession:
    """A public share as its reader sees it."""
    return SharedSession(
        id=trailers.share_id,
        session_id=trailers.session_id,
        title=trailers.title,
        share_token=link.token,
        share_url=link.url,
        visibility=ShareVisibility.PUBLIC,
        created_at=trailers.created_at,
        updated_at=trailers.saved_at or trailers.created_at,
        expires_at=trailers.expires_at,
        allow_fork=trailers.allow_fork,
        allow_view_history=trailers.allow_view_history,
        generation=trailers.generation,
        sealed=False,
        remote=remote,
        mine=False,
    )
