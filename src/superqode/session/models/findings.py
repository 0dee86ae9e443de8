"""What quality runs find: one `Finding` a fault, and the summary a session's metadata keeps of them.

A finding comes from a tool's output or from an agent's words, and is read again from stored sessions: every field is
bounded, and `file` is a relative path that leads nowhere else.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from superqode.session.models.severity import Severity

__all__ = [
    "EVIDENCE_MAX",
    "FILE_MAX",
    "TEXT_MAX",
    "Finding",
    "Verdict",
    "inside",
]

# Lengths in characters; longer text is cut by who makes the finding.
TEXT_MAX: Final = 2_000
EVIDENCE_MAX: Final = 4_000
FILE_MAX: Final = 1_000


class Verdict(StrEnum):
    """What came out of a quality run."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


def inside(path: str) -> bool:
    """Whether a path with `/` is relative and never leaves where it starts."""
    parts = PurePosixPath(path).parts
    return not path.startswith("/") and ".." not in parts and "\0" not in path and "\\" not in path


def _relative(path: str) -> str:
    if not inside(path):
        raise ValueError("must be a relative path inside the project")
    return path


class Finding(BaseModel):
    """One fault.

    Attributes:
        id: names it inside its run.
        fingerprint: 32 hex digits, the same in every run that finds the same fault, wherever it has moved to.
        severity: how bad it is.
        role: who found it.
        tool: with what; for an agent its name.
        rule: what was broken, in the tool's own word.
        message: what is wrong.
        file: where, relative to the project with `/`; empty where no file is meant.
        line: the line in it, from 1; 0 where none is known.
        evidence: what shows it: the source line, the end of a traceback.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=64)]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    severity: Severity
    role: Annotated[str, Field(min_length=1, max_length=100)]
    tool: Annotated[str, Field(max_length=100)] = ""
    rule: Annotated[str, Field(min_length=1, max_length=200)]
    message: Annotated[str, Field(max_length=TEXT_MAX)]
    file: Annotated[str, Field(max_length=FILE_MAX), AfterValidator(_relative)] = ""
    line: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    evidence: Annotated[str, Field(max_length=EVIDENCE_MAX)] = ""

    @property
    def place(self) -> str:
        """`file:line`, or as much of it as is known."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file
