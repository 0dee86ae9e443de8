"""Saving and loading one session that grows, beside what people use instead.

One process a store and size, all alive at once; they take turns in short blocks, so that whatever else the machine
does meanwhile hits all alike. Medians over all blocks.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from contextlib import ExitStack
from typing import Final

from bench import LABELS, OLD_PYTHON, Bench, WorkerProcess, median_ms, short_label
from table import Limit, Row, Section, least, most, ratios

__all__ = ["measure"]

_SUFFIX: Final = {"ours": ", from its cache", "ours-packed": ", packed", "ours-loose": ", loose files"}
# Their saves take seconds at 10,000 messages and would take a minute at 100,000.
_SLOW: Final = frozenset(("gzip", "superqode"))
_SLOW_AT_MOST: Final = 10_000
_JSONL: Final = most(4)
_GAIN: Final[dict[int, Limit]] = {1_000: least(500), 10_000: least(5_000)}
_SYNCS: Final = most(2)
_SYNC_CALLS: Final = ("fsync", "fdatasync", "syncfs", "sync_file_range", "msync")
_GROWN: Final[dict[int, Limit]] = {10_000: most(1.2), 100_000: most(1.3)}
_LOAD: Final = {"ours": most(1.6), "ours-packed": most(4), "ours-loose": most(4)}
# A session of 900 MB is more than the cache takes.
_CACHED_AT_MOST: Final = 10_000

Workers = dict[tuple[str, int], WorkerProcess]
Times = dict[str, dict[str, float]]


def measure(bench: Bench) -> list[Section]:
    """Measure and give two sections: loading, saving."""
    sizes = bench.choose((10, 100, 1_000, 10_000, 100_000), (10, 100))
    with ExitStack() as stack:
        workers = _start(bench, sizes, stack)
        loads = _loads(bench, workers)
        saves = _saves(bench, workers)
    syncs = _syncs(bench, min(1_000, max(sizes)))
    columns = tuple(f"{size:,}" for size in sizes)
    return [
        Section("load", "load a session of so many messages, ms", columns, _load_rows(loads, columns)),
        Section("save", "append 1 KB + durable save, ms", columns, [*_save_rows(saves, columns), syncs]),
    ]


def _start(bench: Bench, sizes: tuple[int, ...], stack: ExitStack) -> Workers:
    workers: Workers = {}
    kinds = [kind for kind in LABELS if kind != "superqode" or OLD_PYTHON in os.environ]
    for size in sizes:
        bench.say(f"making sessions of {size:,} messages")
        for kind in kinds:
            if kind in _SLOW and size > _SLOW_AT_MOST:
                continue
            worker = stack.enter_context(WorkerProcess(bench, kind, bench.root / f"{kind}-{size}"))
            worker.ask("seed", count=size)
            workers[kind, size] = worker
    return workers


def _loads(bench: Bench, workers: Workers) -> Times:
    times: dict[tuple[str, int], list[float]] = {key: [] for key in workers}
    rounds = bench.choose(8, 2)
    for turn in range(rounds):
        bench.say(f"loading, round {turn + 1} of {rounds}")
        for (kind, size), worker in workers.items():
            if size > 10_000 and turn >= 3:
                continue
            times[kind, size] += worker.ask("load", count=max(1, min(5, 2_000 // size)))
    return _medians(times)


def _saves(bench: Bench, workers: Workers) -> Times:
    saving = {key: worker for key, worker in workers.items() if key[0] not in ("ours-packed", "ours-loose")}
    times: dict[tuple[str, int], list[float]] = {key: [] for key in saving}
    rounds = bench.choose(12, 2)
    for turn in range(rounds):
        bench.say(f"saving, round {turn + 1} of {rounds}")
        for (kind, size), worker in saving.items():
            if sum(times[kind, size]) < bench.choose(10, 1):  # the slow ones need no more to be known
                times[kind, size] += worker.ask("save", count=10, most=1.0)
    return _medians(times)


def _medians(times: dict[tuple[str, int], list[float]]) -> Times:
    medians: Times = {}
    for (kind, size), seconds in times.items():
        medians.setdefault(kind, {})[f"{size:,}"] = median_ms(seconds)
    return medians


def _load_rows(times: Times, columns: tuple[str, ...]) -> list[Row]:
    rows = [Row(LABELS[kind] + _SUFFIX.get(kind, ""), values) for kind, values in times.items()]
    for kind, limit in _LOAD.items():
        largest = _CACHED_AT_MOST if kind == "ours" else math.inf
        limits = {column: limit for column in columns if 1_000 <= int(column.replace(",", "")) <= largest}
        rows.append(Row(f"…{_SUFFIX[kind][1:]} ÷ JSONL", ratios(times[kind], times["jsonl"]), "x", limits))
    return rows


def _save_rows(times: Times, columns: tuple[str, ...]) -> list[Row]:
    rows = [Row(LABELS[kind], values) for kind, values in times.items()]
    ours = times["ours"]
    rows.append(Row("… ÷ JSONL + fsync", ratios(ours, times["jsonl"]), "x", dict.fromkeys(columns, _JSONL)))
    rows += [
        Row(f"{short_label(kind)} ÷ …", ratios(times[kind], ours), "x", _named(_GAIN, columns))
        for kind in sorted(_SLOW & times.keys())
    ]
    grown = {column: value / ours["10"] for column, value in ours.items()}
    rows.append(Row("… at so many messages ÷ at 10", grown, "x", _named(_GROWN, columns)))
    return rows


def _named(limits: dict[int, Limit], columns: tuple[str, ...]) -> dict[str, Limit]:
    return {f"{size:,}": limit for size, limit in limits.items() if f"{size:,}" in columns}


def _syncs(bench: Bench, size: int) -> Row:
    """How often a save waits for the disk: its calls, counted by strace, on average over some hundred saves."""
    label = "… its calls that wait for the disk"
    if shutil.which("strace") is None:
        return Row(label, {}, note="not measured: no strace")
    bench.say("counting syncs")
    trace = bench.root / "trace"
    under = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=getpriority," + ",".join(_SYNC_CALLS)]
    count = bench.choose(300, 20)
    with WorkerProcess(bench, "ours", bench.root / "traced", under=under) as worker:
        worker.ask("seed", count=size)
        worker.ask("save", count=1, most=1.0)
        worker.ask("save", count=count, most=math.inf)
    # That one is the worker's own, before it begins to save.
    last = re.split(r"\bgetpriority\(", trace.read_text("utf-8"))[-1]
    calls = sum(len(re.findall(rf"\b{name}\(", last)) for name in _SYNC_CALLS)
    return Row(label, {f"{size:,}": calls / (count + 1)}, limits={f"{size:,}": _SYNCS})
