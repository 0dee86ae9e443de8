"""What every measurement shares: where it works, how it times, the processes it measures in."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from workload import Workload

__all__ = [
    "HERE",
    "LABELS",
    "OLD_PYTHON",
    "Bench",
    "WorkerProcess",
    "as_installed",
    "median_ms",
    "our_command",
    "process_ms",
    "python_of",
    "run",
    "short_label",
    "timed",
]

T = TypeVar("T")
HERE: Final = Path(__file__).resolve().parent
# Names a Python that has the package superqode 2.25.0, to be measured itself beside its way.
OLD_PYTHON: Final = "SUPERQODE_OLD_PYTHON"
# The kinds of stores that `worker.py` knows, as a table calls them; the last two are copies of the one before.
LABELS: Final = {
    "jsonl": "JSONL + fsync",
    "sqlite": "SQLite, synchronous=FULL",
    "git": "git program",
    "gzip": "gzip-JSON (superqode 2.25.0's way)",
    "superqode": "superqode 2.25.0 itself",
    "ours": "this library",
    "ours-packed": "this library",
    "ours-loose": "this library",
}


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

    def __init__(self, bench: Bench, kind: str, root: Path, *session: str, under: Sequence[str] = ()) -> None:
        root.mkdir(parents=True, exist_ok=True)
        command = [*under, python_of(kind), str(HERE / "worker.py"), kind, str(root), str(bench.pool), *session]
        # A busy disk is not waited for where nothing is measured.
        environment = os.environ | ({"SUPERQODE_BENCH_QUICK": "1"} if bench.quick else {})
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, command: str, **arguments: float) -> Any:
        """Send a command and wait for its answer."""
        self.tell(command, **arguments)
        return self.answer()

    def tell(self, command: str, **arguments: float) -> None:
        """Send a command."""
        if self._process.stdin is None:
            raise AssertionError("it was opened with pipes")
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the answer to a command."""
        if self._process.stdout is None:
            raise AssertionError("it was opened with pipes")
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args!r} ended before it answered")
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()


def as_installed(bench: Bench) -> dict[str, str]:
    """The environment for programs that are timed: compiled, whatever this machine says of byte code in a checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": str(bench.root / "compiled")}


def our_command() -> list[str]:
    """The command as installed beside this Python, or what it would run."""
    found = shutil.which("superqode", path=str(Path(sys.executable).parent))
    return [found] if found else [sys.executable, "-c", "from superqode.cli import main; main()"]


def process_ms(commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Run programs in turns, each once before it counts; gives the medians of whole processes, in milliseconds."""
    for command in commands.values():
        run(command, environment)
    times: dict[str, list[float]] = {label: [] for label in commands}
    for _ in range(rounds):
        for label, command in commands.items():
            times[label].append(timed(lambda command=command: run(command, environment))[0])  # type: ignore[misc]
    return {label: median_ms(seconds) for label, seconds in times.items()}


def run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a program to its end; what it prints is dropped."""
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)


def python_of(kind: str) -> str:
    """The Python that runs a kind of store."""
    return os.environ[OLD_PYTHON] if kind == "superqode" else sys.executable


def short_label(kind: str) -> str:
    """What a ratio calls a kind of store."""
    return LABELS[kind].split(" (")[0]


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """Do it; give the seconds it took, and its result."""
    started = perf_counter()
    result = action()
    return perf_counter() - started, result


def median_ms(seconds: Sequence[float]) -> float:
    """The median, in milliseconds."""
    return statistics.median(seconds) * 1000
