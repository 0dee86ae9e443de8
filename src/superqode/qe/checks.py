"""What roles are made of: a `Check` is one command and the way to read what it says; reading gives `Draft`s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from superqode.qe.running import Ran
from superqode.session.models.severity import Severity

__all__ = ["Check", "Draft", "Reading", "says_it_failed"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A fault as a tool tells it; paths as it wrote them.

    Attributes:
        rule: what was broken, in the tool's own word.
        severity: how bad it is.
        message: what is wrong.
        file: where; absolute, or relative to where the tool ran.
        line: the line, from 1; 0 where none is told.
        evidence: what shows it.
        identity: what stays the same when the fault moves or is told otherwise, such as a test's name; the
            message without its numbers, and the source line, where empty.
    """

    rule: str
    severity: Severity
    message: str
    file: str = ""
    line: int = 0
    evidence: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a command's output says.

    Attributes:
        drafts: the faults.
        note: one line for people, such as how many tests there were.
        broke: why the tool could not do its work; empty where it did.
    """

    drafts: Sequence[Draft] = ()
    note: str = ""
    broke: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One command of a role.

    Attributes:
        tool: its name for people.
        command: program and arguments.
        read: reads what it said, once it ended by itself.
        fine: exit codes with which the tool did its work, faults found or not.
        missing: why it cannot be run; then it is said and not run.
    """

    tool: str
    command: tuple[str, ...] = ()
    read: Callable[[Ran], Reading] = lambda _ran: Reading()
    fine: frozenset[int] = frozenset((0, 1))
    missing: str = ""


def says_it_failed(tool: str, rule: str, severity: Severity) -> Callable[[Ran], Reading]:
    """Read a command that tells no more than by its exit code: one fault with the end of its output."""

    def read(ran: Ran) -> Reading:
        if ran.exit_code == 0:
            return Reading()
        told = Draft(rule, severity, f"{tool} ended with exit code {ran.exit_code}", evidence=ran.output, identity=tool)
        return Reading((told,))

    return read
