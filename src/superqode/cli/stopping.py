"""Work that goes on until somebody ends it: by Ctrl-C, or by SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

__all__ = ["until_stopped"]


@contextmanager
def until_stopped() -> Iterator[Event]:
    """Give what is set by Ctrl-C and SIGTERM; the second Ctrl-C no longer waits for the work at hand."""
    stop = Event()

    def end(number: int, _frame: Any) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, end)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
