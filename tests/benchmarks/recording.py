"""What a recorder costs a conversation: lines there and back through it, beside `cat` in its place and nothing at all."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench import Bench, median_ms, timed
from table import Row, Section, most

__all__ = ["measure"]

_COLUMNS: Final = ("300 bytes", "100 KB")
_ECHO: Final = "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.buffer.flush()"
_RECORD: Final = "this library, recording"
# There and back is two lines.
_LINES: Final = 2


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section: what each way adds to one line, in µs, over an agent that is spoken to directly."""
    agent = [sys.executable, "-c", _ECHO]
    shell = f"cat | {shlex.join(agent)} | cat"
    record = [sys.executable, "-c", "from superqode.cli import main; main()", "record"]
    ways = {
        "directly": agent,
        "cat | agent | cat": ["sh", "-c", shell],
        _RECORD: [*record, "--store", str(bench.root / "store"), "--", *agent],
    }
    bench.say("lines through a recorder")
    seen = {
        label: {column: _a_line(command, _message(size), bench.choose(2_000, 20)) for column, size in _sizes()}
        for label, command in ways.items()
    }
    bare = seen.pop("directly")
    rows = [
        Row(
            label,
            {column: value - bare[column] for column, value in values.items()},
            limits=dict.fromkeys(_COLUMNS, most(1000)) if label == _RECORD else {},
        )
        for label, values in seen.items()
    ]
    rows.insert(0, Row("a line to an agent and none between", bare))
    return [Section("record", "µs a line, and what is added to it", _COLUMNS, rows)]


def _sizes() -> list[tuple[str, int]]:
    return list(zip(_COLUMNS, (300, 100_000), strict=True))


def _message(size: int) -> bytes:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x" * (size - 150)}}
    message = {"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": update}}
    return json.dumps(message).encode() + b"\n"


def _a_line(command: list[str], line: bytes, count: int) -> float:
    """Give the median of the time one line takes one way, in µs."""

    def there_and_back() -> None:
        stdin.write(line)
        stdin.flush()
        if stdout.readline() != line:
            raise AssertionError(f"{command[0]} does not give back what it was given")

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path("/")) as process:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("it was opened with pipes")
        for _ in range(10):
            there_and_back()
        seconds = [timed(there_and_back)[0] for _ in range(count)]
        stdin.close()
    return median_ms(seconds) * 1000 / _LINES
