"""Listing 50 of very many sessions: when nothing changed, and right after plain git moved a branch.

The branches share a handful of commits, which a listing does not notice. Up to 10,000 of them are loose files; more are
in `packed-refs`, as maintenance leaves them.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench import Bench, median_ms, timed
from ours import USER, make_session
from peers import run_git
from table import Row, Section, most
from workload import BEGAN, PROJECT

from superqode.session import SessionStore

__all__ = ["make_branches", "measure"]

_SHOWN: Final = 50
_LOOSE_AT_MOST: Final = 10_000
_COMMITS: Final = 7
# File times within two seconds of a look prove nothing (Git's racy rule), so a store needs this long to settle.
_SETTLE: Final = 2.2

Times = dict[str, dict[str, float]]


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section."""
    sizes = bench.choose((100, 10_000, 100_000), (100, 1_000))
    times: Times = {}
    for size in sizes:
        bench.say(f"listing 50 of {size:,} sessions")
        column = f"{size:,}"
        for label, value in _one_size(bench, size).items():
            times.setdefault(label, {})[column] = value
    columns = tuple(f"{size:,}" for size in sizes)
    limits = {"this library, nothing changed": dict.fromkeys(columns, most(1))}
    limits["… after one foreign change"] = {f"{size:,}": most(25) for size in sizes if size == _LOOSE_AT_MOST}
    rows = [Row(label, values, limits=limits.get(label, {})) for label, values in times.items()]
    return [Section("list", "list 50 of so many sessions, ms", columns, rows)]


def _one_size(bench: Bench, size: int) -> dict[str, float]:
    root = bench.root / f"list-{size}"
    commits = make_branches(bench, root, size)
    if size > _LOOSE_AT_MOST:
        run_git(root, "pack-refs", "--all")
    index = _old_index(bench.root / f"index-{size}.json", size)
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
        changed = [_after_change(store, root, commits, turn) for turn in range(bench.choose(7, 2))]
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
    path.write_text(json.dumps(lines, indent=2), "utf-8")
    return path


def _list_old(path: Path) -> list[dict[str, object]]:
    lines = json.loads(path.read_text("utf-8")).values()
    return sorted(lines, key=lambda line: str(line["updated_at"]), reverse=True)[:_SHOWN]
