"""A terminal of its own for a program under test, and somebody who answers what it asks."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence

__all__ = ["TAKE_TERMINAL", "converse"]

# Python that makes standard input the terminal of the process, as a login does.
TAKE_TERMINAL = "import os; os.login_tty(0); "


def converse(
    command: Sequence[str],
    answers: list[tuple[str, bytes]],
    environment: Mapping[str, str] | None = None,
    patience: float = 60.0,
) -> tuple[int, str]:
    """Run a command on a terminal, answering each prompt when it stands there; its exit code and what was seen.

    Args:
        command: what to run.
        answers: what to wait for and what to type; those that were given are gone afterwards.
        environment: variables besides those of this process.
        patience: seconds after which it is killed.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | dict(environment or {})
    )
    os.close(theirs)
    told, place, deadline = "", 0, time.monotonic() + patience
    try:
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                told += os.read(ours, 65536).decode(errors="replace")
            elif answers and answers[0][0] in told[place:]:
                place = len(told)
                os.write(ours, answers.pop(0)[1])
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(ours)
        if process.poll() is None and time.monotonic() >= deadline:
            process.kill()
    return process.wait(timeout=patience), told
