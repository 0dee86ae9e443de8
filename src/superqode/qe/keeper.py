"""A program of its own that keeps a tool: it runs the command, and ends all of it when who asked for it is gone.

It stands between us and the tool, so that a tool never outlives us, not even after kill -9: the first line of its
standard input is the command as a JSON array, and the input's end is the word to stop. It exits as the tool did
(128 + the signal's number where a signal ended it, 127 where there is no such program). Standard library only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress

__all__ = ["main"]

# Seconds for a tool to tidy up after itself.
_GRACE = 2.0
_NOT_FOUND = 127
_SIGNALLED = 128


def _line() -> bytes:
    told = b""
    while not told.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            return b""
        told += piece
    return told


def _end(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _watch(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _end(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    _end(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def main() -> int:
    """Run the command that standard input names; gives the exit code."""
    command = _line()
    if not command:
        return _NOT_FOUND
    try:
        process = subprocess.Popen(json.loads(command), stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as problem:
        os.write(2, f"{problem.strerror}: {problem.filename}\n".encode("utf-8", "replace"))
        return _NOT_FOUND
    threading.Thread(target=_watch, args=(process,), daemon=True).start()
    code = process.wait()
    _end(process, getattr(signal, "SIGKILL", signal.SIGTERM))  # what it left running
    return code if code >= 0 else _SIGNALLED - code


if __name__ == "__main__":
    os._exit(main())
