"""Who speaks in a user message: a person, or a program that writes in a person's place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from superqode.session.importers.fields import list_at, text_at
from superqode.session.importers.parts import as_parts, texts_in
from superqode.session.models import MessageRole

__all__ = ["Spoken", "heard", "thoughts_in", "workspace_in"]

# What Gemini CLI and its hooks put in; only known texts, for a person may well begin a prompt with a tag.
_CONTEXT: Final = re.compile(
    r"\s*<(?:session_context|hook_context)>|\s*This is the Gemini CLI\. We are setting up the context"
)
_COMPACTED: Final = re.compile(r"\s*(?:<scratchpad>|<state_snapshot>)")
# A command typed in the terminal; a path or a comment begins with `/`, too.
_COMMAND: Final = re.compile(r"/[a-z?][\w:-]{0,60}(?:\s|\Z)|\?\s*\Z")
# Up to 0.38 a sub-agent's task stands in its caller's file.
_TASK: Final = "Your task is to do a deep investigation of the codebase"
_WORKSPACE: Final = re.compile(
    r"(?:Workspace Directories:\*\*|working in the following directories:)\s*\n\s*- ([^\n]{1,4096})"
    r"|working in the directory: ([^\n]{1,4096})"
)
_SUBJECT: Final = re.compile(r"\*\*([^*\n]{1,400})\*\*\s+(?=\S)")
_LOOK: Final = 100_000


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a user message says.

    Attributes:
        role: `user` for a person's words.
        text: the words; of a prompt only the person's own.
        details: what else there was, JSON.
        compacted: whether it stands for what was said before.
        task: whether it is what a sub-agent was told.
    """

    role: MessageRole
    text: str
    details: dict[str, Any] = field(default_factory=dict)
    compacted: bool = False
    task: bool = False


def heard(record: Mapping[str, Any]) -> Spoken:
    """Tell a person's words from what was put around them."""
    texts = texts_in(as_parts(record.get("content")))
    around = [text for text in texts if _CONTEXT.match(text)]
    own = "".join(text for text in texts if not _CONTEXT.match(text))
    # What the person saw of a prompt that was longer: files it named stand behind it.
    shown = "".join(texts_in(as_parts(record.get("displayContent")))) if record.get("displayContent") else ""
    if shown and shown != own:
        around, own = [*around, own] if own else around, shown
    if not own:
        return Spoken(MessageRole.SYSTEM, "\n".join(around), {"injected": "context"} if around else {})
    if _COMPACTED.match(own):
        return Spoken(MessageRole.SYSTEM, own, {"kind": "compacted"}, compacted=True)
    if own.startswith(_TASK):
        return Spoken(MessageRole.USER, own, task=True)
    if _COMMAND.match(own):
        return Spoken(MessageRole.SYSTEM, own, {"injected": "command"})
    return Spoken(MessageRole.USER, own, {"context": around} if around else {})


def workspace_in(text: str) -> str:
    """The first folder of the workspace, where Gemini CLI tells the model of it; else empty."""
    found = _WORKSPACE.search(text[:_LOOK])
    return (found[1] or found[2]).strip() if found else ""


def thoughts_in(record: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Give the model's thoughts, and their subjects; a resumed session has both in one text."""
    told = [thought for thought in list_at(record, "thoughts") if isinstance(thought, dict)]
    thoughts = [text for thought in told if (text := text_at(thought, "description", "subject"))]
    subjects = [text for thought in told if (text := text_at(thought, "subject"))]
    for text in texts_in(as_parts(record.get("content")), thought=True) if not told else ():
        found = _SUBJECT.match(text)
        subjects += [found[1]] if found else []
        thoughts.append(text[found.end() :] if found else text)
    return thoughts, subjects
