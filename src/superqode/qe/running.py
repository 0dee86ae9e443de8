"""The project's tools, run: as a group that ends with us, without input, with bounded output and time.

The only module of `qe` that starts programs, but for agents, which `acp` starts, and git. Each has a guard
(`acp/guard.py`), and runs in the sandbox, with the caller's environment but for `GIT_*` (which could point it at
another repository) and `SUPERQODE_*` (which may hold passwords).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

from superqode.acp.guard import Guard
from superqode.qe.captured import Captured
from superqode.session import clock

__all__ = ["Ended", "Ran", "Runner"]

# Seconds between two looks at the time and at the wish to stop.
_LOOK: Final = 0.05
# Seconds for a tool to tidy up after itself.
_GRACE: Final = 2.0
# As shells tell that a program was ended by a signal.
_SIGNALLED: Final = 128
# Seconds for the last output to arrive; a daemon that the tool left may hold the pipe for ever.
_DRAIN: Final = 2.0
# Bytes of standard output that are parsed; a report that is longer is told as broken.
_STDOUT_MAX: Final = 64 * 1024 * 1024
_CHUNK: Final = 64 * 1024
# No colours, no questions, nothing that watches for ever; see https://no-color.org.
_QUIET: Final = {
    "CI": "1",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "CARGO_TERM_COLOR": "never",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
    "RUST_BACKTRACE": "0",
}

Ended = Literal["", "timeout", "stopped"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command went.

    Attributes:
        exit_code: as the tool ended; 127 where there is no such program; `None` where we ended it.
        output: standard output and standard error as they came, bounded.
        stdout: standard output alone, whole up to 64 MiB.
        cut: how many bytes of the output were cut.
        duration_ms: how long it ran, in milliseconds.
        ended: why we ended it: `timeout`, `stopped`, or empty.
    """

    exit_code: int | None
    output: str
    stdout: str
    cut: int
    duration_ms: int
    ended: Ended


class Runner:
    """Runs commands in one folder.

    Args:
        folder: where they run.
        environment: what is put on top of the caller's environment.
        python_path: folders that Python looks in before those of the caller's `PYTHONPATH`.
        stop: set from another thread to end what runs.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        python_path: Sequence[Path] = (),
        stop: threading.Event | None = None,
    ) -> None:
        self.folder = folder
        self.stop = stop or threading.Event()
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("GIT_", "SUPERQODE_"))}
        kept.pop("FORCE_COLOR", None)
        paths = [*map(str, python_path), *filter(None, (kept.get("PYTHONPATH", ""),))]
        self.environment = kept | _QUIET | {"PYTHONPATH": os.pathsep.join(paths)} | dict(environment)

    def find(self, program: str) -> str | None:
        """The path of a program on the `PATH`, or `None`."""
        return shutil.which(program, path=self.environment.get("PATH"))

    def run(
        self,
        command: Sequence[str],
        *,
        timeout: float,
        on_output: Callable[[str], None] | None = None,
    ) -> Ran:
        """Run a command to its end, or until its time is over.

        Args:
            command: the program and its arguments.
            timeout: seconds.
            on_output: given the output in pieces as it comes, from other threads.
        """
        began = clock.monotonic()
        guard = Guard()
        try:
            tool = subprocess.Popen(
                guard.command(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
                pass_fds=guard.passed,
            )
        except BaseException:
            guard.close()
            raise
        listening = _Listening(tool, on_output)
        try:
            guard.started()  # why it is not is in the output
            ended = self._wait(tool, began + timeout)
        finally:
            _end(tool, guard)
            listening.finish()
        took = round((clock.monotonic() - began) * 1000)
        output = listening.both
        code = tool.returncode if tool.returncode >= 0 else _SIGNALLED - tool.returncode
        return Ran(None if ended else code, output.text(), listening.stdout(), output.cut, took, ended)

    def _wait(self, tool: subprocess.Popen[bytes], deadline: float) -> Ended:
        while True:
            with suppress(subprocess.TimeoutExpired):
                tool.wait(_LOOK)
                return ""
            if self.stop.is_set():
                return "stopped"
            if clock.monotonic() > deadline:
                return "timeout"


def _end(tool: subprocess.Popen[bytes], guard: Guard) -> None:
    """End a tool, where it still runs, and all that it left running."""
    try:
        if tool.poll() is None:
            _signal(tool, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                tool.wait(_GRACE)
        _signal(tool, signal.SIGKILL)
        tool.wait()
    finally:
        guard.let_go()


def _signal(tool: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(tool.pid, number)


class _Listening:
    """Two threads that read what a process says."""

    def __init__(self, process: subprocess.Popen[bytes], on_output: Callable[[str], None] | None) -> None:
        self.both = Captured()
        self._stdout = Captured(_STDOUT_MAX, 0)
        self._on_output = on_output
        if process.stdout is None or process.stderr is None:
            raise AssertionError("it was started with pipes")
        self._threads = [
            threading.Thread(target=self._read, args=(process.stdout, self._stdout), daemon=True),
            threading.Thread(target=self._read, args=(process.stderr, None), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, pipe: IO[bytes], own: Captured | None) -> None:
        with pipe:  # closed here alone: a handle that is read must not be given away
            while chunk := os.read(pipe.fileno(), _CHUNK):
                self.both.add(chunk)
                if own is not None:
                    own.add(chunk)
                if self._on_output is not None:
                    self._on_output(chunk.decode("utf-8", "replace"))

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(_DRAIN)

    def stdout(self) -> str:
        return self._stdout.text()
