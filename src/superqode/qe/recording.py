"""A quality run, written into a session step by step, each saved at once: a killed run is there up to its last step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from superqode.qe.checks import Check
from superqode.qe.running import Ran
from superqode.qe.runs import RoleResult
from superqode.qe.sandbox import Sandbox
from superqode.session import SessionStore
from superqode.session.models import Message, MessageRole, Session, ToolExecution
from superqode.session.models.findings import Finding, Verdict
from superqode.session.models.severity import METADATA_KEY, Severity

__all__ = ["TAG", "Record"]

TAG: Final = "qe"
_TOOL: Final = "run_command"
_SPEAKER: Final = "qe"
_VERSION: Final = 1
# Findings in one message: an entry's JSON stays well under the megabyte that hosts advise.
_BATCH: Final = 200
# Lines of findings in the text of a message; all are in its metadata.
_LINES: Final = 50
# What `end` puts behind a title.
_RESULT: Final = "(: ({})(, [0-9]+ ({}))*)?".format(
    "|".join(verdict.value for verdict in Verdict), "|".join(level.value for level in Severity)
)


class Record:
    """Writes one run.

    Args:
        session: the session that keeps it.
        store: where it is saved.
        plain: takes the sandbox's paths out of a text.
        title: what runs call the session, which is given the verdict in the end; empty where its title stays.
    """

    def __init__(self, session: Session, store: SessionStore, plain: Callable[[str], str], title: str = "") -> None:
        self.session = session
        self._title = title if re.fullmatch(re.escape(title) + _RESULT, session.title) else ""
        self._store = store
        self._plain = plain
        self._counts: Counter[Severity] = Counter()
        self._outcomes: dict[str, str] = {}
        self._told: dict[str, Any] = {}

    def begin(self, project: str, mode: str, roles: Sequence[str], fail_on: Severity, sandbox: Sandbox) -> None:
        """Say what is to be done, and on what."""
        if TAG not in self.session.tags:
            self.session.tags.append(TAG)
        self._told = {"version": _VERSION, "mode": mode, "fail_on": fail_on.value, "commit": sandbox.head}
        self._summarise(Verdict.INCOMPLETE)
        where = f"a work tree on {sandbox.head[:12]}" if sandbox.head else "a copy"
        linked = f", with {', '.join(sandbox.linked)} linked" if sandbox.linked else ""
        lines = [
            f"Quality session of {project}, {mode}: {', '.join(roles)}.",
            f"Works in {where} of {sandbox.files:,} files{linked}; the project itself is not touched.",
        ]
        if sandbox.removed:
            lines.append(f"Removed what {sandbox.removed} killed runs had left.")
        told = self._told | {"kind": "begin", "project": project, "roles": list(roles), "sandbox": sandbox.kind}
        self._say(MessageRole.SYSTEM, "\n".join(lines), _SPEAKER, told)

    def check(self, role: str, check: Check, ran: Ran) -> None:
        """Keep a command with what it said."""
        command = [self._plain(word) for word in check.command]
        told = {
            "kind": "check",
            "role": role,
            "tool": check.tool,
            "exit_code": ran.exit_code,
            "ended": ran.ended,
            "cut_bytes": ran.cut,
        }
        self.session.add(
            ToolExecution(
                tool_name=_TOOL,
                arguments={"command": command, "cwd": "."},
                result=self._plain(ran.output),
                success=ran.exit_code == 0,
                duration_ms=ran.duration_ms,
                agent_name=role,
                metadata={METADATA_KEY: told},
            )
        )
        self._store.save(self.session)

    def result(self, result: RoleResult) -> None:
        """Keep what a role found: one message, more where there is much."""
        self._counts.update(finding.severity for finding in result.findings)
        self._outcomes[result.role] = result.outcome.value
        self._summarise(Verdict.INCOMPLETE)
        found = result.findings
        batches = [found[start : start + _BATCH] for start in range(0, len(found), _BATCH)] or [[]]
        for number, batch in enumerate(batches):
            told = {
                "kind": "role",
                "role": result.role,
                "outcome": result.outcome.value,
                "notes": [] if number else list(result.notes),
                "findings": [finding.model_dump(mode="json") for finding in batch],
                "unlisted": result.unlisted,
            }
            head = [] if number else [f"{result.role}: {result.outcome.value}", *(f"- {note}" for note in result.notes)]
            self._say(MessageRole.ASSISTANT, "\n".join([*head, *_lines(batch)]), result.role, told)

    def entries(self, entries: Iterable[Message | ToolExecution]) -> None:
        """Keep an agent's turn; what it did to files it did in the sandbox, so the session's lists stay."""
        created, modified = list(self.session.files_created), list(self.session.files_modified)
        for entry in entries:
            self.session.add(entry)
        self.session.files_created, self.session.files_modified = created, modified
        self._store.save(self.session)

    def end(self, verdict: Verdict, why: str = "") -> None:
        """Say what came out."""
        self._summarise(verdict)
        counted = ", ".join(f"{self._counts[level]} {level.value}" for level in Severity if self._counts[level])
        told = f"Verdict: {verdict.value}. Findings: {counted or 'none'}." + (f" {why}" if why else "")
        if self._title:
            self.session.title = f"{self._title}: {verdict.value}" + (f", {counted}" if counted else "")
        self._say(MessageRole.ASSISTANT, told, _SPEAKER, {"kind": "end", "verdict": verdict.value})

    def _say(self, role: MessageRole, content: str, agent: str, told: dict[str, Any]) -> None:
        self.session.add_message(role, content, agent_name=agent, metadata={METADATA_KEY: told})
        self._store.save(self.session)

    def _summarise(self, verdict: Verdict) -> None:
        """What listings find a session by, in its metadata; saved with the next step."""
        counts = {level.value: self._counts[level] for level in Severity if self._counts[level]}
        summary = self._told | {"verdict": verdict.value, "findings": counts, "roles": dict(self._outcomes)}
        self.session.metadata = self.session.metadata | {METADATA_KEY: summary}


def _lines(findings: Sequence[Finding]) -> list[str]:
    shown = [
        f"- {finding.severity.value} {finding.rule} {finding.place}: {finding.message}".replace("\n", " ")
        for finding in findings[:_LINES]
    ]
    more = len(findings) - len(shown)
    return ["", *shown, *([f"- and {more} more"] if more else [])] if shown else []
