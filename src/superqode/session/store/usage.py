"""What a model was asked and what that cost, where an agent wrote it down. Each agent has names of its own.

| agent | where | names |
|---|---|---|
| Claude Code | each message | `input_tokens`, `output_tokens` |
| Codex | the session | `input_tokens`, `output_tokens`, `total_tokens` |
| Gemini CLI, opencode, Pi | each message | `input`, `output`; Pi `cost` in US dollars |
| Qwen Code | each message | `promptTokenCount`, `candidatesTokenCount` |
| ACP traffic | the session, below `acp` | `inputTokens`, `outputTokens`, `cost.amount` with `cost.currency` |

Agents count differently (some with what a cache held, some without), so the sums are as good as theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["NOTHING", "Usage", "usage_of"]

_INPUT: Final = ("input", "input_tokens", "inputTokens", "promptTokenCount")
_OUTPUT: Final = ("output", "output_tokens", "outputTokens", "candidatesTokenCount")
# What a file claims must not spoil a sum: above this it is no count.
_MAX_TOKENS: Final = 10**12
_MAX_DOLLARS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in and out, and US dollars, as an agent told them; `None` where it told none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    dollars: float | None = None

    def __bool__(self) -> bool:
        """Whether anything was told."""
        return self != NOTHING


NOTHING: Final = Usage()


def usage_of(metadata: Mapping[str, Any]) -> Usage:
    """Find the usage in the metadata of a message or a session."""
    about = _mapping(metadata.get("usage")) or _mapping(_mapping(metadata.get("acp")).get("usage"))
    return Usage(_tokens(about, _INPUT), _tokens(about, _OUTPUT), _dollars(about.get("cost")))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _tokens(about: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = about.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_TOKENS:
            return value
    return None


def _dollars(cost: object) -> float | None:
    if isinstance(cost, Mapping):
        cost = cost.get("amount") if cost.get("currency") == "USD" else None
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        return None
    return float(cost) if math.isfinite(cost) and 0 <= cost <= _MAX_DOLLARS else None
