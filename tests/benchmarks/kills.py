"""kill -9 at any moment of a save: what was acknowledged and is lost, what cannot be read, and what the next save meets.

A process saves until it is killed; then its session is read and saved to anew, each time by a store that is opened for
it. A session grows with every kill, so another one follows after some.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench import LABELS, Bench, WorkerProcess
from ours import Ours
from peers import UNREADABLE, GzipJson, JsonLines, Store, run_git
from table import Row, Section, most
from workload import Workload

from superqode.session.errors import SessionError

__all__ = ["measure"]

_STORES: Final[dict[str, Callable[[Path, str], Store]]] = {"jsonl": JsonLines, "gzip": GzipJson, "ours": Ours}
_COLUMNS: Final = ("kills", "saves", "lost", "unreadable", "blocked")
_NEVER: Final = ("lost", "unreadable", "blocked")
_SEEDED: Final = 10
_KILLS_A_SESSION: Final = 25
# A kill comes so long after the process began to save, at most, in seconds.
_LONGEST: Final = 0.06
# What a store says when it cannot do it.
_REFUSALS: Final = (SessionError, *UNREADABLE)


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section; nothing where there is no kill -9."""
    if not hasattr(os, "fork"):
        return []
    ours, peers = bench.choose((1_000, 100), (3, 2))
    seen = {kind: _killed(bench, kind, ours if kind == "ours" else peers) for kind in _STORES}
    rows = [Row(LABELS[kind], dict(counts)) for kind, counts in seen.items()]
    rows[-1].limits = dict.fromkeys(_NEVER, most(0))
    return [Section("kills", "kill -9 of a process that saves", _COLUMNS, rows)]


def _killed(bench: Bench, kind: str, kills: int) -> dict[str, int]:
    bench.say(f"{LABELS[kind]}: {kills:,} kills")
    root = bench.root / kind
    chance = random.Random(9)
    workload = bench.workload()
    seen: Counter[str] = Counter()
    for begun in range(0, kills, _KILLS_A_SESSION):
        session = f"killed-{begun}"
        with WorkerProcess(bench, kind, root, session) as worker:
            worker.ask("seed", count=_SEEDED)
            expected: list[str] = []
            for number in range(begun, min(kills, begun + _KILLS_A_SESSION)):
                acknowledged = _until_killed(worker, chance, first=number * 1_000_000)
                seen["saves"] += len(acknowledged)
                expected += [workload.appended(save)["content"] for save in acknowledged]
                again = _look(_STORES[kind](root, session), expected, number, workload, seen)
                if not again:
                    worker.ask("seed", count=_SEEDED)
                    expected.clear()
    if kind == "ours":
        run_git(root, "fsck", "--strict")
    return {"kills": kills} | {column: seen[column] for column in _COLUMNS[1:]}


def _until_killed(worker: WorkerProcess, chance: random.Random, first: int) -> list[int]:
    """Let a process save, and kill it; gives the numbers of the saves that it was told are done."""
    pid, told = worker.ask("fork", first=first)
    file = Path(told)
    waited = time.monotonic()
    while not file.stat().st_size and time.monotonic() - waited < 1:  # it has to come to saving
        time.sleep(0.001)
    time.sleep(chance.uniform(0, _LONGEST))
    os.kill(pid, signal.SIGKILL)
    worker.ask("reap", pid=pid)
    return [int(line) for line in file.read_text("utf-8").split()]


def _look(store: Store, expected: list[str], number: int, workload: Workload, seen: Counter[str]) -> bool:
    """Read and save as a process does that knows nothing of a kill; whether the session can be gone on with."""
    try:
        there = set(store.texts())
    except _REFUSALS:
        seen["unreadable"] += 1
        return False
    seen["lost"] += sum(text not in there for text in expected)
    saved = workload.appended(number * 1_000_000 + 999_999)
    try:
        store.open()
        store.save(store.prepare(saved))
    except _REFUSALS:
        seen["blocked"] += 1
        return False
    expected.append(saved["content"])
    return True
