"""Full-text search: over some thousand messages, and over very many sessions, up to the first hit on the screen."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bench import Bench, as_installed, median_ms, our_command, run, timed
from ours import USER, make_session
from table import Row, Section, most
from workload import json_line

from superqode.session import SessionStore

__all__ = ["measure"]

_QUERIES = ("function", "the same object", '"is raised"', "excep*", "module_7", "nothing-has-this-word")
_SESSIONS = 20
# In how many places the word stands that a process looks for.
_PLANTED: Final = 3
_WORD: Final = "zanzibarite"
_TURNS: Final = 2
_ALARM: Final = 60.0


def measure(bench: Bench) -> list[Section]:
    """Measure and give two sections: few long sessions, many short ones."""
    return [_long(bench), _many(bench)]


def _long(bench: Bench) -> Section:
    count = bench.choose(200, 10)
    bench.say(f"searching {_SESSIONS * count:,} messages")
    workload = bench.workload()
    root = bench.root / "search"
    with SessionStore(root, durability="fast", user=USER) as store:
        for number in range(_SESSIONS):
            store.save(make_session(f"search-{number}", workload.turns(count, number * count)))
        store.maintain()
        store.list_sessions()
        first, _ = timed(lambda: store.search("function"))
        warm = [timed(lambda query=query: store.search(query))[0] for query in _QUERIES * 5]  # type: ignore[misc]
        session = store.load("search-0")
        after = []
        for number in range(5):
            session.add_message("user", workload.appended(number)["content"])
            store.save(session)
            after.append(timed(lambda: store.search("function"))[0])
    column = f"{_SESSIONS * count:,}"
    rows = [
        Row("the first (all words are read)", {column: first * 1000}),
        Row("those after it (six queries)", {column: median_ms(warm)}),
        Row("the next after one more save", {column: median_ms(after)}),
    ]
    return Section("search", "search so many messages with calls, ms", (column,), rows)


def _many(bench: Bench) -> Section:
    count = bench.choose(10_000, 50)
    bench.say(f"searching {count:,} sessions")
    workload = bench.workload()
    root, lines = bench.root / "many", bench.root / "lines"
    lines.mkdir()
    with SessionStore(root, durability="fast", user=USER) as store:
        for number in range(count):
            session = make_session(f"search-{number}", workload.turns(_TURNS, number * _TURNS))
            if number % (count // _PLANTED) == 1:
                session.add_message("user", f"look for {_WORD} here")
            store.save(session)
            said = [json_line(entry.model_dump(mode="json")) for entry in session.messages]
            (lines / f"{number}.jsonl").write_bytes(b"".join(said))
        store.maintain()
        store.list_sessions()
        first, found = timed(lambda: store.search(_WORD))
        if len(found) < _PLANTED:
            raise AssertionError(f"{len(found)} places were found")
        warm = [timed(lambda query=query: store.search(query))[0] for query in (_WORD, *_QUERIES) * 5]  # type: ignore[misc]
    column = f"{count:,}"
    rows = [
        Row("the first (all words are read)", {column: first * 1000}),
        Row("those after it (seven queries)", {column: median_ms(warm)}, limits={column: most(50)}),
        Row("… the slowest", {column: max(warm) * 1000}),
        *_processes(bench, root, lines, column),
    ]
    return Section("search-many", "search so many sessions, ms", (column,), rows)


def _processes(bench: Bench, root: Path, lines: Path, column: str) -> list[Row]:
    """One process that looks for a rare word: how long until its first place is on the screen; and grep, to its end."""
    environment = as_installed(bench)
    rounds = bench.choose(15, 2)
    rows: list[Row] = []
    if shutil.which("grep") is not None:
        grep = ["grep", "-rl", _WORD, str(lines)]
        run(grep, environment)
        rows.append(
            Row(
                "grep in JSONL of messages, a process",
                {column: median_ms([timed(lambda: run(grep, environment))[0] for _ in range(rounds)])},
            )
        )
    label = "first hit on the screen, a process"
    if not hasattr(os, "openpty"):
        return [*rows, Row(label, {}, note="not measured: no terminals here")]
    command = [*our_command(), "sessions", "--store", str(root), "search", _WORD]
    _until_shown(command, environment)
    seconds = [_until_shown(command, environment) for _ in range(rounds)]
    return [*rows, Row(label, {column: median_ms(seconds)}, limits={column: most(250)})]


def _until_shown(command: Iterable[str], environment: dict[str, str]) -> float:
    """Start a program on a terminal; give the seconds until the word stands on it."""
    ours, theirs = os.openpty()
    began = time.perf_counter()
    with subprocess.Popen(
        [*command],
        env=environment | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while _WORD.encode() not in seen:
                if not select.select([ours], [], [], _ALARM)[0]:
                    raise AssertionError(f"it shows nothing but {seen!r}")
                seen += os.read(ours, 65536)
            return time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGKILL)
            os.close(ours)
