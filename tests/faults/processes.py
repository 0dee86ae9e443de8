"""Processes that run beside a test: started, listened to, ended, and never waited for without an alarm."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        self.pid = self.process.pid

    def line(self) -> str:
        """The next line it tells; empty when it ended."""
        assert self.process.stdout is not None
        alarm = threading.Timer(ALARM, self.process.kill)
        alarm.start()
        try:
            return self.process.stdout.readline().rstrip("\n")
        finally:
            alarm.cancel()

    def say(self, text: str) -> None:
        """Give it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self) -> list[str]:
        """Let it come to its end; gives its last lines. It must not have failed."""
        told, complaint = self.process.communicate(timeout=ALARM)
        assert self.process.returncode == 0, complaint
        return told.splitlines()

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        self.process.kill()
        self.process.communicate()


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
