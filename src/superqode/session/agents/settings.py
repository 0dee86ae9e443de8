"""Hooks in an agent's settings.json: Claude Code's form, which Gemini CLI and Qwen Code share.

`{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "…"}]}]}}`; a command is run by a shell.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from superqode.session.agents.json_text import Container, append, container_at, member, take_out
from superqode.session.agents.shim import SHIM_NAME

__all__ = ["JsonHook"]

_HOOKS: Final = "hooks"
_EMPTY: Final = "{}\n"


@dataclass(frozen=True, slots=True)
class JsonHook:
    """Our entry under one event of an agent's settings.

    Attributes:
        agent: the agent's name, which the command says.
        event: the agent's name for the end of a turn.
    """

    agent: str
    event: str

    def command(self, shim: str) -> str:
        """What the agent is to run; it succeeds also where the store has gone away."""
        path = shlex.quote(shim)
        return f"test -x {path} && {path} {self.agent}; exit 0"

    def found(self, text: str) -> list[str]:
        """Give our commands that stand in the settings.

        Raises:
            ValueError: they cannot be edited, and why.
        """
        return [command for _, _, command in _ours(text, self.event)]

    def added(self, text: str, shim: str) -> str:
        """Put our entry in, in place of an older one; the rest stays as it is.

        Raises:
            ValueError: they cannot be edited, and why.
        """
        command = self.command(shim)
        if self.found(text) == [command]:
            return text
        text = self.removed(text) if text.strip() else _EMPTY
        entry = {_HOOKS: [{"type": "command", "command": command}]}
        root = container_at(text)
        hooks = member(text, root, _HOOKS)
        if hooks is None:
            return append(text, root, {self.event: [entry]}, _HOOKS)
        event = member(text, hooks, self.event)
        return append(text, hooks, [entry], self.event) if event is None else append(text, event, entry)

    def removed(self, text: str) -> str:
        """Take our entries out, and what is empty without them.

        Raises:
            ValueError: they cannot be edited, and why.
        """
        while ours := _ours(text, self.event):
            text = _without(text, self.event, *ours[0][:2])
        return text


def _ours(text: str, event: str) -> list[tuple[int, int, str]]:
    """Our commands: the number of the group in the event, of the hook in the group, and the command."""
    settings = _parsed(text)
    groups = _typed(
        _typed(settings.get(_HOOKS, {}), dict, "its hooks are no object").get(event, []), list, f"{event} is no list"
    )
    found = []
    for number, group in enumerate(groups):
        hooks = group.get(_HOOKS, []) if isinstance(group, dict) else []
        for place, hook in enumerate(hooks if isinstance(hooks, list) else []):
            command = hook.get("command") if isinstance(hook, dict) else None
            if isinstance(command, str) and f"/{SHIM_NAME}" in command:
                found.append((number, place, command))
    return found


def _parsed(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        settings = json.loads(text)
    except ValueError as problem:
        if "//" in text or "/*" in text:
            raise ValueError(f"it is JSON with comments, or damaged ({problem})") from problem
        raise ValueError(f"it is no JSON ({problem})") from problem
    except RecursionError as problem:
        raise ValueError("it is nested too deeply") from problem
    whole: dict[str, Any] = _typed(settings, dict, "it is no JSON object")
    return whole


def _typed(value: Any, kind: type[Any], otherwise: str) -> Any:
    if not isinstance(value, kind):
        _refuse(otherwise)
    return value


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


def _without(text: str, event: str, group: int, hook: int) -> str:
    root, hooks, groups = _way(text, event)
    element = container_at(text, groups.items[group][0])
    inner = member(text, element, _HOOKS)
    if inner is not None and len(inner.items) > 1:
        return take_out(text, inner, hook)
    if len(groups.items) > 1:
        return take_out(text, groups, group)
    if len(hooks.items) > 1:
        return take_out(text, hooks, hooks.names.index(event))
    return take_out(text, root, root.names.index(_HOOKS))


def _way(text: str, event: str) -> tuple[Container, Container, Container]:
    root = container_at(text)
    hooks = member(text, root, _HOOKS)
    groups = member(text, hooks, event) if hooks is not None else None
    if hooks is None or groups is None:
        _refuse("its hooks cannot be found again")
    return root, hooks, groups
