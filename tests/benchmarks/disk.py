"""What a session of many durable saves takes on the disk, beside its JSON lines and one gzip of its last state.

A file system gives whole blocks, so the many small files before maintenance are judged by these, folders included; the
few after it are judged as the gzip beside them is, by their bytes.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import Bench
from ours import USER, make_session, to_entry
from table import Limit, Row, Section, most
from workload import Record, json_line

from superqode.session import Session, SessionStore

__all__ = ["measure"]

_KB: Final = "KB"
_BLOCKS: Final = "KB blocks"
_PAYLOAD: Final = "÷ payload"
_GZIP: Final = "÷ gzip"
_COLUMNS: Final = (_KB, _BLOCKS, _PAYLOAD, _GZIP)
# Disposable, and within budgets of their own: the index, and the entries of sessions that were loaded.
_CACHES: Final = ("index", "entries")
_BLOCK: Final = 512


def measure(bench: Bench) -> list[Section]:
    """Measure and give two sections, each of a save a turn and then maintenance: usual turns, and short messages."""
    count = bench.choose(1_000, 50)
    usual, small = bench.workload().turns(count), bench.workload().small(count)
    title = f"disk after {count:,} saves"
    return [
        _section(bench, "disk", title, usual, judged=True),
        _section(bench, "disk-small", f"{title} of 300 bytes", small, judged=False),
    ]


def _section(bench: Bench, name: str, title: str, turns: Iterator[list[Record]], *, judged: bool) -> Section:
    bench.say(title)
    root = bench.root / name
    payload = 0
    with SessionStore(root, user=USER) as store:
        session = make_session("measured", ())
        for turn in turns:
            payload += sum(len(json_line(record)) for record in turn)
            _save(store, session, turn)
    before = _size(root)
    with SessionStore(root, user=USER) as store:
        store.maintain()
        after = _size(root)
        store.load("measured")
        store.load("measured")
        store.search("nothing-has-this-word")
    state = session.to_json().encode()
    compressed = len(gzip.compress(state, 9))

    def row(label: str, length: int, blocks: int, limits: dict[str, Limit] | None = None) -> Row:
        values = (length / 1000, blocks / 1000, blocks / payload, length / compressed)
        return Row(label, dict(zip(_COLUMNS, values, strict=True)), limits=(limits or {}) if judged else {})

    return Section(
        name,
        title,
        _COLUMNS,
        [
            row("payload: the entries as JSON lines", payload, payload),
            row("the last state in one gzip -9", compressed, compressed),
            row("this library, before maintenance", *before, {_PAYLOAD: most(1.2)}),
            row("this library, with its whole history", *after, {_GZIP: most(1.7)}),
            row("its caches, once searched and loaded", *_size(root, caches=True)),
        ],
    )


def _save(store: SessionStore, session: Session, turn: list[Record]) -> None:
    for record in turn:
        session.add(to_entry(record))
    store.save(session)


def _size(root: Path, *, caches: bool = False) -> tuple[int, int]:
    """Give the bytes of all files below a store, and those of their blocks (folders, too): of its caches or the rest."""
    length = blocks = 0
    for folder, _, names in os.walk(root):
        inside = Path(folder).relative_to(root).parts
        within = inside[:1] == ("superqode",) and inside[1:2] and inside[1].startswith(_CACHES)
        for name in (".", *names):
            told = os.lstat(Path(folder, name))
            if caches == bool(within or (inside == ("superqode",) and name.startswith(_CACHES))):
                length += told.st_size if name != "." else 0
                blocks += told.st_blocks * _BLOCK
    return length, blocks
