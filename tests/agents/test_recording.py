"""Real agents speak the protocol with our client, through the recorder: what was said is stored, once."""

from __future__ import annotations

import asyncio
import sys

import pytest

from agents.model import Step
from superqode.acp import AcpAgent, allow
from superqode.session import SessionStore

SCRIPT = {
    "BEGIN-7": [
        Step("Let me look.", [("read", "greet.py"), ("shell", "echo ran-it > made.txt")]),
        Step("It says Helo. さようなら"),
    ],
    "AGAIN-8": [Step("Once more.", [("shell", "exit 3")]), Step("That failed.")],
}
# How each is started for the protocol; Claude Code has an adapter of its own for it.
COMMANDS = {
    "gemini": ("gemini", "--experimental-acp"),
    "opencode": ("opencode", "acp"),
    "claude-code": ("claude-agent-acp",),
}
ADAPTER = "@agentclientprotocol/claude-agent-acp@latest"
# Those that load a session; Gemini CLI 0.61 says that it can, and then finds none.
LOADING = ("opencode", "claude-code")
RECORD = (sys.executable, "-c", "from superqode.cli import main; main()", "record")
PATIENCE = 120


def talk(machine, store, command, prompt, load=None):
    """Have one turn with a real agent behind a recorder; gives its id of the session, and the turn."""

    async def turn():
        call = (*RECORD, "--store", str(store), "--", *command)
        started = AcpAgent(call, cwd=machine.project, env=machine.environment, load=load, start_timeout=PATIENCE)
        async with started as agent:
            return agent.session_id, await agent.prompt(prompt, ask_permission=allow, timeout=PATIENCE)

    return asyncio.run(turn())


def command_of(agent, machine):
    """Give the command that starts an agent for the protocol, with its adapter installed where it needs one."""
    program, *arguments = COMMANDS[agent]
    if agent == "claude-code":
        path = machine.programs.folder / "claude-agent-acp" / "node_modules" / ".bin" / program
        if not path.exists():
            machine.programs._install("claude-agent-acp", ADAPTER)
        program = str(path)
    return (program, *arguments)


def told(entries):
    """Give what entries say, without their times."""
    return [entry.to_dict() | {"timestamp": "", "duration_ms": 0} for entry in entries]


def kept(store_path, session_id):
    """Give the stored session."""
    with SessionStore(store_path, create=False) as store:
        return store.load(f"acp-{session_id}")


@pytest.mark.parametrize("agent", COMMANDS)
def test_a_real_agent_is_recorded(agent, make_machine, make_model, tmp_path):
    """Stored is what the client was told: the prompt, the answers, the calls; loading it in a new process adds nothing."""
    machine = make_machine("one", make_model(SCRIPT))
    command = command_of(agent, machine)
    session_id, first = talk(machine, tmp_path / "store", command, "BEGIN-7: what does greet.py do?")
    assert (machine.project / "made.txt").read_text("utf-8") == "ran-it\n"
    _, begun, ended = (message.content for message in first.messages)
    assert begun.startswith("Let me look.")  # the adapter puts a warning behind it
    assert ended == "It says Helo. さようなら"
    assert [call.success for call in first.tool_executions] == [True, True]
    assert told(kept(tmp_path / "store", session_id).timeline) == told(first.entries)
    if agent in LOADING:
        _, second = talk(machine, tmp_path / "store", command, "AGAIN-8: once more", load=session_id)
        assert [call.success for call in second.tool_executions] == [False]
        assert told(kept(tmp_path / "store", session_id).timeline) == told([*first.entries, *second.entries])
