"""`python tests/benchmarks`: every promise about speed and size, measured beside its peers in one run, as one table.

    python tests/benchmarks                          everything: an hour or more, 8 GB of disk, 8 GB of memory
    python tests/benchmarks --only list memory       some measurements
    python tests/benchmarks --quick                  little of everything in a minute: that it runs, not how fast it is
    python tests/benchmarks --json seen.json         the same as JSON, too

Where SUPERQODE_OLD_PYTHON names a Python with the package superqode 2.25.0, that is measured itself, too, not only its
way. A `!` marks a value that misses its target. Ratios within one run are fair; compare times of two runs with care.
The first line tells what the disk does with one file: ext4 without a journal, as some virtual machines have it, makes a
file ten times slower for minutes after many were deleted, which hits a save in Git (seven files) and no line of a log.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import conversation
import disk
import importing
import kills
import large
import listing
import memory
import processes
import recording
import scale
import scanning
import screens
import searching
import server
import sharing
import syncing
import writers
from bench import Bench, timed
from peers import run_git
from table import Section
from workload import make_pool

_SECTIONS: Final[dict[str, Callable[[Bench], list[Section]]]] = {
    "conversation": conversation.measure,
    "writers": writers.measure,
    "kills": kills.measure,
    "large": large.measure,
    "list": listing.measure,
    "search": searching.measure,
    "scan": scanning.measure,
    "disk": disk.measure,
    "import": importing.measure,
    "process": processes.measure,
    "record": recording.measure,
    "screens": screens.measure,
    "memory": memory.measure,
    "share": sharing.measure,
    "sync": syncing.measure,
    "scale": scale.measure,
    "server": server.measure,
}


def main() -> None:
    """Measure and print."""
    options = _options()
    told: list[Section] = []
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    # Nothing is removed before the end, or new files are made slowly.
    with tempfile.TemporaryDirectory(prefix="superqode-bench-", dir=options.folder) as folder:
        machine = f"{_machine()}, {_disk(Path(folder))}"
        print(f"{machine}\n", flush=True)
        pool = Path(folder, "pool.txt")
        pool.write_text(make_pool(1_000_000 if options.quick else 12_000_000), "utf-8")
        for name in options.only or _SECTIONS:
            bench = Bench(Path(folder, name), pool, options.quick)
            bench.root.mkdir()
            for section in _SECTIONS[name](bench):
                print(section.text(), flush=True)
                told.append(section)
    if options.json:
        document = {
            "machine": machine,
            "quick": options.quick,
            "sections": [part.to_dict() for part in told],
        }
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python tests/benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="measure little: a minute at most")
    parser.add_argument("--only", nargs="+", choices=_SECTIONS, metavar="NAME", help=", ".join(_SECTIONS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen there, too")
    parser.add_argument("--folder", type=Path, help="where to work, on the disk to measure; else the temporary folder")
    return parser.parse_args()


def _machine() -> str:
    git = run_git(Path.cwd(), "--version").decode().strip()
    return f"Python {platform.python_version()}, {git}, {platform.system()} {platform.machine()}"


def _disk(folder: Path) -> str:
    """What one new file takes here, and one more line that is synced."""
    place = folder / "files"
    place.mkdir()
    made = [timed(lambda number=number: (place / str(number)).write_bytes(b"x"))[0] for number in range(200)]  # type: ignore[misc]

    def append() -> None:
        file.write(b"x" * 500)
        os.fsync(file.fileno())

    with (place / "log").open("ab", buffering=0) as file:
        synced = [timed(append)[0] for _ in range(50)]
    times = [f"{statistics.median(seconds) * 1000:.2f} ms" for seconds in (made, synced)]
    return f"a new file {times[0]}, a line and its fsync {times[1]}"


if __name__ == "__main__":
    main()
