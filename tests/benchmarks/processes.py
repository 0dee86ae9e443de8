"""Whole processes, from start to end: what a person waits for."""

from __future__ import annotations

import sys

from bench import Bench, as_installed, our_command, process_ms
from listing import make_branches
from table import Row, Section, most

from superqode.session import SessionStore

__all__ = ["measure"]

_COLUMN = "ms"
_RATIO = "÷ click"
_CLICK = "python -c 'import click'"
_HELP = "superqode --help"


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section; the commands take turns."""
    root = bench.root / "store"
    count = bench.choose(1_000, 100)
    make_branches(bench, root, count)
    with SessionStore(root) as store:
        store.maintain()
        store.list_sessions()
    ours = our_command()
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        _CLICK: [sys.executable, "-c", "import click"],
        "python -c 'import superqode.session'": [sys.executable, "-c", "import superqode.session"],
        _HELP: [*ours, "--help"],
        f"superqode sessions list, of {count:,}": [*ours, "sessions", "--store", str(root), "list"],
    }
    bench.say("whole processes")
    medians = process_ms(commands, as_installed(bench), bench.choose(31, 3))
    rows = [
        Row(
            label,
            {_COLUMN: value, _RATIO: value / medians[_CLICK]},
            limits={_RATIO: most(1.2)} if label == _HELP else {},
        )
        for label, value in medians.items()
    ]
    return [Section("process", "whole processes", (_COLUMN, _RATIO), rows)]
