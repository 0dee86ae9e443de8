"""What a Codex tool call asks for: a name and arguments, wherever the kind of record keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.fields import mapping_at, text_at

__all__ = ["CALL_KINDS", "KINDS_WITHOUT_OUTPUT", "as_asked", "asked", "done"]

# Calls that the model's server runs: their record is all there is.
KINDS_WITHOUT_OUTPUT: Final = {
    "web_search_call": "web_search",
    "image_generation_call": "image_generation",
}
CALL_KINDS: Final = frozenset(
    ("function_call", "custom_tool_call", "local_shell_call", "tool_search_call", *KINDS_WITHOUT_OUTPUT)
)

# What every completed item has beside what it is about.
_ENVELOPE: Final = frozenset(("type", "id", "kind", "status"))


def asked(item: Mapping[str, Any], kind: str) -> tuple[str, dict[str, Any]]:
    """Give the name and the arguments of a call's record."""
    name = text_at(item, "name") or KINDS_WITHOUT_OUTPUT.get(kind, kind.removesuffix("_call"))
    if kind == "custom_tool_call":
        text = item.get("input")
        return name, {"input": text} if isinstance(text, str) else arguments_of(text)
    if kind in ("local_shell_call", "web_search_call"):
        return name, _action(item)
    if kind == "image_generation_call":
        return name, {"prompt": text_at(item, "revised_prompt")}
    return name, arguments_of(item.get("arguments"))


def as_asked(item: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a call asks for in Codex's own shape."""
    return {name: item[name] for name in ("arguments", "input", "action") if name in item}


def done(item: Mapping[str, Any], kind: str) -> tuple[str, dict[str, Any]]:
    """Give the name and the arguments of a call that only an event tells of."""
    if kind == "CommandExecution":
        return "exec_command", {"cmd": _script(item.get("command"))}
    if kind == "FileChange":
        return "apply_patch", {"changes": mapping_at(item, "changes")}
    if kind == "WebSearch":
        return "web_search", _action(item) or {"query": text_at(item, "query")}
    if kind == "CollabAgentToolCall":
        prompt = text_at(item, "prompt")
        return text_at(item, "tool") or kind, {"message": prompt} if prompt else {}
    if kind == "Extension":
        return text_at(item, "kind") or kind, {name: item[name] for name in item.keys() - _ENVELOPE}
    invocation = mapping_at(item, "invocation") or item
    name = text_at(invocation, "tool") or kind
    server = text_at(invocation, "server")
    return f"mcp__{server}__{name}" if server else name, arguments_of(invocation.get("arguments"))


def _action(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in mapping_at(item, "action").items() if name != "type"}


def _script(command: object) -> str:
    """The script of `["bash", "-lc", script]`, and any other command as it stands."""
    if isinstance(command, str):
        return command
    words = [word for word in command if isinstance(word, str)] if isinstance(command, list) else []
    if len(words) == 3 and words[1] in ("-lc", "-c", "-Command"):
        return words[2]
    return " ".join(words)
