"""Hand-offs: a session as files of an agent's own store, and the command that continues it there. Pure.

`WRITERS` has one writer for each agent; its `plan(session, place)` says what to write (`base.Writer`). What goes over
from any session to any agent is in `neutral`; what an agent wrote itself goes back to it as it was (`original`).
"""

from __future__ import annotations

from typing import Final

from superqode.session.handoff.base import Handoff, HandoffError, HomeRule, Place, PlannedFile, Receipt, Writer
from superqode.session.handoff.claude_code import ClaudeCodeWriter
from superqode.session.handoff.codex import CodexWriter
from superqode.session.handoff.gemini_cli import GeminiWriter
from superqode.session.handoff.opencode import OpencodeWriter
from superqode.session.handoff.pi import PiWriter
from superqode.session.handoff.qwen_code import QwenCodeWriter

__all__ = ["WRITERS", "Handoff", "HandoffError", "HomeRule", "Place", "PlannedFile", "Receipt", "Writer"]

WRITERS: Final[tuple[Writer, ...]] = (
    ClaudeCodeWriter(),
    CodexWriter(),
    GeminiWriter(),
    OpencodeWriter(),
    PiWriter(),
    QwenCodeWriter(),
)
