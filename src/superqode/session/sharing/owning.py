"""The owner's side of shares: made, updated, pushed, revoked, pruned, their passwords changed.

    prepare → share commit → refs (prepared, share) → ledger → push → ledger

What is pushed is in the ledger first, so a share that reached a remote is never one that its owner cannot revoke.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from superqode.session import clock, ids
from superqode.session.codec.message import SharedSnapshot, snapshot_trailer
from superqode.session.errors import (
    InvalidShareConfig,
    NoDefaultRemote,
    NoRepository,
    RemoteError,
    RemoteUnreachable,
    ShareNotFound,
    ShareRevoked,
)
from superqode.session.git import program
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sharing import envelope, policy, public, transport
from superqode.session.sharing.ending import Ending
from superqode.session.sharing.kdf import new_kdf
from superqode.session.sharing.keys import new_data_key, wrap
from superqode.session.sharing.layout import KEYS_MAX
from superqode.session.sharing.ledger import ShareRecord, find_record, load_record, local_tip, records, save_record
from superqode.session.sharing.links import new_link_secret, new_share_id
from superqode.session.sharing.models import (
    PasswordSlot,
    PruneResult,
    ShareConfig,
    SharedSession,
    ShareVisibility,
)
from superqode.session.sharing.preparing import Prepared, prepare, still_clean
from superqode.session.sharing.pruning import prune_remote
from superqode.session.sharing.reading import find_link, store_url
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.ledger import Ledger, share_alone
from superqode.session.store.results import SecretPlace
from superqode.session.store.secrets import PREPARED

__all__ = ["Owner"]

_PURPOSE: Final = "Sharing a session"


class Owner:
    """Makes and changes the shares of one store.

    Args:
        repository: the store.
        wanted: the remote that new shares go to; the default one without.
        interactive: whether git may ask for passwords and the like.
    """

    def __init__(self, repository: Repository, wanted: str | None, *, interactive: bool = False) -> None:
        self._repository = repository
        self._ledger = Ledger(repository)
        self._wanted = wanted
        self._interactive = interactive
        self._ending = Ending(repository, wanted, interactive=interactive)

    # -- making ---------------------------------------------------------------------------------------------------

    def create(
        self, session_id: str, config: ShareConfig, *, push: bool = True, progress: Progress | None = None
    ) -> SharedSession:
        """Share a session; see `SessionSharingManager.create_share`."""
        ids.validate_session_id(session_id)  # a branch that plain git named needs a name that is valid everywhere
        program.find_git(_PURPOSE)
        transport.offer_shares(self._repository)
        target = self._new_target() if push else None
        now = clock.now()
        share_id = new_share_id()
        secret = new_link_secret() if config.sealed else None
        data_key = new_data_key() if config.sealed else None
        with share_alone(self._repository, share_id):
            with self._repository.writing():
                prepared = prepare(self._repository, session_id, config, progress)
                record = ShareRecord(
                    id=share_id,
                    session_id=session_id,
                    title=prepared.meta.title,
                    visibility=ShareVisibility(config.visibility),
                    sealed=config.sealed,
                    created_at=now,
                    updated_at=now,
                    created_by=self._repository.user()[0],
                    allow_fork=config.allow_fork,
                    allow_view_history=config.allow_view_history,
                    redact=config.redact,
                    expires_at=None if config.expires_in is None else policy.ends_at(now, config.expires_in),
                    link_secret=secret,
                    data_key=data_key,
                    passwords={} if config.password is None else {"0": ""},
                    link_only=(0,) if config.sealed and config.password is None else (),
                    remote=transport.label(target) if target is not None else "",
                    remote_url=target.shown if target is not None else "",
                )
                if data_key is not None and secret is not None:
                    key = wrap(data_key, new_kdf(password=config.password is not None), config.password, secret)
                    tip = envelope.seal(self._repository, record, prepared, key_files={0: key}, progress=progress)
                else:
                    tip = public.publish(self._repository, record, prepared, None)
                self._publish(record, prepared, tip, None, "share")
            # Still alone: who revokes it meanwhile waits until it is there.
            return self._send(record, tip, target, prepared.masked, progress)

    def update(
        self,
        text: str,
        change: Callable[[ShareRecord], ShareRecord] = lambda record: record,
        *,
        progress: Progress | None = None,
    ) -> SharedSession:
        """Bring a share up to its session as it is now, and to other terms; only what is new travels."""
        with self._own(text) as (record, tip):
            now = clock.now()
            wanted = change(record)
            config = ShareConfig(
                visibility="unlisted" if record.sealed else "public",
                allow_view_history=record.allow_view_history,
                redact=record.redact,
            )
            with self._repository.writing():
                prepared = prepare(self._repository, record.session_id, config, progress)
                before = self._repository.refs.read(PREPARED + record.id)
                if (
                    before is not None
                    and record.redact
                    and not still_clean(self._repository, before, record.session_id)
                ):
                    raise InvalidShareConfig(
                        "it holds a secret that is masked today, and what was sent stays sent."
                        " Revoke it, renew that secret, and make a new share",
                        record.id,
                    )
                wanted = replace(wanted, title=prepared.meta.title, updated_at=now)
                made = self._next(record, wanted, prepared, tip, progress)
                if made is None:
                    wanted, new = record, tip
                else:
                    wanted, new = made
                    self._publish(wanted, prepared, new, tip, "update")
            target = transport.target_of(self._repository, wanted, self._wanted)
            if target is None or wanted.pushed == new:
                return wanted.shared(store_url(self._repository), new, prepared.masked)
            return self._send(wanted, new, target, prepared.masked, progress)

    def _next(
        self, record: ShareRecord, wanted: ShareRecord, prepared: Prepared, tip: str, progress: Progress | None
    ) -> tuple[ShareRecord, str] | None:
        """The share as it shall be and its commit, or `None` where that is how it is."""
        same = record.terms == wanted.terms
        if record.sealed:
            opened = envelope.read_envelope(self._repository, tip, record.id, data_key=record.data_key)
            told = opened.manifest.generation
            if same and told == record.generation and envelope.holds(self._repository, opened.manifest, prepared):
                return None
            wanted = wanted.counted(told)
            files = opened.key_files
            return wanted, envelope.seal(
                self._repository, wanted, prepared, key_files=files, previous=opened, progress=progress
            )
        trailers = public.read_public(self._repository, tip, record.id)
        same = same and trailers.generation == record.generation
        same = same and self._repository.objects.commit(tip).parents[0] == prepared.tip
        if same and _told(trailers.snapshots) == _told(prepared.snapshots):
            return None
        wanted = wanted.counted(trailers.generation)
        return wanted, public.publish(self._repository, wanted, prepared, tip)

    def _publish(
        self, record: ShareRecord, prepared: Prepared | None, tip: str, before: str | None, reason: str
    ) -> None:
        """Make a share's commit durable, point its refs at it, and write the ledger."""
        repository = self._repository
        refs, ident = repository.refs, repository.committer()
        repository.flush()
        paths = [str(repository.path / record.local_ref)]
        if prepared is not None:
            kept = PREPARED + record.id
            refs.update(kept, prepared.tip, refs.read(kept), ident=ident, reason="")
            paths.append(str(repository.path / kept))
        refs.update(record.local_ref, tip, before, ident=ident, reason="")
        repository.flush(paths)
        self._remember(record, reason)

    # -- sending --------------------------------------------------------------------------------------------------

    def push_waiting(self, texts: list[str], progress: Progress | None = None) -> list[SharedSession]:
        """Push shares that wait; see `SessionSharingManager.push_shares`."""
        named = [find_link(self._ledger, text).share_id for text in texts]
        chosen = named or [record.id for record in records(self._ledger) if self._waits(record)]
        elsewhere = self._wanted if named else None
        sent: list[SharedSession] = []
        failures: list[RemoteError] = []
        for share_id in chosen:
            try:
                sent.append(self._push_one(share_id, progress, elsewhere))
            except RemoteError as problem:  # the shares for other remotes go on
                failures.append(problem)
        if failures:
            raise failures[0]
        return sent

    def _waits(self, record: ShareRecord) -> bool:
        tip = local_tip(self._repository, record)
        return record.revoked_at is None and not record.is_expired and tip is not None and tip != record.pushed

    def _push_one(self, share_id: str, progress: Progress | None, elsewhere: str | None) -> SharedSession:
        with self._own(share_id) as (record, tip):
            # A share that never arrived may go elsewhere than it was meant for, where both are named.
            target = (
                transport.target_of(self._repository, record, self._wanted) if record.pushed or not elsewhere else None
            )
            target = target or transport.find_target(self._repository, self._wanted)
            if target is None:
                raise NoDefaultRemote
            done = transport.push(
                self._repository, target, record, tip, interactive=self._interactive, progress=progress
            )
            self._remember(done, "push")
            return done.shared(store_url(self._repository), tip)

    def _send(
        self,
        record: ShareRecord,
        tip: str,
        target: RemoteInfo | None,
        masked: tuple[SecretPlace, ...],
        progress: Progress | None,
    ) -> SharedSession:
        """Push, and write down that it is there; what cannot be reached waits."""
        done = record
        if target is not None:
            try:
                done = transport.push(
                    self._repository, target, record, tip, interactive=self._interactive, progress=progress
                )
            except NoRepository:
                raise  # a wrong address: waiting does not help
            except RemoteUnreachable:
                return record.shared(store_url(self._repository), tip, masked)
            self._remember(done, "push")
        return done.shared(store_url(self._repository), tip, masked)

    def _remember(self, record: ShareRecord, reason: str) -> None:
        """Write a record down, under its session's name as it is now: renaming does not wait for a push."""
        known = load_record(self._ledger, record.id)
        now = record if known is None else replace(record, session_id=known.session_id)
        save_record(self._ledger, now, reason)

    # -- ending ---------------------------------------------------------------------------------------------------

    def revoke(self, text: str, reason: str = "revoke") -> SharedSession:
        """Delete a share's ref on its remote and here, and its keys; see `SessionSharingManager.revoke_share`."""
        return self._ending.end(find_link(self._ledger, text).share_id, reason)

    def prune(self, *, all_owners: bool = False) -> PruneResult:
        """Remove expired shares; see `SessionSharingManager.prune`."""
        # First, also where it only says how to log in: one that is named and is none is told, whatever has expired.
        asked = all_owners or self._wanted is not None
        target = transport.find_target(self._repository, self._wanted) if asked else None
        pruned, failed = self._ending.end_expired()
        if target is not None and all_owners:
            gone, refused = prune_remote(self._repository, target, interactive=self._interactive)
            pruned, failed = pruned + gone, failed | refused
        self._ending.sweep()
        return PruneResult(tuple(pruned), failed)

    # -- passwords ------------------------------------------------------------------------------------------------

    def passwords(self, text: str) -> list[PasswordSlot]:
        """What opens a share, by number."""
        record = find_record(self._ledger, find_link(self._ledger, text).share_id)
        slots = [PasswordSlot(number, "link") for number in record.link_only]
        slots += [PasswordSlot(int(number), "password", label) for number, label in record.passwords.items()]
        return sorted(slots, key=lambda slot: slot.number)

    def add_password(self, text: str, password: str, label: str) -> PasswordSlot:
        """Let another password open a share, by wrapping its key once more."""
        with self._own(text) as (record, tip):
            if record.data_key is None or record.link_secret is None:
                raise InvalidShareConfig("it is public, so there is nothing to open", record.id)
            opened = envelope.read_envelope(self._repository, tip, record.id, data_key=record.data_key)
            if len(opened.key_files) >= KEYS_MAX:
                raise InvalidShareConfig(f"it has {KEYS_MAX} passwords already. Remove one first", record.id)
            number = next(count for count in range(len(opened.key_files) + 1) if count not in opened.key_files)
            made = wrap(record.data_key, new_kdf(password=True), password, record.link_secret)
            changed = replace(record, passwords={**record.passwords, str(number): label})
            self._rekey(changed, opened, {**opened.key_files, number: made}, tip)
        return PasswordSlot(number, "password", label)

    def remove_password(self, text: str, number: int) -> None:
        """Take a way to open a share away; who used it keeps what it gave."""
        with self._own(text) as (record, tip):
            if record.data_key is None:
                raise InvalidShareConfig("it is public, so there is nothing to take away", record.id)
            opened = envelope.read_envelope(self._repository, tip, record.id, data_key=record.data_key)
            left = {key: data for key, data in opened.key_files.items() if key != number}
            if number not in opened.key_files:
                remedy = f"`superqode share passwords list {record.id}` numbers those that it has"
                raise InvalidShareConfig(f"it has no password {number}. {remedy}", record.id)
            if not left:
                raise InvalidShareConfig("nothing would open it any more. Add another, or revoke it", record.id)
            changed = replace(
                record,
                passwords={key: label for key, label in record.passwords.items() if key != str(number)},
                link_only=tuple(key for key in record.link_only if key != number),
            )
            self._rekey(changed, opened, left, tip)

    def _rekey(self, record: ShareRecord, opened: envelope.Envelope, key_files: dict[int, bytes], tip: str) -> None:
        with self._repository.writing():
            new = envelope.with_keys(self._repository, record, opened, key_files)
            self._publish(record, None, new, tip, "passwords")
        self._send(record, new, transport.target_of(self._repository, record, self._wanted), (), None)

    # -- finding --------------------------------------------------------------------------------------------------

    def _new_target(self) -> RemoteInfo | None:
        """Where a new share goes; `None` where that is not decided: it waits."""
        try:
            return transport.find_target(self._repository, self._wanted)
        except NoDefaultRemote:
            return None

    @contextmanager
    def _own(self, text: str) -> Iterator[tuple[ShareRecord, str]]:
        """A live share of ours and its commit here, while nobody else changes it."""
        share_id = find_link(self._ledger, text).share_id
        with share_alone(self._repository, share_id):
            record = find_record(self._ledger, share_id)
            tip = self._repository.refs.read(record.local_ref)
            if record.revoked_at is not None:
                raise ShareRevoked(record.id, f"{record.revoked_at:%Y-%m-%d %H:%M} UTC")
            if tip is None:
                raise ShareNotFound(record.id, "this store: its ref was deleted")
            yield record, tip


def _told(snapshots: Iterable[SharedSnapshot]) -> list[str]:
    """Snapshots as a public share's message tells of them."""
    return [snapshot_trailer(snapshot) for snapshot in snapshots]
