"""The protocol's messages over an agent's pipes: bounded, and checked before anybody acts on them.

`Wire` is a transport for the SDK's `Connection`, which pairs requests with answers.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from superqode.acp.lines import LineSplitter
from superqode.acp.process import AgentProcess
from superqode.session.importers.lines import parse_json

__all__ = ["Wire"]

# The longest message, in bytes; a picture or a whole file stays well below it.
MAX_LINE_BYTES: Final = 64 * 1024 * 1024
# How many lines that are no messages are passed over: some agents write a greeting or a warning to their output.
MAX_GARBAGE: Final = 1000
# How many questions an agent may have open at once.
MAX_OPEN: Final = 256
_CHUNK: Final = 64 * 1024
_INTERNAL_ERROR: Final = -32603

Seen = Callable[[dict[str, Any], bool], None]


class Wire:
    """Messages to and from an agent.

    Args:
        process: the agent.
        seen: told of every message, in order, before anybody else: the message, and whether the agent sent it.

    Attributes:
        problem: why nothing more is read; empty while all is well.
    """

    def __init__(self, process: AgentProcess, seen: Seen) -> None:
        self.problem = ""
        self._process = process
        self._seen = seen
        self._splitter = LineSplitter(MAX_LINE_BYTES)
        self._lines: deque[bytes] = deque()
        self._garbage = 0
        self._open = 0

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        Raises:
            ConnectionError: the agent does not listen any more.
        """
        if "method" not in message:
            self._open -= 1
        self._seen(message, False)
        self._process.writer.write(json.dumps(message).encode() + b"\n")
        await self._process.writer.drain()

    async def receive(self) -> dict[str, Any] | None:
        """Give the next message; None where there are no more, or `problem` says why."""
        while not self.problem:
            if self._lines:
                message = self._message(self._lines.popleft())
                if message is not None:
                    self._seen(message, True)
                    return message
            elif chunk := await self._process.reader.read(_CHUNK):
                self._lines.extend(self._splitter.feed(chunk))
                if self._splitter.dropped:
                    self.problem = f"it sent a line of more than {MAX_LINE_BYTES // 2**20} MiB"
            else:
                break
        return None

    async def close(self) -> None:
        """Say that nothing more comes."""
        self._process.writer.close()
        await asyncio.sleep(0)

    def _message(self, line: bytes) -> dict[str, Any] | None:
        if not line.strip():
            return None
        try:
            message = parse_json(line.decode("utf-8", "replace"))
        except ValueError:
            message = None
        if not isinstance(message, dict) or not _is_sound(message):
            self._garbage += 1
            if self._garbage > MAX_GARBAGE:
                self.problem = f"more than {MAX_GARBAGE} lines of its output are no messages"
            return None
        if "method" in message:
            self._open += "id" in message
            if self._open > MAX_OPEN:
                self.problem = f"it asks more than {MAX_OPEN} things at once"
                return None
        elif "error" in message:
            message["error"] = _plain_error(message["error"])
        return message


def _is_sound(message: dict[str, Any]) -> bool:
    """Whether a message is one of JSON-RPC, as far as it takes to pair and to dispatch it."""
    asked = message.get("id")
    if isinstance(asked, bool) or not isinstance(asked, str | int | None):
        return False
    return isinstance(message["method"], str) if "method" in message else ("result" in message or "error" in message)


def _plain_error(told: object) -> dict[str, Any]:
    error = told if isinstance(told, dict) else {"message": str(told)}
    code, text, data = error.get("code"), error.get("message"), error.get("data")
    if isinstance(data, dict):
        data = data.get("details") or data.get("message")
    words = [word for word in (text, data) if isinstance(word, str) and word]
    return {"code": code if isinstance(code, int) else _INTERNAL_ERROR, "message": ": ".join(words)}
