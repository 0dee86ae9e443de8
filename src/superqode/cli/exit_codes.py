"""Errors → exit codes, here and nowhere else.

An error is looked up by the names of its classes, the nearest first: nothing has to be imported for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

__all__ = ["ExitCode", "exit_code_for", "help_lines"]


class ExitCode(IntEnum):
    """What `superqode` ends with; part of the interface, so a number never changes its meaning."""

    OK = 0
    ERROR = 1
    USAGE = 2
    PARTLY = 3
    FINDINGS = 4
    NO_STORE = 10
    LOCKED = 11
    WRONG_PASSWORD = 12
    NOT_FOUND = 13
    CORRUPT = 14
    FORBIDDEN = 15
    REMOTE_FAILED = 16
    CANCELLED = 130


_MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "done",
    ExitCode.ERROR: "an error",
    ExitCode.USAGE: "the command line, or the config file, is wrong",
    ExitCode.PARTLY: "partly done: what failed is named",
    ExitCode.FINDINGS: "a quality run found what fails it",
    ExitCode.NO_STORE: "the store named is none",
    ExitCode.LOCKED: "locked, or another process was faster: try again",
    ExitCode.WRONG_PASSWORD: "wrong password, or a sync key that is wrong or missing",
    ExitCode.NOT_FOUND: "not found, or the id fits several",
    ExitCode.CORRUPT: "damaged data, or a share or sync that was tampered with",
    ExitCode.FORBIDDEN: "expired or forbidden",
    ExitCode.REMOTE_FAILED: "the remote failed",
    ExitCode.CANCELLED: "cancelled",
}

_BY_ERROR: Final[Mapping[str, ExitCode]] = {
    "UsageError": ExitCode.USAGE,
    "ConfigError": ExitCode.USAGE,
    "InvalidSessionId": ExitCode.USAGE,
    "ProjectUnusable": ExitCode.USAGE,
    "UnknownRole": ExitCode.USAGE,
    "UnknownRule": ExitCode.USAGE,
    "NoAgent": ExitCode.USAGE,
    "StoreNotFound": ExitCode.NO_STORE,
    "NotAStore": ExitCode.NO_STORE,
    "UnsupportedStore": ExitCode.NO_STORE,
    "StoreLocked": ExitCode.LOCKED,
    "RefConflict": ExitCode.LOCKED,
    "NotFound": ExitCode.NOT_FOUND,
    # A newer format is whole: updating superqode reads it.
    "NewerFormat": ExitCode.ERROR,
    "CorruptSession": ExitCode.CORRUPT,
    "CorruptObject": ExitCode.CORRUPT,
    "CorruptLedger": ExitCode.CORRUPT,
    "StoreNotOwned": ExitCode.FORBIDDEN,
    "InvalidShareToken": ExitCode.USAGE,
    "InvalidShareConfig": ExitCode.USAGE,
    "WrongPassword": ExitCode.WRONG_PASSWORD,
    "ShareTampered": ExitCode.CORRUPT,
    "ShareExpired": ExitCode.FORBIDDEN,
    "NotForkable": ExitCode.FORBIDDEN,
    "InvalidRemote": ExitCode.USAGE,
    # A name that is not configured: no remote was asked.
    "RemoteNotFound": ExitCode.NOT_FOUND,
    "RemoteError": ExitCode.REMOTE_FAILED,
    "InvalidSyncWords": ExitCode.USAGE,
    "SyncAmbiguous": ExitCode.USAGE,
    "SyncExists": ExitCode.USAGE,
    "SyncNotSetUp": ExitCode.NOT_FOUND,
    "WrongSyncKey": ExitCode.WRONG_PASSWORD,
    "SyncKeyMissing": ExitCode.WRONG_PASSWORD,
    "SyncKeyRotated": ExitCode.FORBIDDEN,
    "SyncKeyUnfinished": ExitCode.REMOTE_FAILED,
    "SyncTampered": ExitCode.CORRUPT,
    "SyncContended": ExitCode.LOCKED,
    "Abort": ExitCode.CANCELLED,
    "KeyboardInterrupt": ExitCode.CANCELLED,
    # The reader of our output had enough (`| head`), which is no failure.
    "OutputClosed": ExitCode.OK,
}


def exit_code_for(problem: BaseException) -> ExitCode:
    """Give the exit code of an error: that of the nearest class that has one, else `ERROR`."""
    names = [kind.__name__ for kind in type(problem).__mro__]
    return next((_BY_ERROR[name] for name in names if name in _BY_ERROR), ExitCode.ERROR)


def help_lines(codes: Iterable[ExitCode] = ExitCode) -> str:
    """Give the table of exit codes, or of some of them, for the end of help."""
    return "Exit codes:\n" + "".join(f"  {code:>3}  {_MEANINGS[code]}\n" for code in sorted(codes))
