"""The recorded traffic of real agents, and the truth about it as far as the wire shows it."""

from __future__ import annotations

import re

from . import folders, truth

# What the wire does not show, by agent: Gemini CLI sends no arguments, and of a command that fails only that it ended.
UNSEEN_ARGUMENTS = frozenset(("acp-gemini",))
# What agents add to a call's arguments for the client to show.
ADDED = {"acp-claude": ("replace_all", False), "acp-opencode": "cwd"}


def recorded():
    """Give every recorded folder of every agent."""
    return [parameter for agent in ("acp-claude", "acp-gemini", "acp-opencode") for parameter in truth.folders(agent)]


def traffic(folder):
    """Give the recordings of a folder as the sources of one run."""
    return [source for source in folders.at(folder) if source.name.startswith("traffic")]


def seen(folder):
    """Give the truth as far as the wire shows it."""
    known = truth.expected(folder)
    for call in known["tool_calls"]:
        if folder.parts[-3] in UNSEEN_ARGUMENTS:
            call["arguments"] = {}
            call["ok"] = call["ok"] or call.get("why_not", "").startswith("command exits")
            # It failed to write, whatever the script expected.
            call["ok"] = call["ok"] and call["name"] != "write_file"
    return known


def asked(folder):
    """Give what takes off a call's arguments what its agent added."""
    added = ADDED.get(folder.parts[-3])

    def arguments(call):
        return {name: value for name, value in call.arguments.items() if added not in (name, (name, value))}

    return arguments


def without_headings(session):
    """Give a session without the headings that Gemini CLI puts before thoughts."""
    messages = []
    for message in session.messages:
        thoughts = [re.sub(r"^\*\*[^*]+\*\*\n", "", thought) for thought in message.metadata.get("thinking", ())]
        messages.append(message.model_copy(update={"metadata": {**message.metadata, "thinking": thoughts}}))
    return session.model_copy(update={"messages": messages})
