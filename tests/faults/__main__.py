"""`python tests/faults`: every fault we know of, done to real stores in full, and one table of what became of them.

    python tests/faults                          everything: half an hour on two cores
    python tests/faults --only kill power        only the files test_kill.py and test_power_loss.py, say
    python tests/faults --quick                  the part that runs with all other tests
    python tests/faults --json seen.json         the same as JSON, too

`reported` is what no copy was left of, and what was named. The last four columns have to be empty: something that was
acknowledged and is gone without a word, something that cannot be read though nothing took it, a hang or a save that
does not work any more, and anything else that is not as promised (a lie about an outcome, a lock left behind).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import pytest
from tally import OUTCOMES

_FOLDER: Final = Path(__file__).resolve().parent
_BAD: Final = OUTCOMES[2:]
_LABEL: Final = 34
_CELL: Final = 11


class Collector:
    """A plugin of pytest that adds up what each test counted; a test that counted nothing is one fault itself."""

    def __init__(self) -> None:
        self.groups: dict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: list[str] = []
        self.skipped: Counter[str] = Counter()
        self._took: dict[str, float] = defaultdict(float)
        self._ended: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a part of a test, and of the whole when it is over."""
        name = report.nodeid
        self._took[name] += report.duration
        if report.failed or (report.skipped and report.when == "setup"):
            self._ended[name] = report.outcome
        if report.when != "teardown":
            if report.skipped:
                self.skipped[_reason(report)] += 1
            return
        told = dict(report.user_properties).get("faults")
        ended = self._ended.get(name, "passed")
        if ended == "failed":
            self.failed.append(name)
        if told is not None and ended != "skipped":
            self._count(told["group"], Counter(told["counts"]), ended, self._took[name])

    def _count(self, group: str, counts: Counter[str], ended: str, took: float) -> None:
        if ended == "failed" and not any(counts[bad] for bad in _BAD):
            counts["wrong"] += 1
        if not counts:
            counts["survived"] += 1
        self.groups[group] += counts
        self.seconds[group] += took

    def rows(self) -> list[dict[str, Any]]:
        """One for each group, and their sum."""
        rows = [
            {"group": group, "tried": counts.total(), **{name: counts[name] for name in OUTCOMES}}
            | {"seconds": round(self.seconds[group], 1)}
            for group, counts in sorted(self.groups.items())
        ]
        numbers = ("tried", *OUTCOMES, "seconds")
        return [*rows, {"group": "all", **{name: round(sum(row[name] for row in rows), 1) for name in numbers}}]


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr
    text = str(told[2] if isinstance(told, tuple) else told).removeprefix("Skipped: ")
    return text.partition("\n")[0][:100]


def _table(rows: list[dict[str, Any]]) -> str:
    columns = ("tried", *OUTCOMES)
    head = f"{'faults':{_LABEL}}" + "".join(f"{column:>{_CELL}}" for column in columns) + f"{'seconds':>{_CELL}}"
    lines = [head]
    for row in rows:
        cells = "".join(f"{row[column] or '-':>{_CELL},}" if row[column] else f"{'-':>{_CELL}}" for column in columns)
        mark = "  !" if any(row[bad] for bad in _BAD) else ""
        lines.append(f"{row['group']:{_LABEL}.{_LABEL}}{cells}{row['seconds']:>{_CELL},.0f}{mark}")
    return "\n".join(lines)


def _files(only: list[str] | None) -> list[str]:
    found = sorted(_FOLDER.glob("test_*.py"))
    return [str(path) for path in found if only is None or any(word in path.stem for word in only)]


def main() -> int:
    """Run, and print; gives 1 where something did not end well."""
    options = _options()
    os.environ.pop("SUPERQODE_TEST_FULL", None)
    if not options.quick:
        os.environ["SUPERQODE_TEST_FULL"] = "1"
    collector = Collector()
    root = _FOLDER.parents[1]
    os.chdir(root)
    started = time.monotonic()
    pytest.main(
        ["-q", "--no-header", "-n", str(options.processes), "--dist", "worksteal", *_files(options.only)],
        plugins=[collector],
    )
    rows = collector.rows()
    took = time.monotonic() - started
    print(f"\nPython {platform.python_version()}, {platform.system()} {platform.machine()}, {took / 60:.1f} minutes\n")
    print(_table(rows))
    for reason, count in collector.skipped.items():
        print(f"not run here: {count} tests ({reason})")
    if options.json:
        document = {
            "full": not options.quick,
            "minutes": round(took / 60, 1),
            "groups": rows[:-1],
            "all": rows[-1],
            "failed": collector.failed,
            "not_run": dict(collector.skipped),
        }
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 1 if collector.failed or any(rows[-1][bad] for bad in _BAD) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python tests/faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the bounded part: a minute or two")
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", help="only test files with one of these words in their name"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen there, too")
    parser.add_argument("--processes", default="auto", metavar="NUMBER", help="how many tests run beside each other")
    options = parser.parse_args()
    options.json = options.json and options.json.resolve()
    return options


if __name__ == "__main__":
    sys.exit(main())
