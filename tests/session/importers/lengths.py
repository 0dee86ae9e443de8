"""Transcripts of any length: many short lines, or a few long ones."""

from __future__ import annotations

from .chats import Gemini, Pi, Qwen, function_call, tool_call
from .claude_scripts import Script, call
from .rollouts import Rollout
from .wires import Wire


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


def gemini_chat(turns, size):
    """The same of Gemini CLI."""
    chat = Gemini()
    for number in range(turns):
        chat.says(f"prompt {number}")
        chat.answers("a" * (size // 10), chat.call(f"c{number}", output=f"{number} " * (size // 6)))
        chat.answers(f"done {number}" + "d" * (size // 10))
    return chat.data


def qwen_chat(turns, size):
    """The same of Qwen Code."""
    return _tree(Qwen(), function_call, turns, size)


def pi_session(turns, size):
    """The same of Pi."""
    return _tree(Pi(), tool_call, turns, size)


def _tree(chat, asking, turns, size):
    for number in range(turns):
        chat.says(f"prompt {number}")
        chat.answers("a" * (size // 10), asking(f"c{number}", number=number))
        chat.result(f"c{number}", f"{number} " * (size // 6))
        chat.answers(f"done {number}" + "d" * (size // 10))
    return chat.data


def acp_traffic(turns, size):
    """The same of the Agent Client Protocol."""
    wire = Wire().new()
    for number in range(turns):
        wire.prompt(f"prompt {number}").chunk("a" * (size // 10))
        wire.call(f"c{number}", rawInput={"number": number}).more(f"c{number}", rawOutput=f"{number} " * (size // 6))
        wire.chunk(f"done {number}" + "d" * (size // 10)).end()
    return wire.data
