"""`superqode hooks … --agent`: coding agents that tell superqode after each turn."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click

from superqode.cli.agent_homes import home_of
from superqode.cli.options import open_store, wants_json
from superqode.cli.output import emit, emit_json, note
from superqode.cli.text import line
from superqode.session.agents.hooks import HOOKS, HookRule, hook_of
from superqode.session.agents.table import agent_named
from superqode.session.store.agent_hooks import AgentHook, AgentHooks
from superqode.session.store.hooks import HookState
from superqode.session.store.rescue_reports import last_error

if TYPE_CHECKING:
    from superqode.session import SessionStore

__all__ = ["AgentStates", "agent_option", "agent_states", "change_agents", "tell_agents"]

F = TypeVar("F", bound=Callable[..., Any])

_NAMES: Final = [hook.agent for hook in HOOKS]
_TOLD: Final = {
    HookState.MISSING: "no hook. `superqode hooks install --agent {agent}` puts it there",
    HookState.INSTALLED: "installed",
    HookState.OUTDATED: "of another store or version, or it cannot run."
    " `superqode hooks install --agent {agent}` renews it",
    HookState.FOREIGN: "cannot be edited: {problem}",
}


@dataclass(frozen=True, slots=True)
class AgentStates:
    """The hooks of all agents, whether each agent is on this machine, and the last thing that went wrong."""

    hooks: tuple[AgentHook, ...]
    here: frozenset[str]
    last_error: str

    def to_dict(self) -> dict[str, Any]:
        """Give what there is as plain JSON values."""
        return {"agents": [hook.to_dict() for hook in self.hooks], "last_error": self.last_error}


def agent_option(function: F) -> F:
    """Add `--agent NAME`, which may be given again."""
    return click.option(
        "--agent",
        "agents",
        metavar="NAME",
        multiple=True,
        type=click.Choice(_NAMES),
        help=f"The settings of a coding agent, instead of the store; again for more: {', '.join(_NAMES)}.",
    )(function)


def agent_states() -> AgentStates:
    """Look into the settings of every agent."""
    with open_store(notice=False) as store:
        hooks = _hooks(store)
        states = tuple(hooks.status(rule, _path(rule)) for rule in HOOKS)
        here = frozenset(rule.agent for rule in HOOKS if _path(rule).parent.exists())
        return AgentStates(states, here, last_error(store.path))


def tell_agents(states: AgentStates) -> None:
    """Print what stands in the settings of the agents that are here."""
    for hook in states.hooks:
        if hook.agent in states.here:
            _tell(hook)
    if states.last_error:
        note(f"the last rescue behind an agent's back that failed: {states.last_error}")


def change_agents(
    ctx: click.Context, agents: tuple[str, ...], server: Path | None, verb: Literal["install", "remove"]
) -> None:
    """Put hooks into agents' settings, or take them out.

    Raises:
        AgentSettingsError: settings cannot be edited; those of agents named before are done.
    """
    if server is not None:
        raise click.UsageError("--agent and --server are two places: give one of them", ctx)
    done = []
    with open_store(create=True, notice=False) as store:
        hooks = _hooks(store)
        for agent in dict.fromkeys(agents):
            rule = hook_of(agent)
            before = hooks.status(rule, _path(rule))
            after = hooks.install(rule, _path(rule)) if verb == "install" else hooks.remove(rule, _path(rule))
            done.append(after)
            if not wants_json():
                _tell_change(before, after, verb)
    if wants_json():
        emit_json([hook.to_dict() for hook in done])


def _hooks(store: SessionStore) -> AgentHooks:
    return AgentHooks(store, sys.executable)


def _path(rule: HookRule) -> Path:
    home = home_of(rule.home)
    return (home or Path.home()) / rule.file


def _tell(hook: AgentHook) -> None:
    title = agent_named(hook.agent).title
    emit(f"{title}, {line(hook.path)}: {_TOLD[hook.state].format(agent=hook.agent, problem=line(hook.problem))}")


def _tell_change(before: AgentHook, after: AgentHook, verb: str) -> None:
    title, path = agent_named(after.agent).title, line(after.path)
    if verb == "install":
        already = " already" if before.state is HookState.INSTALLED else ""
        emit(f"Installed{already}: {title} reports each turn from its next start on ({path})")
    elif before.state is HookState.MISSING:
        emit(f"Nothing to remove: no hook of superqode is in {path}")
    else:
        emit(f"Removed: {title} reports no more ({path})")
