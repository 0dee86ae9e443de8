"""One tool result of 20 MB: its save, and whether the next save notices."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from bench import LABELS, Bench, WorkerProcess, median_ms
from table import Row, Section, most

__all__ = ["measure"]

_KINDS: Final = ("jsonl", "gzip", "ours")
_SEEDED: Final = 100
_SIZE: Final = 20_000_000
_COLUMNS: Final = ("20 MB", "the next", "usual")
_JSONL: Final = most(2)
# What a save of 20 MB leaves to be written, the machine writes beside the next one.
_NEXT: Final = most(1.5)
# Its saves take a second, and more with each large result.
_SLOW: Final = "gzip"


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section; the stores take turns."""
    size = bench.choose(_SIZE, 200_000)
    times: dict[str, dict[str, list[float]]] = {kind: {column: [] for column in _COLUMNS} for kind in _KINDS}
    with ExitStack() as stack:
        workers = {
            kind: stack.enter_context(WorkerProcess(bench, kind, bench.root / f"{kind}-{_SEEDED}")) for kind in _KINDS
        }
        for worker in workers.values():
            worker.ask("seed", count=_SEEDED)
        rounds = bench.choose(9, 1)
        for turn in range(rounds):
            bench.say(f"a result of {size:,} bytes, round {turn + 1} of {rounds}")
            for kind, worker in workers.items():
                if kind == _SLOW and turn >= 1:
                    continue
                seen = times[kind]
                # The usual ones are those after it, when the disk is at rest again: both have it in their session.
                large, following, *_ = worker.ask("large", size=size, after=1)
                seen["20 MB"].append(large)
                seen["the next"].append(following)
                seen["usual"] += worker.ask("save", count=bench.choose(10, 2), most=1.0)
    medians = {kind: {column: median_ms(seconds) for column, seconds in seen.items()} for kind, seen in times.items()}
    rows = [Row(LABELS[kind], values) for kind, values in medians.items()]
    ours, lines = medians["ours"], medians["jsonl"]
    rows.append(Row("… ÷ JSONL + fsync", {"20 MB": ours["20 MB"] / lines["20 MB"]}, "x", {"20 MB": _JSONL}))
    rows.append(Row("… the next ÷ usual", {"the next": ours["the next"] / ours["usual"]}, "x", {"the next": _NEXT}))
    return [Section("large", "save a result of 20 MB, then 1 KB, ms", _COLUMNS, rows)]
