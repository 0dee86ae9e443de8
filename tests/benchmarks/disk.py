"""What a session of many saves takes on the disk, beside one gzip of its last state."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from bench import Bench
from ours import USER, make_session, to_entry
from table import Row, Section, most
from workload import Workload

from superqode.session import Session, SessionStore

__all__ = ["measure"]


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section: a save a turn, then maintenance."""
    count = bench.choose(1_000, 50)
    bench.say(f"{count:,} saves, for their size")
    root = bench.root / "disk"
    with SessionStore(root, durability="fast", user=USER) as store:
        session = _grow(store, bench.workload(), count)
        before = _size(root)
    with SessionStore(root, user=USER) as store:
        store.maintain()
    after = _size(root)
    state = session.to_json().encode()
    best, usual = len(gzip.compress(state, 9)), len(gzip.compress(state, 6))
    columns = ("KB", "÷ gzip-9", "÷ gzip-6")

    def row(label: str, size: int) -> Row:
        values = (size / 1000, size / best, size / usual)
        return Row(label, dict(zip(columns, values, strict=True)))

    kept = row("this library, with its whole history", after)
    kept.limits = {"÷ gzip-9": most(1.7)}
    return [
        Section(
            "disk",
            f"disk after {count:,} saves",
            columns,
            [
                row("the last state as JSON, indented", len(state)),
                row("the last state in one gzip -9", best),
                row("this library, before maintenance", before),
                kept,
            ],
        )
    ]


def _grow(store: SessionStore, workload: Workload, count: int) -> Session:
    session = make_session("measured", ())
    for turn in workload.turns(count):
        for record in turn:
            session.add(to_entry(record))
        store.save(session)
    return session


def _size(root: Path) -> int:
    """The bytes of all files below a folder, whatever their blocks."""
    return sum(os.lstat(Path(folder, name)).st_size for folder, _, names in os.walk(root) for name in names)
