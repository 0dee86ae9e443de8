"""Errors about shares and the remotes they travel through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from superqode.session.errors.content import NotFound, SessionError

Doubt = Literal["not sent", "unknown"]


class ShareError(SessionError):
    """A share cannot be made, read or changed.

    Attributes:
        share_id: the share's id, or what was given for it; never its link secret.
    """

    def __init__(self, share_id: str, message: str) -> None:
        self.share_id = share_id
        super().__init__(message)


class InvalidShareToken(ShareError, ValueError):
    """What was given is neither a share's token nor its URL."""

    def __init__(self, shown: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            shown,
            f"{shown!r} names no share: {reason}. Give the whole link as `superqode share create` printed it,"
            " or its part behind the #",
        )


class ShareNotFound(ShareError, NotFound):
    """No share of this id is where it was looked for."""

    def __init__(self, share_id: str, where: str) -> None:
        self.where = where
        super().__init__(
            share_id,
            f"There is no share {share_id} in {where}: it was revoked or deleted, was never pushed, or lies on another"
            " remote. Ask whoever sent the link, or give the whole link",
        )


class ShareRevoked(ShareError, NotFound):
    """The share was revoked by its owner, here."""

    def __init__(self, share_id: str, when: str) -> None:
        super().__init__(
            share_id,
            f"The share {share_id} was revoked on {when}. `superqode share create` makes a new one",
        )


class ShareExpired(ShareError, PermissionError):
    """The share's time is over."""

    def __init__(self, share_id: str, expired_at: datetime) -> None:
        self.expired_at = expired_at
        super().__init__(
            share_id,
            f"The share {share_id} expired at {expired_at:%Y-%m-%d %H:%M} UTC. Ask its owner for a new one"
            " (`superqode share update --expires` extends it, `share create` makes another)",
        )


class WrongPassword(ShareError, PermissionError):
    """The password does not open the share, or the link's secret is not its own."""

    def __init__(self, share_id: str, reason: str = "the password is wrong") -> None:
        self.reason = reason
        super().__init__(
            share_id, f"The share {share_id} stays closed: {reason}. Check the password and that the link is whole"
        )


class PasswordRequired(WrongPassword):
    """The share has a password, and none was given."""

    def __init__(self, share_id: str) -> None:
        super().__init__(share_id, "it needs a password, and none was given")


class ShareTampered(ShareError, ValueError):
    """The share's bytes are not what its owner wrote: changed, cut, mixed, or hostile. Nothing of it was taken."""

    def __init__(self, share_id: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            share_id, f"The share {share_id} is damaged or was tampered with: {reason}. Nothing was taken from it"
        )


class ShareRolledBack(ShareTampered):
    """The remote offers an older state of the share than was seen before."""

    def __init__(self, share_id: str, seen: int, found: int) -> None:
        self.seen = seen
        self.found = found
        super().__init__(share_id, f"update {seen} was seen before, and the remote offers update {found}")


class ShareTooLarge(ShareTampered):
    """The share is larger than a reader accepts."""


class KdfRefused(ShareTampered):
    """Key derivation parameters that are too weak to trust, or would cost too much memory or time."""


class UnknownShareVersion(ShareError, ValueError):
    """The share was written in a format this version does not know."""

    def __init__(self, share_id: str, found: str) -> None:
        self.found = found
        super().__init__(share_id, f"The share {share_id} has format {found}. Update superqode to open it")


class NotForkable(ShareError, PermissionError):
    """The share's owner does not allow forks."""

    def __init__(self, share_id: str) -> None:
        super().__init__(
            share_id,
            f"The share {share_id} may be read and not forked. `superqode share open` shows it;"
            " ask its owner for one that allows forks",
        )


class InvalidShareConfig(ShareError, ValueError):
    """A share was asked for that makes no sense, such as a private one without a password, or such a change of one."""

    def __init__(self, reason: str, share_id: str = "") -> None:
        said = f"The share {share_id} stays as it is" if share_id else "Such a share cannot be made"
        super().__init__(share_id, f"{said}: {reason}")


class RemoteError(SessionError):
    """A remote cannot be used.

    Attributes:
        remote: its name or URL, without credentials.
        reason: what went wrong, in one line.
        outcome: `"not sent"`, or `"unknown"` where the connection broke while something was being sent.
    """

    def __init__(self, remote: str, message: str, *, reason: str = "", outcome: Doubt = "not sent") -> None:
        self.remote = remote
        self.reason = reason
        self.outcome: Doubt = outcome
        super().__init__(message)


class InvalidRemote(RemoteError, ValueError):
    """A URL or name that no remote may have."""

    def __init__(self, remote: str, reason: str) -> None:
        super().__init__(
            remote,
            f"{remote!r} is no remote: {reason}. Give a path, or a URL that begins with https://, ssh://, git:// or"
            " file://, or user@host:path",
            reason=reason,
        )


class RemoteNotFound(RemoteError, NotFound):
    """No remote of this name is configured."""

    def __init__(self, remote: str, known: Sequence[str] = ()) -> None:
        listed = "The store knows " + ", ".join(known) if known else "The store knows none yet"
        super().__init__(remote, f"There is no remote {remote!r}. {listed}. `superqode remote add NAME URL` adds one")


class NoDefaultRemote(RemoteNotFound):
    """No remote was named, and none is the default: there are several, or none to share through.

    Attributes:
        known: the names of those that could be meant.
    """

    def __init__(self, known: Sequence[str] = ()) -> None:
        self.known = tuple(known)
        if known:
            reason = f"{', '.join(known[:-1])} and {known[-1]} are set, and none is the default"
            remedy = "`superqode remote default NAME` chooses one, --remote NAME names one"
        else:
            reason = "No remote to share through is set"
            remedy = "`superqode remote add NAME URL` adds one"
        RemoteError.__init__(self, "", f"{reason}. {remedy}", reason=reason)


class RemoteUnreachable(RemoteError, ConnectionError):
    """The server does not answer, or there is no repository."""

    def __init__(self, remote: str, reason: str, *, outcome: Doubt = "not sent") -> None:
        super().__init__(
            remote,
            f"{remote} cannot be reached: {reason}. Check the address and the network and try again",
            reason=reason,
            outcome=outcome,
        )


class RemoteUnauthorized(RemoteError, PermissionError):
    """The server does not let us in, or not do this."""

    def __init__(self, remote: str, reason: str) -> None:
        super().__init__(
            remote,
            f"{remote} refuses access: {reason}. Check your key, password or token with `git ls-remote`,"
            " and ask the server's owner for the right to do this",
            reason=reason,
        )


class HostKeyRejected(RemoteUnauthorized):
    """The server's SSH host key or TLS certificate is unknown, or is not the one that was known."""

    def __init__(self, remote: str, reason: str) -> None:
        RemoteError.__init__(
            self,
            remote,
            f"{remote} could not prove who it is: {reason}. Compare its key or certificate with what its owner tells"
            " you, then trust it in ssh's known_hosts or Git's http.sslCAInfo",
            reason=reason,
        )


class RemoteRejected(RemoteError):
    """The server answered and said no to a ref; nothing changed there."""

    def __init__(self, remote: str, ref: str, reason: str) -> None:
        self.ref = ref
        super().__init__(remote, f"{remote} did not accept {ref}: {reason}. Nothing was changed there", reason=reason)


class NoRepository(RemoteUnreachable):
    """The address leads somewhere, and there is no repository: trying again does not help."""

    def __init__(self, remote: str, reason: str) -> None:
        RemoteError.__init__(
            self,
            remote,
            f"There is no Git repository at {remote}: {reason}. Check the address, and that you may read it",
            reason=reason,
        )


class RemoteRefNotFound(RemoteError, NotFound):
    """The remote has no such ref."""

    def __init__(self, remote: str, ref: str) -> None:
        self.ref = ref
        super().__init__(
            remote, f"{remote} has no {ref}. It was deleted, or never pushed there", reason=f"there is no {ref}"
        )


class RemoteRefMoved(RemoteRejected):
    """A ref of the remote is not where we expected it: somebody else pushed or deleted it meanwhile."""


class NamespaceRefused(RemoteRejected):
    """The host takes no refs of this kind; branches may do."""


class PartlyRejected(RemoteRejected):
    """A server took some refs and not others.

    Attributes:
        accepted: the refs that it took.
    """

    def __init__(self, remote: str, ref: str, reason: str, accepted: Sequence[str]) -> None:
        self.ref = ref
        self.accepted = tuple(accepted)
        RemoteError.__init__(
            self, remote, f"{remote} accepted {', '.join(accepted)}, but not {ref}: {reason}", reason=reason
        )


class FetchTooLarge(RemoteError):
    """The remote sends more than was asked for; the fetch was cut off."""

    def __init__(self, remote: str, limit: int) -> None:
        self.limit = limit
        super().__init__(
            remote, f"{remote} sends more than {limit:,} bytes; the fetch was stopped", reason=f"over {limit:,} bytes"
        )


class UnsoundObjects(RemoteError):
    """The remote sent objects that are damaged, incomplete or forbidden."""

    def __init__(self, remote: str, reason: str) -> None:
        super().__init__(remote, f"{remote} sent unsound objects, and nothing was taken: {reason}", reason=reason)
