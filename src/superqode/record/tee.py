"""The tee: an agent's process between a client's pipes, and bytes that pass both ways, unaltered and at once.

    client ──stdin──▶ tee ──▶ agent          each read is handed to the keeper's queue, then written on;
    client ◀─stdout── tee ◀── agent          nothing waits for a line's end, or for the keeper

The agent's stderr is ours, so it passes by itself. Signals go on to the agent, its exit code comes back.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Final

from superqode.record.frames import Frame
from superqode.record.keeper import Keeper, Recording, Tell
from superqode.session import clock
from superqode.session.errors import AgentNotStarted

__all__ = ["record"]

_CHUNK: Final = 64 * 1024
# How many bytes may wait for a keeper that is slow; behind that they pass unrecorded.
MAX_WAITING: Final = 256 * 1024 * 1024
# How long what an agent started may go on speaking after the agent has ended, in seconds.
_LAST_WORDS: Final = 2.0
# How long is waited for the last save, in seconds; the keeper goes on alone then.
_LAST_SAVE: Final = 20.0
_POLL: Final = 0.01
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# As shells tell that a program was ended by a signal.
_SIGNALLED: Final = 128


def record(command: Sequence[str], recording: Recording, tell: Tell, *, stdin: int = 0, stdout: int = 1) -> int:
    """Run an agent, pass everything to and fro, and record it; gives the agent's exit code (128 + n for a signal).

    Call it in the main thread of a process that has no others: it forks, and takes over signals for good.

    Args:
        command: the agent's program and arguments.
        recording: what to record into.
        tell: told in one line of what goes wrong with recording, which the traffic never notices.
        stdin: the file descriptor the client writes to.
        stdout: the file descriptor the client reads.

    Raises:
        AgentNotStarted: there is no such program, or it may not be run.
    """
    feed = _Feed(recording, tell, (stdin, stdout))
    try:
        agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    except (OSError, ValueError) as problem:
        feed.close()
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise AgentNotStarted(command[0], reason or str(problem)) from problem
    _pass_signals_on(agent)
    assert agent.stdin is not None  # noqa: S101 - it was started with pipes
    assert agent.stdout is not None  # noqa: S101
    asking = _Pump(stdin, os.dup(agent.stdin.fileno()), feed, from_agent=False)
    answering = _Pump(os.dup(agent.stdout.fileno()), stdout, feed, from_agent=True)
    agent.stdin.close()
    agent.stdout.close()
    feed.start()
    asking.start()
    answering.start()
    code = agent.wait()
    answering.join(_LAST_WORDS)
    feed.close()
    return code if code >= 0 else _SIGNALLED - code


def _pass_signals_on(agent: subprocess.Popen[bytes]) -> None:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        agent.send_signal(number)

    for number in _PASSED_ON:
        signal.signal(number, pass_on)


class _Pump(threading.Thread):
    """Reads from one descriptor, and writes to another what it has read; closes both at the end of either."""

    def __init__(self, source: int, target: int, feed: _Feed, *, from_agent: bool) -> None:
        super().__init__(daemon=True)  # the client may never close its end
        self._source = source
        self._target = target
        self._feed = feed
        self._from_agent = from_agent

    def run(self) -> None:
        """Pass on until one side is closed."""
        with suppress(OSError):  # a closed pipe: whoever wrote to it learns it the same way
            while data := os.read(self._source, _CHUNK):
                # The copy first: an answer never comes before its question.
                self._feed.put(Frame(self._from_agent, clock.now().timestamp(), data))
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._target, rest) :]
        for descriptor in (self._source, self._target):
            with suppress(OSError):
                os.close(descriptor)


class _Feed:
    """The keeper's process, and the queue of what it has not been given yet.

    It is forked before there are threads and before the agent runs, so it holds none of the traffic's pipes; it is
    in a session of its own, so that what ends the tee does not end it.
    """

    def __init__(self, recording: Recording, tell: Tell, standard: tuple[int, int]) -> None:
        self._queue: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lost = False
        self._tell = tell
        self._thread = threading.Thread(target=self._write, daemon=True)
        outlet, self._pipe = os.pipe()
        self._keeper = os.fork()
        if self._keeper == 0:
            os.close(self._pipe)
            _keep(outlet, recording, tell, standard)
        os.close(outlet)

    def start(self) -> None:
        """Begin to hand on; from here on there are threads."""
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Take a copy; never waits."""
        if self._lost:
            return
        self._waiting += len(frame.data)
        if self._waiting > MAX_WAITING:
            self._lose("it cannot keep up")
        else:
            self._queue.put(frame)

    def close(self) -> None:
        """Hand on what is left, and wait for the last save."""
        self._queue.put(None)
        if self._thread.ident is None:
            os.close(self._pipe)
        else:
            self._thread.join(_LAST_SAVE)
        until = clock.monotonic() + _LAST_SAVE
        while os.waitpid(self._keeper, os.WNOHANG) == (0, 0):
            if clock.monotonic() > until:
                self._tell("the last save takes long; it goes on in the background")
                return
            clock.sleep(_POLL)

    def _write(self) -> None:
        while (frame := self._queue.get()) is not None:
            try:
                data = memoryview(frame.encode())
                while data:
                    data = data[os.write(self._pipe, data) :]
            except OSError:
                self._lose("its process ended")
                break
            self._waiting -= len(frame.data)
        os.close(self._pipe)

    def _lose(self, why: str) -> None:
        self._lost = True
        self._tell(f"what is said from here on is not recorded: {why}. The conversation goes on")


def _keep(outlet: int, recording: Recording, tell: Tell, standard: tuple[int, int]) -> None:
    """Be the keeper; does not return."""
    code = 1
    try:
        os.setsid()
        # The client would wait for our copies of its pipes to be closed.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in standard:
            os.dup2(nowhere, descriptor)
        for number in _PASSED_ON:
            signal.signal(number, signal.SIG_IGN)
        Keeper(recording, tell).run(outlet)
        code = 0
    except BaseException as problem:  # noqa: BLE001 - the end of a process: whatever it was is told, and no more
        tell(f"what is said from here on is not recorded: {type(problem).__name__}: {problem}")
    finally:
        os._exit(code)
