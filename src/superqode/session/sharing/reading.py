"""Reading a share: found in this store or on a remote, checked in a place of its own, and only then a session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from superqode.session.errors import (
    CorruptSession,
    SessionNotFound,
    ShareNotFound,
    ShareRevoked,
    ShareTampered,
)
from superqode.session.git.landing import Landing, unless_it_fails
from superqode.session.git.object_codec import Tag
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.repository import TAGS, Repository
from superqode.session.models import Session, Snapshot, SnapshotState
from superqode.session.sharing import envelope, policy, public, transport
from superqode.session.sharing.layout import TOTAL_MAX
from superqode.session.sharing.ledger import Seen, ShareRecord, find_record, load_record
from superqode.session.sharing.links import ShareLink, parse_link
from superqode.session.sharing.models import SharedSession, ShareVisibility
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.ledger import Ledger
from superqode.session.store.loading import load_commit

__all__ = ["Opened", "Reader", "find_link", "store_url"]

# The beginning of a share's id, as people shorten ids.
_PREFIX: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{4,25}")


@dataclass(frozen=True, slots=True)
class Opened:
    """A share that was opened and checked.

    Attributes:
        shared: what it says of itself.
        tip: the commit that its session is at.
        landing: where its objects are; `None` where they are in the store already.
    """

    shared: SharedSession
    tip: str
    landing: Landing | None = None

    def session(self, store: Repository) -> Session:
        """The session, to look at.

        Raises:
            ShareTampered: it cannot be read as one.
        """
        repository = store if self.landing is None else self.landing.repository
        try:
            session = load_commit(repository, self.shared.session_id, self.tip, branch=None, tags=self.tags())
        except (CorruptSession, SessionNotFound) as problem:
            raise ShareTampered(self.shared.id, str(problem)) from problem
        session.snapshots = [_kept(snapshot, self.landing) for snapshot in session.snapshots]
        return session

    def tags(self) -> dict[str, Tag]:
        """The snapshots that came with it, by id."""
        if self.landing is None:
            return {}
        prefix = f"{TAGS}{self.shared.session_id}/"
        repository = self.landing.repository
        return {name.removeprefix(prefix): repository.objects.tag(oid) for name, oid in repository.refs.items(prefix)}


def _kept(snapshot: Snapshot, landing: Landing | None) -> Snapshot:
    """A snapshot that keeps alive the place where its state is read from when somebody asks for it."""

    def load(_place: Landing | None = landing) -> SnapshotState:
        return snapshot.state

    return Snapshot(snapshot.id, snapshot.description, snapshot.created_at, commit=snapshot.commit, load=load)


def find_link(ledger: Ledger, text: str) -> ShareLink:
    """The share a text names: a token, a whole link, or the beginning of the id of one of ours.

    Raises:
        InvalidShareToken: it is none of these.
        ShareNotFound, AmbiguousId: no share of ours, or several, begin like that.
    """
    if _PREFIX.fullmatch(text.strip()):
        record = find_record(ledger, text.strip())
        return ShareLink(record.id, record.link_secret if record.sealed else None)
    return parse_link(text)


def store_url(repository: Repository) -> str:
    """Where a share lies that was not pushed: this store, as a URL."""
    return repository.path.as_uri()


class Reader:
    """Opens shares for one store.

    Args:
        repository: the store.
        wanted: the remote where a share is looked for whose link names none; the default one without.
        interactive: whether git may ask for passwords and the like.
    """

    def __init__(self, repository: Repository, wanted: str | None, *, interactive: bool = False) -> None:
        self._repository = repository
        self._ledger = Ledger(repository)
        self._wanted = wanted
        self._interactive = interactive

    def open(self, text: str, password: str | None, progress: Progress | None = None) -> Opened:
        """Open a share.

        Raises:
            InvalidShareToken, ShareNotFound, ShareRevoked, ShareExpired, WrongPassword, ShareTampered,
            UnknownShareVersion, RemoteError: what went wrong; nothing was taken over.
        """
        link = find_link(self._ledger, text)
        record = load_record(self._ledger, link.share_id)
        if record is not None:
            if record.revoked_at is not None:
                raise ShareRevoked(record.id, f"{record.revoked_at:%Y-%m-%d %H:%M} UTC")
            tip = self._repository.refs.read(record.local_ref)
            if tip is not None:
                return self._open_own(link, record, tip, password, progress)
        return self._open_remote(link, record, password, progress)

    def _open_own(
        self, link: ShareLink, record: ShareRecord, tip: str, password: str | None, progress: Progress | None
    ) -> Opened:
        policy.check_expiry(record.id, record.expires_at)
        shared = record.shared(store_url(self._repository), tip)
        if not record.sealed:
            return Opened(shared, tip)
        secret = link.secret or record.link_secret
        opened = envelope.read_envelope(self._repository, tip, record.id, password=password, secret=secret)
        with unless_it_fails(Landing(self._repository)) as landing:
            envelope.unpack(self._repository, opened, landing, progress)
        return Opened(shared, opened.manifest.tip, landing)

    def _open_remote(
        self, link: ShareLink, record: ShareRecord | None, password: str | None, progress: Progress | None
    ) -> Opened:
        target = transport.find_target(self._repository, link.remote or self._wanted)
        if target is None:
            raise ShareNotFound(link.share_id, "this store, and no remote is configured")
        with unless_it_fails(Landing(self._repository)) as incoming:
            commit, is_public = transport.fetch_share(
                target,
                link.share_id,
                incoming,
                sealed=link.secret is not None or (record is not None and record.sealed),
                max_bytes=TOTAL_MAX,
                interactive=self._interactive,
                progress=progress,
            )
            if is_public:
                if link.secret is not None or (record is not None and record.sealed):
                    reason = "its link is an encrypted share's, and the remote has something in clear in its place"
                    raise ShareTampered(link.share_id, reason)
                return self._public(link, target, incoming, commit)
            secret = link.secret or (record.link_secret if record is not None else None)
            return self._sealed(
                ShareLink(link.share_id, secret, target.shown), target, incoming, commit, password, progress
            )

    def _public(self, link: ShareLink, target: RemoteInfo, landing: Landing, commit: str) -> Opened:
        trailers = public.check_public(landing.repository, commit, link.share_id)
        policy.check_expiry(link.share_id, trailers.expires_at)
        policy.check_seen(self._ledger, link.share_id, Seen(trailers.generation, commit))
        found = ShareLink(link.share_id, None, target.shown)
        return Opened(public.shared_of(trailers, found, transport.label(target)), commit, landing)

    def _sealed(
        self,
        link: ShareLink,
        target: RemoteInfo,
        incoming: Landing,
        commit: str,
        password: str | None,
        progress: Progress | None,
    ) -> Opened:
        opened = envelope.read_envelope(
            incoming.repository, commit, link.share_id, password=password, secret=link.secret
        )
        manifest = opened.manifest
        policy.check_expiry(link.share_id, manifest.expires_at)
        policy.check_seen(self._ledger, link.share_id, Seen(manifest.generation, opened.manifest_oid))
        with unless_it_fails(Landing(self._repository)) as landing:
            envelope.unpack(incoming.repository, opened, landing, progress)
        incoming.close()
        shared = SharedSession(
            id=link.share_id,
            session_id=manifest.session_id,
            title=manifest.title,
            share_token=link.token,
            share_url=link.url,
            visibility=ShareVisibility(manifest.visibility),
            created_at=manifest.created_at,
            updated_at=manifest.updated_at,
            expires_at=manifest.expires_at,
            allow_fork=manifest.allow_fork,
            allow_view_history=manifest.allow_view_history,
            created_by=manifest.created_by,
            generation=manifest.generation,
            has_password=opened.locked,
            remote=transport.label(target),
            mine=False,
        )
        return Opened(shared, manifest.tip, landing)
