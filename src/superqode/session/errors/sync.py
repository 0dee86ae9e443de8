"""Errors about keeping one's own stores alike through a remote."""

from __future__ import annotations

from collections.abc import Sequence

from superqode.session.errors.content import NotFound, SessionError


class SyncError(SessionError):
    """A store cannot be synced.

    Attributes:
        remote: the remote's name or URL, without credentials; empty where none is meant.
    """

    def __init__(self, remote: str, message: str) -> None:
        self.remote = remote
        super().__init__(message)


class SyncNotSetUp(SyncError, NotFound):
    """The store is not synced with this remote yet, or with none."""

    def __init__(self, remote: str = "") -> None:
        where = f"with {remote}" if remote else "with any remote"
        name = remote or "REMOTE"
        super().__init__(
            remote,
            f"This store is not synced {where} yet. `superqode sync init {name}` begins;"
            f" `superqode sync join {name}` joins what another machine began",
        )


class SyncAmbiguous(SyncError, ValueError):
    """The store is synced with several remotes, and none was named.

    Attributes:
        found: their names.
    """

    def __init__(self, found: Sequence[str]) -> None:
        self.found = tuple(found)
        super().__init__("", f"This store is synced with several remotes: {', '.join(found)}. Say which one is meant")


class SyncExists(SyncError, ValueError):
    """There is a sync already where one was to be begun."""

    def __init__(self, remote: str, reason: str) -> None:
        self.reason = reason
        super().__init__(remote, f"No sync was begun on {remote}: {reason}")


class InvalidSyncWords(SyncError, ValueError):
    """What was given are not the words of a sync key."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            "",
            f"These are not the words of a sync key: {reason}. `superqode sync key show` prints them on a machine that"
            " has the key",
        )


class WrongSyncKey(SyncError, PermissionError):
    """The key is another sync's."""

    def __init__(self, remote: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            remote,
            f"The sync key does not open what is on {remote}: {reason}. Nothing was changed. Check the words"
            " (`superqode sync key show` on another machine), or the remote",
        )


class SyncKeyMissing(SyncError, PermissionError):
    """This machine does not have the key any more."""

    def __init__(self, remote: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            remote,
            f"The key of the sync with {remote} is not on this machine: {reason}. `superqode sync join {remote}` takes"
            " its words (`superqode sync key show` prints them on another machine). Without any machine that has it,"
            " what is on the remote stays closed: `superqode sync init --again` begins a new one with what is here",
        )


class SyncKeyRotated(SyncError, PermissionError):
    """Another machine made a new key; what is under the old one is gone from the remote."""

    def __init__(self, remote: str) -> None:
        super().__init__(
            remote,
            f"The key of the sync with {remote} was changed on another machine. Ask for the new words (`superqode sync"
            f" key show` there) and give them to `superqode sync join {remote}`. What is only here stays, and is"
            " synced then",
        )


class SyncKeyUnfinished(SyncError):
    """A new key was made and is kept here, but not everything is under it yet. The next sync finishes that."""

    def __init__(self, remote: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            remote,
            f"The new key of the sync with {remote} is made and kept here, but not everything is under it yet:"
            f" {reason}. The next `superqode sync` on this machine finishes that; then other machines need its words"
            " (`superqode sync key show`)",
        )


class SyncTampered(SyncError, ValueError):
    """What is on the remote is not what a machine with the key wrote. Nothing of it was taken."""

    def __init__(self, remote: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            remote,
            f"What is synced on {remote} is damaged or was tampered with: {reason}. Nothing was taken from it, and"
            " nothing here was changed. Restore the remote from a backup, or begin anew from a whole machine:"
            " `superqode sync init --again`",
        )


class UnknownSyncVersion(SyncError, ValueError):
    """The sync was written in a format this version does not know."""

    def __init__(self, remote: str, found: str) -> None:
        self.found = found
        super().__init__(remote, f"The sync on {remote} has format {found}. Update superqode on this machine")


class SyncContended(SyncError, TimeoutError):
    """Others were faster each time."""

    def __init__(self, remote: str, rounds: int) -> None:
        self.rounds = rounds
        super().__init__(
            remote,
            f"Other machines wrote to {remote}, or sessions changed here, {rounds} times in a row while this one was"
            " syncing. Nothing is lost; sync again",
        )
