"""`superqode record` as a process of its own, with a test in the client's place."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

AGENT = (sys.executable, str(Path(__file__).parents[1] / "acp" / "scripted_agent.py"))
RECORD = (sys.executable, "-c", "from superqode.cli import main; main()", "record")
# A hang alarm, in seconds.
ALARM = 60


class Recorder:
    """A recorder with an agent behind it; speak the protocol with it, or write bytes.

    Args:
        store: where it records.
        command: the agent.
        options: of `superqode record`.
        dashes: whether `--` stands before the command.
    """

    def __init__(self, store, command=AGENT, *options, dashes=True):
        call = [*RECORD, "--store", str(store), *map(str, options), *(["--"] if dashes else []), *command]
        self.process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._asked = 0

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.kill()
        self.process.wait(ALARM)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(BrokenPipeError):  # what was never flushed
                pipe.close()

    def say(self, data):
        """Send bytes."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        """Send a message."""
        self.say(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def line(self):
        """Give the next line; empty at the end."""
        return self.process.stdout.readline()

    def receive(self):
        """Give the next message."""
        return json.loads(self.line())

    def ask(self, method, *, choose="yes", **params):
        """Ask the agent, choosing this option when it asks for leave; gives its result (or error)."""
        self._asked += 1
        self.send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("method") == "session/request_permission":
                self.send({"id": message["id"], "result": {"outcome": {"outcome": "selected", "optionId": choose}}})
            elif message.get("method") == "fs/write_text_file":
                self.send({"id": message["id"], "result": {}})
            elif message.get("id") == self._asked and "method" not in message:
                return message.get("result", message.get("error"))

    def begin(self, cwd="/p"):
        """Introduce ourselves and begin a session; gives the agent's id of it."""
        self.ask("initialize", protocolVersion=1, clientInfo={"name": "a-client"})
        return self.ask("session/new", cwd=cwd, mcpServers=[])["sessionId"]

    def prompt(self, session, *deeds, **more):
        """Have a turn; gives its result."""
        return self.ask("session/prompt", sessionId=session, prompt=_blocks(deeds), **more)

    def begin_turn(self, session, *deeds):
        """Say something, and do not wait."""
        self._asked += 1
        self.send(
            {"id": self._asked, "method": "session/prompt", "params": {"sessionId": session, "prompt": _blocks(deeds)}}
        )

    def end(self):
        """Close its input; gives its exit code and what it wrote on stderr."""
        _, told = self.process.communicate(timeout=ALARM)
        return self.process.returncode, told.decode()


def _blocks(deeds):
    return [{"type": "text", "text": "\n".join(deeds)}]
