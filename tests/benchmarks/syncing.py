"""Two machines' stores kept alike through a local remote, beside git moving the same commits and rsync of JSON Lines.

rsync is measured where it is installed.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench import Bench, timed
from ours import USER, make_session, to_entry
from peers import run_git
from table import Row, Section, most
from workload import json_line

from superqode.session import SessionStore, SessionSync
from superqode.session.sync import setup

__all__ = ["measure"]

_FIRST: Final = "first s"
_CHANGED: Final = "one ms"
_NOTHING: Final = "none ms"
_SENT: Final = "one KiB"
_MESSAGES: Final = 10
# A push there, a fetch here: what is done on the machine that has something new, and on the one that gets it.
_Pair = tuple[Callable[[], Any], Callable[[], Any]]


def measure(bench: Bench) -> list[Section]:
    """Measure and give one section: the first time, with one session changed, with nothing new."""
    count = bench.choose(1_000, 20)
    bench.say(f"making {count:,} sessions of {_MESSAGES} messages")
    ways = _ways(bench, count)
    names = [name for way in ways for name in way]
    told: dict[str, dict[str, float]] = {name: {} for name in names}
    rounds = bench.choose(5, 1)
    with SessionStore(bench.root / "store", user=USER) as store:
        for (there, here), (push, fetch), remote in _made(bench, ways):
            bench.say(f"{there}, {here}")
            for name, action in ((there, push), (here, fetch)):
                told[name][_FIRST] = timed(action)[0]
            seconds: dict[tuple[str, str], list[float]] = {}
            sent: list[int] = []
            for turn in range(rounds):
                _change(bench, store, turn)
                before = _weight(remote)
                for name, action in ((there, push), (here, fetch)):
                    seconds.setdefault((name, _CHANGED), []).append(timed(action)[0] * 1000)
                sent.append(_weight(remote) - before)
                for name, action in ((there, push), (here, fetch)):
                    seconds.setdefault((name, _NOTHING), []).append(timed(action)[0] * 1000)
            for (name, column), times in seconds.items():
                told[name][column] = statistics.median(times)
            told[there][_SENT] = statistics.median(sent) / 1024
    section = Section("sync", f"sync {count:,} sessions over a local remote", (_FIRST, _CHANGED, _NOTHING, _SENT))
    for name in names:
        peer = told["git push" if "there" in name else "git fetch"][_FIRST]
        limits = {_FIRST: most(round(3 * peer + 2, 1))} if "sealed" in name else {}
        section.rows.append(Row(name, told[name], limits=limits))
    return [section]


def _ways(bench: Bench, count: int) -> list[tuple[str, str]]:
    with SessionStore(bench.root / "store", durability="fast", user=USER) as store:
        lines = bench.root / "lines"
        lines.mkdir()
        for number in range(count):
            turns = list(bench.workload(number).turns(_MESSAGES))
            store.save(make_session(f"s{number:05d}", turns))
            text = b"".join(json_line(record) for turn in turns for record in turn)
            (lines / f"s{number:05d}.jsonl").write_bytes(text)
        store.maintain()
    ways = [("git push", "git fetch")]
    if shutil.which("rsync") is not None:
        ways.append(("rsync of JSON Lines, there", "rsync of JSON Lines, back"))
    return [*ways, ("sync, sealed, there", "sync, sealed, here"), ("sync, plain, there", "sync, plain, here")]


def _made(bench: Bench, ways: list[tuple[str, str]]) -> list[tuple[tuple[str, str], _Pair, Path]]:
    return [(way, *_pair(bench, way[0])) for way in ways]


def _pair(bench: Bench, name: str) -> tuple[_Pair, Path]:
    slug = name.replace(" ", "-").replace(",", "")
    if name.startswith("rsync"):
        there, back = bench.root / "there", bench.root / "back"
        copy = ("rsync", "--archive", "--delete")
        return (
            lambda: subprocess.run([*copy, f"{bench.root / 'lines'}/", f"{there}/"], check=True),
            lambda: subprocess.run([*copy, f"{there}/", f"{back}/"], check=True),
        ), there
    remote = bench.root / f"{slug}.git"
    remote.mkdir()
    run_git(remote, "init", "--quiet", "--bare")
    if name == "git push":
        into = bench.root / "fetched.git"
        into.mkdir()
        run_git(into, "init", "--quiet", "--bare")
        hooks = ("-c", "core.hooksPath=/dev/null")  # the store's own hook refuses plain sessions
        everything = ("refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
        return (
            lambda: run_git(bench.root / "store", *hooks, "push", "--quiet", str(remote), *everything),
            lambda: run_git(into, "fetch", "--quiet", str(remote), *everything),
        ), remote
    stores = [SessionStore(bench.root / folder, user=USER) for folder in ("store", f"{slug}-here")]
    plain = "plain" in name
    begun = setup.begin(stores[0], str(remote), plain=plain, keyring=False)
    syncs = [SessionSync(store, str(remote)) for store in stores]

    def here() -> Any:
        if not plain and not (remote.parent / f"{slug}-joined").exists():
            (remote.parent / f"{slug}-joined").touch()
            setup.join(stores[1], str(remote), begun.words, keyring=False)
        return syncs[1].run()

    if plain:
        setup.begin(stores[1], str(remote), plain=True, keyring=False)
    return (syncs[0].run, here), remote


def _change(bench: Bench, store: SessionStore, turn: int) -> None:
    session = store.load("s00007")
    record = bench.workload(7).appended(turn + len(session.messages))
    session.add(to_entry(record))
    store.save(session)
    with (bench.root / "lines" / "s00007.jsonl").open("ab") as file:
        file.write(json_line(record))


def _weight(remote: Path) -> int:
    return sum(path.stat().st_size for path in remote.rglob("*") if path.is_file())
