"""Processes that run beside a test: started, listened to, ended, and never waited for without an alarm."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

WORKER = Path(__file__).with_name("worker.py")
# Whether the long runs were asked for.
FULL = os.environ.get("SUPERQODE_TEST_FULL") == "1"
# A hang alarm, in seconds: far beyond what the slowest machine needs.
ALARM = 120


class Worker:
    """A `worker.py` process; its lines are collected as they come."""

    def __init__(self, verb: str, store: Path, *arguments: object, **options: Any) -> None:
        command = [sys.executable, str(WORKER), verb, str(store), *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        self.pid = self.process.pid
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._complaint = ""
        self._readers = [threading.Thread(target=read) for read in (self._listen, self._note)]
        for reader in self._readers:
            reader.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("")

    def _note(self) -> None:
        assert self.process.stderr is not None
        self._complaint = self.process.stderr.read()

    def line(self) -> str:
        """The next line it tells; empty when it ended."""
        return self._lines.get(timeout=ALARM)

    def say(self, text: str) -> None:
        """Give it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self) -> list[str]:
        """Let it come to its end; gives its last lines. It must not have failed."""
        self._close(self.process.stdin)
        told = list(iter(self.line, ""))
        self.process.wait(ALARM)
        self.kill()
        assert self.process.returncode == 0, self._complaint
        return told

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        self.process.kill()
        self.process.wait(ALARM)
        for reader in self._readers:
            reader.join(ALARM)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            self._close(pipe)

    @staticmethod
    def _close(pipe: IO[str] | None) -> None:
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()


@contextmanager
def workers() -> Iterator[Callable[..., Worker]]:
    """Start workers; those that still run at the end are killed."""
    started: list[Worker] = []

    def start(verb: str, store: Path, *arguments: object, **options: Any) -> Worker:
        worker = Worker(verb, store, *arguments, **options)
        started.append(worker)
        return worker

    try:
        yield start
    finally:
        for worker in started:
            worker.kill()


@contextmanager
def repeating(action: Callable[[], object]) -> Iterator[None]:
    """Repeat an action in a thread while the block runs; what it raises is raised at the end."""
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                action()
        except BaseException as problem:  # noqa: BLE001 - told to the test below
            raised.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if raised:
        raise raised[0]
