"""A program of its own that becomes another, and leaves a guard beside it that ends it when who started it is gone.

It becomes the program in its own process, so whoever started it has the program itself: its pipes, signals, exit code.
The guard is of the program's group, whose number so stays theirs; it waits for a pipe's end, which comes even after
kill -9, asks the group to end, and makes it. Needs `fork`, and a process that leads its group. Standard library only.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Sequence

__all__ = ["Guard"]

# Seconds for a program to tidy up after itself, and between two looks whether it did.
_GRACE = 2.0
_LOOK = 0.02
_NOT_FOUND = 127


class Guard:
    """What a guard is started with: put `command` in the program's place, pass `passed` on, then call `started`."""

    def __init__(self) -> None:
        self._watched, self._held = os.pipe()
        self._told, self._tells = os.pipe()

    @property
    def passed(self) -> tuple[int, ...]:
        """The file descriptors that it inherits."""
        return self._watched, self._tells

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that becomes this one."""
        return [sys.executable, "-I", "-S", __file__, *map(str, self.passed), *command]

    def started(self) -> str:
        """Wait until it has become the program; gives why it could not, or nothing."""
        os.close(self._watched)
        os.close(self._tells)
        with os.fdopen(self._told, "rb") as told:
            return told.read().decode("utf-8", "replace")

    def let_go(self) -> None:
        """End what still runs, the guard too; in its own time."""
        os.close(self._held)

    def close(self) -> None:
        """Nothing was started."""
        for descriptor in (self._watched, self._held, self._told, self._tells):
            os.close(descriptor)


def _guard(watched: int, tells: int, leader: int) -> None:
    """Wait for the end, and see to it; does not return."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # the group's are not meant for it
    os.close(tells)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    while os.read(watched, 1):
        pass
    os.killpg(leader, signal.SIGTERM)
    try:
        for _ in range(round(_GRACE / _LOOK)):
            os.kill(leader, 0)
            select.select([], [], [], _LOOK)
    except ProcessLookupError:
        pass
    os.killpg(leader, signal.SIGKILL)  # itself too


def _leave_guard(watched: int, tells: int) -> None:
    """Fork twice, so that the program has no child that it does not know."""
    leader = os.getpid()
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    try:
        if not os.fork():
            _guard(watched, tells, leader)
    finally:
        os._exit(0)


def main(watched: int, tells: int, command: Sequence[str]) -> int:
    """Become a program; gives the exit code where there is none."""
    for descriptor in (watched, tells):
        os.set_inheritable(descriptor, False)
    _leave_guard(watched, tells)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and a program would inherit that
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - the program we were given; no shell takes it apart
    except OSError as problem:
        reason = problem.strerror or str(problem)
        os.write(2, f"{reason}: {command[0]}\n".encode("utf-8", "replace"))
        os.write(tells, reason.encode("utf-8", "replace"))
    return _NOT_FOUND


if __name__ == "__main__":
    os._exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
