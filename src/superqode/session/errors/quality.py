"""Errors about quality runs: the project, its sandbox, the roles, and what a session says of a run."""

from __future__ import annotations

from collections.abc import Iterable

from superqode.session.errors.content import NotFound, SessionError


class QualityError(SessionError):
    """A quality run cannot begin or go on."""


class ProjectUnusable(QualityError):
    """The folder that is to be checked cannot be."""

    def __init__(self, path: object, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be checked: {reason}")


class UnknownRole(QualityError, ValueError):
    """No role has this name."""

    def __init__(self, role: object, known: Iterable[str]) -> None:
        self.role = role
        super().__init__(f"There is no role {str(role)[:80]!r}. The roles are {', '.join(known)}")


class SandboxFailed(QualityError, OSError):
    """No sandbox can be made; nothing was run, and the project was not touched."""

    def __init__(self, path: object, reason: str) -> None:
        self.path = path
        super().__init__(f"No sandbox can be made at {path}: {reason}")


class NoAgent(QualityError):
    """A role needs an agent, and there is none."""

    def __init__(self, role: str, reason: str) -> None:
        self.role = role
        super().__init__(f"The role {role} needs an agent: {reason}")


class NoQualityRun(QualityError, NotFound):
    """A session holds no quality run that could be reported."""

    def __init__(self, session_id: str, reason: str = "it holds none") -> None:
        self.session_id = session_id
        super().__init__(f"Session {session_id} has no quality run to report: {reason}. `superqode qe run` makes one")
