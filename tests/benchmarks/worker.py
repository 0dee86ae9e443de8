"""`worker.py KIND ROOT POOL`: one store in a process of its own, so that what it keeps in memory slows no other.

Commands come as lines of JSON on standard input, one answer each goes to standard output; times are in seconds.

    {"do": "seed", "count": 1000}             make a session of so many messages
    {"do": "load", "count": 5}                load it so often: a list of times
    {"do": "save", "count": 10, "most": 1.0}  append and save so often, or for so long: a list of times
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from peers import GitProgram, GzipJson, JsonLines, OldPackage, Sqlite, Store
from workload import Workload


def _ours(root: Path) -> Store:
    from ours import Ours

    return Ours(root)


def _ours_loose(root: Path) -> Store:
    from ours import LooseOurs

    return LooseOurs(root)


_KINDS: Final[dict[str, Callable[[Path], Store]]] = {
    "jsonl": JsonLines,
    "sqlite": Sqlite,
    "git": GitProgram,
    "gzip": GzipJson,
    "superqode": OldPackage,
    "ours": _ours,
    "ours-loose": _ours_loose,
}


class _Worker:
    def __init__(self, store: Store, workload: Workload) -> None:
        self._store = store
        self._workload = workload
        self._saved = -1

    def seed(self, count: int) -> int:
        self._store.seed(self._workload.turns(count))
        self._store.load()  # what a process does only once is not what is measured
        _sync()
        return count

    def load(self, count: int) -> list[float]:
        return [_timed(self._store.load) for _ in range(count)]

    def save(self, count: int, most: float) -> list[float]:
        if self._saved < 0:
            self._store.open()
        _sync()  # nobody pays for what others have left to be written
        times = [self._one_save() for _ in range(2)]
        del times[0]  # it wakes the disk and the processor's caches up
        while len(times) < count and sum(times) < most:
            times.append(self._one_save())
        return times

    def _one_save(self) -> float:
        self._saved += 1
        prepared = self._store.prepare(self._workload.appended(self._saved))
        return _timed(lambda: self._store.save(prepared))


def _sync() -> None:
    if hasattr(os, "sync"):  # not on Windows
        os.sync()


def _timed(action: Callable[[], object]) -> float:
    started = perf_counter()
    result = action()
    elapsed = perf_counter() - started
    del result  # letting go of it is not part of making it
    return elapsed


def main() -> None:
    """Answer commands until standard input ends."""
    kind, root, pool = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a store prints is no answer
    worker = _Worker(_KINDS[kind](Path(root)), Workload(Path(pool).read_text("utf-8")))
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        answer = getattr(worker, command.pop("do"))(**command)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
