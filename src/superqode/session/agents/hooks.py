"""Which hook of which agent tells that a turn is over, and the file where it is set up; each was seen to fire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from superqode.session.agents.notify import Notify
from superqode.session.agents.plugins import OPENCODE, PI
from superqode.session.agents.settings import JsonHook
from superqode.session.agents.table import agent_named
from superqode.session.handoff.homes import HomeRule

__all__ = ["HOOKS", "Edit", "HookRule", "hook_of"]


class Edit(Protocol):
    """Edits the text of a settings file; each method raises `ValueError` with the reason where it cannot be edited."""

    def found(self, text: str) -> list[str]:
        """What is ours in it."""

    def added(self, text: str, shim: str) -> str:
        """The text with ours in it; the same text where it is there already."""

    def removed(self, text: str) -> str:
        """The text without ours; empty where the file is to go."""


@dataclass(frozen=True, slots=True)
class HookRule:
    """An agent's hook.

    Attributes:
        agent: the agent's name.
        home: the folder that the file is in.
        file: the file's path below that, with `/`.
        edit: edits its text.
    """

    agent: str
    home: HomeRule
    file: str
    edit: Edit


def _home(agent: str) -> HomeRule:
    return agent_named(agent).places[0].home


HOOKS: Final = (
    HookRule("claude-code", _home("claude-code"), "settings.json", JsonHook("claude-code", "Stop")),
    HookRule("codex", _home("codex"), "config.toml", Notify()),
    HookRule("gemini", _home("gemini"), "settings.json", JsonHook("gemini", "AfterAgent")),
    HookRule(
        "opencode", HomeRule("XDG_CONFIG_HOME", ".config/opencode", "opencode"), "plugins/superqode-rescue.js", OPENCODE
    ),
    HookRule("pi", _home("pi"), "extensions/superqode-rescue.ts", PI),
    HookRule("qwen", _home("qwen"), "settings.json", JsonHook("qwen", "Stop")),
)


def hook_of(agent: str) -> HookRule:
    """Give the hook of an agent.

    Raises:
        KeyError: there is none.
    """
    return {hook.agent: hook for hook in HOOKS}[agent]
