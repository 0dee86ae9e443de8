"""The most memory a process needs to load a long session, beside the size of its JSON."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from bench import HERE, Bench
from ours import Ours
from peers import JsonLines
from table import Row, Section, most
from workload import json_line

__all__ = ["measure"]

_COLUMNS: Final = ("MB", "÷ JSON")
# Both import and open the same; only the second loads.
_PROGRAM: Final = """
import resource, sys
sys.path.insert(0, {here!r})
from pathlib import Path
from {module} import {store}
store = {store}(Path({root!r}))
import pygit2
loaded = store.load() if {load} else None
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak if sys.platform == "darwin" else peak * 1024)
"""


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section."""
    count = bench.choose(10_000, 200)
    section = Section("memory", f"memory to load {count:,} messages", _COLUMNS)
    if sys.platform == "win32":
        section.rows.append(Row("this library", {}, note="not measured: Windows does not tell"))
        return [section]
    bench.say(f"memory to load {count:,} messages")
    root = bench.root / "memory"
    root.mkdir()
    Ours(root).seed(bench.workload().turns(count))
    size = sum(len(json_line(record)) for turn in bench.workload().turns(count) for record in turn)
    lines = bench.root / "lines"
    lines.mkdir()
    JsonLines(lines).seed(bench.workload().turns(count))
    for label, module, store, folder in (
        ("JSONL, as dicts", "peers", "JsonLines", lines),
        ("this library, packed", "ours", "Ours", root),
    ):
        needed = _peak(module, store, folder, load=True) - _peak(module, store, folder, load=False)
        section.rows.append(Row(label, dict(zip(_COLUMNS, (needed / 1e6, needed / size), strict=True))))
    section.rows[-1].limits = {_COLUMNS[1]: most(4)}
    return [section]


def _peak(module: str, store: str, root: Path, *, load: bool) -> int:
    program = _PROGRAM.format(here=str(HERE), module=module, store=store, root=str(root), load=load)
    # Linux counts what stood in a process before its exec, which is this one; a shell between the two is small.
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", program]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
