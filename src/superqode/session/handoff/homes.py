"""Where agents that sessions are handed over to keep their things, as documented by each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["HOMES", "HomeRule"]


@dataclass(frozen=True, slots=True)
class HomeRule:
    """Where an agent keeps its things; for whoever knows the environment.

    Attributes:
        variable: the environment variable that names the folder; where it is not set, `~` and `below` do.
        below: the folder's path below the user's home.
        under: the folder's path below what the variable names; empty where the variable names the folder itself.
    """

    variable: str
    below: str
    under: str = ""


# By the agent's name on the command line.
HOMES: Final[Mapping[str, HomeRule]] = {
    "claude-code": HomeRule("CLAUDE_CONFIG_DIR", ".claude"),
    "codex": HomeRule("CODEX_HOME", ".codex"),
    "gemini": HomeRule("GEMINI_CLI_HOME", ".gemini", ".gemini"),
    "opencode": HomeRule("XDG_DATA_HOME", ".local/share/opencode", "opencode"),
    "pi": HomeRule("PI_CODING_AGENT_DIR", ".pi/agent"),
    "qwen": HomeRule("QWEN_HOME", ".qwen"),
}
