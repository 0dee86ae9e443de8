"""The agent's process: started in a group of its own, its last words kept, ended with everything it started.

It has a guard (`guard.py`), which ends it when we are killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from superqode.acp.guard import Guard
from superqode.session import clock
from superqode.session.errors import AgentNotStarted

__all__ = ["AgentProcess"]

# How much of the end of an agent's stderr is kept, in bytes.
TAIL_BYTES: Final = 64 * 1024
# How long an agent may take to end by itself, and again once it was asked to, in seconds.
GRACE: Final = 2.0
_POLL: Final = 0.01
_CHUNK: Final = 64 * 1024


class AgentProcess:
    """A running agent; make it with `start`.

    Attributes:
        program: the command's first word, for messages.
    """

    def __init__(self, program: str, process: Process, guard: Guard) -> None:
        self.program = program
        self._process = process
        self._guard = guard
        self._over = False
        self._tail = bytearray()
        self._draining = asyncio.create_task(self._drain())

    @classmethod
    async def start(cls, command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None) -> Self:
        """Start a command.

        Args:
            command: the program and its arguments.
            cwd: the folder it works in.
            env: its whole environment; None hands on our own.

        Raises:
            AgentNotStarted: there is no such program or folder, or it may not be run.
        """
        if not command:
            raise AgentNotStarted("", "the command is empty")
        guard = Guard()
        try:
            process = await asyncio.create_subprocess_exec(
                *guard.command(command),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=cwd,
                env=env,
                start_new_session=True,
                pass_fds=guard.passed,
            )
        except BaseException as problem:
            guard.close()
            if not isinstance(problem, OSError | ValueError):
                raise
            reason = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise AgentNotStarted(command[0], reason or str(problem)) from problem
        agent = cls(command[0], process, guard)
        try:
            reason = await asyncio.to_thread(guard.started)
        except BaseException:
            await agent.end()
            raise
        if reason:
            await agent.end()
            raise AgentNotStarted(command[0], reason)
        return agent

    @property
    def reader(self) -> asyncio.StreamReader:
        """What it says."""
        if self._process.stdout is None:
            raise AssertionError("it was started with a pipe")
        return self._process.stdout

    @property
    def writer(self) -> asyncio.StreamWriter:
        """What it hears."""
        if self._process.stdin is None:
            raise AssertionError("it was started with a pipe")
        return self._process.stdin

    @property
    def stderr_tail(self) -> str:
        """The last of what it wrote on stderr, at most 64 KiB."""
        return self._tail.decode("utf-8", "replace")

    async def exit_code(self) -> int | None:
        """What it ended with, negative for a signal; None where it is still running after a moment."""
        if await self._is_gone():
            with suppress(TimeoutError):  # its last words
                await asyncio.wait_for(asyncio.shield(self._draining), GRACE)
        return self._process.returncode

    async def end(self) -> None:
        """End it with everything in its group: its input closed, then asked, then made to; waits until it is gone."""
        if self._over:
            return
        self._over = True
        try:
            self.writer.close()
            if not await self._is_gone():
                self._signal(signal.SIGTERM)
                await self._is_gone()
            # Also where the agent itself is gone: what it started may not be.
            self._signal(signal.SIGKILL)
            await self._is_gone()
        finally:
            self._guard.let_go()
        # To their end, so that the pipes are closed; what left the group may hold them open, and is not waited for.
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(self._draining, _read_out(self.reader)), GRACE)

    async def _is_gone(self) -> bool:
        """Whether it has ended after a while; asyncio's own `wait` waits for its pipes, which others may hold."""
        until = clock.monotonic() + GRACE
        while self._process.returncode is None and clock.monotonic() < until:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(_POLL)
        return self._process.returncode is not None

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _drain(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and (chunk := await stderr.read(_CHUNK)):
            self._tail += chunk
            del self._tail[:-TAIL_BYTES]


async def _read_out(stream: asyncio.StreamReader) -> None:
    while await stream.read(_CHUNK):
        pass
