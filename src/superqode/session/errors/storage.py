"""Errors about the store as a whole, its backups, and the `git` program."""

from __future__ import annotations

from superqode.session.errors.content import SessionError


class StoreError(SessionError):
    """The store as a whole cannot be used."""


class CorruptLedger(StoreError):
    """What the store knows of its shares cannot be read; its sessions can."""


class StoreNotFound(StoreError, FileNotFoundError):
    """There is no store at this path; `nearer` is one below it, if there is one."""

    def __init__(self, path: object, *, nearer: object = None) -> None:
        self.path = path
        self.nearer = nearer
        hint = "Saving a session there makes one" if nearer is None else f"There is one at {nearer}: name that"
        super().__init__(f"There is no session store at {path}. {hint}")


class NotAStore(StoreError):
    """The path holds something that is not a session store."""

    def __init__(self, path: object, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} is no session store: {reason}. Choose another folder with --store or storage_dir=")


class UnsupportedStore(StoreError):
    """The store is a kind of Git repository that this library cannot read."""

    def __init__(self, path: object, what: str, remedy: str) -> None:
        self.path = path
        self.what = what
        super().__init__(f"The store {path} uses {what}, which superqode cannot read. {remedy}")


class StoreNotOwned(StoreError, PermissionError):
    """The store belongs to another user."""

    def __init__(self, path: object, owner: int, user: int) -> None:
        self.path = path
        self.owner = owner
        super().__init__(
            f"The store {path} belongs to user {owner}, and you are user {user}."
            " Sessions hold secrets, so only their owner opens a store: use your own store,"
            " or hand sessions over with `superqode share` or `superqode sessions backup`"
        )


class StoreUnwritable(StoreError, PermissionError):
    """The store, or a file in it, cannot be written."""

    def __init__(self, path: object, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be written: {reason}. Give yourself write permission there, or use --store")


class StoreLocked(StoreError, TimeoutError):
    """Somebody holds a lock for longer than we wait."""

    def __init__(self, path: object, waited: float) -> None:
        self.path = path
        super().__init__(f"{path} was locked by another process for {waited:.1f} s. Try again in a moment")


class AlreadyWatched(StoreLocked):
    """Another process rescues sessions into this store all the time."""

    def __init__(self, path: object) -> None:
        self.path = path
        Exception.__init__(
            self,
            f"Another `superqode sessions rescue --watch` looks after the store {path}, and one is enough."
            " Without --watch this looks once",
        )


class RefConflict(StoreError):
    """A ref is not at the value it was expected to have; nothing was changed."""

    def __init__(self, ref: str, expected: str | None, found: str | None) -> None:
        self.ref = ref
        self.expected = expected
        self.found = found
        super().__init__(
            f"{ref} is at {found or 'nothing'}, not at {expected or 'nothing'}: somebody else changed it. Try again"
        )


class StoreClosed(StoreError):
    """The store object was closed."""

    def __init__(self) -> None:
        super().__init__("This SessionStore is closed. Open a new one")


class AgentSettingsError(SessionError, ValueError):
    """A coding agent's settings file cannot be edited; it is as it was."""

    def __init__(self, path: object, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} cannot be edited: {reason}. Nothing was changed; put that right and try again")


class BackupError(SessionError):
    """A backup cannot be made, verified or restored."""


class GitError(SessionError):
    """The `git` program is needed and cannot help."""


class GitMissing(GitError):
    """The `git` program is not there, or too old."""

    def __init__(self, purpose: str, reason: str = "it is not on the PATH") -> None:
        self.purpose = purpose
        super().__init__(
            f"{purpose} needs the git program (2.31 or newer), and {reason}."
            " Install it from https://git-scm.com; saving and reading sessions work without it"
        )


class GitFailed(GitError):
    """The `git` program refused.

    Attributes:
        command: which of its commands.
        code: its exit code.
        said: the end of what it wrote to standard error.
    """

    def __init__(self, command: str, code: int, message: str) -> None:
        self.command = command
        self.code = code
        self.said = message.strip()
        super().__init__(f"git {command} failed with exit code {code}: {message.strip() or 'no message'}")
