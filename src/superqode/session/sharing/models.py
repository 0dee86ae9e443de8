"""What callers of sharing give and get: small frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from superqode.session import clock
from superqode.session.choices import check_word
from superqode.session.errors import InvalidShareConfig
from superqode.session.store.results import Record, SecretPlace

__all__ = ["PasswordSlot", "Preparation", "PruneResult", "ShareConfig", "ShareVisibility", "SharedSession"]


class ShareVisibility(StrEnum):
    """Who may read a share."""

    PUBLIC = "public"
    """Everybody who can read the remote; listed there; plain commits."""
    UNLISTED = "unlisted"
    """Who has the whole link; encrypted."""
    PRIVATE = "private"
    """Who has the link and a password; encrypted."""

    @classmethod
    def _missing_(cls, value: object) -> None:
        check_word(value, "visibility", cls)


def _is_text(password: str) -> bool:
    """Whether it is text at all; lone surrogates stand for bytes of a terminal that were none."""
    return bool(password) and not any("\ud800" <= letter <= "\udfff" for letter in password)


@dataclass(frozen=True, slots=True)
class ShareConfig:
    """How a session is to be shared.

    Args:
        visibility: who may read it. A password makes a public or unlisted share ciphertext too.
        allow_fork: whether readers may fork it; superqode refuses to otherwise, though whoever reads can copy.
        allow_view_history: without it the share holds no messages and tool executions.
        expires_in: how long it lives; for ever without.
        password: needed besides the link.
        redact: take secrets out of what leaves; think twice before switching it off.

    Raises:
        InvalidShareConfig: a private share without a password, an empty password, a time that is over, an unknown
            visibility.
    """

    visibility: ShareVisibility | str = ShareVisibility.UNLISTED
    allow_fork: bool = True
    allow_view_history: bool = True
    expires_in: timedelta | None = None
    password: str | None = field(default=None, repr=False)
    redact: bool = True

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "visibility", ShareVisibility(self.visibility))
        except ValueError as problem:
            raise InvalidShareConfig(str(problem)) from None
        if self.password is not None and not _is_text(self.password):
            raise InvalidShareConfig("the password is empty, or holds bytes that are no text")
        if self.visibility is ShareVisibility.PRIVATE and self.password is None:
            raise InvalidShareConfig("a private share needs a password")
        if self.expires_in is not None and self.expires_in <= timedelta(0):
            raise InvalidShareConfig("it would be expired at once; give a time to come")

    @property
    def sealed(self) -> bool:
        """Whether the remote sees ciphertext only."""
        return self.visibility is not ShareVisibility.PUBLIC or self.password is not None


@dataclass(frozen=True, slots=True)
class SharedSession(Record):
    """A share, as its owner's ledger or its reader sees it.

    Attributes:
        id: the share's id.
        session_id: the session's id in its owner's store.
        title: the session's title.
        share_token: what opens it; a capability where it is encrypted, so keep it as secret as the content.
        share_url: the remote's URL without credentials, `#`, and the token.
        visibility: as its owner chose it.
        created_at: when it was made.
        updated_at: when its content last changed.
        expires_at: when it ends; `None`: never.
        allow_fork: whether forks are allowed.
        allow_view_history: whether messages and tool executions are in it.
        created_by: its owner's name.
        generation: 1, and one more with each update.
        sealed: whether it is encrypted.
        has_password: whether it needs a password besides the link.
        remote: the remote's name or URL without credentials; empty while it is only in the local store.
        remote_ref: its ref there; empty before the first push.
        pending: whether something of it waits for `share push`.
        revoked_at: when its owner revoked it.
        mine: whether this store made it.
        masked: secrets that were taken out by this call.
    """

    id: str
    session_id: str
    title: str
    share_token: str
    share_url: str
    visibility: ShareVisibility
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    allow_fork: bool = True
    allow_view_history: bool = True
    created_by: str = ""
    generation: int = 1
    sealed: bool = True
    has_password: bool = False
    remote: str = ""
    remote_ref: str = ""
    pending: bool = False
    revoked_at: datetime | None = None
    mine: bool = True
    masked: tuple[SecretPlace, ...] = ()

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= clock.now()


@dataclass(frozen=True, slots=True)
class Preparation(Record):
    """What sharing a session would send.

    Attributes:
        session_id: the session.
        tip: the commit that would be shared.
        commits: how many commits its history has.
        rewritten: how many of them would be new, because something in or before them is masked.
        masked: what would be masked, and where.
    """

    session_id: str
    tip: str
    commits: int
    rewritten: int
    masked: tuple[SecretPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class PasswordSlot(Record):
    """One way to open a share: `number` names it, `kind` is `password` or `link` (the link alone)."""

    number: int
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class PruneResult(Record):
    """What pruning expired shares did: ids that are gone, and those that could not be removed, with the reason."""

    pruned: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
