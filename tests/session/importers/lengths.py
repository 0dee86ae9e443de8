"""Transcripts of any length: many short lines, or a few long ones."""

from __future__ import annotations

from .claude_scripts import Script, call
from .rollouts import Rollout


def claude_transcript(turns, size):
    """So many prompts with a call each, whose result has so many characters; unlike each other."""
    script = Script()
    for number in range(turns):
        script.says(f"prompt {number}")
        script.answers(f"answer {number} " + "a" * (size // 10), call(f"t{number}", command="ls"))
        script.result(f"t{number}", f"{number} " * (size // 6))
        script.answers(f"done {number}" + "d" * (size // 10))
    return script.bytes()


def codex_rollout(turns, size):
    """The same of Codex."""
    rollout = Rollout()
    for number in range(turns):
        rollout.prompt(f"prompt {number}")
        rollout.call(f"c{number}", output=f"{number} " * (size // 6))
        rollout.assistant(f"done {number}" + "d" * (size // 5))
    return rollout.data
