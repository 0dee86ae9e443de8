"""What was said in a Codex rollout: texts of messages, and who really said them.

Codex sends a lot in the user's name: the environment, AGENTS.md, notices. What a person typed is a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from superqode.session.importers.fields import list_at, mapping_at, text_at

__all__ = ["Block", "Said", "Speech", "Thought", "is_injected", "pairing_key", "prompt_core", "read_content"]

# How texts begin that Codex puts into the user's mouth.
_INJECTED: Final = re.compile(
    r"\s*(?:<(?:environment_context|user_instructions|instructions|permissions|app-context|apps_instructions"
    r"|skill|skills?_instructions|plugins?_instructions|recommended_plugins|collaboration_mode|multi_agent_mode"
    r"|model_switch|personality_spec|realtime_conversation|token_budget|context_window|rollout_budget|turn_aborted"
    r"|subagent_notification|agent_message_board_notification|user_shell_command|goal_context"
    r"|codex_internal_context|hook_prompt)[\w-]*[\s>]"
    r"|# AGENTS\.md instructions|Warning: (?:apply_patch was requested|The maximum number of unified exec))",
    re.IGNORECASE,
)
# The wrapping that Codex puts around a picture.
_IMAGE_TAG: Final = re.compile(r"\s*</?(?:local_)?image\b[^>]*>\s*")
# What an editor puts before the prompt ends with this heading.
_EDITOR_HEADING: Final = "## My request for Codex:"


# How a call is asked for, or its place on disk where there are too many to hold.
Block = dict[str, Any] | int
# The same of a thought.
Thought = str | int


@dataclass(slots=True)
class Said:
    """A message on its way: what is known of it grows while the file is read.

    Attributes:
        role: who is recorded as speaking.
        text: the text.
        time: when.
        native_id: the id Codex gave it; empty where it gave none.
        records: how many records of this file stand behind it.
        typed: whether a person typed it; None while nobody said so.
        injected: whether it looks like something Codex put there.
        gone: why it is not part of the session after all; empty while it is.
        inherited: whether it came from the parent's file.
        calls: the calls this answer asks for, or where they stand.
        thinking: summaries of the reasoning behind this answer, or where they stand.
        metadata: anything else.
    """

    role: str
    text: str
    time: datetime
    native_id: str = ""
    records: int = 0
    typed: bool | None = None
    injected: bool = False
    gone: str = ""
    inherited: bool = False
    calls: list[Block] = field(default_factory=list)
    thinking: list[Thought] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def asked(self, number: int) -> dict[str, Any]:
        """One of the calls."""
        block = self.calls[number]
        found: dict[str, Any] = block if isinstance(block, dict) else self.look_up(block)
        return found

    def thoughts(self) -> list[str]:
        """The thoughts behind it."""
        return [thought if isinstance(thought, str) else self.look_up(thought) for thought in self.thinking]

    @staticmethod
    def look_up(place: int) -> Any:
        """Give the call or thought that stands at a place."""
        raise LookupError(f"nothing stands at {place}: only messages of a huge rollout keep such elsewhere")


@dataclass(frozen=True, slots=True)
class Speech:
    """The content of a message record.

    Attributes:
        text: its text.
        images: how many pictures it has.
        typed: whether Codex notes that a person typed it; None where it notes nothing.
        injected: whether it looks like something Codex put there.
    """

    text: str
    images: int
    typed: bool | None
    injected: bool


def is_injected(text: str) -> bool:
    """Whether Codex put this text into the user's mouth."""
    return _INJECTED.match(text) is not None


def pairing_key(text: str) -> str:
    """Give what is equal for the two records of one message."""
    return "".join(text.split())


def prompt_core(text: str) -> str:
    """Give a prompt without what an editor put before it."""
    return text.rpartition(_EDITOR_HEADING)[2]


def read_content(item: Mapping[str, Any]) -> Speech:
    """Read the content of a message item of any version."""
    content = item.get("content")
    if isinstance(content, str):
        return Speech(content, 0, None, is_injected(content))
    blocks = [block for block in list_at(item, "content") if isinstance(block, dict)]
    kinds = list_at(mapping_at(item, "internal_chat_message_metadata_passthrough"), "content_item_kinds")
    typed = _typed(kinds) if item.get("role") == "user" else None
    if typed and len(kinds) == len(blocks):
        blocks = [block for block, kind in zip(blocks, kinds, strict=True) if str(kind).startswith("user.")]
    texts = [text for block in blocks if (text := text_at(block, "text")) and not _IMAGE_TAG.fullmatch(text)]
    images = sum("image" in str(block.get("type")).lower() for block in blocks)
    injected = typed is False or (typed is None and any(map(is_injected, texts)))
    return Speech(("\n" if injected else "").join(texts), images, typed, injected)


def _typed(kinds: list[Any]) -> bool | None:
    """What Codex's own note on each part says: `user.text` was typed, everything else was not."""
    known = [kind for kind in kinds if isinstance(kind, str) and kind != "unknown"]
    return any(kind.startswith("user.") for kind in known) if known else None
