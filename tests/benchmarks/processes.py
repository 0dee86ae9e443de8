"""Whole processes, from start to end: what a person waits for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench import Bench, median_ms, timed
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
    ours = _command()
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        _CLICK: [sys.executable, "-c", "import click"],
        "python -c 'import superqode.session'": [sys.executable, "-c", "import superqode.session"],
        _HELP: [*ours, "--help"],
        f"superqode sessions list, of {count:,}": [*ours, "sessions", "--store", str(root), "list"],
    }
    bench.say("whole processes")
    # As pip leaves an installed package: compiled, whatever this machine says of byte code in a checkout.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(bench.root / "compiled")
    for command in commands.values():
        _run(command, environment)
    times: dict[str, list[float]] = {label: [] for label in commands}
    for _ in range(bench.choose(31, 3)):
        for label, command in commands.items():
            times[label].append(timed(lambda command=command: _run(command, environment))[0])  # type: ignore[misc]
    medians = {label: median_ms(seconds) for label, seconds in times.items()}
    rows = [
        Row(
            label,
            {_COLUMN: value, _RATIO: value / medians[_CLICK]},
            limits={_RATIO: most(1.2)} if label == _HELP else {},
        )
        for label, value in medians.items()
    ]
    return [Section("process", "whole processes", (_COLUMN, _RATIO), rows)]


def _command() -> list[str]:
    """The command as installed beside this Python, or what it would run."""
    found = shutil.which("superqode", path=str(Path(sys.executable).parent))
    return [found] if found else [sys.executable, "-c", "from superqode.cli import main; main()"]


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
