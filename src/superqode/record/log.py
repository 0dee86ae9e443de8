"""The raw traffic as JSON Lines, in the form that `sessions import` reads (`session/importers/acp/recording.py`)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

__all__ = ["TrafficLog"]

_DIRECTIONS: Final = {True: "agent->client", False: "client->agent"}


class TrafficLog:
    """Appends each line that passed, as it passed: `{"t": …, "dir": …, "msg": …}`, or `raw` where it is no message.

    Args:
        path: the file; one that is made is open to its owner alone, for it holds what the session holds.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def write(self, line: bytes, *, from_agent: bool, time: float, is_message: bool) -> None:
        """Write one line; raises `OSError` where it cannot be written."""
        # As it is where it is a message: not one digit of a number changes.
        field = b'"msg": ' + line.strip() if is_message else b'"raw": ' + _escaped(line)
        head = f'{{"t": {time!r}, "dir": "{_DIRECTIONS[from_agent]}", '
        self._stream.write(head.encode() + field + b"}\n")


def _escaped(line: bytes) -> bytes:
    """Give bytes that may be anything as JSON text, from which they can be had back (`surrogateescape`)."""
    return json.dumps(line.decode("utf-8", "surrogateescape")).encode()
