"""Several processes that save at once: how many durable saves a second they come to, and what is left of them."""

from __future__ import annotations

import os
import statistics
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench import OLD_PYTHON, Bench, WorkerProcess, short_label, timed
from peers import SESSION
from table import Row, Section, least, ratios

__all__ = ["measure"]

_KINDS: Final = ("jsonl", "gzip", "superqode", "ours")
# How many processes, and how many sessions they have.
_WAYS: Final = {"2 on 1": (2, 1), "8 on 1": (8, 1), "8 on 8": (8, 8)}
_QUICK_WAYS: Final = {"2 on 1": (2, 1), "2 on 2": (2, 2)}
_SEEDED: Final = 10
_RATE: Final = least(150)
_GAIN: Final = least(6)

Values = dict[str, dict[str, float]]


def measure(bench: Bench) -> list[Section]:
    """Measure and give two sections: saves a second, and how many of them are there afterwards."""
    each = bench.choose(100, 5)
    ways = bench.choose(_WAYS, _QUICK_WAYS)
    rates: Values = {}
    kept: Values = {}
    for kind in _KINDS:
        if kind == "superqode" and OLD_PYTHON not in os.environ:
            continue
        for way, (processes, sessions) in ways.items():
            bench.say(f"{short_label(kind)}: {way}")
            rounds = [_once(bench, kind, processes, sessions, each) for _ in range(bench.choose(3, 1))]
            rates.setdefault(kind, {})[way] = statistics.median(rate for rate, _ in rounds)
            kept.setdefault(kind, {})[way] = min(share for _, share in rounds)
    columns = tuple(ways)
    return [
        Section("writers", f"processes on sessions, {each} saves each: a second", columns, _rate_rows(rates, kept)),
        Section("writers-kept", "… and % of the messages that are there then", columns, _kept_rows(kept)),
    ]


def _once(bench: Bench, kind: str, processes: int, sessions: int, each: int) -> tuple[float, float]:
    """Give saves a second, and how many percent of the saved messages can be read afterwards."""
    root = _folder(bench, f"{kind}-{processes}-{sessions}")
    names = [SESSION if sessions == 1 else f"{SESSION}-{number}" for number in range(sessions)]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(WorkerProcess(bench, kind, root, names[number % sessions]))
            for number in range(processes)
        ]
        firsts = workers[:sessions]
        for worker in firsts:
            worker.ask("seed", count=_SEEDED)
        for worker in workers:
            worker.ask("open")

        def save() -> None:
            for number, worker in enumerate(workers):
                worker.tell("burst", first=number * each, count=each)
            for worker in workers:
                worker.answer()

        seconds, _ = timed(save)
        there = {text for worker in firsts for text in worker.ask("texts")}
    workload = bench.workload()
    saved = {workload.appended(number)["content"] for number in range(processes * each)}
    return processes * each / seconds, 100 * len(saved & there) / len(saved)


def _folder(bench: Bench, name: str) -> Path:
    turn = len(list(bench.root.glob(f"{name}-*")))
    return bench.root / f"{name}-{turn}"


def _rate_rows(rates: Values, kept: Values) -> list[Row]:
    rows = [Row(short_label(kind), values) for kind, values in rates.items()]
    rows[-1].limits = {"2 on 1": _RATE}
    for kind in sorted({"gzip", "superqode"} & rates.keys()):
        rows.append(Row(f"… ÷ {short_label(kind)}", ratios(rates["ours"], rates[kind]), "x", {"8 on 8": _GAIN}))
        # What another process writes over was no save; where nothing is left, there is nothing to compare with.
        useful = {way: rate * kept[kind][way] / 100 for way, rate in rates[kind].items() if kept[kind][way]}
        limits = dict.fromkeys(("8 on 1", "8 on 8"), _GAIN)
        rows.append(Row("… ÷ those of its that are kept", ratios(rates["ours"], useful), "x", limits))
    return rows


def _kept_rows(kept: Values) -> list[Row]:
    rows = [Row(short_label(kind), values) for kind, values in kept.items()]
    rows[-1].limits = dict.fromkeys(_WAYS, least(100))
    return rows
