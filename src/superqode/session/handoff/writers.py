"""The writers, one for each agent that sessions can be handed over to."""

from __future__ import annotations

from typing import Final

from superqode.session.handoff.base import Writer
from superqode.session.handoff.claude_code import ClaudeCodeWriter
from superqode.session.handoff.codex import CodexWriter
from superqode.session.handoff.gemini_cli import GeminiWriter
from superqode.session.handoff.opencode import OpencodeWriter
from superqode.session.handoff.pi import PiWriter
from superqode.session.handoff.qwen_code import QwenCodeWriter

__all__ = ["WRITERS"]

WRITERS: Final[tuple[Writer, ...]] = (
    ClaudeCodeWriter(),
    CodexWriter(),
    GeminiWriter(),
    OpencodeWriter(),
    PiWriter(),
    QwenCodeWriter(),
)
