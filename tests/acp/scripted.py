"""The scripted agent, started for a test (`scripted_agent.py` says what prompts it understands)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from superqode.acp import AcpAgent
from superqode.session import clock

AGENT = (sys.executable, str(Path(__file__).with_name("scripted_agent.py")))
# A hang alarm, in seconds.
ALARM = 60


def agent(project, *options, **more):
    """Give the agent, not yet started."""
    return AcpAgent((*AGENT, *options), cwd=project, **more)


def run(talking):
    """Run a conversation to its end, with an alarm."""
    return asyncio.run(asyncio.wait_for(talking, ALARM))


def turn(project, *deeds, files="none", **more):
    """Give the turn that a prompt of these deeds comes to."""

    async def talk():
        async with agent(project, files=files) as at_hand:
            return await at_hand.prompt("\n".join(deeds), **more)

    return run(talk())


def said(turn):
    """Give what the agent said in a turn."""
    return "".join(message.content for message in turn.messages if message.role == "assistant")


def is_alive(pid):
    """Whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def dies(pid):
    """Whether a process that was ended is gone; the kernel closes its files a moment earlier."""
    until = clock.monotonic() + ALARM
    while is_alive(pid) and clock.monotonic() < until:
        clock.sleep(0.01)
    return not is_alive(pid)
