"""What the ledger remembers of a share this store made: enough to show, update, revoke and push it again."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from superqode.session import clock
from superqode.session.errors import AmbiguousId, CorruptObject, ShareNotFound, StoreError
from superqode.session.git.repository import Repository
from superqode.session.sharing.links import ShareLink
from superqode.session.sharing.models import SharedSession, ShareVisibility
from superqode.session.store.ledger import SHARES, Document, Ledger
from superqode.session.store.results import SecretPlace

__all__ = [
    "LOCAL_PUBLIC",
    "LOCAL_SEALED",
    "Seen",
    "ShareRecord",
    "find_record",
    "load_record",
    "local_tip",
    "records",
    "save_record",
]

LOCAL_SEALED: Final = "refs/superqode/shares/"
LOCAL_PUBLIC: Final = "refs/superqode/shares/public/"
_BRANCH_SEALED: Final = "refs/heads/superqode-shares/"
_BRANCH_PUBLIC: Final = "refs/heads/superqode-shares-public/"
_TIMES: Final = ("created_at", "updated_at", "expires_at", "revoked_at")
_KEYS: Final = ("link_secret", "data_key")


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A share of this store.

    Attributes:
        id: the share's id.
        session_id: the session; it may be gone.
        title: its title when it was last shared.
        visibility: as its owner chose it.
        sealed: whether it is encrypted.
        created_at: when it was made.
        updated_at: when its content last changed.
        created_by: its owner's name.
        generation: 1, and one more with each update.
        allow_fork: whether forks are allowed.
        allow_view_history: whether messages and tool executions are in it.
        redact: whether secrets are taken out.
        expires_at: when it ends; `None`: never.
        revoked_at: when it was revoked.
        link_secret: the link's secret, where it is encrypted.
        data_key: what its content is encrypted under; gone once it was revoked.
        passwords: labels of its key files, by number.
        link_only: numbers of the key files that the link alone opens.
        remote: the remote's name, or its URL without credentials where it has none; empty without one.
        remote_url: the remote's URL without credentials.
        remote_ref: the ref there.
        pushed: the commit the remote has, as far as is known; empty before the first push.
    """

    id: str
    session_id: str
    title: str
    visibility: ShareVisibility
    sealed: bool
    created_at: datetime
    updated_at: datetime
    created_by: str
    generation: int = 1
    allow_fork: bool = True
    allow_view_history: bool = True
    redact: bool = True
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    link_secret: bytes | None = field(default=None, repr=False)
    data_key: bytes | None = field(default=None, repr=False)
    passwords: Mapping[str, str] = field(default_factory=dict)
    link_only: tuple[int, ...] = ()
    remote: str = ""
    remote_url: str = ""
    remote_ref: str = ""
    pushed: str = ""

    @property
    def local_ref(self) -> str:
        """The ref in this store."""
        return (LOCAL_SEALED if self.sealed else LOCAL_PUBLIC) + self.id

    def ref_on(self, namespace: str) -> str:
        """The ref on a remote: in `superqode`'s namespace, or among `heads` where a host accepts no others."""
        if namespace == "heads":
            return (_BRANCH_SEALED if self.sealed else _BRANCH_PUBLIC) + self.id
        return self.local_ref

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= clock.now()

    @property
    def terms(self) -> tuple[object, ...]:
        """What an update can change besides the content."""
        return self.allow_fork, self.allow_view_history, self.expires_at, self.title

    def counted(self, told: int) -> ShareRecord:
        """With the next number: a crash may have left the share's commit, which told `told`, ahead of the ledger."""
        return replace(self, generation=max(self.generation, told) + 1)

    def to_document(self) -> Document:
        """Give the record as JSON values."""
        values: Document = {item.name: getattr(self, item.name) for item in fields(self)}
        for name in _TIMES:
            values[name] = None if values[name] is None else clock.format_time(values[name])
        for name in _KEYS:
            values[name] = None if values[name] is None else base64.b64encode(values[name]).decode()
        values["visibility"] = str(self.visibility)
        values["passwords"] = dict(self.passwords)
        values["link_only"] = list(self.link_only)
        return values

    @classmethod
    def from_document(cls, name: str, document: Document) -> ShareRecord:
        """Read a record; raises StoreError where it is none."""
        known = {item.name for item in fields(cls)}
        values: dict[str, Any] = {key: value for key, value in document.items() if key in known}
        try:
            for key in _TIMES:
                told = values.get(key)
                values[key] = None if told is None else datetime.fromisoformat(told).astimezone(UTC)
            for key in _KEYS:
                told = values.get(key)
                values[key] = None if told is None else base64.b64decode(told, validate=True)
            values["visibility"] = ShareVisibility(values["visibility"])
            values["link_only"] = tuple(values.get("link_only", ()))
            return cls(**values)
        except (KeyError, TypeError, ValueError, binascii.Error) as problem:
            raise StoreError(
                f"The ledger's record of the share {name} cannot be read. Other shares and all sessions are not"
                " touched by that; a backup may hold it whole"
            ) from problem

    def shared(self, store_url: str, local_tip: str | None, masked: tuple[SecretPlace, ...] = ()) -> SharedSession:
        """The share as its owner sees it.

        Args:
            store_url: this store's URL, for a share that was not pushed yet.
            local_tip: the commit this store has of it.
            masked: secrets that were taken out by this call.
        """
        link = ShareLink(self.id, self.link_secret if self.sealed else None, self.remote_url or store_url)
        return SharedSession(
            id=self.id,
            session_id=self.session_id,
            title=self.title,
            share_token=link.token,
            share_url=link.url,
            visibility=self.visibility,
            created_at=self.created_at,
            updated_at=self.updated_at,
            expires_at=self.expires_at,
            allow_fork=self.allow_fork,
            allow_view_history=self.allow_view_history,
            created_by=self.created_by,
            generation=self.generation,
            sealed=self.sealed,
            has_password=self.sealed and not self.link_only,
            remote=self.remote,
            remote_ref=self.remote_ref,
            pending=self.revoked_at is None and local_tip is not None and self.pushed != local_tip,
            revoked_at=self.revoked_at,
            masked=masked,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest state of somebody else's share that was seen here.

    Attributes:
        generation: its generation.
        digest: names its content, so that two states under one generation are noticed.
    """

    generation: int
    digest: str


def records(ledger: Ledger) -> list[ShareRecord]:
    """All shares of this store, newest first."""
    found = [ShareRecord.from_document(name, document) for name, document in ledger.documents(SHARES).items()]
    return sorted(found, key=lambda record: (record.created_at, record.id), reverse=True)


def local_tip(repository: Repository, record: ShareRecord) -> str | None:
    """The commit that this store has of a share; `None` where its ref is gone, or damaged (`verify` tells)."""
    try:
        return repository.refs.read(record.local_ref)
    except CorruptObject:
        return None


def load_record(ledger: Ledger, share_id: str) -> ShareRecord | None:
    """The record of a share, or `None` where this store did not make it."""
    document = ledger.document(SHARES, share_id)
    return None if document is None else ShareRecord.from_document(share_id, document)


def find_record(ledger: Ledger, share_id: str) -> ShareRecord:
    """The record of a share of ours, by its id or the beginning of one.

    Raises:
        ShareNotFound, AmbiguousId: it names none, or several.
    """
    names = [name for name in ledger.names(SHARES) if share_id and name.startswith(share_id)]
    if len(names) > 1:
        raise AmbiguousId(share_id, names)
    found = load_record(ledger, names[0]) if names else None
    if found is None:
        raise ShareNotFound(share_id, "this store's ledger")
    return found


def save_record(ledger: Ledger, record: ShareRecord, reason: str) -> None:
    """Write a record down, durably."""
    ledger.put(SHARES, {record.id: record.to_document()}, f"{reason}: {record.id}")
