"""The tee: an agent's process between a client's pipes, and bytes that pass both ways, unaltered and at once.

    client ──stdin──▶ tee ──▶ agent          each read is copied to the keeper's pipe, then written on;
    client ◀─stdout── tee ◀── agent          nothing waits for a line's end, or for the keeper

The agent's stderr is ours, so it passes by itself. Signals go on to the agent, its exit code comes back.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import threading
from collections import deque
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
# As much as Linux lets anybody have: what a keeper may lag behind before copies wait in the tee.
_PIPE_BYTES: Final = 1024 * 1024
# How many bytes may wait for a keeper that is slow; behind that they pass unrecorded.
MAX_WAITING: Final = 256 * 1024 * 1024
# How long what an agent started may go on speaking after the agent has ended, in seconds.
_LAST_WORDS: Final = 2.0
# How long is waited for the last save, in seconds; the keeper goes on alone then.
_LAST_SAVE: Final = 20.0
_POLL: Final = 0.01
# What a keeper ends with that has told why.
_TOLD: Final = 3
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# As shells tell that a program was ended by a signal.
_SIGNALLED: Final = 128
# How long a signal may wait, in seconds.
_LOOK: Final = 0.5


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
    if agent.stdin is None or agent.stdout is None:
        raise AssertionError("it was started with pipes")
    asking = _Pump(stdin, os.dup(agent.stdin.fileno()), feed, from_agent=False)
    answering = _Pump(os.dup(agent.stdout.fileno()), stdout, feed, from_agent=True)
    agent.stdin.close()
    agent.stdout.close()
    feed.start()
    asking.start()
    answering.start()
    code = _wait(agent)
    answering.join(_LAST_WORDS)
    while answering.is_alive() and answering.is_writing:  # a client that reads slowly gets it all
        answering.join(_LAST_WORDS)
    feed.close()
    return code if code >= 0 else _SIGNALLED - code


def _wait(agent: subprocess.Popen[bytes]) -> int:
    """Wait for the agent's end; a signal that comes right before a wait begins is only looked at when it is over."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return agent.wait(_LOOK)


def _pass_signals_on(agent: subprocess.Popen[bytes]) -> None:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        agent.send_signal(number)

    for number in _PASSED_ON:
        signal.signal(number, pass_on)


class _Pump(threading.Thread):
    """Reads from one descriptor, and writes to another what it has read; closes both at the end of either.

    Attributes:
        is_writing: whether something was read that is not written yet.
    """

    def __init__(self, source: int, target: int, feed: _Feed, *, from_agent: bool) -> None:
        super().__init__(daemon=True)  # the client may never close its end
        self._source = source
        self._target = target
        self._feed = feed
        self._from_agent = from_agent
        self.is_writing = False

    def run(self) -> None:
        """Pass on until one side is closed."""
        with suppress(OSError):  # a closed pipe: whoever wrote to it learns it the same way
            while data := _read(self._source):
                self.is_writing = True
                # The copy first: an answer never comes before its question.
                self._feed.put(Frame(self._from_agent, clock.now().timestamp(), data))
                rest = memoryview(data)
                while rest:
                    rest = rest[_write(self._target, rest) :]
                self.is_writing = False
        for descriptor in (self._source, self._target):
            with suppress(OSError):
                os.close(descriptor)


# Whoever shares a pipe's end with us may have set that it never waits, which then holds for us too: we wait beside it.
def _read(source: int) -> bytes:
    while True:
        try:
            return os.read(source, _CHUNK)
        except BlockingIOError:
            select.select([source], [], [])


def _write(target: int, data: memoryview) -> int:
    while True:
        try:
            return os.write(target, data)
        except BlockingIOError:
            select.select([], [target], [])


class _Feed:
    """The keeper's process, and the pipe to it; what the pipe has no room for waits here.

    The keeper is forked before there are threads and before the agent runs, so it holds none of the traffic's pipes; it
    is in a session of its own, so that what ends the tee does not end it. A copy is in the pipe before the bytes pass
    on, so whatever somebody has heard is kept, though the tee be killed at that moment.
    """

    def __init__(self, recording: Recording, tell: Tell, standard: tuple[int, int]) -> None:
        self._tell = tell
        self._backlog: deque[memoryview] = deque()
        self._waiting = 0
        self._lost = self._closing = False
        self._status: int | None = None
        self._lock = threading.Condition()
        self._thread = threading.Thread(target=self._hand_on, daemon=True)
        outlet, self._pipe = os.pipe()
        self._keeper = os.fork()
        if self._keeper == 0:
            os.close(self._pipe)
            _keep(outlet, recording, tell, standard)
        os.close(outlet)
        os.set_blocking(self._pipe, False)
        if resize := getattr(fcntl, "F_SETPIPE_SZ", None):
            with suppress(OSError):
                fcntl.fcntl(self._pipe, resize, _PIPE_BYTES)

    def start(self) -> None:
        """From here on there are threads."""
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Take a copy; never waits for the keeper."""
        data = memoryview(frame.encode())
        with self._lock:
            if not self._backlog:
                data = self._write(data)
            if data and not self._lost:
                self._backlog.append(data)
                self._waiting += len(data)
                if self._waiting > MAX_WAITING:
                    self._lose("it cannot keep up")
                self._lock.notify()

    def close(self) -> None:
        """Hand on what is left, and wait for the last save."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        if self._thread.ident is None:
            os.close(self._pipe)
        else:
            self._thread.join(_LAST_SAVE)
        if not self._has_ended(_LAST_SAVE):
            self._tell("the last save takes long; it goes on in the background")
        elif self._status not in (0, _TOLD):
            self._lose("its process ended")

    def _hand_on(self) -> None:
        """Write what waits as soon as there is room; close the pipe in the end."""
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._backlog or self._closing)
                while self._backlog:
                    held = self._backlog.popleft()
                    rest = self._write(held)
                    self._waiting -= len(held) - len(rest)
                    if rest:
                        self._backlog.appendleft(rest)
                        break
                if self._closing and not self._backlog:
                    os.close(self._pipe)
                    return
            select.select([], [self._pipe], [])

    def _write(self, data: memoryview) -> memoryview:
        """Write what there is room for; gives the rest, which is nothing where nobody reads any more."""
        while data and not self._lost:
            try:
                data = data[os.write(self._pipe, data) :]
            except BlockingIOError:
                return data
            except OSError:
                # It has said itself what went wrong, but for a signal that nobody can catch.
                if not self._has_ended(0.0) or self._status != _TOLD:
                    self._lose("its process ended")
                self._lost = True
        return data[:0]

    def _has_ended(self, patience: float) -> bool:
        """Whether the keeper is gone, after so many seconds at the latest."""
        until = clock.monotonic() + patience
        while self._status is None:
            ended, status = os.waitpid(self._keeper, os.WNOHANG)
            if ended:
                self._status = os.waitstatus_to_exitcode(status)
            elif clock.monotonic() > until:
                return False
            else:
                clock.sleep(_POLL)
        return True

    def _lose(self, why: str) -> None:
        if not self._lost:
            self._lost = True
            self._backlog.clear()
            self._tell(f"not everything that is said is recorded: {why}. The conversation goes on")


def _keep(outlet: int, recording: Recording, tell: Tell, standard: tuple[int, int]) -> None:
    """Be the keeper; does not return."""
    code = _TOLD
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
        tell(f"not everything that is said is recorded: {type(problem).__name__}: {problem}")
    finally:
        os._exit(code)
