"""The roles of a quality run: what each looks for, and which commands that takes in a project.

Deterministic roles run the project's own tools. Agent roles hand a prompt to an agent (`agents.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Final

from superqode.qe.checks import Check
from superqode.qe.project import Project
from superqode.qe.tools import go, node, python, rust
from superqode.session.errors import NoAgent, UnknownRole

__all__ = ["AGENT_ROLES", "MODES", "ROLES", "TOOL_ROLES", "checks_of", "chosen_roles"]

# Role → the function of that name in each module of `tools`.
TOOL_ROLES: Final[Mapping[str, str]] = {
    "smoke_tester": "smoke",
    "lint_tester": "lint",
    "regression_tester": "regression",
    "coverage_tester": "coverage",
}
# Role → what an agent is asked to look for.
AGENT_ROLES: Final[Mapping[str, str]] = {
    "security_tester": (
        "security faults: injection, path traversal, unsafe deserialisation, missing authentication or authorisation,"
        " secrets in code, unsafe defaults"
    ),
    "api_tester": (
        "faults of its public interfaces: inputs that are not validated, undocumented errors, inconsistent names and"
        " status codes, changes that break callers"
    ),
    "edge_case_tester": (
        "inputs and states that the code does not handle: empty, huge, malformed, concurrent, interrupted"
    ),
    "performance_tester": "code that becomes slow or takes much memory with large inputs",
    "test_reviewer": "behaviour that no test checks, and tests that cannot fail",
}
ROLES: Final = (*TOOL_ROLES, *AGENT_ROLES)
# Mode → the roles it has when none are named, and the seconds that each of them may take.
MODES: Final[Mapping[str, tuple[tuple[str, ...], float]]] = {
    "quick": (("smoke_tester", "lint_tester", "regression_tester"), 300.0),
    "deep": (tuple(TOOL_ROLES), 1800.0),
}
_KINDS: Final[tuple[ModuleType, ...]] = (python, node, rust, go)


def chosen_roles(named: Iterable[str] | None, mode: str, *, agent: bool) -> tuple[str, ...]:
    """The roles of a run: those named, each once, else those of the mode; deep mode with an agent has all.

    Raises:
        UnknownRole: there is no role, or mode, of this name.
        NoAgent: a role needs an agent, and none was given.
    """
    if mode not in MODES:
        raise UnknownRole(mode, MODES)
    given = tuple(dict.fromkeys(named or ()))
    for role in given:
        if role not in ROLES:
            raise UnknownRole(role, ROLES)
        if role in AGENT_ROLES and not agent:
            raise NoAgent(role, "name one with --agent (agent=…), a command that speaks ACP")
    everything = ROLES if mode == "deep" and agent else MODES[mode][0]
    return given or everything


def checks_of(role: str, project: Project) -> Iterator[Check]:
    """The commands that a role runs in a project; none where nothing of it is for the role."""
    for kind in _KINDS:
        if kind.applies(project):
            yield from getattr(kind, TOOL_ROLES[role])(project)
