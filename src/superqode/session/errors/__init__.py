"""Every error the library raises, as one tree.

    SessionError
    ├── InvalidSession (ValueError)           content that no session may hold
    │   ├── InvalidSessionId                  an id that must not become a ref or a path
    │   ├── InvalidEntry                      a message or execution that cannot be stored
    │   └── DuplicateEntry                    two entries with one id
    ├── NotFound (LookupError)
    │   ├── SessionNotFound                   no such session (with ids that look alike)
    │   │   └── SessionDeleted                it was there when it was loaded, and was deleted or renamed since
    │   ├── SnapshotNotFound
    │   ├── RevisionNotFound
    │   └── AmbiguousId                       a prefix of several ids
    ├── NothingToUndo, NothingToRedo
    ├── UnknownRule (ValueError)              neither a rule of the redaction nor a mark
    ├── UnrelatedSessions (ValueError)        sessions without a common save are to be merged
    ├── OperationError                        an operation cannot be taken back
    │   ├── OperationNotFound (NotFound)      there is no such one, or none at all
    │   ├── OperationFinal                    it forgot something for good, or was taken back already
    │   └── OperationBlocked                  something that happened since stands in the way
    ├── SessionExists (ValueError)            the id is taken by another session
    ├── CorruptSession (ValueError)           a session's bytes are not what the format says
    │   └── NewerFormat                       written by a newer superqode
    ├── CorruptObject (ValueError)            an object of the repository is damaged or missing
    ├── SaveFailed (OSError)                  says whether it is saved, not saved or unknown
    ├── StoreError
    │   ├── StoreNotFound (FileNotFoundError)
    │   ├── NotAStore                         a folder or repository that is something else
    │   ├── UnsupportedStore                  a Git repository this library cannot read
    │   ├── StoreNotOwned (PermissionError)
    │   ├── StoreUnwritable (PermissionError)
    │   ├── StoreLocked (TimeoutError)
    │   │   └── AlreadyWatched                another process rescues into the store all the time
    │   ├── CorruptLedger                     what it knows of its shares; its sessions are not touched
    │   ├── RefConflict                       a ref moved under us (internal retries use it)
    │   └── StoreClosed
    ├── TranscriptError (ValueError)          an importer cannot use this input
    │   └── UnknownTranscript                 no importer knows the format
    ├── HandoffError (ValueError)             a session cannot be written for an agent
    ├── AgentError                            an agent cannot be started, talked to or recorded
    │   ├── AcpMissing (ImportError)          the package that speaks the protocol is not installed
    │   ├── AgentNotStarted (OSError)
    │   ├── AgentDied (ConnectionError)       before it had answered
    │   ├── AgentTimedOut (TimeoutError)
    │   ├── AgentProtocolError (ValueError)   what it sends is not the protocol
    │   └── AgentRefused                      it answered with an error
    ├── AgentSettingsError (ValueError)       an agent's settings file cannot be edited
    ├── BackupError                           a backup cannot be made, verified or restored
    ├── QualityError                          a quality run cannot begin or go on
    │   ├── ProjectUnusable                   the folder cannot be checked
    │   ├── UnknownRole (ValueError)
    │   ├── SandboxFailed (OSError)           no sandbox can be made
    │   ├── NoAgent                           a role needs an agent that is not there
    │   └── NoQualityRun (NotFound)           a session holds no run
    ├── GitError
    │   ├── GitMissing                        the `git` program is not there or too old
    │   └── GitFailed                         `git` said no
    ├── ShareError                            a share cannot be made, read or changed
    │   ├── InvalidShareToken (ValueError)    neither a token nor a share's URL
    │   ├── InvalidShareConfig (ValueError)   such a share makes no sense
    │   ├── ShareNotFound (NotFound)
    │   ├── ShareRevoked (NotFound)           by its owner, here
    │   ├── ShareExpired (PermissionError)
    │   ├── NotForkable (PermissionError)
    │   ├── WrongPassword (PermissionError)   or a link whose secret is not the share's
    │   │   └── PasswordRequired
    │   ├── UnknownShareVersion (ValueError)
    │   └── ShareTampered (ValueError)        changed, cut, mixed, hostile
    │       ├── ShareRolledBack               an older state than was seen before
    │       ├── ShareTooLarge
    │       └── KdfRefused                    parameters too weak, or too costly
    ├── SyncError                             a store cannot be synced with others
    │   ├── SyncNotSetUp (NotFound)           not with this remote, or with none
    │   ├── SyncAmbiguous (ValueError)        it is synced with several remotes, and none was named
    │   ├── SyncExists (ValueError)           there is one already where one was to be begun
    │   ├── InvalidSyncWords (ValueError)     a typing error, or no key at all
    │   ├── WrongSyncKey (PermissionError)    another sync's key
    │   ├── SyncKeyMissing (PermissionError)  the key is not on this machine any more
    │   ├── SyncKeyRotated (PermissionError)  another machine made a new key
    │   ├── SyncKeyUnfinished                 a new key is made here, and not in use everywhere yet
    │   ├── SyncTampered (ValueError)         damaged, or not written with the key
    │   ├── UnknownSyncVersion (ValueError)
    │   └── SyncContended (TimeoutError)      others were faster each time
    └── RemoteError                           a remote cannot be used
        ├── InvalidRemote (ValueError)        a URL or name that no remote may have
        ├── RemoteNotFound (NotFound)         no remote of this name is configured
        │   └── NoDefaultRemote               none was named, and none is the default
        ├── RemoteRefNotFound (NotFound)      the remote has no such ref
        ├── RemoteUnreachable (ConnectionError)
        │   └── NoRepository                  an address without a repository: trying again does not help
        ├── RemoteUnauthorized (PermissionError)
        │   └── HostKeyRejected               SSH host key or TLS certificate
        ├── RemoteRejected                    the server said no to a ref
        │   ├── RemoteRefMoved                it is not where it was expected
        │   ├── NamespaceRefused              a host that takes branches only
        │   └── PartlyRejected                some refs were taken, others not
        ├── FetchTooLarge                     the remote sends more than was asked for
        └── UnsoundObjects                    the remote sends damaged or forbidden objects

Each message says what happened, names the thing it happened to, and says what to do next.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from superqode.session.errors.content import (
    AmbiguousId,
    CorruptObject,
    CorruptSession,
    DuplicateEntry,
    HandoffError,
    InvalidEntry,
    InvalidSession,
    InvalidSessionId,
    NewerFormat,
    NotFound,
    NothingToRedo,
    NothingToUndo,
    Outcome,
    RevisionNotFound,
    SaveFailed,
    SessionDeleted,
    SessionError,
    SessionExists,
    SessionNotFound,
    SnapshotNotFound,
    TranscriptError,
    UnknownRule,
    UnknownTranscript,
    UnrelatedSessions,
)
from superqode.session.errors.storage import (
    AgentSettingsError,
    AlreadyWatched,
    BackupError,
    CorruptLedger,
    GitError,
    GitFailed,
    GitMissing,
    NotAStore,
    RefConflict,
    StoreClosed,
    StoreError,
    StoreLocked,
    StoreNotFound,
    StoreNotOwned,
    StoreUnwritable,
    UnsupportedStore,
)

if TYPE_CHECKING:
    from superqode.session.errors.agents import (
        AcpMissing,
        AgentDied,
        AgentError,
        AgentNotStarted,
        AgentProtocolError,
        AgentRefused,
        AgentTimedOut,
    )
    from superqode.session.errors.operations import (
        OperationBlocked,
        OperationError,
        OperationFinal,
        OperationNotFound,
    )
    from superqode.session.errors.quality import (
        NoAgent,
        NoQualityRun,
        ProjectUnusable,
        QualityError,
        SandboxFailed,
        UnknownRole,
    )
    from superqode.session.errors.sharing import (
        FetchTooLarge,
        HostKeyRejected,
        InvalidRemote,
        InvalidShareConfig,
        InvalidShareToken,
        KdfRefused,
        NamespaceRefused,
        NoDefaultRemote,
        NoRepository,
        NotForkable,
        PartlyRejected,
        PasswordRequired,
        RemoteError,
        RemoteNotFound,
        RemoteRefMoved,
        RemoteRefNotFound,
        RemoteRejected,
        RemoteUnauthorized,
        RemoteUnreachable,
        ShareError,
        ShareExpired,
        ShareNotFound,
        ShareRevoked,
        ShareRolledBack,
        ShareTampered,
        ShareTooLarge,
        UnknownShareVersion,
        UnsoundObjects,
        WrongPassword,
    )
    from superqode.session.errors.sync import (
        InvalidSyncWords,
        SyncAmbiguous,
        SyncContended,
        SyncError,
        SyncExists,
        SyncKeyMissing,
        SyncKeyRotated,
        SyncKeyUnfinished,
        SyncNotSetUp,
        SyncTampered,
        UnknownSyncVersion,
        WrongSyncKey,
    )

__all__ = [
    "AcpMissing",
    "AgentDied",
    "AgentError",
    "AgentNotStarted",
    "AgentProtocolError",
    "AgentRefused",
    "AgentSettingsError",
    "AgentTimedOut",
    "AlreadyWatched",
    "AmbiguousId",
    "BackupError",
    "CorruptLedger",
    "CorruptObject",
    "CorruptSession",
    "DuplicateEntry",
    "FetchTooLarge",
    "GitError",
    "GitFailed",
    "GitMissing",
    "HandoffError",
    "HostKeyRejected",
    "InvalidEntry",
    "InvalidRemote",
    "InvalidSession",
    "InvalidSessionId",
    "InvalidShareConfig",
    "InvalidShareToken",
    "InvalidSyncWords",
    "KdfRefused",
    "NamespaceRefused",
    "NewerFormat",
    "NoAgent",
    "NoDefaultRemote",
    "NoQualityRun",
    "NoRepository",
    "NotAStore",
    "NotForkable",
    "NotFound",
    "NothingToRedo",
    "NothingToUndo",
    "OperationBlocked",
    "OperationError",
    "OperationFinal",
    "OperationNotFound",
    "Outcome",
    "PartlyRejected",
    "PasswordRequired",
    "ProjectUnusable",
    "QualityError",
    "RefConflict",
    "RemoteError",
    "RemoteNotFound",
    "RemoteRefMoved",
    "RemoteRefNotFound",
    "RemoteRejected",
    "RemoteUnauthorized",
    "RemoteUnreachable",
    "RevisionNotFound",
    "SandboxFailed",
    "SaveFailed",
    "SessionDeleted",
    "SessionError",
    "SessionExists",
    "SessionNotFound",
    "ShareError",
    "ShareExpired",
    "ShareNotFound",
    "ShareRevoked",
    "ShareRolledBack",
    "ShareTampered",
    "ShareTooLarge",
    "SnapshotNotFound",
    "StoreClosed",
    "StoreError",
    "StoreLocked",
    "StoreNotFound",
    "StoreNotOwned",
    "StoreUnwritable",
    "SyncAmbiguous",
    "SyncContended",
    "SyncError",
    "SyncExists",
    "SyncKeyMissing",
    "SyncKeyRotated",
    "SyncKeyUnfinished",
    "SyncNotSetUp",
    "SyncTampered",
    "TranscriptError",
    "UnknownRole",
    "UnknownRule",
    "UnknownShareVersion",
    "UnknownSyncVersion",
    "UnknownTranscript",
    "UnrelatedSessions",
    "UnsoundObjects",
    "UnsupportedStore",
    "WrongPassword",
    "WrongSyncKey",
]

# What no store raises that is merely read: imported when it is first asked for (PEP 562).
_RARE: Final = ("agents", "operations", "quality", "sharing", "sync")


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    for home in _RARE if name in __all__ else ():
        found = vars(import_module(f"{__name__}.{home}"))
        if name in found:
            globals()[name] = found[name]
            return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
