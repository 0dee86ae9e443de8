"""What every measurement shares: where it works, how it times, the processes it measures in."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from workload import Workload

__all__ = ["Bench", "WorkerProcess", "median_ms", "python_of", "timed"]

T = TypeVar("T")
HERE: Final = Path(__file__).resolve().parent
# Names a Python that has the package superqode 2.25.0, to be measured itself beside its way.
OLD_PYTHON: Final = "SUPERQODE_OLD_PYTHON"


@dataclass(frozen=True)
class Bench:
    """One run.

    Attributes:
        root: an empty folder; each measurement makes its own below it.
        pool: the file with the workload's text.
        quick: whether to measure little, to see that everything runs.
    """

    root: Path
    pool: Path
    quick: bool

    def workload(self, seed: int = 0) -> Workload:
        """The sessions to measure with."""
        return Workload(self.pool.read_text("utf-8"), seed)

    def choose(self, full: T, quick: T) -> T:
        """One thing for a full run, another for a quick one."""
        return quick if self.quick else full

    def say(self, text: str) -> None:
        """Tell the person who waits."""
        print(f"… {text}", file=sys.stderr, flush=True)


class WorkerProcess:
    """A store in a process of its own (`worker.py`)."""

    def __init__(self, bench: Bench, kind: str, root: Path) -> None:
        root.mkdir(parents=True)
        command = [python_of(kind), str(HERE / "worker.py"), kind, str(root), str(bench.pool)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command: str, **arguments: float) -> Any:
        """Send a command and wait for its answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("it was opened with pipes")
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args!r} ended while it was asked to {command}")
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()


def python_of(kind: str) -> str:
    """The Python that runs a kind of store."""
    return os.environ[OLD_PYTHON] if kind == "superqode" else sys.executable


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """Do it; give the seconds it took, and its result."""
    started = perf_counter()
    result = action()
    return perf_counter() - started, result


def median_ms(seconds: Sequence[float]) -> float:
    """The median, in milliseconds."""
    return statistics.median(seconds) * 1000
