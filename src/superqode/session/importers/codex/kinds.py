"""The kinds of records in a Codex rollout, by what becomes of them."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "ANSWER_EVENTS",
    "CODE_MODE_ITEMS",
    "INSTRUCTIONS",
    "LEGACY_ITEMS",
    "NOT_TYPED",
    "OUTPUTS",
    "PROMPT_EVENTS",
    "REPEATED",
    "REPEATS",
    "STARTED_ITEMS",
    "TOOL_ITEMS",
    "reason_for",
]

# Roles of messages that tell the model how to behave.
INSTRUCTIONS: Final = frozenset(("developer", "system"))
OUTPUTS: Final = frozenset(("function_call_output", "custom_tool_call_output", "tool_search_output"))

# Events (older versions) and completed items (newer ones) that repeat a message.
PROMPT_EVENTS: Final = frozenset(("user_message", "UserMessage"))
ANSWER_EVENTS: Final = frozenset(("agent_message", "AgentMessage"))
# Kinds that events about prompts once had besides the plain one.
NOT_TYPED: Final = frozenset(("user_instructions", "environment_context"))

# What tells about a call, and what told the same before there were completed items.
TOOL_ITEMS: Final = frozenset(
    (
        "CommandExecution",
        "FileChange",
        "McpToolCall",
        "DynamicToolCall",
        "CollabAgentToolCall",
        "WebSearch",
        "Extension",
    )
)
LEGACY_ITEMS: Final = {
    "exec_command_end": "CommandExecution",
    "patch_apply_end": "FileChange",
    "mcp_tool_call_end": "McpToolCall",
    "web_search_end": "WebSearch",
}
# Those that have a call's id only in code mode; elsewhere they repeat a call that may have another one.
CODE_MODE_ITEMS: Final = frozenset(("CollabAgentToolCall", "WebSearch", "Extension"))
# What tells that an agent was started.
STARTED_ITEMS: Final = frozenset(("SubAgentActivity", "sub_agent_activity"))

# Why a record that says what another one says is left out, and the events that always do.
REPEATED: Final = "repeats of other records"
REPEATS: Final = frozenset(
    (
        "agent_reasoning",
        "agent_reasoning_raw_content",
        "image_generation_end",
        "context_compacted",
        "Reasoning",
        "ImageGeneration",
        "ContextCompaction",
    )
)

_PLAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def reason_for(kind: str, of: str) -> str:
    """Say why a record became nothing: its kind; short and plain, whatever it holds."""
    return f"{kind} {of}" if _PLAIN_NAME.fullmatch(kind) else f"unknown {of}"
