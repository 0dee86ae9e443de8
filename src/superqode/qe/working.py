"""A role at work in the sandbox: its commands one after the other, within its time, each kept as it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from superqode.qe.agents import as_the_roles, ask_agent
from superqode.qe.checks import Check, Reading
from superqode.qe.faults import Places, findings_of
from superqode.qe.project import Project
from superqode.qe.recording import Record
from superqode.qe.roles import AGENT_ROLES, checks_of
from superqode.qe.running import Ran
from superqode.qe.runs import Outcome, RoleResult
from superqode.session import clock
from superqode.session.errors import AgentError
from superqode.session.models.severity import Severity

__all__ = ["Event", "EventKind", "Listener", "Worker"]

EventKind = Literal["sandbox", "role", "command", "output", "note", "result", "verdict"]

# Findings of one role that are kept, the worst first; more than that nobody reads.
_LISTED_MAX: Final = 1_000
_NOT_STARTED: Final = 127


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in a run.

    Attributes:
        kind: `sandbox` (it is made), `role` (one begins), `command` (one begins), `output` (a piece of what it says),
            `note` (what a command came to), `result` (what a role came to), `verdict` (the end).
        role: whose it is; empty for the run's own.
        text: for people; of an `output` as the tool said it.
    """

    kind: EventKind
    role: str
    text: str


Listener = Callable[[Event], None]


@dataclass(slots=True)
class Worker:
    """Lets roles work.

    Attributes:
        project: the copy they work on.
        places: its paths as people know them.
        record: keeps what they do.
        fail_on: the severity from which a finding fails a role.
        agent: how the agent of agent roles is started.
        on_event: told what happens, also from other threads.
    """

    project: Project
    places: Places
    record: Record
    fail_on: Severity
    agent: Sequence[str]
    on_event: Listener

    def work(self, role: str) -> RoleResult:
        """Let a role work; gives what it found, kept already."""
        self._tell("role", role, role)
        shift = _Shift(RoleResult(role), clock.monotonic() + self.project.seconds)
        if role in AGENT_ROLES:
            self._ask(shift)
        else:
            for check in checks_of(role, self.project):
                self._check(shift, check)
        result = shift.finish(self.fail_on)
        self.record.result(result)
        self._tell("result", role, f"{result.outcome.value}, {len(result.findings)} found")
        return result

    def _tell(self, kind: EventKind, role: str, text: str) -> None:
        self.on_event(Event(kind, role, text))

    # -- commands -------------------------------------------------------------------------------------------------

    def _check(self, shift: _Shift, check: Check) -> None:
        role = shift.result.role
        if check.missing:
            self._note(shift, f"{check.tool}: {self.places.plain(check.missing)}")
            return
        left = shift.deadline - clock.monotonic()
        if self.project.runner.stop.is_set() or left <= 0:
            shift.incomplete = True
            self._note(shift, f"{check.tool}: not run, {'the time of the role was over' if left <= 0 else 'stopped'}")
            return
        self._tell("command", role, self.places.plain(" ".join(check.command)))
        ran = self.project.runner.run(
            check.command,
            timeout=left,
            on_output=lambda text: self._tell("output", role, text),
        )
        self.record.check(role, check, ran)
        shift.ran += 1
        self._take(shift, check.tool, self._read(check, ran))

    def _read(self, check: Check, ran: Ran) -> Reading:
        if ran.ended == "timeout":
            return Reading(broke=f"ended when the role's {self.project.seconds:g} seconds were over")
        if ran.ended:
            return Reading(broke="stopped")
        if ran.exit_code == _NOT_STARTED:
            return Reading(broke="it cannot be started")
        try:
            reading = check.read(ran)
        except (ValueError, RecursionError) as problem:  # numbers that are none, nesting without end
            reading = Reading(broke=f"its output cannot be read ({type(problem).__name__})")
        if reading.broke:
            lines = ran.output.strip().splitlines()
            said = f"; it said: {lines[-1][:200]}" if lines else ""
            return Reading(reading.drafts, reading.note, f"{reading.broke} (exit code {ran.exit_code}){said}")
        if ran.exit_code not in check.fine and not reading.drafts:
            return Reading(note=reading.note, broke=f"it ended with exit code {ran.exit_code}")
        return reading

    def _take(self, shift: _Shift, tool: str, reading: Reading) -> None:
        shift.result.findings += findings_of(reading.drafts, shift.result.role, tool, self.places)
        shift.incomplete = shift.incomplete or bool(reading.broke)
        counted = f"{len(reading.drafts)} found" if reading.drafts else ""
        told = [reading.note or counted, self.places.plain(reading.broke)]
        self._note(shift, f"{tool}: {'; '.join(part for part in told if part) or 'fine'}")

    def _note(self, shift: _Shift, text: str) -> None:
        shift.result.notes.append(text)
        self._tell("note", shift.result.role, text)

    # -- agents ---------------------------------------------------------------------------------------------------

    def _ask(self, shift: _Shift) -> None:
        role, runner = shift.result.role, self.project.runner
        self._tell("command", role, " ".join(self.agent))
        try:
            asking = ask_agent(
                self.agent,
                role,
                self.project.folder,
                seconds=self.project.seconds,
                environment=runner.environment,
                stop=runner.stop,
                on_output=lambda text: self._tell("output", role, text),
            )
            asked = asyncio.run(asking)
        except AgentError as problem:
            if problem.turn is not None:
                self.record.entries(as_the_roles(problem.turn, role, self.agent[0]))
            self._take(shift, self.agent[0], Reading(broke=str(problem)))
            return
        self.record.entries(asked.entries)
        shift.ran += 1
        self._take(shift, asked.agent, asked.reading)


@dataclass(slots=True)
class _Shift:
    """A role's work so far."""

    result: RoleResult
    deadline: float
    ran: int = 0
    incomplete: bool = False

    def finish(self, fail_on: Severity) -> RoleResult:
        result = self.result
        order = list(Severity)
        found = sorted(result.findings, key=lambda one: order.index(one.severity))
        result.findings, result.unlisted = found[:_LISTED_MAX], max(0, len(found) - _LISTED_MAX)
        if not self.ran and not result.notes:
            result.notes.append("there is nothing for this role in the project")
        if any(finding.severity.at_least(fail_on) for finding in result.findings):
            result.outcome = Outcome.FAILED
        elif self.incomplete:
            result.outcome = Outcome.INCOMPLETE
        else:
            result.outcome = Outcome.PASSED if self.ran else Outcome.SKIPPED
        return result
