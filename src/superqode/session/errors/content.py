"""Errors about sessions and what is in them, and the root of the tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

PACKED_REFS: Final = "packed-refs"
"""What `CorruptObject` names where the file of most refs is damaged."""

Outcome = Literal["not saved", "saved", "unknown"]


class SessionError(Exception):
    """The root of all errors of this library."""


class InvalidSession(SessionError, ValueError):
    """A session holds something that cannot be stored."""


class InvalidSessionId(InvalidSession):
    """A session id that must not become a ref or a path.

    Attributes:
        session_id: the refused id.
        reason: what is wrong with it, as a clause.
    """

    def __init__(self, session_id: object, reason: str) -> None:
        self.session_id = session_id
        self.reason = reason
        shown = repr(session_id)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        super().__init__(
            f"{shown} is no session id: {reason}. Use 1 to 128 of A-Z a-z 0-9 . _ - and start with a letter or digit"
        )


class InvalidEntry(InvalidSession):
    """A message or tool execution holds something that cannot be stored."""


class DuplicateEntry(InvalidSession):
    """Two entries of one session have the same id."""

    def __init__(self, session_id: str, entry_id: str) -> None:
        self.session_id = session_id
        self.entry_id = entry_id
        super().__init__(
            f"Session {session_id} would hold two entries with the id {entry_id!r}. Give each entry an id of its own"
        )


class NotFound(SessionError, LookupError):
    """Something that was asked for by name is not there."""


class SessionNotFound(NotFound):
    """No session has this id.

    Attributes:
        session_id: the id asked for.
        near: ids of this store that look like it.
    """

    def __init__(self, session_id: str, near: Sequence[str] = (), *, hint: str = "") -> None:
        self.session_id = session_id
        self.near = tuple(near)
        message = f"There is no session {session_id!r}."
        if near:
            message += " Did you mean " + " or ".join(near) + "?"
        message += hint or " `superqode sessions list` shows all, `superqode sessions trash` the deleted ones"
        super().__init__(message)


class SessionDeleted(SessionNotFound):
    """The session was deleted or renamed by somebody else while it was open here; another may have its id by now."""

    def __init__(self, session_id: str, *, taken: bool = False) -> None:
        if taken:
            self.session_id, self.near = session_id, ()
            LookupError.__init__(
                self,
                f"Session {session_id} was deleted or renamed while it was open here, and another session has its id"
                " now; nothing was saved. Save it under another id with session.fork(title)",
            )
            return
        super().__init__(
            session_id,
            hint=(
                " It was deleted while it was open here, and nothing was saved."
                f" Bring it back with `superqode sessions undelete {session_id}` and save again,"
                " or save it under another id with session.fork(title)"
            ),
        )


class SnapshotNotFound(NotFound):
    """A session has no snapshot of this id."""

    def __init__(self, session_id: str, snapshot_id: str, known: Sequence[str] = ()) -> None:
        self.session_id = session_id
        self.snapshot_id = snapshot_id
        self.known = tuple(known)
        listed = "It has: " + ", ".join(known) if known else "It has no snapshots"
        super().__init__(f"Session {session_id} has no snapshot {snapshot_id!r}. {listed}")


class RevisionNotFound(NotFound):
    """A save, snapshot or commit named for a session does not belong to it."""

    def __init__(self, session_id: str, revision: str) -> None:
        self.session_id = session_id
        self.revision = revision
        super().__init__(
            f"Session {session_id} has no save or snapshot {revision!r}."
            f" `superqode sessions log {session_id}` shows its saves"
        )


class AmbiguousId(NotFound):
    """A prefix fits more than one id."""

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        self.prefix = prefix
        self.candidates = tuple(candidates)
        shown = ", ".join(candidates[:8]) + (f" and {len(candidates) - 8} more" if len(candidates) > 8 else "")
        super().__init__(f"{prefix!r} could be {shown}. Give more of the id")


class UnknownRule(SessionError, ValueError):
    """What was given is neither a rule of the redaction nor the mark of a secret.

    Attributes:
        named: what was given.
        near: rules that look like it.
    """

    def __init__(self, named: str, near: Sequence[str] = ()) -> None:
        self.named = named
        self.near = tuple(near)
        meant = " Did you mean " + " or ".join(near) + "?" if near else ""
        super().__init__(
            f"There is no rule {named[:64]!r}, and no mark looks like that.{meant}"
            " `superqode sessions scan` names the rules and marks of what it finds"
        )


class UnrelatedSessions(SessionError, ValueError):
    """Two sessions that have no save in common are to be merged.

    Attributes:
        session_id: the session that was to take the other in.
        other: the other, as it was named.
        clashes: how many entries of both have one id and are not the same: then there is no merging them at all.
    """

    def __init__(self, session_id: str, other: str, *, clashes: int = 0) -> None:
        self.session_id = session_id
        self.other = other
        self.clashes = clashes
        if clashes:
            told = "one entry has" if clashes == 1 else f"{clashes} entries have"
            super().__init__(
                f"In {other} {told} the id of another entry in session {session_id}, and would take its place: the"
                " two were written by a program that counts its messages. They cannot be merged; nothing was changed."
                " `superqode sessions edit --add-tag` on both tells that they belong together"
            )
            return
        super().__init__(
            f"{other} has no save in common with session {session_id}, so it is no fork of it and no other life of it."
            " `superqode sessions merge --unrelated` puts one conversation after the other all the same"
        )


class NothingToUndo(SessionError):
    """The session is at its first state."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        super().__init__(f"There is nothing to undo in session {session_id}: it is at its first save")


class NothingToRedo(SessionError):
    """Nothing was undone since the last save."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        super().__init__(f"There is nothing to redo in session {session_id}: nothing was undone since its last save")


class SessionExists(SessionError, ValueError):
    """Another session already has this id.

    Args:
        session_id: the id.
        told: what is so and what to do about it, where it is no save of other content.
    """

    def __init__(self, session_id: str, told: str = "") -> None:
        self.session_id = session_id
        super().__init__(
            told
            or f"A session {session_id} with other content exists already."
            " Load it and add to it, save with replace=True to put this on top of it, or use another id"
        )

    @classmethod
    def taken(cls, session_id: str, remedy: str = "Choose another id") -> SessionExists:
        """The error of a verb that gives an id, and can give another."""
        return cls(session_id, f"There is a session {session_id} already. {remedy}")


class CorruptSession(SessionError, ValueError):
    """A session's stored bytes are not what the format says.

    Attributes:
        session_id: the session, where known.
        path: the path inside the session's tree, where known.
    """

    def __init__(self, session_id: str, reason: str, *, path: str = "") -> None:
        self.session_id = session_id
        self.path = path
        self.reason = reason
        where = f" at {path}" if path else ""
        super().__init__(
            f"Session {session_id} is damaged{where}: {reason}."
            f" `superqode sessions verify {session_id}` tells more; earlier saves may be whole"
            f" (`superqode sessions log {session_id}`), and `superqode sessions repair` saves what can be read"
        )


class NewerFormat(CorruptSession):
    """A session or store was written in a format this version does not know."""

    def __init__(self, session_id: str, found: str, known: int) -> None:
        self.found = found
        self.known = known
        SessionError.__init__(
            self,
            f"{session_id} has format {found!r}; this superqode writes format {known}."
            " Update superqode to change it; nothing was written",
        )
        self.session_id = session_id
        self.path = "format"
        self.reason = "newer format"


class CorruptObject(SessionError, ValueError):
    """An object of the repository is damaged or missing.

    Attributes:
        oid: its object id, 40 hex digits; or a ref's name, or `packed-refs`.
        reason: what is wrong.
    """

    def __init__(self, oid: str, reason: str) -> None:
        self.oid = oid
        self.reason = reason
        told = "`superqode sessions verify` names what it belongs to"
        if oid == PACKED_REFS:
            told = "`superqode sessions repair` sets the line aside and keeps all others"
        super().__init__(f"{'The file' if oid == PACKED_REFS else 'Git object'} {oid} is damaged: {reason}. {told}")


class SaveFailed(SessionError, OSError):
    """A save did not come to its end.

    Attributes:
        session_id: the session.
        outcome: `"not saved"`, `"saved"` (but something after it failed), or `"unknown"`.
    """

    def __init__(self, session_id: str, outcome: Outcome, reason: str) -> None:
        self.session_id = session_id
        self.outcome: Outcome = outcome
        self.reason = reason
        told = {
            "not saved": "was not saved",
            "saved": "was saved, but then something failed",
            "unknown": "may or may not be saved durably",
        }[outcome]
        super().__init__(f"Session {session_id} {told}: {reason}. Saving again is safe")


class TranscriptError(SessionError, ValueError):
    """A transcript cannot be imported."""

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{source} was not imported: {reason}")


class UnknownTranscript(TranscriptError):
    """No importer knows this file's format."""

    def __init__(self, source: str) -> None:
        super().__init__(
            source, "no importer knows its format (`superqode sessions import --help` lists the known ones)"
        )


class HandoffError(SessionError, ValueError):
    """A session cannot be handed over."""

    def __init__(self, session_id: str, reason: str) -> None:
        self.session_id = session_id
        self.reason = reason
        super().__init__(f"Session {session_id} cannot be handed over: {reason}")
