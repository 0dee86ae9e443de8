"""Very many sessions, and a very long one: what one session costs must not grow with the others, nor its end with it.

Each session is one of its own, with a title, a project, a tag and one message, as `git fast-import` writes them in a
minute; the branches are in `packed-refs`, as maintenance leaves them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
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
from superqode.session.errors import SessionNotFound
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import HEADS
from superqode.session.store.lineage import walk_lineage
from superqode.tui.listing import Lister

__all__ = ["make_sessions", "measure"]

_PROGRAM: Final = "from superqode.cli import main; main()"
_SETTLE: Final = 2.2
_SHOWN: Final = 50
_BESIDE: Final = 5.0  # seconds of saving, alone and beside maintenance
_UNSAID: Final = "unsaid"  # a word that no session has, one that very many have, and one in the title of all
_SAID: Final = "the"
_TITLED: Final = "measured"
# How many times as long as with the smallest store: what one session costs, and how much a machine's caches add.
_GROWS: Final = 2

Times = dict[str, dict[str, float]]


def measure(bench: Bench) -> list[Section]:
    """Measure and give three sections."""
    sizes = bench.choose((100, 10_000, 100_000), (100, 300))
    roots = {f"{size:,}": bench.root / f"scale-{size}" for size in sizes}
    for size, root in zip(sizes, roots.values(), strict=True):
        bench.say(f"making {size:,} sessions")
        make_sessions(bench.workload(), root, size)
    times = _times(bench, roots)
    columns = tuple(f"{size:,}" for size in sizes)
    smallest, others = columns[0], columns[1:]
    rows: list[Row] = []
    for label, values in times.items():
        rows.append(Row(label, values, limits=dict.fromkeys(columns, most(_QUICK)) if label in _BOUNDED else {}))
        if label not in (*_WHOLE, *_BOUNDED):
            grown = ratios({column: values[column] for column in others}, dict.fromkeys(others, values[smallest]))
            rows.append(Row(f"… ÷ {smallest}", grown, "x", limits={column: most(_GROWS) for column in others}))
    beside = _beside_maintenance(bench, bench.root / f"scale-{sizes[-1]}")
    return [
        Section("scale", "so many sessions, ms", columns, rows),
        Section("scale-maintenance", f"saves, {columns[-1]} sessions, ms", ("median", "longest"), beside),
        _endings(bench),
    ]


# What grows up to a number of sessions, or so little that it is quick at a hundred thousand; in milliseconds.
_RELISTED: Final = "list all again, one changed"
_BEGUN_SO: Final = f"list {_SHOWN} whose ids begin so"
_BOUNDED: Final = ("search a word that most have", "search a word of every title", _RELISTED, _BEGUN_SO)
_QUICK: Final = 20

# What looks at each session, and so takes as long as there are sessions.
_MISSED: Final = "look for one that is not there"
_WHOLE: Final = (
    "the index made anew",
    "all words read for the search",
    _MISSED,
    "the tree of all",
    "a quick verify of all",
)


def _times(bench: Bench, roots: Mapping[str, Path]) -> Times:
    """Time everything in each store: the stores take turns, so that what else the machine does slows all alike."""
    times: Times = {}
    with ExitStack() as opened:
        asked = {column: _Asked(opened.enter_context(SessionStore(root, user=USER))) for column, root in roots.items()}
        often = bench.choose(60, 5)
        for label, action in _ACTIONS.items():
            bench.say(label)
            if label == _SETTLED:
                time.sleep(_SETTLE)
                for store in asked.values():
                    store.listed()
            seen: dict[str, list[float]] = {column: [] for column in asked}
            for _ in range(1 if label in _WHOLE else often):
                for column, store in asked.items():
                    seen[column].append(action(store))
            times[label] = {column: median_ms(taken) for column, taken in seen.items()}
    seen = {column: [] for column in roots}
    for _ in range(bench.choose(9, 1)):
        for column, root in roots.items():
            seen[column].append(timed(lambda root=root: _run(root))[0])  # type: ignore[misc]
    times["sessions list, a process"] = {column: median_ms(taken) for column, taken in seen.items()}
    return times


class _Asked:
    """A store being asked; each method gives the seconds it took."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._session: Session | None = None
        self._lister = Lister(store)

    def indexed(self) -> float:
        return timed(lambda: self._store.list_sessions(limit=1))[0]

    def read_words(self) -> float:
        return timed(lambda: self._store.search(_UNSAID))[0]

    def searched_said(self) -> float:
        return timed(lambda: self._store.search(_SAID))[0]

    def searched_title(self) -> float:
        return timed(lambda: self._store.search(_TITLED))[0]

    def missed(self) -> float:
        return timed(self._miss)[0]

    def _miss(self) -> None:
        with suppress(SessionNotFound):
            self._store.resolve("nothing")

    def listed(self) -> float:
        return timed(lambda: self._store.list_sessions(limit=_SHOWN))[0]

    def listed_project(self) -> float:
        return timed(lambda: self._store.list_sessions(project_path=f"{PROJECT}-1", limit=1))[0]

    def loaded(self) -> float:
        return timed(lambda: self._store.load("s-000050"))[0]

    def loaded_latest(self) -> float:
        return timed(self._store.load_latest)[0]

    def found(self) -> float:
        return timed(lambda: self._store.resolve("firs"))[0]

    def appended(self) -> float:
        session = self._session = self._session or self._store.load("s-000001")
        session.add_message("user", "more")
        return timed(lambda: self._store.save(session))[0]

    def begun(self) -> float:
        return self._begun(Session(title="Fresh"))

    def begun_by_name(self) -> float:
        return self._begun(Session(id=f"Named-{time.time_ns()}"))

    def _begun(self, session: Session) -> float:
        session.add_message("user", "begin")
        return timed(lambda: self._store.save(session))[0]

    def listed_after(self) -> float:
        self.appended()
        return self.listed()

    def relisted(self) -> float:
        self._lister.all()
        self.appended()
        return timed(self._lister.all)[0]

    def begun_so(self) -> float:
        return timed(lambda: self._store.list_sessions(beginning="s-0000", limit=_SHOWN))[0]

    def tree(self) -> float:
        return timed(lambda: list(walk_lineage(self._store.list_sessions())))[0]

    def verified(self) -> float:
        return timed(lambda: self._store.verify(level="quick"))[0]


_SETTLED: Final = f"list {_SHOWN}, nothing changed"
_ACTIONS: Final[dict[str, Callable[[_Asked], float]]] = {
    "the index made anew": _Asked.indexed,
    "all words read for the search": _Asked.read_words,
    _SETTLED: _Asked.listed,
    "list of a project": _Asked.listed_project,
    "search a word that none has": _Asked.read_words,
    "search a word that most have": _Asked.searched_said,
    "search a word of every title": _Asked.searched_title,
    "load one": _Asked.loaded,
    "load the latest": _Asked.loaded_latest,
    "find one by its beginning": _Asked.found,
    _MISSED: _Asked.missed,
    "save one more message": _Asked.appended,
    "save a new session": _Asked.begun,
    "save a new session, its id given": _Asked.begun_by_name,
    f"list {_SHOWN} after a save": _Asked.listed_after,
    _RELISTED: _Asked.relisted,
    _BEGUN_SO: _Asked.begun_so,
    "the tree of all": _Asked.tree,
    "a quick verify of all": _Asked.verified,
}


def _run(root: Path) -> None:
    """Run `superqode sessions list` as a person does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPERQODE_")}
    command = (sys.executable, "-c", _PROGRAM, "sessions", "--store", str(root), "list")
    subprocess.run(command, env=environment, check=True, capture_output=True)


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
