"""The collector of cycles, told what an app with large sessions is like."""

from __future__ import annotations

import gc

__all__ = ["collect_rarely"]


def collect_rarely() -> None:
    """Have cycles looked for rarely, and never in what is loaded by now; for a process that shows sessions alone.

    Modules and long sessions are very many objects that stay. To look at them again and again took a fifth of the time
    to the first picture, and a quarter of that to open 10,000 messages.
    """
    gc.set_threshold(100_000, 20, 100)
    gc.freeze()
