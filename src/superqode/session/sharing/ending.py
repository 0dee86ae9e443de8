"""The end of a store's own shares: revoked one by one, those that have expired together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from superqode.session import clock
from superqode.session.errors import NoRepository, RemoteError, RemoteRefMoved, RemoteRejected, StoreError
from superqode.session.git.remotes import RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sharing import transport
from superqode.session.sharing.ledger import ShareRecord, find_record, load_record, records, save_record
from superqode.session.sharing.models import SharedSession
from superqode.session.sharing.pruning import delete_together, unknown_refs
from superqode.session.sharing.reading import store_url
from superqode.session.sharing.transport import NAMESPACES
from superqode.session.store.ledger import Ledger, share_alone
from superqode.session.store.operations.log import OperationLog
from superqode.session.store.operations.recording import recording, refs_of, settle
from superqode.session.store.secrets import PREPARED

__all__ = ["Ending"]

# Why a share ended, in the ledger.
_EXPIRED: Final = "prune"


class Ending:
    """Ends shares of one store, on their remotes and here.

    Args:
        repository: the store.
        wanted: the remote as the user named it, with what logs in there.
        interactive: whether git may ask for passwords and the like.
    """

    def __init__(self, repository: Repository, wanted: str | None, *, interactive: bool) -> None:
        self._repository = repository
        self._ledger = Ledger(repository)
        self._wanted = wanted
        self._interactive = interactive

    def end(self, share_id: str, reason: str, *, only_expired: bool = False) -> SharedSession:
        """Delete a share's ref on its remote and here, and its keys.

        Args:
            share_id: the share.
            reason: why, for the ledger.
            only_expired: leave it alone where it was extended since it was looked at.

        Raises:
            ShareNotFound: it is none of this store's shares.
            RemoteError: the remote could not be reached or said no; then nothing was changed here either.
        """
        with share_alone(self._repository, share_id):
            record = find_record(self._ledger, share_id)
            if only_expired and not record.is_expired:
                return record.shared(store_url(self._repository), self._repository.refs.read(record.local_ref))
            # Also where no push was acknowledged: one whose answer got lost may have arrived. And once more where it
            # was revoked before: another machine, which did not know of that yet, may have sent it since.
            target = self._target_of(record) if record.remote_url else None
            if target is not None:
                self._delete(target, record)
            if record.revoked_at is None:
                return self._close(record, reason)
            self._finish(record)
            return record.shared(store_url(self._repository), None)

    def end_expired(self) -> tuple[list[str], dict[str, str]]:
        """End all shares whose time is over, those on one remote in as few pushes as it can take.

        Returns:
            The ids of those that ended, and why the others could not be ended.
        """
        over = [record for record in records(self._ledger) if record.is_expired and record.revoked_at is None]
        over.sort(key=lambda record: record.remote_url)
        results: dict[str, RemoteError | None] = {}
        for url, some in groupby(over, key=lambda record: record.remote_url):
            told = list(some)
            if url and len(told) > 1:
                results |= self._end_pushed(told)
            for share_id in [record.id for record in told if record.id not in results]:
                try:
                    if self.end(share_id, _EXPIRED, only_expired=True).revoked_at is not None:
                        results[share_id] = None
                except RemoteError as problem:
                    results[share_id] = problem
        ended = [share_id for share_id, problem in results.items() if problem is None]
        return ended, {share_id: str(problem) for share_id, problem in results.items() if problem is not None}

    def finish(self, share_ids: Iterable[str]) -> None:
        """Drop what is here of shares that have ended: a crash left it, or another machine ended them."""
        for share_id in share_ids:
            with share_alone(self._repository, share_id):
                try:
                    record = load_record(self._ledger, share_id)
                except StoreError:
                    continue  # nothing tells of an end
                if record is not None and record.revoked_at is not None:
                    self._finish(record)

    def sweep(self) -> None:
        """Drop the refs of shares that have ended or that the ledger never heard of: a crash left them."""
        self.finish([record.id for record in records(self._ledger) if record.revoked_at is not None])
        for name in unknown_refs(self._repository, self._ledger):
            share_id = name.rpartition("/")[2]
            with share_alone(self._repository, share_id):
                oid = self._repository.refs.read(name)
                if oid is not None and load_record(self._ledger, share_id) is None:
                    self._repository.refs.delete(name, oid)

    def _end_pushed(self, seen: Sequence[ShareRecord]) -> dict[str, RemoteError | None]:
        """End expired shares of one remote that has them as far as is known; gives what came of those that it tried.

        What is not where we left it is nothing for a push of many, and is not among them.
        """
        with share_alone(self._repository, *(record.id for record in seen)):
            now = [find_record(self._ledger, record.id) for record in seen]
            # Some may have been extended, revoked or sent elsewhere meanwhile.
            over = [
                record
                for record in now
                if record.is_expired and record.pushed and record.remote_ref and record.remote_url == seen[0].remote_url
            ]
            target = self._target_of(over[0]) if over else None
            if target is None:
                return {}
            refs = [(record.remote_ref, record.pushed) for record in over]
            refused = delete_together(self._repository, target, refs, interactive=self._interactive)
            for record in over:
                if record.remote_ref not in refused:
                    self._close(record, _EXPIRED)
        results = {record.id: refused.get(record.remote_ref) for record in over}
        return {share_id: result for share_id, result in results.items() if not isinstance(result, RemoteRejected)}

    def _delete(self, target: RemoteInfo, record: ShareRecord) -> None:
        """Delete a share's ref on its remote, wherever it is now."""
        names = [record.remote_ref] if record.remote_ref else [record.ref_on(name) for name in NAMESPACES]
        if record.pushed:
            try:
                here = {record.remote_ref: record.pushed}
                return transport.delete(self._repository, target, here, interactive=self._interactive)
            except RemoteRefMoved:
                pass  # somebody else continued it
        try:
            transport.delete(self._repository, target, dict.fromkeys(names), interactive=self._interactive)
        except NoRepository:
            if record.pushed:
                raise
            # A wrong address: there never was anything.

    def _close(self, record: ShareRecord, reason: str) -> SharedSession:
        """Forget a share's keys, and drop what is here of it."""
        ended = replace(record, revoked_at=clock.now(), data_key=None, link_secret=None, pushed="")
        told = {record.session_id: record.title}
        verb = "expire" if reason == _EXPIRED else "revoke"
        # What taking it back needs stands in the log before it is forgotten here.
        with recording(self._repository, verb, told, share=record.id):
            save_record(self._ledger, ended, reason)
            self._drop_refs(record)
        return ended.shared(store_url(self._repository), None)

    def _finish(self, record: ShareRecord) -> None:
        """Do what a crash left undone: what is dropped belongs to the operation that was cut short."""
        if refs_of(self._repository, {}, record.id):
            log = OperationLog(self._repository)
            with log.alone():
                settle(self._repository, log)
            self._drop_refs(record)

    def _drop_refs(self, record: ShareRecord) -> None:
        refs = self._repository.refs
        for name in (record.local_ref, PREPARED + record.id):
            oid = refs.read(name)
            if oid is not None:
                refs.delete(name, oid)

    def _target_of(self, record: ShareRecord) -> RemoteInfo | None:
        return transport.target_of(self._repository, record, self._wanted)
