"""Errors about operations that cannot be taken back."""

from __future__ import annotations

from superqode.session.errors.content import NotFound, SessionError


class OperationError(SessionError):
    """An operation cannot be taken back; nothing was changed.

    Attributes:
        operation: the operation's id; empty where none was found.
    """

    def __init__(self, operation: str, message: str) -> None:
        self.operation = operation
        super().__init__(message)


class OperationNotFound(OperationError, NotFound):
    """There is no such operation in the log, or none at all."""

    def __init__(self, text: str, hint: str = "`superqode ops` lists those there are") -> None:
        super().__init__("", f"There is no operation {text} to take back. {hint}")


class OperationFinal(OperationError):
    """The operation forgot something for good, or was taken back already."""

    def __init__(self, operation: str, verb: str, reason: str) -> None:
        self.verb = verb
        super().__init__(operation, f"The operation {operation} ({verb}) cannot be taken back: {reason}")


class OperationBlocked(OperationError):
    """Something that happened since stands in the way of taking an operation back.

    Attributes:
        verb: what the operation did.
        reason: what stands in the way, and what to do about it.
    """

    def __init__(self, operation: str, verb: str, reason: str) -> None:
        self.verb = verb
        self.reason = reason
        super().__init__(operation, f"The operation {operation} ({verb}) was not taken back: {reason}")
