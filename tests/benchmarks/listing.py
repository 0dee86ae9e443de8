"""Listing 50 of very many sessions: when nothing changed, right after plain git moved a branch, and as a whole process.

The branches share a handful of commits, which a listing does not notice. Up to 10,000 of them are loose files; more are
in `packed-refs`, as maintenance leaves them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench import OLD_PYTHON, Bench, as_installed, median_ms, our_command, process_ms, python_of, timed
from ours import USER, make_session
from peers import run_git
from table import Row, Section, most, ratios
from workload import BEGAN, PROJECT

from superqode.session import SessionStore

__all__ = ["make_branches", "measure"]

_SHOWN: Final = 50
_LOOSE_AT_MOST: Final = 10_000
_COMMITS: Final = 7
# File times within two seconds of a look prove nothing (Git's racy rule), so a store needs this long to settle.
_SETTLE: Final = 2.2
_OURS: Final = "this library, a process"
_WAY: Final = "superqode 2.25.0's way, a process"
_OLD: Final = "superqode 2.25.0 itself, a process"
_PART_OF_OLD: Final = 1 / 8
# What superqode.session.persistence imports, and what its store does with its index.
_OLD_WAY: Final = """
import dataclasses, datetime, enum, gzip, hashlib, json, os, pathlib, shutil, time, typing
lines = list(json.loads(pathlib.Path({index!r}).read_text()).values())
lines.sort(key=lambda line: line.get("updated_at", ""), reverse=True)
shown = lines[:{shown}]
"""
_OLD_ITSELF: Final = """
from pathlib import Path
from superqode.session.persistence import SessionStore
shown = SessionStore(Path({root!r})).list_sessions(limit={shown})
"""
_OUR_PROGRAM: Final = """
from superqode.session import SessionStore
shown = SessionStore({root!r}).list_sessions(limit={shown})
"""
_PRINT: Final = """
for line in shown: print(line)
"""

Times = dict[str, dict[str, float]]


def measure(bench: Bench) -> list[Section]:
    """Measure and give two sections: the call, and whole processes."""
    sizes = bench.choose((100, 10_000, 100_000), (100, 1_000))
    times: Times = {}
    processes: Times = {}
    for size in sizes:
        bench.say(f"listing 50 of {size:,} sessions")
        column = f"{size:,}"
        for label, value in _one_size(bench, size).items():
            times.setdefault(label, {})[column] = value
        for label, value in _processes(bench, size).items():
            processes.setdefault(label, {})[column] = value
    columns = tuple(f"{size:,}" for size in sizes)
    limits = {"this library, nothing changed": dict.fromkeys(columns, most(1))}
    limits["… after one foreign change"] = {f"{size:,}": most(25) for size in sizes if size == _LOOSE_AT_MOST}
    rows = [Row(label, values, limits=limits.get(label, {})) for label, values in times.items()]
    title = "list 50 of so many sessions, ms"
    return [
        Section("list", title, columns, rows),
        Section("list-process", f"{title}, as a process", columns, _process_rows(processes)),
    ]


def _process_rows(times: Times) -> list[Row]:
    rows = [Row(label, values) for label, values in times.items()]
    for peer in (_WAY, _OLD):
        if peer in times:
            label = f"… ÷ {peer.removesuffix(', a process')}"
            rows.append(Row(label, ratios(times[_OURS], times[peer]), "x", {"100,000": most(_PART_OF_OLD)}))
    return rows


def _processes(bench: Bench, size: int) -> dict[str, float]:
    """Give the times of processes that open a store which nothing changed meanwhile, list, print and end."""
    root, index = _store(bench, size), _index(bench, size)
    told = {"root": str(root), "index": str(index), "shown": _SHOWN}
    commands = {_WAY: [sys.executable, "-c", _OLD_WAY.format(**told) + _PRINT]}
    if OLD_PYTHON in os.environ:
        program = _OLD_ITSELF.format(**told | {"root": str(index.parent)})
        commands[_OLD] = [python_of("superqode"), "-c", program + _PRINT]
    commands[_OURS] = [sys.executable, "-c", _OUR_PROGRAM.format(**told) + _PRINT]
    commands["superqode sessions list"] = [*our_command(), "sessions", "--store", str(root), "list"]
    return process_ms(commands, as_installed(bench), bench.choose(15, 2))


def _store(bench: Bench, size: int) -> Path:
    return bench.root / f"list-{size}"


def _index(bench: Bench, size: int) -> Path:
    return bench.root / f"index-{size}" / "index.json"


def _one_size(bench: Bench, size: int) -> dict[str, float]:
    root = _store(bench, size)
    commits = make_branches(bench, root, size)
    if size > _LOOSE_AT_MOST:
        run_git(root, "pack-refs", "--all")
    index = _old_index(_index(bench, size), size)
    sorting = (
        "for-each-ref",
        "--sort=-committerdate",
        f"--count={_SHOWN}",
        "--format=%(refname)",
        "refs/heads/",
    )
    with SessionStore(root, user=USER) as store:
        first, shown = timed(lambda: store.list_sessions(limit=_SHOWN))
        if len(shown) != _SHOWN:
            raise AssertionError(f"{len(shown)} sessions were listed")
        time.sleep(_SETTLE)
        store.list_sessions(limit=_SHOWN)
        same = [timed(lambda: store.list_sessions(limit=_SHOWN))[0] for _ in range(bench.choose(200, 20))]
        changed = [_after_change(store, root, commits, turn) for turn in range(bench.choose(7, 1))]
        return {
            "superqode 2.25.0's way: index.json": median_ms([timed(lambda: _list_old(index))[0] for _ in range(5)]),
            "git for-each-ref, a process": median_ms([timed(lambda: run_git(root, *sorting))[0] for _ in range(5)]),
            "this library, nothing changed": median_ms(same),
            "… after one foreign change": median_ms(changed),
            "… the index made anew": first * 1000,
        }


def make_branches(bench: Bench, root: Path, count: int) -> list[str]:
    """Make a store with so many branches, loose, on a handful of commits; gives the commits."""
    workload = bench.workload()
    with SessionStore(root, durability="fast", user=USER) as store:
        sessions = [make_session(f"seed-{number}", workload.turns(4, number * 4)) for number in range(_COMMITS)]
        commits = [store.save(session).tip for session in sessions]
    lines = [f"create refs/heads/s-{number:06d} {commits[number % _COMMITS]}\n" for number in range(count - _COMMITS)]
    quickly = ("-c", "core.fsync=none", "-c", "core.logAllRefUpdates=false")
    run_git(root, *quickly, "update-ref", "--stdin", data="".join(lines).encode())
    return commits


def _after_change(store: SessionStore, root: Path, commits: list[str], turn: int) -> float:
    """Move one branch with plain git, then list; gives the seconds of the listing."""
    time.sleep(_SETTLE)
    store.list_sessions(limit=_SHOWN)
    run_git(root, "update-ref", f"refs/heads/s-{turn:06d}", commits[(turn + 1) % _COMMITS])
    return timed(lambda: store.list_sessions(limit=_SHOWN))[0]


def _old_index(path: Path, count: int) -> Path:
    lines: dict[str, dict[str, object]] = {}
    for number in range(count):
        name, moment = f"s-{number:06d}", (BEGAN + timedelta(seconds=number)).isoformat()
        lines[name] = {"id": name, "title": "Measured", "created_at": moment, "updated_at": moment}
        lines[name] |= {"project_path": PROJECT, "message_count": 4, "agents_used": ["fullstack"], "tags": []}
    path.parent.mkdir()
    path.write_text(json.dumps(lines, indent=2), "utf-8")
    return path


def _list_old(path: Path) -> list[dict[str, object]]:
    lines = json.loads(path.read_text("utf-8")).values()
    return sorted(lines, key=lambda line: str(line["updated_at"]), reverse=True)[:_SHOWN]
