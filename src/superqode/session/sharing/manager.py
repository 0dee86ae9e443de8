"""`SessionSharingManager`: the facade over sharing. Each method is one call to the module that knows how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session import clock, ids
from superqode.session.errors import SessionExists, ShareTampered
from superqode.session.exporters.exported import ExportedSession
from superqode.session.git import program
from superqode.session.git.landing import Landing
from superqode.session.git.object_codec import Tag
from superqode.session.git.repository import Repository
from superqode.session.models import Session
from superqode.session.sharing import overview, policy, public, transport
from superqode.session.sharing.ledger import ShareRecord, local_tip, records
from superqode.session.sharing.links import ShareLink
from superqode.session.sharing.models import (
    PasswordSlot,
    Preparation,
    PruneResult,
    ShareConfig,
    SharedSession,
    ShareVisibility,
)
from superqode.session.sharing.owning import Owner
from superqode.session.sharing.preparing import prepare
from superqode.session.sharing.reading import Opened, Reader, store_url
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.ledger import Ledger
from superqode.session.store.loading import load_commit

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["KEEP", "SessionSharingManager", "create_quick_share"]


class _Keep:
    """Stands for "leave it as it is" where `None` means something."""


KEEP: Final = _Keep()


class SessionSharingManager:
    """Shares sessions of a store, and opens what others shared.

    A share is named by its token, by its whole URL, or, where this store made it, by the beginning of its id.

    Args:
        store: the store.
        remote: where shares go, and where they are looked for when a token names no place: a remote's name, a URL or
            a path; the default remote without one.
        interactive: whether git may ask for passwords and host keys on the terminal.
    """

    def __init__(self, store: SessionStore, remote: str | Path | None = None, *, interactive: bool = False) -> None:
        self._store = store
        self._remote = None if remote is None else str(remote)
        self._interactive = interactive

    # -- the owner's side -----------------------------------------------------------------------------------------

    def preview(
        self, session_id: str, config: ShareConfig | None = None, *, progress: Progress | None = None
    ) -> Preparation:
        """Say what sharing would send and what would be masked; nothing leaves.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession: as `SessionStore.load`.
            GitMissing, GitFailed: only `git` can tell, or it said no.
        """
        repository = self._store._existing(session_id)
        with repository.writing():
            prepared = prepare(repository, session_id, config or ShareConfig(), progress)
        counted = program.run(repository.path, ["rev-list", "--count", prepared.tip], purpose="Sharing a session")
        return Preparation(session_id, prepared.tip, int(counted), prepared.rewritten, prepared.masked)

    def create_share(
        self,
        session_id: str,
        config: ShareConfig | None = None,
        *,
        progress: Progress | None = None,
        push: bool = True,
    ) -> SharedSession:
        """Share a session: make the share, and push it where a remote is configured or named.

        Where the remote cannot be reached, or none of several is the default, the share waits (`pending`), and
        `push_shares` sends it.

        Args:
            session_id: the session.
            config: how; unlisted, for ever and without a password where nothing is said.
            progress: told how far it is.
            push: whether to push it now.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession: as `SessionStore.load`.
            InvalidShareConfig: it is larger than a share may be, or would live too long.
            RemoteNotFound, InvalidRemote: there is no such remote; no share was made.
            RemoteError: the remote said no; the share is kept here and waits.
            GitMissing, GitFailed: only `git` can share, or it said no.
        """
        repository = self._store._existing(session_id)
        return self._owner(repository).create(session_id, config or ShareConfig(), push=push, progress=progress)

    def update_share(
        self,
        share_token: str,
        *,
        expires_in: timedelta | _Keep | None = KEEP,
        allow_fork: bool | None = None,
        progress: Progress | None = None,
    ) -> SharedSession:
        """Bring a share up to its session as it is now; only what is new travels.

        Args:
            share_token: the share.
            expires_in: a new time to live, from now; `None`: for ever.
            allow_fork: whether forks are allowed from now on.
            progress: told how far it is.

        Raises:
            InvalidShareToken, AmbiguousId: it names no share, or several.
            ShareNotFound, ShareRevoked: it is none of this store's live shares.
            SessionNotFound, CorruptSession: its session was deleted, or is damaged.
            InvalidShareConfig: it holds a secret that is masked today, or would live too long, or not at all.
            RemoteError: the remote said no; the update is kept here and waits.
        """

        def change(record: ShareRecord) -> ShareRecord:
            if isinstance(expires_in, timedelta):
                config = ShareConfig(expires_in=expires_in)
                record = replace(record, expires_at=policy.ends_at(clock.now(), config.expires_in or timedelta()))
            elif expires_in is None:
                record = replace(record, expires_at=None)
            return record if allow_fork is None else replace(record, allow_fork=allow_fork)

        return self._owner().update(share_token, change, progress=progress)

    def revoke_share(self, share_token: str) -> SharedSession:
        """Delete a share on its remote and here; who fetched it before keeps what they have.

        One that was revoked before is looked for on its remote again: another machine may have sent it since. Its keys
        leave the ledger. The operation log has them as long as it can be taken back (`SessionStore.undo_operation`),
        and no longer than its session is purged or scrubbed.

        Raises:
            InvalidShareToken, AmbiguousId: it names no share, or several.
            ShareNotFound: it is none of this store's shares.
            RemoteError: the remote could not be reached or said no; then nothing was changed here either.
        """
        return self._owner().revoke(share_token)

    def push_shares(self, share_tokens: Sequence[str] = (), *, progress: Progress | None = None) -> list[SharedSession]:
        """Push the shares that wait (all of them where none is named); gives them.

        Raises:
            InvalidShareToken, AmbiguousId: it names no share, or several.
            ShareNotFound, ShareRevoked: it is none of this store's live shares.
            NoDefaultRemote: a share is for no remote yet; the others are there.
            RemoteError: a remote said no, or there is none of that name (RemoteNotFound); the shares for others are
                there.
        """
        return self._owner().push_waiting(list(share_tokens), progress)

    def prune(self, *, all_owners: bool = False) -> PruneResult:
        """Remove expired shares, here and on their remotes.

        Args:
            all_owners: those of others on the remote, too, as far as it lets us.

        Raises:
            RemoteNotFound, InvalidRemote: the remote that was named is none.
            NoDefaultRemote: the remote is to be asked, none is named, and none of several is the default.
            RemoteError: with `all_owners`: the remote cannot be listed.
        """
        return self._owner().prune(all_owners=all_owners)

    def passwords(self, share_token: str) -> list[PasswordSlot]:
        """What opens a share.

        Raises:
            InvalidShareToken, AmbiguousId: it names no share, or several.
            ShareNotFound: it is none of this store's shares.
        """
        return self._owner().passwords(share_token)

    def add_password(self, share_token: str, password: str, label: str = "") -> PasswordSlot:
        """Let another password open a share; nothing is encrypted anew.

        Raises:
            InvalidShareToken, AmbiguousId: it names no share, or several.
            ShareNotFound, ShareRevoked: it is none of this store's live shares.
            InvalidShareConfig: it is public, or the password is empty.
            RemoteError: the remote said no.
        """
        return self._owner().add_password(share_token, password, label)

    def remove_password(self, share_token: str, number: int) -> None:
        """Take a password (or the link alone) away; who used it before keeps what it gave.

        Raises:
            InvalidShareToken, AmbiguousId: it names no share, or several.
            ShareNotFound, ShareRevoked: it is none of this store's live shares.
            InvalidShareConfig: there is no such password, or it is the last.
            RemoteError: the remote said no.
        """
        self._owner().remove_password(share_token, number)

    # -- the reader's side ----------------------------------------------------------------------------------------

    def get_share(self, share_token: str, password: str | None = None) -> SharedSession:
        """Open a share, and say what it is.

        Raises:
            InvalidShareToken, AmbiguousId, ShareNotFound, ShareRevoked, ShareExpired, WrongPassword, ShareTampered,
            UnknownShareVersion, RemoteError: what went wrong; nothing was taken over.
        """
        return self._reader().open(share_token, password).shared

    def get_session_for_share(
        self, share_token: str, password: str | None = None, *, progress: Progress | None = None
    ) -> Session:
        """Open a share, and give its session to look at; it is not saved. Raises as `get_share`."""
        opened = self._reader().open(share_token, password, progress)
        return opened.session(self._store._made())

    async def fork_session(self, share_token: str, title: str | None = None, password: str | None = None) -> Session:
        """Make a session of one's own out of a share, as a branch off the shared commits; gives it, saved.

        Raises:
            NotForkable: its owner does not allow it.
            ShareError, AmbiguousId, RemoteError: as `get_share`.
            SaveFailed, StoreLocked: as `SessionStore.save`.
        """
        import asyncio

        return await asyncio.to_thread(self.fork, share_token, title, password)

    def fork(
        self,
        share_token: str,
        title: str | None = None,
        password: str | None = None,
        *,
        progress: Progress | None = None,
    ) -> Session:
        """Do what `fork_session` does, without asyncio; raises as `fork_session`."""
        opened = self._reader().open(share_token, password, progress)
        policy.check_forkable(opened.shared.id, allow_fork=opened.shared.allow_fork)
        repository = self._store._made()
        opened.session(repository)  # what is no session is not taken over
        tags = opened.tags()
        with repository.writing():
            if opened.landing is not None:
                opened.landing.take_over()
            forked = self._fork_of(repository, opened, tags, title)
            self._store.save(forked)
        return forked

    def _fork_of(self, repository: Repository, opened: Opened, tags: Mapping[str, Tag], title: str | None) -> Session:
        shared = opened.shared
        session = load_commit(repository, shared.session_id, opened.tip, branch=shared.session_id, tags=tags)
        forked = session.fork(title or "")
        forked.metadata["forked_from_share"] = {
            "share": shared.id,
            "remote": shared.share_url.rpartition("#")[0],
            "session": shared.session_id,
            "commit": opened.tip,
            "generation": shared.generation,
            "forked_at": clock.format_time(clock.now()),
        }
        return forked

    def list_shares(self, session_id: str | None = None, *, remote: bool = False) -> list[SharedSession]:
        """List shares, newest first: this store's, revoked and expired ones too, or the public ones of the remote.

        Args:
            session_id: only those of this session.
            remote: the remote's public ones instead.

        Raises:
            NoDefaultRemote: the remote's are asked for, and none of several is the default.
            RemoteError: the remote cannot be listed, or there is none of that name (RemoteNotFound).
        """
        repository = self._store._open()
        if remote:
            found = self._list_remote()
        elif repository is None:
            found = []
        else:
            known = records(Ledger(repository))
            found = [record.shared(store_url(repository), local_tip(repository, record)) for record in known]
        return [share for share in found if session_id is None or share.session_id == session_id]

    def _list_remote(self) -> list[SharedSession]:
        repository = self._store._made()
        target = transport.find_target(repository, self._remote)
        if target is None:
            return []
        found: list[SharedSession] = []
        with Landing(repository) as landing:
            parts = overview.fetch_commits(target, landing, public_only=True, interactive=self._interactive)
            for name, oid in chain.from_iterable(part.items() for part in parts):
                share_id = name.rpartition("/")[2]
                try:
                    trailers = public.read_public(landing.repository, oid, share_id)
                except ShareTampered:
                    continue  # somebody else's ref in our namespace
                link = ShareLink(share_id, None, target.shown)
                found.append(public.shared_of(trailers, link, transport.label(target)))
        return sorted(found, key=lambda share: (share.created_at, share.id), reverse=True)

    # -- files ----------------------------------------------------------------------------------------------------

    def export_session(self, session_id: str) -> ExportedSession:
        """Export a session as one document; nothing is masked.

        Raises:
            SessionNotFound, InvalidSessionId, CorruptSession, NewerFormat: as `SessionStore.load`.
        """
        return ExportedSession.of(self._store.load(session_id))

    def import_session(self, exported: ExportedSession, title: str | None = None) -> Session:
        """Save an exported session; under an id of its own where another session has its id.

        Raises:
            InvalidSession: its id, or something in it, cannot be stored.
            SaveFailed, StoreLocked: as `SessionStore.save`.
        """
        session = exported.to_session()
        if title is not None:
            session.title = title
        try:
            self._store.save(session)
        except SessionExists:
            session = exported.to_session()
            session.id = ids.new_session_id()
            session.title = session.title if title is None else title
            self._store.save(session)
        return session

    # -- helpers --------------------------------------------------------------------------------------------------

    def _owner(self, repository: Repository | None = None) -> Owner:
        return Owner(repository or self._store._made(), self._remote, interactive=self._interactive)

    def _reader(self) -> Reader:
        return Reader(self._store._made(), self._remote, interactive=self._interactive)


def create_quick_share(session_id: str, store: SessionStore, expires_hours: float = 24) -> SharedSession:
    """Share a session by a link that ends after some hours; raises as `SessionSharingManager.create_share`."""
    config = ShareConfig(visibility=ShareVisibility.UNLISTED, expires_in=timedelta(hours=expires_hours))
    return SessionSharingManager(store).create_share(session_id, config)
