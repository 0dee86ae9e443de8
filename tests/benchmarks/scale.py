"""Very many sessions, and a very long one: what one session costs must not grow with the others, nor its end with it.

Each session is one of its own, with a title, a project, a tag and one message, as `git fast-import` writes them in a
minute; the branches are in `packed-refs`, as maintenance leaves them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

from bench import Bench, median_ms, timed
from ours import USER
from peers import run_git
from table import Row, Section, most, ratios
from workload import BEGAN, PROJECT, Workload

from superqode.session import Message, Session, SessionStore
from superqode.session.codec import layout, message
from superqode.session.codec.entry import encode_entry
from superqode.session.codec.meta import Meta, encode_meta
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import HEADS

__all__ = ["make_sessions", "measure"]

_SETTLE: Final = 2.2
_SHOWN: Final = 50
_BESIDE: Final = 5.0  # seconds of saving, alone and beside maintenance
_SEARCHED: Final = "nothing-has-this-word function"
# How many times as long as with the smallest store: what one session costs, and how much a machine's caches add.
_GROWS: Final = 2

Times = dict[str, dict[str, float]]


def measure(bench: Bench) -> list[Section]:
    """Measure and give three sections."""
    sizes = bench.choose((100, 10_000, 100_000), (100, 300))
    times: Times = {}
    for size in sizes:
        bench.say(f"{size:,} sessions")
        root = bench.root / f"scale-{size}"
        make_sessions(bench.workload(), root, size)
        for label, value in _one_size(bench, root).items():
            times.setdefault(label, {})[f"{size:,}"] = value
    columns = tuple(f"{size:,}" for size in sizes)
    smallest, others = columns[0], columns[1:]
    rows: list[Row] = []
    for label, values in times.items():
        rows.append(Row(label, values))
        if label not in _WHOLE:
            grown = ratios({column: values[column] for column in others}, dict.fromkeys(others, values[smallest]))
            rows.append(Row(f"… ÷ {smallest}", grown, "x", limits={column: most(_GROWS) for column in others}))
    beside = _beside_maintenance(bench, bench.root / f"scale-{sizes[-1]}")
    return [
        Section("scale", "so many sessions, ms", columns, rows),
        Section("scale-maintenance", f"saves, {columns[-1]} sessions, ms", ("median", "longest"), beside),
        _endings(bench),
    ]


# What looks at each session, and so takes as long as there are sessions.
_WHOLE: Final = ("the index made anew", "all words read for the search", "the tree of all", "a quick verify of all")


def _one_size(bench: Bench, root: Path) -> dict[str, float]:
    often = bench.choose(40, 5)
    found: dict[str, float] = {}
    with SessionStore(root, user=USER) as store:
        found["the index made anew"] = timed(store.list_sessions)[0] * 1000
        found["all words read for the search"] = timed(lambda: store.search(_SEARCHED))[0] * 1000
        time.sleep(_SETTLE)
        store.list_sessions(limit=_SHOWN)
        session = store.load("s-000001")

        def many(action: Callable[[], object]) -> float:
            return median_ms([timed(action)[0] for _ in range(often)])

        def append() -> None:
            session.add_message("user", "more")
            store.save(session)

        def begin() -> None:
            fresh = Session(title="Fresh")
            fresh.add_message("user", "more")
            store.save(fresh)

        found[f"list {_SHOWN}, nothing changed"] = many(lambda: store.list_sessions(limit=_SHOWN))
        found["list by project"] = many(lambda: store.list_sessions(project_path=f"{PROJECT}-1", limit=1))
        found["search, a rare word"] = many(lambda: store.search(_SEARCHED))
        found["load one"] = many(lambda: store.load("s-000050"))
        found["load the latest"] = many(store.load_latest)
        found["find one by its id"] = many(lambda: store.resolve("s-000050"))
        found["save one more message"] = many(append)
        found["save a new session"] = many(begin)
        found[f"list {_SHOWN} after a save"] = median_ms(list(_lists_after(append, store, often)))
        found["the tree of all"] = timed(lambda: store.list_sessions())[0] * 1000
        found["a quick verify of all"] = timed(lambda: store.verify(level="quick"))[0] * 1000
    listing = (sys.executable, "-m", "superqode", "sessions", "--store", str(root), "list")
    found["sessions list, a process"] = median_ms([timed(lambda: _run(listing))[0] for _ in range(bench.choose(7, 1))])
    return found


def _lists_after(append: Callable[[], None], store: SessionStore, often: int) -> Iterator[float]:
    for _ in range(often):
        append()
        yield timed(lambda: store.list_sessions(limit=_SHOWN))[0]


def _run(command: tuple[str, ...]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPERQODE_")}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def make_sessions(workload: Workload, root: Path, count: int) -> None:
    """Make a store of so many sessions, `s-000000` and so on, each with one message of its own."""
    with SessionStore(root, durability="fast", user=USER) as store:
        store.save(Session(id="first", created_at=BEGAN))
        marks = root / "marks"
        # Names, not branches: git makes a file for each of those, one by one.
        command = ["git", "-C", str(root), "fast-import", "--quiet", f"--export-marks={marks}"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        if process.stdin is None:
            raise AssertionError("it was opened with a pipe")
        with process.stdin as stream:
            for number in range(count - 1):
                stream.write(_commit(workload, number))
        if process.wait() != 0:
            raise RuntimeError("git fast-import failed")
        lines = [line.split() for line in marks.read_text("ascii").splitlines()]
        made = {f"{HEADS}s-{int(mark[1:]) - 1:06d}": PackedRef(oid) for mark, oid in lines}
        repository = store._open()
        if repository is None:
            raise AssertionError("it was made a moment ago")
        repository.refs.create_all(made)
        marks.unlink()
        run_git(root, "update-ref", "-d", "refs/superqode/scratch")
        store.maintain()


def _commit(workload: Workload, number: int) -> bytes:
    when = BEGAN + timedelta(seconds=number)
    name = f"s-{number:06d}"
    said = Message(id=f"m-{number}", role="user", content=workload.appended(number)["content"][:300], timestamp=when)
    described = {
        "title": f"Measured {number}",
        "project_path": f"{PROJECT}-{number % 50}",
        "tags": [f"t-{number % 20}"],
    }
    session = Session(id=name, created_at=when, updated_at=when, **described)
    story = message.Story(message.save_subject([said], changed=True), name, when, messages=(1, 1), executions=(0, 0))
    files = {layout.FORMAT_FILE: layout.format_bytes(), layout.META_FILE: encode_meta(Meta.of(session))}
    files |= {f"{layout.TIMELINE}/0000/00/{file}": data for file, data in encode_entry(said, "00")}
    ident = f"A <a@example.invalid> {int(when.timestamp())} +0000"
    head = f"reset refs/superqode/scratch\ncommit refs/superqode/scratch\nmark :{number + 1}\ncommitter {ident}\n"
    parts = [head.encode(), _data(message.compose(story))]
    for path, data in files.items():
        parts += [f"M 100644 inline {path}\n".encode(), _data(data)]
    return b"".join(parts)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _beside_maintenance(bench: Bench, root: Path) -> list[Row]:
    """Save into the largest store, alone and beside a process that maintains it as saves have it done."""
    bench.say("saving beside maintenance")
    seconds = bench.choose(_BESIDE, 0.2)
    with SessionStore(root, user=USER) as store:
        session = Session(title="Saved beside maintenance")
        session.add_message("user", "begin")
        store.save(session)
        alone = _saves(store, session, seconds, lambda: True)
        code = (
            f"from superqode.session import SessionStore\nSessionStore({str(root)!r}).maintain(prune_older_than=None)"
        )
        with subprocess.Popen([sys.executable, "-c", code]) as child:
            beside = _saves(store, session, seconds, lambda: child.poll() is not None)
    columns = {
        label: {"median": median(values) * 1000, "longest": max(values) * 1000}
        for label, values in (("alone", alone), ("beside maintenance", beside))
    }
    rows = [Row(label, values) for label, values in columns.items()]
    return [*rows, Row("… ÷ alone", ratios(columns["beside maintenance"], columns["alone"]), "x")]


def _saves(store: SessionStore, session: Session, seconds: float, done: Callable[[], bool]) -> list[float]:
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or not done():
        session.add_message("user", "more")
        taken.append(timed(lambda: store.save(session))[0])
        time.sleep(0.002)
    return taken


def _endings(bench: Bench) -> Section:
    """Open the last entries of a short and of an enormous session, and go on in them."""
    sizes = bench.choose((100, 100_000), (100, 1_000))
    bench.say(f"opening the end of {sizes[-1]:,} messages")
    workload = bench.workload()
    opened: dict[str, float] = {}
    saved: dict[str, float] = {}
    with SessionStore(bench.root / "scale-long", durability="fast", user=USER) as store:
        for size in sizes:
            session = Session(id=f"of-{size}", created_at=BEGAN)
            for number in range(size):
                said = workload.appended(number)["content"][:500]
                moment = BEGAN + timedelta(seconds=number)
                session.add(Message(id=f"m-{number}", role="user", content=said, timestamp=moment))
            store.save(session)
        store.maintain()
    with SessionStore(bench.root / "scale-long", user=USER) as store:
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(bench.choose(60, 5)):  # in turns, so that what else runs slows both
            for size in sizes:
                times[size].append(timed(lambda size=size: store.load(f"of-{size}", last=_SHOWN).ending(_SHOWN))[0])  # type: ignore[misc]
        for size in sizes:
            session = store.load(f"of-{size}", last=_SHOWN)
            column = f"{size:,}"
            opened[column] = median_ms(times[size])
            saved[column] = median_ms(_saves(store, session, bench.choose(1.0, 0.1), lambda: True))
            if session.is_whole != (size <= _SHOWN):
                raise AssertionError("the beginning was read")
    columns = tuple(f"{size:,}" for size in sizes)
    rows: list[Row] = []
    for label, values in ((f"open the last {_SHOWN}", opened), ("… and save one more", saved)):
        grown = {columns[-1]: values[columns[-1]] / values[columns[0]]}
        rows += [Row(label, values), Row(f"… ÷ {columns[0]}", grown, "x", limits={columns[-1]: most(_GROWS)})]
    return Section("scale-end", "the end of so many messages, ms", columns, rows)
