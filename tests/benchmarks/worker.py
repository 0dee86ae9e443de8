"""`worker.py KIND ROOT POOL [SESSION]`: a store in a process of its own, so that what it keeps in memory slows no other.

Commands come as lines of JSON on standard input, one answer each goes to standard output; times are in seconds.

    {"do": "seed", "count": 1000}               make a session of so many messages
    {"do": "load", "count": 5}                  load it so often: a list of times
    {"do": "save", "count": 10, "most": 1.0}    append and save so often, or for so long: a list of times
    {"do": "open"}                              get ready to append
    {"do": "texts"}                             read the texts of all messages
    {"do": "burst", "first": 0, "count": 100}   append and save the messages from a number on, as fast as it goes
    {"do": "large", "size": 20000000, "after": 3}   save a result of so many bytes, then so many messages: a list of times
    {"do": "fork", "first": 0}                  a process that appends and saves until it is killed: its number, and
                                                the file into which it writes a line for each save
    {"do": "reap", "pid": 7}                    wait for its end
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from peers import UNREADABLE, GitProgram, GzipJson, JsonLines, OldPackage, Sqlite, Store
from workload import Workload


def _ours(root: Path, *session: str) -> Store:
    from ours import Ours

    return Ours(root, *session)


def _ours_packed(root: Path) -> Store:
    from ours import PackedOurs

    return PackedOurs(root)


def _ours_loose(root: Path) -> Store:
    from ours import LooseOurs

    return LooseOurs(root)


KINDS: Final[dict[str, Callable[..., Store]]] = {
    "jsonl": JsonLines,
    "sqlite": Sqlite,
    "git": GitProgram,
    "gzip": GzipJson,
    "superqode": OldPackage,
    "ours": _ours,
    "ours-packed": _ours_packed,
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
        return [self._one_load() for _ in range(count)]

    def _one_load(self) -> float:
        self._store.forget()
        return _timed(self._store.load)

    def save(self, count: int, most: float) -> list[float]:
        if self._saved < 0:
            self._store.open()
        _sync()  # nobody pays for what others have left to be written
        _mark()
        times = [self._one_save() for _ in range(2)]
        del times[0]  # it wakes the disk and the processor's caches up
        while len(times) < count and sum(times) < most:
            times.append(self._one_save())
        return times

    def _one_save(self) -> float:
        self._saved += 1
        prepared = self._store.prepare(self._workload.appended(self._saved))
        return _timed(lambda: self._store.save(prepared))

    def open(self) -> bool:
        self._store.open()
        _sync()
        return True

    def texts(self) -> list[str]:
        try:
            return self._store.texts()
        except UNREADABLE:
            return []  # two wrote into each other's file

    def burst(self, first: int, count: int) -> int:
        for prepared in [self._store.prepare(self._workload.appended(first + number)) for number in range(count)]:
            self._store.save(prepared)
        return count

    def large(self, size: int, after: int) -> list[float]:
        if self._saved < 0:
            self._store.open()
        self._saved += 1
        prepared = self._store.prepare(self._workload.large(self._saved, size))
        _sync()
        return [_timed(lambda: self._store.save(prepared)), *(self._one_save() for _ in range(after))]

    def fork(self, first: int) -> tuple[int, str]:
        told = str(self._store.root / "acknowledged")
        acknowledged = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        child = os.fork()
        if child == 0:
            self._store.open()
            while True:
                self._store.save(self._store.prepare(self._workload.appended(first)))
                os.write(acknowledged, b"%d\n" % first)
                first += 1
        os.close(acknowledged)
        return child, told

    def reap(self, pid: int) -> bool:
        os.waitpid(pid, 0)
        return True


def _sync() -> None:
    if hasattr(os, "sync") and not os.environ.get("SUPERQODE_BENCH_QUICK"):  # not on Windows
        os.sync()


def _mark() -> None:
    """Make a system call that no save makes: where a trace has it, saves begin."""
    if hasattr(os, "getpriority"):
        os.getpriority(os.PRIO_PROCESS, 0)


def _timed(action: Callable[[], object]) -> float:
    started = perf_counter()
    result = action()
    elapsed = perf_counter() - started
    del result  # letting go of it is not part of making it
    return elapsed


def main() -> None:
    """Answer commands until standard input ends."""
    kind, root, pool, *session = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a store prints is no answer
    worker = _Worker(KINDS[kind](Path(root), *session), Workload(Path(pool).read_text("utf-8")))
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        answer = getattr(worker, command.pop("do"))(**command)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
